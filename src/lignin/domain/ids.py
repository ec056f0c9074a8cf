"""Identifiers: 128 bits, time-ordered, with a type prefix (`ses_`, `art_`, `prp_`, `evt_`).

Made of 48 bits of milliseconds and 80 bits of entropy (the layout of ULID), written in Crockford's
base 32, so that text order is time order. Ids of derived things are hashes of what founds them.
"""

import hashlib
from datetime import datetime

from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import InvalidRequestError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)  # ten bits each
_SHIFTS = range(120, -1, -10)
ENTROPY_BYTES = 10


def make_id(prefix: str, *, at: datetime, entropy: bytes) -> str:
    """Return a time-ordered id.

    Args:
        prefix: Three or so lower-case letters naming the type.
        at: Aware time of birth.
        entropy: `ENTROPY_BYTES` random bytes.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise InvalidRequestError(f"an id takes {ENTROPY_BYTES} bytes, got {len(entropy)}")
    milliseconds = int(at.timestamp() * 1000)
    return _written(prefix, (milliseconds << 80) | int.from_bytes(entropy))


def derive_id(prefix: str, founding: Json) -> str:
    """Return the id of a derived thing: the first 128 bits of its founding evidence's SHA-256."""
    return _written(prefix, int.from_bytes(hashlib.sha256(canonical_bytes(founding)).digest()[:16]))


def drawn(text: str) -> float:
    """Return a share of 0 to 1 that nobody chooses: what a text's SHA-256 begins with."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def _written(prefix: str, number: int) -> str:
    """The prefix and 26 digits: 130 bits, of which the first two are zero."""
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"
