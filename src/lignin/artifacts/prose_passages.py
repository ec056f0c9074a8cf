"""A text as an agent reads it: what is visible, and what hides in comments and encodings. Pure.

Letters are brought to one form first (NFKC, look-alikes of other scripts, invisible ones taken out),
so that no spelling trick passes by a rule.
"""

import ast
import base64
import binascii
import codecs
import html
import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lignin.domain.artifacts import HIDDEN

MAX_TEXT = 256 * 1024
MAX_ENCODED = 100
MAX_CLAUSE = 1500
OVERLAP = 400
_DEPTH = 3
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁԛԝһӏʟΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαεικνρτυχАВЕКМНОРСТУХІЈЅ’‘ʼ‐‑–—",
    "aeopcyxijsdqwhllABEZHIKMNOPTYXoaeiknptuxABEKMHOPCTYXIJS'''----",
)
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_REFERENCE = re.compile(r"^\s*\[(?://|comment|_|#|\s)[^\]]*\]:\s*\S*\s*[\"'(](.*?)[\"')]\s*$", re.M)
_UNSEEN = re.compile(
    r"<(\w+)[^>]*(?:display:\s*none|visibility:\s*hidden|font-size:\s*0|opacity:\s*0|\bhidden\b|color:\s*(?:white|#fff))[^>]*>(.*?)</\1>",
    re.DOTALL | re.IGNORECASE,
)
_TITLE = re.compile(r"\]\([^)\s]+\s+[\"'](.+?)[\"']\)|<[^>]+\b(?:alt|title)=[\"'](.+?)[\"']")
_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w+/])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}){16,}(?![0-9A-Za-z])")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}|[\w.-]){12,}")
_SPACED = re.compile(r"\b(?:\w[ ._-]){7,}\w\b")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_COMMON = re.compile(
    r"\b(?:the|and|to|of|is|it|in|that|you|your|this|all|with|for|not|file|user|run|send|read)\b",
    re.I,
)
_END = re.compile(
    r"(?<=[.!?;])\s+|\n\s*(?:[-*+>•]|\d+[.)])\s+|\n\s*\n|\n(?=\s*(?:#|\|))|\s*(?:,\s*)?\b(?:and )?then\b\s+|:\s*\n",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\s*(?:#{1,6}\s+(.*)|(.*):)\s*$")


@dataclass(frozen=True, slots=True)
class Passage:
    """One stretch of text. `where` says how it is hidden from a reader; empty where it is not."""

    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One order or statement, and the heading or lead-in that it stands under."""

    text: str
    under: str
    is_item: bool = False


def plain_letters(text: str) -> str:
    """Return a text with every letter in its plainest form."""
    return HIDDEN.sub("", unicodedata.normalize("NFKC", text)).translate(_LOOKALIKES)


def passages(text: str) -> Iterator[Passage]:
    """Yield the visible text, then everything that a reader of the page does not see."""
    text = plain_letters(text[:MAX_TEXT])
    yield from _opened(text, "", _DEPTH)


def _opened(text: str, where: str, depth: int) -> Iterator[Passage]:
    hidden = [(match.group(1), "a comment") for match in _COMMENT.finditer(text)]
    hidden += [(match.group(1), "a comment") for match in _REFERENCE.finditer(text)]
    hidden += [(match.group(2), "text that is not shown") for match in _UNSEEN.finditer(text)]
    hidden += [(m.group(1) or m.group(2), "a title") for m in _TITLE.finditer(text)]
    hidden += [(said, "signs that nobody sees") for said in _in_selectors(text)]
    hidden += [(turned, "letters in another order") for turned in _turned(text) if depth == _DEPTH]
    seen = _SELECTORS.sub("", _UNSEEN.sub(" ", _COMMENT.sub(" ", text)))
    yield Passage(seen, where)
    if _SPACED.search(seen):
        narrow = _SPACED.sub(lambda found: re.sub(r"[ ._-]", "", found.group()), seen)
        yield Passage(narrow, where or "letters set apart")
    if not depth:
        return
    unescaped = html.unescape(seen)
    if unescaped != seen and re.search(r"&#x?\w+;", seen):
        hidden.append((unescaped, where or "character references"))
    hidden += [(decoded, "encoded text") for decoded in _decoded(text)]
    for inner, how in hidden:
        yield from _opened(plain_letters(inner), how, depth - 1)


def _in_selectors(text: str) -> Iterator[str]:
    """Bytes that are written as variation selectors, which no page shows."""
    for run in _SELECTORS.findall(text):
        codes = [ord(sign) for sign in run]
        raw = bytes(code - 0xFE00 if code < 0xE0000 else code - 0xE00F0 for code in codes)
        yield raw.decode(errors="replace")


def _turned(text: str) -> Iterator[str]:
    """The text in rot13 or backwards, where that reads more like one than the text does."""
    for block in re.split(r"\n\s*\n", text):
        for turned in (codecs.encode(block, "rot13"), block[::-1]):
            if len(_COMMON.findall(turned)) >= max(3, 2 * len(_COMMON.findall(block))):
                yield turned


def _decoded(text: str) -> Iterator[str]:
    """Every encoded stretch that turns into text."""
    count = 0
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, bytes.fromhex), (_PERCENT, _from_url)):
        for match in pattern.finditer(text):
            count += 1
            if count > MAX_ENCODED:
                return
            try:
                raw = decode(match.group())
                plain = raw.decode()
            except (ValueError, binascii.Error):
                continue
            if plain != match.group() and len(plain) >= 8 and plain.isprintable() | ("\n" in plain):
                yield plain


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/").rstrip("=") + "==")


def _from_url(text: str) -> bytes:
    return unquote(text).encode() if "%" in text else b""


def clauses(text: str) -> Iterator[Clause]:
    """Yield each clause with what it stands under: the last heading, and a lead-in before a list."""
    heading, lead = "", ""
    for block in re.split(r"\n(?=\s*#{1,6}\s)|\n\s*\n", text):
        lines = block.strip().splitlines()
        if not lines:
            continue
        first = _HEADING.match(lines[0])
        is_list = re.match(r"\s*(?:[-*+>•|]|\d+[.)]|```|~~~)", lines[0])
        if first and first.group(1) is not None:
            heading, lead = first.group(1), ""
        elif not is_list:
            lead = lines[0] if first else ""
        if lines[-1].rstrip().endswith(":"):
            lead = lines[-1]
        for part in _END.split("\n".join(lines)):
            # A long line may be wrapped: the break is no end.
            joined = re.sub(r"(?<!\\)\n(?!\s*(?:[$#>]|```|~~~))", " ", part).replace("\\\n", " ")
            for piece in joined.split("\n"):
                for each in _bounded(piece.strip()):
                    yield Clause(each, f"{heading}\n{lead}", is_list is not None)


def _bounded(text: str) -> Iterator[str]:
    """A clause in stretches of bounded length that overlap, as the rules' patterns need it."""
    for at in range(0, len(text), MAX_CLAUSE - OVERLAP):
        yield text[at : at + MAX_CLAUSE]
        if at + MAX_CLAUSE >= len(text):
            return


def readable(path: str, text: str, runtime: str = "") -> str:
    """Return what of a file is addressed to a reader: of code its comments and docstrings."""
    if path.endswith(".py") or runtime == "python":
        return _python_prose(text)
    if path.endswith((".sh", ".bash")) or runtime in {"sh", "bash"}:
        lines = (line.strip() for line in text.splitlines())
        return "\n".join(line.lstrip("#! ") for line in lines if line.startswith("#"))
    return text


def _python_prose(text: str) -> str:
    parts: list[str] = []
    try:
        tree = ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (said := ast.get_docstring(node)):
            parts.append(said)
    parts.append("\n".join(t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT))
    return "\n\n".join(parts)
