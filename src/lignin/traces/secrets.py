"""The table of secret detectors, and those that know a secret by what stands around it.

Owns what code, command lines, files of settings and headers give away, and the order of all: a
detector earlier in the table goes first. `tokens.py` owns what services issue.
"""

import base64
import binascii
import re

import re2

from lignin.traces.shapes import (
    NUMBER,
    Detector,
    entropy_bits,
    is_bearer,
    is_password,
    is_random,
    is_word,
)
from lignin.traces.tokens import TOKENS

# An ampersand goes on with a value, unless it begins the next field, an entity or a command.
_AMPERSAND = rb"&(?=[^\s&\"'\\;])(?![A-Za-z0-9_.%-]{1,40}(?:=|;)|#x?[0-9A-Fa-f]{1,6};)"
# One character of a value, as it stands in plain text or inside a JSON string.
_VALUE = (
    rb"(?:[^\s\"'\\,;&<>(){}\[\]|`$*\x00-\x1f\x7f-\xff]|\\/|\\u00[0-9a-fA-F]{2}|"
    + _AMPERSAND
    + rb")"
)
_OPEN = rb"(?:\\{0,7}[\"'])?"
_BODY = rb"(?:[A-Za-z0-9+/=:,. \t\r\n]|\\{1,4}[nrt/]|-(?!----))"
_BLANK = rb"(?:[ \t\r\n]|\\{1,7}[nrt]){1,8}"
_WORD = rb"[^\s\"'\\]{1,100}"
_IS = rb"\s{0,4}(?::=|=>|[:=])\s{0,4}"
# A word of a command line that is a secret: no variable, no redirection.
_ARGUMENT = rb"(?P<secret>(?![$<%{*\[-])[^\s\"'\\`<>|;(){}\x00-\x1f\x7f-\xff]{2,200})"
_BASE64 = rb"(?:[A-Za-z0-9+/]|\\/)"
_COOKIE = (
    rb"(?!(?i:path|domain|expires|max-age|samesite)=)[A-Za-z0-9_.%-]{1,64}="
    rb"(?:[^\s;\"'\\,<>(){}\[\]\x00-\x1f\x7f-\xff]|\\/){0,4096}+"
)
# `--token X`, `--api-token X`: an option takes its value after a blank.
_OPTION = (
    rb"(?P<option>(?<=--)|(?<=--[a-z]{3}-)|(?<=--[a-z]{4}-)|(?<=--[a-z]{5}-)|(?<=--[a-z]{6}-))?"
)
_KEYS = (b"api", b"access", b"private")


def _is_argument(secret: bytes, before: bytes) -> bool:
    return is_word(secret, before) and not NUMBER.fullmatch(secret)


def _is_login(secret: bytes, _before: bytes) -> bool:
    """Accept base64 of a name and a password."""
    try:
        plain = base64.b64decode(secret.replace(b"\\", b""), validate=True)
    except binascii.Error:
        return False
    return re.fullmatch(rb"[\x20-\x7e]+:[\x20-\x7e]{2,}", plain) is not None


_COOKIE_VALUE = re.compile(rb"=([^=;]{12,})")


def _is_session(secret: bytes, before: bytes) -> bool:
    """Accept cookies of which one at least is no setting that a person can read."""
    values: list[bytes] = _COOKIE_VALUE.findall(secret)
    return any(is_bearer(value, before) for value in values)


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


_FIRST: tuple[Detector, ...] = (
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
    # All cookies of a header; the attributes of one that is set stay.
    Detector(
        name="cookie",
        pattern=re.compile(
            rb"(?i:(?<=--)cookie[ =]{1,4}|cookies?\\{0,7}[\"']?\s{0,4}[:=]\s{0,4})"
            + _OPEN
            + rb"(?P<secret>"
            + _COOKIE
            + rb"(?:; ?"
            + _COOKIE
            + rb"){0,60}+)"
        ),
        triggers=(b"cookie",),
        accept=_is_session,
    ),
    # Database clients take these from the environment; such a password may be a plain word.
    Detector(
        name="variable",
        pattern=re.compile(
            rb"(?i:pgpassword|mysql_pwd|rediscli_auth|restic_password|borg_passphrase|"
            rb"(?<![a-z_])sshpass)\\{0,7}[\"']?\s{0,2}[:=]\s{0,2}" + _OPEN + _ARGUMENT
        ),
        triggers=(
            *(b"pgpassword", b"mysql_pwd", b"rediscli_auth"),
            *(b"restic_password", b"borg_passphrase", b"sshpass"),
        ),
        accept=_is_argument,
    ),
    Detector(
        name="azure",
        pattern=re.compile(
            rb"(?i:(?:accountkey|sharedaccesskey)=(?P<key>)|(?<=[?&;])sig=)"
            rb"(?P<secret>(?:(?(key)" + _BASE64 + rb"|[A-Za-z0-9%]){40,120})={0,2})"
        ),
        triggers=(b"accountkey=", b"sharedaccesskey=", b"sig="),
        accept=is_random,
    ),
    Detector(
        name="login",
        pattern=re.compile(
            rb"(?i:_?auth\\{0,7}[\"']?\s{0,4}[:=]\s{0,4})"
            + _OPEN
            + rb"(?P<secret>"
            + _BASE64
            + rb"{6,400}={0,2})(?![A-Za-z0-9+/=])"
        ),
        triggers=(b'auth"', b"auth'", b"auth\\", b"_auth"),
        accept=_is_login,
    ),
    Detector(
        name="netrc",
        pattern=re.compile(
            rb"(?i:machine"
            + _BLANK
            + _WORD
            + _BLANK
            + rb"(?:login"
            + _BLANK
            + _WORD
            + _BLANK
            + rb")?password"
            + _BLANK
            + rb")(?P<secret>(?![$<%{*\[-])"
            + _WORD
            + rb")"
        ),
        triggers=(b"machine",),
        accept=is_word,
    ),
    Detector(
        name="command",
        pattern=re.compile(
            rb"(?:curl[^\n|;]{0,300}?[ \t](?:-u|-U|--user|--proxy-user)[ =]?[ ]{0,3}"
            + _OPEN
            + rb"[^\s:\"'\\/]{1,100}:"
            + rb"|sshpass[ ]{1,4}-p[ ]{0,4}"
            + _OPEN
            + rb"|(?:mysql(?:dump|admin|import|show|check)?|mariadb(?:-dump|-admin)?)[ ]"
            rb"[^\n|;&]{0,200}?(?<=[ ])-p(?!rint|rune|erm|ath|ort|rotocol|assword)"
            + _OPEN
            + rb")"
            + _ARGUMENT
        ),
        triggers=(b"curl", b"sshpass", b"mysql", b"mariadb"),
        accept=_is_argument,
    ),
)

_LAST: tuple[Detector, ...] = (
    Detector(
        name="aws-sk",
        pattern=re.compile(
            rb"(?i:secret[_-]?access[_-]?key|(?<=aws_)secret(?:_key)?)\\{0,7}[\"']?\s{0,4}"
            rb"[:=]\s{0,4}" + _OPEN + rb"(?P<secret>" + _BASE64 + rb"{40,80})(?![A-Za-z0-9+/=])"
        ),
        triggers=(b"secret",),
        accept=is_random,
    ),
    Detector(
        name="authorization",
        pattern=re.compile(
            rb"(?i:(?:bearer|authorization\\{0,7}[\"']?\s{0,4}[:=]\s{0,4}\\{0,7}[\"']?"
            rb"(?:basic|token|bot|apikey)))[ \t]{1,4}"
            rb"(?P<secret>(?:[A-Za-z0-9._~+/=-]|\\/){16,4096})"
        ),
        triggers=(b"bearer", b"authorization"),
        accept=is_bearer,
    ),
    Detector(
        name="url-userinfo",
        pattern=re.compile(
            rb"(?<=[A-Za-z0-9]):(?:\\?/){2}[^\s:/@\"'\\<>{}\[\]]{0,100}:"
            rb"(?P<secret>[^\s@/\"'\\<>{}\[\]\x00-\x1f\x7f-\xff]{3,200})@[A-Za-z0-9]"
        ),
        triggers=(b"://", b":\\/\\/"),
        accept=is_word,
    ),
    Detector(
        name="assigned",
        pattern=re.compile(
            _OPTION + rb"(?i:passw(?:or)?d|passphrase|(?<![a-z])pwd|secret|token|api[_-]?key"
            rb"|access[_-]?key|secret[_-]?key|private[_-]?key|credential)s?"
            + rb"(?:"
            + _OPEN
            + _IS
            + rb"|(?(option)[ ]{1,4}|(?!)))"
            + _OPEN
            + rb"(?P<secret>"
            + _VALUE
            + rb"{8,256}+[A-Za-z0-9+/=_.~%-]{0,2000}+)(?![(\[])"
        ),
        triggers=(
            *(b"passw", b"passphrase", b"pwd", b"secret", b"token", b"credential"),
            *(before + mark + b"key" for before in _KEYS for mark in (b"", b"_", b"-")),
        ),
        accept=is_password,
    ),
    Detector(
        name="card",
        pattern=re.compile(
            rb"(?P<secret>[2-6](?:(?<![A-Za-z0-9._-].)|(?<=\\[nrt].))(?:"
            rb"[0-9]{3}(?P<gap>[ -]?)[0-9]{4}(?P=gap)[0-9]{4}(?P=gap)[0-9]{4}"
            rb"|[47][0-9]{2}(?P<sep>[ -]?)[0-9]{6}(?P=sep)[0-9]{5}))(?![A-Za-z0-9_-]|\.[0-9])"
        ),
        opening=re2.compile(
            rb"(?:\b|\\[nrt])"
            rb"([2-6][0-9]{3}(?:[ -]?[0-9]{4}){2}|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})"
        ),
        accept=_is_card,
    ),
)

DETECTORS: tuple[Detector, ...] = (*_FIRST, *TOKENS, *_LAST)
