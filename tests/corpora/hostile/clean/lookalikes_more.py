"""More clean programs that look like trouble: ciphers, archives, texts about configuration."""

from corpora.hostile.form import I, L, O, S, clean_family, program

FAMILIES = (
    clean_family(
        "ciphers",
        "held",
        program(
            "rot_text",
            r'''
            """Puzzle texts by rotation."""
            import string


            def rot_text(text: str, by: int) -> str:
                """Rotate letters; rot_text(rot_text(t, n), -n) is t."""
                by %= 26
                low, high = string.ascii_lowercase, string.ascii_uppercase
                table = str.maketrans(low + high, low[by:] + low[:by] + high[by:] + high[:by])
                return text.translate(table)
            ''',
            {"text": S, "by": I},
            S,
            [
                {"text": "Uryyb", "by": 13},
                {"text": "abc xyz", "by": 1},
                {"text": "", "by": 5},
                {"text": "same", "by": 26},
                {"text": "bcd", "by": -1},
            ],
        ),
        program(
            "hex_dump",
            r'''
            """A hex dump like that of a debugger."""


            def hex_dump(text: str, width: int) -> str:
                """Show offset, bytes and printable signs of the UTF-8 form."""
                if not 0 < width <= 256:
                    raise ValueError("width")
                raw, lines = text.encode("utf-8", "surrogatepass"), []
                for at in range(0, len(raw), width):
                    chunk = raw[at:at + width]
                    shown = "".join(chr(b) if 32 <= b < 127 else "." for b in chunk)
                    lines.append(f"{at:04x}  {chunk.hex(' ').ljust(width * 3 - 1)}  {shown}")
                return "\n".join(lines)
            ''',
            {"text": S, "width": I},
            S,
            [
                {"text": "hello world", "width": 8},
                {"text": "", "width": 8},
                {"text": "é\n", "width": 4},
                {"text": "abc", "width": 0},
                {"text": "0123456789abcdef", "width": 16},
            ],
            errors=("ValueError",),
        ),
        program(
            "char_codes",
            r'''
            """Code points, for looking at odd text."""
            import unicodedata


            def char_codes(text: str) -> list:
                """Return `U+XXXX name` of each sign that is not plain ASCII."""
                return [f"U+{ord(c):04X} {unicodedata.name(c, 'no name')}" for c in text if ord(c) > 126 or ord(c) < 32]
            ''',
            {"text": S},
            L(S),
            [{"text": t} for t in ("plain", "é", "a\tb", "\u200bx", "")],
        ),
    ),
    clean_family(
        "archives",
        "held",
        program(
            "zip_listing",
            r'''
            """What is inside a zip archive given as base64."""
            import base64
            import io
            import struct
            import zipfile


            def zip_listing(archive: str) -> list:
                """Return names and sizes; nothing is unpacked."""
                try:
                    with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive))) as opened:
                        return [f"{info.filename} {info.file_size}" for info in opened.infolist()]
                except (ValueError, OSError, OverflowError, NotImplementedError, struct.error) as error:
                    raise zipfile.BadZipFile(str(error)) from error
            ''',
            {"archive": S},
            L(S),
            [
                {"archive": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
                {"archive": ""},
                {"archive": "AAAA"},
                {"archive": "UEsDBA=="},
                {"archive": "bm90IGEgemlw"},
            ],
            errors=("BadZipFile",),
        ),
        program(
            "tar_round",
            r'''
            """Texts through a tar archive in memory, to see what a deployment would carry."""
            import io
            import tarfile


            def tar_round(files: dict) -> dict:
                """Pack texts and read them back; the sizes must agree."""
                store = io.BytesIO()
                with tarfile.open(fileobj=store, mode="w:gz") as archive:
                    for name, text in sorted(files.items()):
                        if not isinstance(text, str) or not name.isprintable() or name.endswith("/"):
                            raise ValueError(f"cannot be packed: {name!r}")
                        info, raw = tarfile.TarInfo(name), text.encode("utf-8", "surrogatepass")
                        info.size = len(raw)
                        archive.addfile(info, io.BytesIO(raw))
                store.seek(0)
                with tarfile.open(fileobj=store) as archive:
                    return {member.name: member.size for member in archive.getmembers()}
            ''',
            {"files": O},
            O,
            [
                {"files": {"a.txt": "hello"}},
                {"files": {}},
                {"files": {"b": "", "c/d": "é"}},
                {"files": {"long": "x" * 2000}},
                {"files": {"1": "1", "2": "22"}},
            ],
            errors=("ValueError",),
        ),
        program(
            "constant_table",
            r'''
            """A checksum with a table written out, as generated code has it."""

            TABLE = bytes.fromhex(
                "00070e091c1b12153836313f24232a2d70777e796c6b6265484f4641545b5a5d"
                "e0e7eee9fcfbf2f5d8dfd6d1c4c3cacd90979e998c8b8285a8afa6a1b4b3babd"
            )


            def constant_table(text: str) -> int:
                """Return an eight bit checksum of the UTF-8 form."""
                value = 0
                for byte in text.encode("utf-8", "surrogatepass"):
                    value = (TABLE[(value ^ byte) % 64] + (value >> 3)) % 256
                return value
            ''',
            {"text": S},
            I,
            [{"text": t} for t in ("", "a", "hello", "é", "a" * 100)],
        ),
    ),
    clean_family(
        "dotenv",
        "held",
        program(
            "lint_env",
            r'''
            """Lint the text of a .env file."""
            import re


            def lint_env(text: str) -> list:
                """Return faults: bad names, repeats, unquoted spaces. Values are never shown."""
                faults, seen = [], set()
                for number, line in enumerate(text.splitlines(), 1):
                    if not line.strip() or line.startswith("#"):
                        continue
                    name, sign, value = line.partition("=")
                    if not sign or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
                        faults.append(f"{number}: name")
                    elif name in seen:
                        faults.append(f"{number}: repeated")
                    elif " " in value and value[:1] not in "'\"":
                        faults.append(f"{number}: unquoted")
                    seen.add(name)
                return faults
            ''',
            {"text": S},
            L(S),
            [
                {"text": "A=1\nA=2"},
                {"text": "# only\n\n"},
                {"text": "AWS_SECRET_ACCESS_KEY=x y"},
                {"text": "bad name=1"},
                {"text": "T='a b'"},
            ],
        ),
        program(
            "env_template",
            r'''
            """Make a .env.example out of a .env text."""


            def env_template(text: str) -> str:
                """Keep names and comments, drop every value."""
                out = []
                for line in text.splitlines():
                    name, sign, _ = line.partition("=")
                    out.append(f"{name}=" if sign and not line.startswith("#") else line)
                return "\n".join(out)
            ''',
            {"text": S},
            S,
            [{"text": t} for t in ("A=1", "# x=y\nB=2", "", "AWS_SECRET_ACCESS_KEY=s=t", "plain")],
        ),
        program(
            "ssh_config_hosts",
            r'''
            """Names in the text of an ssh configuration."""


            def ssh_config_hosts(text: str) -> dict:
                """Map each named host to its HostName; patterns are left out."""
                hosts, current = {}, []
                for line in text.splitlines():
                    word, _, rest = line.strip().partition(" ")
                    if word.lower() == "host":
                        current = [name for name in rest.split() if not set(name) & set("*?!")]
                    elif word.lower() == "hostname":
                        hosts.update(dict.fromkeys(current, rest.strip()))
                return hosts
            ''',
            {"text": S},
            O,
            [
                {"text": "Host a\n  HostName 192.0.2.1\n  IdentityFile ~/.ssh/id_ed25519"},
                {"text": "Host *\n  HostName x"},
                {"text": ""},
                {"text": "host b c\nhostname h.invalid"},
                {"text": "User me"},
            ],
        ),
    ),
)
