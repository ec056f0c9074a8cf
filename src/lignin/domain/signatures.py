"""Whether a web hook comes from who holds the key, and which occurrence it is.

Two forms. `github`: `X-Hub-Signature-256`, an HMAC over the body alone. Its delivery id is signed by nobody, so
the occurrence is the body: a body sent again under another id is the same occurrence, for ever.
`standard`: the HMAC covers id, time and body, so the id is the occurrence, and a time too far off is refused.
Source: GitHub "Validating webhook deliveries"; Standard Webhooks 1.0.0.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from lignin.domain.codec import digest_bytes
from lignin.domain.errors import DeniedError, InvalidRequestError

Form = Literal["github", "standard"]
MIN_KEY_BYTES: Final = 16
MAX_SIGNATURES: Final = 10
_PREFIX = "whsec_"
_ID = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_TIME = re.compile(r"[0-9]{1,12}")


def require_signed(
    form: Form,
    headers: Mapping[str, str],
    body: bytes,
    key: str,
    *,
    now: datetime,
    window_s: int,
) -> str:
    """Return the occurrence of a web hook that is signed with a key.

    Args:
        headers: By lower-case name.
        now: The time here.
        window_s: How far the signed time may be off, either way.

    Raises:
        DeniedError: It is not signed, by another key, altered, or not of now. Tells nothing of the key.
        InvalidRequestError: The key is too short to be one.
    """
    if form == "github":
        given = headers.get("x-hub-signature-256", "")
        wanted = "sha256=" + hmac.new(_github_key(key), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given.encode(errors="replace"), wanted.encode()):
            raise _denied()
        return f"body/{digest_bytes(body)}"
    name, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(name) or not _TIME.fullmatch(time):
        raise _denied()
    wanted = sign(name, int(time), body, key)
    shown = headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]
    if not any(
        hmac.compare_digest(each.encode(errors="replace"), wanted.encode()) for each in shown
    ):
        raise _denied()
    off = abs(now.timestamp() - int(time))
    if off > window_s:
        raise DeniedError(
            f"the web hook's time is {off:.0f} s off; at most {window_s} s are let through",
            hint="set the clocks of both machines, or a longer window_s",
        )
    return f"id/{name}"


def sign(message_id: str, timestamp: int, body: bytes, key: str) -> str:
    """Return the `webhook-signature` of what is sent out: `v1,` and base64."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = hmac.new(_standard_key(key), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def _github_key(key: str) -> bytes:
    return _long_enough(key.encode())


def _standard_key(key: str) -> bytes:
    text = key
    if not text.startswith(_PREFIX):
        return _long_enough(text.encode())
    try:
        return _long_enough(base64.b64decode(text.removeprefix(_PREFIX), validate=True))
    except binascii.Error:
        raise InvalidRequestError(f"the key begins with {_PREFIX} and is no base64") from None


def _long_enough(key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise InvalidRequestError(f"a key of web hooks has at least {MIN_KEY_BYTES} bytes")
    return key


def _denied() -> DeniedError:
    return DeniedError("the web hook is not signed with the connector's key")
