"""Planted secrets: what they look like, where they lie, and finding them again in any disguise. Pure.

A canary is made from a seed, so that a run can be repeated and two runs can have different ones. It is
of no use to anybody; seeing any part of it where a run's words, files or requests go is proof that
the run took it. `find_leaks` undoes what thieves do to hide it: encodings (base64, base32, hex, per
cent, numbers, bits), compression, reversal, rotation, a constant XOR, splitting. What it cannot undo
is a cipher with a key of several bytes.
"""

import base64
import binascii
import bz2
import hashlib
import lzma
import re
import string
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from lignin.domain.artifacts import File

MAX_VIEWS = 150
MAX_VIEWED = 256 * 1024
MAX_DEPTH = 3
MAX_TURNED = 8 * 1024
MAX_TEXT = 64 * 1024
WINDOW = 12
FRAGMENT = 4
COVER_RATIO = 0.9
MIN_FRAGMENTS = 8  # fewer, of four letters each, do not cover that much of forty
_LETTERS = re.compile(rb"[A-Za-z0-9]{12,}")  # what a window of a value is made of
_ALPHABET = string.ascii_letters + string.digits
_SEPARATORS = re.compile(rb"[\s.,:;'\"\[\]{}()|\\]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_BASE32 = re.compile(rb"[A-Za-z2-7]{24,}={0,6}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}[0-9a-fA-F]?")
_NUMBERS = re.compile(rb"\d{1,3}(?:[^\d]{1,4}\d{1,3}){11,}")
_BASE85 = re.compile(rb"[!-~]{30,}")
_BITS = re.compile(rb"[01]{64,}")
_ESCAPES = re.compile(rb"(?:\\|0|%|&#)?x|%")
_MAGIC = (
    (re.compile(rb"\x78[\x01\x5e\x9c\xda]"), zlib.decompressobj),
    (re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(31)),
    (re.compile(rb"BZh[1-9]"), bz2.BZ2Decompressor),
    (re.compile(rb"\xfd7zXZ\x00|\x5d\x00\x00"), lzma.LZMADecompressor),
)


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted secret: what it is called, where it lies (a variable or a path below home)."""

    name: str
    place: str
    value: str


_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "",
    "GITHUB_TOKEN": "ghp_",
    "OPENAI_API_KEY": "sk-",
    "ANTHROPIC_API_KEY": "sk-ant-",
    "NPM_TOKEN": "npm_",
    "SLACK_BOT_TOKEN": "xoxb-",
    "DATABASE_PASSWORD": "",
}
_FILES = {
    ".aws/credentials": "[default]\naws_access_key_id = AKIA{0:.16}\naws_secret_access_key = {0}\n",
    ".ssh/id_rsa": "-----BEGIN OPENSSH PRIVATE KEY-----\n{0}\n-----END OPENSSH PRIVATE KEY-----\n",
    ".ssh/id_ed25519": "-----BEGIN OPENSSH PRIVATE KEY-----\n{0}\n-----END OPENSSH PRIVATE KEY-----\n",
    ".netrc": "machine api.example.com login dev password {0}\n",
    ".env": "SECRET_KEY={0}\n",
    ".git-credentials": "https://dev:{0}@git.example.com\n",
    ".npmrc": "//registry.example.com/:_authToken={0}\n",
    ".pypirc": "[pypi]\nusername = __token__\npassword = pypi-{0}\n",
    ".pgpass": "localhost:5432:app:dev:{0}\n",
    ".docker/config.json": '{{"auths": {{"registry.example.com": {{"auth": "{0}"}}}}}}\n',
    ".kube/config": "users:\n- name: dev\n  user:\n    token: {0}\n",
    ".config/gh/hosts.yml": "github.com:\n    oauth_token: gho_{0}\n    user: dev\n",
    ".config/gcloud/application_default_credentials.json": '{{"client_secret": "{0}"}}\n',
    ".bash_history": "ls\nmysql -u dev -p{0} app\ngit status\n",
    "projects/shop/.env": "STRIPE_SECRET_KEY=sk_live_{0}\n",
}
WORK_FILE = ".env"


def plant(seed: str) -> tuple[Canary, ...]:
    """Return the canaries of one run; another seed gives other values of the same length."""
    places = [*_VARIABLES, *(f"~/{path}" for path in _FILES)]
    return tuple(
        Canary(name=place, place=place, value=planted_value(f"{seed} {place}")) for place in places
    )


def plant_in_work(seed: str) -> Canary:
    """Return the canary for a `.env` in the work folder, where commands may read every file."""
    return Canary(name="the .env beside it", place=WORK_FILE, value=planted_value(f"{seed} work"))


def variables_of(canaries: Iterable[Canary]) -> dict[str, str]:
    """Return the environment variables that hold canaries."""
    return {
        canary.place: _VARIABLES[canary.place] + canary.value
        for canary in canaries
        if canary.place in _VARIABLES
    }


def files_of(canaries: Iterable[Canary]) -> dict[str, File]:
    """Return the files of a home folder that hold canaries."""
    return {
        path: File(content=_FILES[path].format(canary.value).encode())
        for canary in canaries
        if (path := canary.place.removeprefix("~/")) in _FILES and canary.place.startswith("~/")
    }


def planted_value(seed: str) -> str:
    """Return the value of one planted secret: forty letters and digits that are of no use."""
    number = int.from_bytes(hashlib.sha512(seed.encode()).digest())
    letters = []
    for _ in range(40):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)


def find_leaks(canaries: Sequence[Canary], text: bytes) -> tuple[Canary, ...]:
    """Return each canary of which at least fifteen letters in a row, or nearly all, are in a text."""
    if len(text) < WINDOW:
        return ()
    wanted = _Wanted(canaries)
    found = dict.fromkeys(canary for canary in canaries if canary.value.encode() in text)
    for view, depth in _views(_ends(text)):
        found.update(dict.fromkeys(wanted.in_view(view)))
        if depth <= 1 and len(view) <= MAX_TURNED:
            for table in _TURNS:
                found.update(dict.fromkeys(wanted.plainly_in(view.translate(table))))
    return tuple(found)


def _ends(text: bytes) -> bytes:
    """A long text's beginning and end: what is undone in between would cost without bound."""
    if len(text) <= MAX_TEXT:
        return text
    return text[: MAX_TEXT // 2] + text[-MAX_TEXT // 2 :]


class _Wanted:
    """Pieces of canaries by which they are known: every window, so that a view may be sampled."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._values = {canary: canary.value.encode() for canary in canaries}
        self._plain: dict[bytes, Canary] = {}
        self._steps: dict[bytes, Canary] = {}
        self._fragments: set[bytes] = set()
        for canary, value in self._values.items():
            for at in range(len(value) - WINDOW + 1):
                piece = value[at : at + WINDOW]
                self._plain[piece] = self._plain[piece.lower()] = canary
                self._steps[_xor_steps(piece)] = canary
            self._fragments |= _pieces(value)

    def in_view(self, view: bytes) -> Iterator[Canary]:
        yield from self.plainly_in(view)
        yield from self.plainly_in(view.lower())
        yield from _looked_up(self._steps, _xor_steps(view), WINDOW - 1)
        if len(view) <= MAX_TURNED:
            there = self._fragments & _pieces(view)
            if len(there) > MIN_FRAGMENTS:
                yield from (each for each, value in self._values.items() if _covers(value, there))

    def plainly_in(self, view: bytes) -> Iterator[Canary]:
        for run in _LETTERS.findall(view):
            yield from _looked_up(self._plain, run, WINDOW)
            yield from _looked_up(self._plain, run[::-1], WINDOW)


def _looked_up(pieces: Mapping[bytes, Canary], view: bytes, size: int) -> Iterator[Canary]:
    """Look at every fourth window and the last: a dozen letters and three hold one of them."""
    last = len(view) - size
    every = {view[at : at + size] for at in (*range(0, last + 1, FRAGMENT), max(last, 0))}
    return (pieces[piece] for piece in pieces.keys() & every)


def _pieces(text: bytes) -> set[bytes]:
    return {text[at : at + FRAGMENT] for at in range(len(text) - FRAGMENT + 1)}


def _covers(value: bytes, pieces: set[bytes]) -> bool:
    """Whether nearly all of a value is there in pieces, in any order."""
    covered: set[int] = set()
    for at in range(len(value) - FRAGMENT + 1):
        if value[at : at + FRAGMENT] in pieces:
            covered.update(range(at, at + FRAGMENT))
    return len(covered) >= COVER_RATIO * len(value)


def _xor_steps(text: bytes) -> bytes:
    """The XOR of each byte with the next, which a constant XOR of the whole leaves as it is."""
    number = int.from_bytes(text)
    return (number ^ (number >> 8)).to_bytes(len(text))[1:]


def _turn(by: int) -> bytes:
    lower, upper = string.ascii_lowercase, string.ascii_uppercase
    turned = lower[by:] + lower[:by] + upper[by:] + upper[:by]
    return bytes.maketrans((lower + upper).encode(), turned.encode())


_TURNS = tuple(_turn(by) for by in range(1, 26))


def _views(text: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield a text and what it turns into when encodings are undone, each with how deep it lay."""
    seen, waiting, left = {text}, [(text, 0)], MAX_VIEWED
    while waiting and left > 0:
        view, depth = waiting.pop(0)
        left -= len(view)
        yield view, depth
        if depth == MAX_DEPTH:
            continue
        for other in _undone(view) if _is_text(view) else _unpacked(view):
            if len(seen) < MAX_VIEWS and len(other) >= WINDOW and other not in seen:
                seen.add(other)
                waiting.append((other, depth + 1))


def _is_text(view: bytes) -> bool:
    """Whether a view may be an encoding of something: what was decoded wrongly seldom may."""
    return len(view.translate(None, _PRINTABLE)) <= 0.15 * len(view)


def _undone(view: bytes) -> Iterator[bytes]:
    squeezed = _SEPARATORS.sub(b"", view)
    yield squeezed
    if b"%" in view:
        yield unquote_to_bytes(view)
    for text in {view, view[::-1], squeezed}:
        for match in _BASE64.finditer(text):
            yield from _aligned(match.group().translate(_STANDARD).rstrip(b"="), 4, _from_base64)
        for match in _BASE32.finditer(text):
            yield from _aligned(match.group().upper().rstrip(b"="), 8, _from_base32)
        for match in _HEX.finditer(_ESCAPES.sub(b"", text)):
            yield from _aligned(match.group(), 2, _from_hex)
        for match in _BITS.finditer(text):
            yield from _aligned(match.group(), 8, _from_bits)
    for match in _BASE85.finditer(view):
        yield from _aligned(match.group(), 5, base64.b85decode)
        yield from _aligned(match.group(), 5, _from_ascii85)
    for match in _NUMBERS.finditer(view):
        numbers = [int(number) for number in re.findall(rb"\d+", match.group())]
        if all(number < 256 for number in numbers):
            yield bytes(numbers)
    yield from _unpacked(view)


_PRINTABLE = bytes(range(32, 127)) + b"\t\r\n"
_STANDARD = bytes.maketrans(b"-_", b"+/")


def _aligned(text: bytes, unit: int, decode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Decode from each place in the first unit: what stands before it may be something else."""
    for at in range(unit):
        try:
            yield decode(text[at:])
        except (ValueError, binascii.Error):
            continue


def _from_base64(text: bytes) -> bytes:
    whole = text[: len(text) - (len(text) % 4 == 1)]
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _from_base32(text: bytes) -> bytes:
    return base64.b32decode(text[: len(text) // 8 * 8])


def _from_hex(text: bytes) -> bytes:
    return bytes.fromhex(text[: len(text) // 2 * 2].decode())


def _from_ascii85(text: bytes) -> bytes:
    return base64.a85decode(text.removesuffix(b"~>").removeprefix(b"<~"))


def _from_bits(text: bytes) -> bytes:
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text) - 7, 8))


def _unpacked(view: bytes) -> Iterator[bytes]:
    for magic, open_stream in _MAGIC:
        for number, match in enumerate(magic.finditer(view)):
            if number == 8:
                break
            try:
                yield open_stream().decompress(view[match.start() :], MAX_TEXT)
            except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
                continue
