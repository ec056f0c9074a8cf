"""The table of secret detectors: what a secret looks like, and what only looks like one.

Owns the patterns. Invariants: every pattern is bounded and has no nested repetition, so a scan is
linear in the input; a span never begins or ends inside a JSON escape and never crosses a quote,
so that a redacted JSON string is still one.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

# A token begins where no word is running. In JSON text the letter before it may belong to an
# escape (a newline is written as backslash and n).
_EDGE = rb"(?:(?<![A-Za-z0-9_+.-])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
_END = rb"(?![A-Za-z0-9_-])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One kind of secret.

    Args:
        name: As written in the tag; lower case, digits and dashes.
        pattern: What to look for; the group `secret` is the span.
        triggers: Lower-case literals, with one of which every match begins: the fast path. Few
            short ones are faster than many exact ones. None where the pattern is searched everywhere.
        accept: Judges the span in its surroundings: `(secret, text before it)`.
    """

    name: str
    pattern: re.Pattern[bytes]
    triggers: tuple[bytes, ...]
    accept: Callable[[bytes, bytes], bool]


def entropy_bits(value: bytes) -> float:
    """Return the Shannon entropy of a value's bytes, in bits per byte (0..8)."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def _is_mixed(secret: bytes, _before: bytes) -> bool:
    """Accept what no person would write as a name: digits and both cases, well spread."""
    body = secret[-200:]
    return (
        any(c in b"0123456789" for c in body)
        and body.lower() != body
        and body.upper() != body
        and entropy_bits(body) >= 3.5
    )


def _is_random(secret: bytes, _before: bytes) -> bool:
    return entropy_bits(secret) >= 3.0


_NAME = re.compile(rb"[A-Za-z]+\d{0,2}|[A-Za-z]+\d{0,4}(?:(?:[_.-]|::)[A-Za-z]*\d{0,4})+")
_PLACEHOLDER = re.compile(
    rb"(?i)(?:your|my|some|the|test|dummy|fake|example|sample|change|insert)[_-]"
    rb"|(?:pass|passwd|password|pwd|secret|token|null|none|true|false|xx+|\*+|placeholder"
    rb"|example|changeme|undefined)\d{0,4}\Z"
)
_NUMBER = re.compile(rb"[\d.+:TZ_-]*")


def _is_password(secret: bytes, _before: bytes) -> bool:
    """Accept an assigned value that is random rather than a name, number, path or placeholder."""
    if _NAME.fullmatch(secret) or _NUMBER.fullmatch(secret) or _PLACEHOLDER.match(secret):
        return False
    if secret.startswith((b"/", b"./", b"~", b"%", b"http:", b"https:", b"sha256:", b"\\")):
        return False
    has_letter = any(chr(c).isalpha() for c in secret)
    has_other = any(not chr(c).isalpha() for c in secret)
    has_digit = any(c in b"0123456789" for c in secret)
    return has_letter and has_other and has_digit and entropy_bits(secret) >= 2.75


def _is_url_password(secret: bytes, _before: bytes) -> bool:
    return not _PLACEHOLDER.match(secret) and not secret.startswith((b"$", b"%", b":", b"/"))


def _is_bearer(secret: bytes, _before: bytes) -> bool:
    return (
        any(c in b"0123456789" for c in secret)
        and not _NAME.fullmatch(secret)
        and entropy_bits(secret) >= 3.0
    )


_CARD_WORD = re.compile(rb"(?i)card|visa|master|amex|credit|debit|payment|\bpan\b|\bcc\b")
_CARD_BRAND = re.compile(rb"4|5[1-5]|2[2-7]|3[47]|6(?:011|5)")


def _is_card(secret: bytes, before: bytes) -> bool:
    """Accept a number with a brand's prefix, length and Luhn digit that is written as a card.

    One in ten random numbers passes Luhn, so a plain run of digits also needs a word for cards
    shortly before it.
    """
    digits = re.sub(rb"[ -]", b"", secret)
    length = 15 if digits[:1] == b"3" else 16
    if len(digits) != length or not _CARD_BRAND.match(digits) or len(set(digits)) < 2:
        return False
    if len(digits) == len(secret) and not _CARD_WORD.search(before[-64:]):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = (digit - 48) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _token(
    name: str,
    body: bytes,
    *triggers: bytes,
    accept: Callable[[bytes, bytes], bool] = _is_random,
) -> Detector:
    pattern = re.compile(_EDGE + rb"(?P<secret>" + body + rb")" + _END)
    return Detector(name=name, pattern=pattern, triggers=triggers, accept=accept)


# One character of a value, as it stands in plain text or inside a JSON string.
_VALUE = rb"(?:[^\s\"'\\,;&<>(){}\[\]|`$*\x00-\x1f\x7f-\xff]|\\/|\\u00[0-9a-fA-F]{2})"
_OPEN = rb"(?:\\{0,7}[\"'])?"
_BODY = rb"(?:[A-Za-z0-9+/=:,. \t\r\n]|\\{1,4}[nrt/]|-(?!----))"

DETECTORS: tuple[Detector, ...] = (
    Detector(
        name="private-block",
        pattern=re.compile(
            rb"(?P<secret>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            + _BODY
            + rb"{64,20000}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?)"
        ),
        triggers=(b"-----begin ",),
        accept=lambda secret, _: entropy_bits(secret[40:4096]) >= 3.0,
    ),
    _token("anthropic", rb"sk-ant-[a-z0-9]{2,10}-[A-Za-z0-9_-]{20,200}", b"sk-ant-"),
    _token(
        "openai",
        rb"sk-(?!ant-)(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,220}",
        b"sk-",
        accept=_is_mixed,
    ),
    _token("aws-id", rb"(?:AKIA|ASIA)[A-Z2-7]{16}", b"akia", b"asia"),
    Detector(
        name="aws-sk",
        pattern=re.compile(
            rb"(?i:secret[_-]?access[_-]?key|(?<=aws_)secret(?:_key)?)\\{0,7}[\"']?\s{0,4}"
            rb"[:=]\s{0,4}" + _OPEN + rb"(?P<secret>(?:[A-Za-z0-9+/]|\\/){40,80})(?![A-Za-z0-9+/=])"
        ),
        triggers=(b"secret",),
        accept=_is_random,
    ),
    _token("google", rb"AIza[A-Za-z0-9_-]{35}", b"aiza"),
    _token(
        "github",
        rb"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})",
        b"gh",
        b"github_pat_",
    ),
    _token(
        "gitlab",
        rb"gl(?:pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_-]{20,64}",
        b"gl",
        accept=_is_mixed,
    ),
    _token("slack", rb"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,250}", b"xox", b"xapp-"),
    _token(
        "stripe",
        rb"(?:(?:sk|rk)_(?:live|test)|whsec)_[A-Za-z0-9]{24,250}",
        b"sk_",
        b"rk_",
        b"whsec_",
    ),
    _token("huggingface", rb"hf_[A-Za-z0-9]{30,64}", b"hf_", accept=_is_mixed),
    _token("npm", rb"npm_[A-Za-z0-9]{36}", b"npm_", accept=_is_mixed),
    _token("pypi", rb"pypi-[A-Za-z0-9_-]{50,500}", b"pypi-"),
    _token(
        "jwt",
        rb"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{16,4000}",
        b"eyj",
    ),
    Detector(
        name="authorization",
        pattern=re.compile(
            rb"(?i:(?:bearer|authorization\\{0,7}[\"']?\s{0,4}[:=]\s{0,4}\\{0,7}[\"']?"
            rb"(?:basic|token)))[ \t]{1,4}"
            rb"(?P<secret>(?:[A-Za-z0-9._~+/=-]|\\/){16,4096})"
        ),
        triggers=(b"bearer", b"authorization"),
        accept=_is_bearer,
    ),
    Detector(
        name="url-userinfo",
        pattern=re.compile(
            rb"(?<=[A-Za-z0-9]):(?:\\?/){2}[^\s:/@\"'\\<>{}\[\]]{0,100}:"
            rb"(?P<secret>[^\s@/\"'\\<>{}\[\]\x00-\x1f\x7f-\xff]{3,200})@[A-Za-z0-9]"
        ),
        triggers=(b"://", b":\\/\\/"),
        accept=_is_url_password,
    ),
    Detector(
        name="assigned",
        pattern=re.compile(
            rb"(?i:passw(?:or)?d|passphrase|(?<![a-z])pwd|secret|token|api[_-]?key|access[_-]?key"
            rb"|secret[_-]?key|private[_-]?key|credential)s?"
            + _OPEN
            + rb"\s{0,4}(?::=|=>|[:=])\s{0,4}"
            + _OPEN
            + rb"(?P<secret>"
            + _VALUE
            + rb"{8,256}+)(?![(\[])"
        ),
        triggers=(
            *(b"pass", b"pwd", b"secret", b"token", b"credential"),
            *(b"api", b"access", b"private"),
        ),
        accept=_is_password,
    ),
    Detector(
        name="card",
        # The edge stands behind the first digit: a pattern that begins with a set scans faster.
        pattern=re.compile(
            rb"(?P<secret>[2-6](?:(?<![A-Za-z0-9._-].)|(?<=\\[nrt].))(?:"
            rb"[0-9]{3}(?P<gap>[ -]?)[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4}"
            rb"|[47][0-9]{2}(?P<sep>[ -]?)[0-9]{6}(?P=sep)[0-9]{5}))(?![A-Za-z0-9_-]|\.[0-9])"
        ),
        triggers=(),
        accept=_is_card,
    ),
)
