"""What a secret detector is made of: the parts of patterns, and the judging of what they found.

Owns no table: `tokens.py` has what services issue, `secrets.py` what code, commands and headers give
away, and all of it together. Invariants: every pattern is bounded and has no nested repetition, so
a scan is linear in the input; a span never begins or ends inside a JSON escape and never crosses a
quote, so that a redacted JSON string is still one.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A token begins where no word is running. In JSON text the letter before it may belong to an
# escape (a newline is written as backslash and n).
EDGE = rb"(?:(?<![A-Za-z0-9_+.-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
END = rb"(?![A-Za-z0-9_-])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One kind of secret.

    Args:
        name: As written in the tag; lower case, digits and dashes.
        pattern: What to look for; the group `secret` is the span.
        triggers: Lower-case literals, with one of which every match begins. One pass looks for all of
            them; each place costs a match, so they are as long as they can be.
        opening: What a match begins with, as its first group, where that is no literal; a pass of
            its own.
        accept: Judges the span in its surroundings: `(secret, text before it)`.
    """

    name: str
    pattern: re.Pattern[bytes]
    triggers: tuple[bytes, ...] = ()
    opening: Any = None
    accept: Callable[[bytes, bytes], bool]


def entropy_bits(value: bytes) -> float:
    """Return the Shannon entropy of a value's bytes, in bits per byte (0..8)."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def is_mixed(secret: bytes, _before: bytes) -> bool:
    """Accept what no person would write as a name: digits and both cases, well spread."""
    body = secret[-200:]
    return (
        any(c in b"0123456789" for c in body)
        and body.lower() != body
        and body.upper() != body
        and entropy_bits(body) >= 3.5
    )


def is_random(secret: bytes, _before: bytes) -> bool:
    """Accept what is spread as hex digits or letters of a key are."""
    return entropy_bits(secret) >= 3.0


_NAME = re.compile(rb"[A-Za-z]+\d{0,2}|[A-Za-z]+\d{0,4}(?:(?:[_.-]|::)[A-Za-z]*\d{0,4})+")
PLACEHOLDER = re.compile(
    rb"(?i)(?:your|my|some|the|test|dummy|fake|example|sample|change|insert)[_-]"
    rb"|(?:pass|passwd|password|pwd|secret|token|null|none|true|false|xx+|\*+|placeholder"
    rb"|example|changeme|undefined)\d{0,4}\Z"
)
NUMBER = re.compile(rb"[\d.+:TZ_-]*")


def is_password(secret: bytes, _before: bytes) -> bool:
    """Accept an assigned value that is random rather than a name, number, path or placeholder."""
    if _NAME.fullmatch(secret) or NUMBER.fullmatch(secret) or PLACEHOLDER.match(secret):
        return False
    if secret.startswith((b"/", b"./", b"~", b"%", b"http:", b"https:", b"sha256:", b"\\")):
        return False
    has_letter = any(chr(c).isalpha() for c in secret)
    has_other = any(not chr(c).isalpha() for c in secret)
    has_digit = any(c in b"0123456789" for c in secret)
    return has_letter and has_other and has_digit and entropy_bits(secret) >= 2.75


def is_word(secret: bytes, _before: bytes) -> bool:
    """Accept any word where only a secret can stand, but for a variable and a placeholder."""
    return not PLACEHOLDER.match(secret) and not secret.startswith((b"$", b"%", b":", b"/"))


def is_bearer(secret: bytes, _before: bytes) -> bool:
    """Accept what follows the word of a scheme and is no word itself."""
    return (
        any(c in b"0123456789" for c in secret)
        and not _NAME.fullmatch(secret)
        and entropy_bits(secret) >= 3.0
    )


def token(
    name: str,
    body: bytes,
    *triggers: bytes,
    accept: Callable[[bytes, bytes], bool] = is_random,
) -> Detector:
    """Return the detector of a token that stands by itself, known by how it begins."""
    pattern = re.compile(EDGE + rb"(?P<secret>" + body + rb")" + END)
    return Detector(name=name, pattern=pattern, triggers=triggers, accept=accept)
