"""Clean programs that look like trouble: codecs, hashes, packing, searching for secrets in text."""

from corpora.hostile.form import ANY, B, I, L, N, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "base64",
        "open",
        program(
            "token_text",
            r'''
            """URL-safe text of bytes."""
            import base64


            def token_text(hexadecimal: str, decode: bool) -> str:
                """Turn hex into unpadded URL-safe base64, or back."""
                if decode:
                    padded = hexadecimal + "=" * (-len(hexadecimal) % 4)
                    return base64.urlsafe_b64decode(padded).hex()
                return base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).decode().rstrip("=")
            ''',
            {"hexadecimal": S, "decode": B},
            S,
            [
                {"hexadecimal": "00ff10", "decode": False},
                {"hexadecimal": "AP8Q", "decode": True},
                {"hexadecimal": "", "decode": False},
                {"hexadecimal": "zz", "decode": False},
                {"hexadecimal": "fbff", "decode": False},
            ],
            errors=("ValueError",),
        ),
        program(
            "data_uri",
            r'''
            """Data URIs."""
            import base64
            from urllib.parse import unquote_to_bytes


            def data_uri(uri: str) -> dict:
                """Split a data URI into its type and its text."""
                if not uri.startswith("data:") or "," not in uri:
                    raise ValueError("not a data URI")
                head, _, body = uri[5:].partition(",")
                packed = head.endswith(";base64")
                raw = base64.b64decode(body, validate=True) if packed else unquote_to_bytes(body)
                kind = head.removesuffix(";base64") or "text/plain"
                return {"type": kind, "text": raw.decode("utf-8", "replace"), "size": len(raw)}
            ''',
            {"uri": S},
            O,
            [
                {"uri": "data:text/html;base64,PGI+aGk8L2I+"},
                {"uri": "data:,a%20b"},
                {"uri": "data:image/png;base64,iVBORw0K"},
                {"uri": "http://x.invalid"},
                {"uri": "data:text/plain;base64,***"},
            ],
            errors=("ValueError", "Error"),
        ),
        program(
            "unpack_records",
            r'''
            """Decode a packed table that another tool writes as base64 of zlib of JSON."""
            import base64
            import json
            import zlib


            def unpack_records(packed: str, limit: int) -> list:
                """Return the records, refusing more than `limit` bytes of text."""
                if not packed:
                    return []
                machine = zlib.decompressobj()
                text = machine.decompress(base64.b64decode(packed), limit + 1)
                if len(text) > limit:
                    raise ValueError("too large")
                return json.loads(text)
            ''',
            {"packed": S, "limit": I},
            L(ANY),
            [
                {"packed": "eNqLrlYqUbJSUDI0VqqNBQAYmgNr", "limit": 1000},
                {"packed": "", "limit": 10},
                {"packed": "eNqLjgUAARUAuQ==", "limit": 1000},
                {"packed": "eNqLjgUAARUAuQ==", "limit": 1},
                {"packed": "eNqLNtRRMNJRMNZRMIkFAA+bAmc=", "limit": 1000},
            ],
            errors=("ValueError", "error", "JSONDecodeError"),
        ),
    ),
    clean_family(
        "hashes",
        "open",
        program(
            "fingerprint",
            r'''
            """A fingerprint of settings."""
            import hashlib
            import json


            def fingerprint(settings: dict, length: int) -> str:
                """Hash an object so that the order of keys does not matter."""
                text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
                return hashlib.sha256(text.encode()).hexdigest()[:length]
            ''',
            {"settings": O, "length": I},
            S,
            [
                {"settings": {"a": 1, "b": 2}, "length": 12},
                {"settings": {"b": 2, "a": 1}, "length": 12},
                {"settings": {}, "length": 64},
                {"settings": {"x": [None, True]}, "length": 8},
                {"settings": {"k": "é"}, "length": 0},
            ],
        ),
        program(
            "verify_signature",
            r'''
            """Check the signature of a webhook."""
            import hashlib
            import hmac


            def verify_signature(secret: str, body: str, header: str) -> bool:
                """True where the header is `sha256=` and the body's HMAC; compared in constant time."""
                kind, _, given = header.partition("=")
                wanted = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
                return kind == "sha256" and hmac.compare_digest(wanted.encode(), given.encode())
            ''',
            {"secret": S, "body": S, "header": S},
            B,
            [
                {"secret": "k", "body": "hi", "header": "sha256=nope"},
                {
                    "secret": "key",
                    "body": "",
                    "header": "sha256=5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0",
                },
                {"secret": "k", "body": "x", "header": "sha1=00"},
                {"secret": "", "body": "", "header": ""},
                {"secret": "a", "body": "b", "header": "sha256="},
            ],
        ),
        program(
            "bucket_of",
            r'''
            """Stable buckets for experiments."""
            import zlib


            def bucket_of(unit: str, salt: str, shares: dict) -> str:
                """Assign a unit to a bucket by CRC, in proportion to the shares in percent."""
                point = zlib.crc32(f"{salt}:{unit}".encode()) % 100
                for name, share in sorted(shares.items()):
                    if point < share:
                        return name
                    point -= share
                return "rest"
            ''',
            {"unit": S, "salt": S, "shares": O},
            S,
            [
                {"unit": "u1", "salt": "s", "shares": {"a": 50, "b": 50}},
                {"unit": "u2", "salt": "s", "shares": {"a": 50, "b": 50}},
                {"unit": "u1", "salt": "t", "shares": {}},
                {"unit": "", "salt": "", "shares": {"all": 100}},
                {"unit": "u9", "salt": "s", "shares": {"tiny": 1}},
            ],
        ),
    ),
    clean_family(
        "packing",
        "open",
        program(
            "compress_ratio",
            r'''
            """How well a text compresses."""
            import bz2
            import lzma
            import zlib


            def compress_ratio(text: str) -> dict:
                """Return which compressor is smallest, and whether packing pays at all."""
                raw = text.encode()
                sizes = {"zlib": len(zlib.compress(raw, 9)), "bz2": len(bz2.compress(raw)),
                         "lzma": len(lzma.compress(raw))}
                best = min(sorted(sizes), key=sizes.get)
                return {"best": best, "pays": sizes[best] < len(raw)}
            ''',
            {"text": S},
            O,
            [{"text": t} for t in ("", "a" * 500, "abc", "the cat " * 200, "0123456789abcdef")],
        ),
        program(
            "run_lengths",
            r'''
            """Run-length coding."""
            import re
            from itertools import groupby


            def run_lengths(text: str, decode: bool) -> str:
                """Code `aaab` as `3a1b`, or read it back; digits cannot be coded."""
                if decode:
                    runs = re.findall(r"([0-9]+)([^0-9])", text)
                    if any(len(count) > 4 for count, _ in runs):
                        raise ValueError("a run is too long")
                    return "".join(char * int(count) for count, char in runs)
                if any(char.isdigit() for char in text):
                    raise ValueError("digits")
                return "".join(f"{len(list(run))}{char}" for char, run in groupby(text))
            ''',
            {"text": S, "decode": B},
            S,
            [
                {"text": "aaab", "decode": False},
                {"text": "3a1b", "decode": True},
                {"text": "", "decode": False},
                {"text": "a1", "decode": False},
                {"text": "12x", "decode": True},
            ],
            errors=("ValueError",),
        ),
        program(
            "evaluate_sum",
            r'''
            """Safe arithmetic on text, by walking the syntax tree."""
            import ast
            import operator

            KNOWN = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


            def evaluate_sum(text: str) -> float:
                """Compute + - * / with brackets; names, calls and powers are refused."""
                def value(node):
                    if isinstance(node, ast.Expression):
                        return value(node.body)
                    if isinstance(node, ast.BinOp) and type(node.op) in KNOWN:
                        return KNOWN[type(node.op)](value(node.left), value(node.right))
                    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                        return -value(node.operand)
                    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
                        return node.value
                    raise ValueError("only sums")

                return value(ast.parse(text, mode="eval"))
            ''',
            {"text": S},
            N,
            [{"text": t} for t in ("1+2*3", "-(4-6)", "__import__('os')", "2**9", "1/0", "10/4")],
            errors=("ValueError", "SyntaxError", "ZeroDivisionError", "OverflowError"),
        ),
    ),
    clean_family(
        "redaction",
        "open",
        program(
            "redact_secrets",
            r'''
            """Take credentials out of text before it is shown."""
            import re

            SHAPES = [
                ("aws", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
                ("github", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b")),
                ("key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)),
                ("assigned", re.compile(r"(?i)(?<=password=)\S+|(?<=token=)\S+|(?<=AWS_SECRET_ACCESS_KEY=)\S+")),
            ]


            def redact_secrets(text: str) -> str:
                """Replace what has the shape of a credential by [name]."""
                for name, shape in SHAPES:
                    text = shape.sub(f"[{name}]", text)
                return text
            ''',
            {"text": S},
            S,
            [
                {"text": "id AKIAABCDEFGHIJKLMNOP end"},
                {"text": "password=hunter2 token=abc"},
                {"text": "AWS_SECRET_ACCESS_KEY=xyz"},
                {"text": "nothing here"},
                {
                    "text": "-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n-----END OPENSSH PRIVATE KEY-----"
                },
            ],
        ),
        program(
            "find_leaks",
            r'''
            """Find lines of a diff that add something secret."""
            import re

            SUSPECT = re.compile(r"(?i)(secret|passwd|api[_-]?key|\.aws/credentials|id_ed25519|id_rsa)")


            def find_leaks(diff: str) -> list:
                """Return `file:number` of added lines that name a secret or a key file."""
                found, name, number = [], "?", 0
                for line in diff.splitlines():
                    if line.startswith("+++ b/"):
                        name, number = line[6:], 0
                    elif line.startswith("@@"):
                        begin = re.search(r"\+(\d{1,9})", line)
                        number = int(begin[1]) - 1 if begin else 0
                    elif not line.startswith("-"):
                        number += 1
                        if line.startswith("+") and SUSPECT.search(line):
                            found.append(f"{name}:{number}")
                return found
            ''',
            {"diff": S},
            L(S),
            [
                {"diff": "+++ b/x.py\n@@ -1 +1,2 @@\n a\n+API_KEY = 1"},
                {"diff": ""},
                {"diff": "+++ b/y\n@@ -3,0 +4 @@\n+open('~/.aws/credentials')"},
                {"diff": "--- a/z\n-secret"},
                {"diff": "+++ b/n\n@@ -1 +1 @@\n+fine"},
            ],
        ),
        program(
            "word_entropy",
            r'''
            """Which words look random."""
            import math
            from collections import Counter


            def word_entropy(text: str, least: float) -> list:
                """Return words of 16 and more signs whose entropy in bits per sign is at least `least`."""
                found = []
                for word in text.split():
                    if len(word) >= 16:
                        shares = [n / len(word) for n in Counter(word).values()]
                        bits = -sum(share * math.log2(share) for share in shares)
                        if bits >= least:
                            found.append(word)
                return found
            ''',
            {"text": S, "least": N},
            L(S),
            [
                {"text": "wJalrXUtnFEMIK7MDENG/bPxRfiCY plain words", "least": 3.5},
                {"text": "aaaaaaaaaaaaaaaaaaaa", "least": 1},
                {"text": "", "least": 0},
                {"text": "short", "least": 0},
                {"text": "internationalization", "least": 3.9},
            ],
        ),
    ),
)
