"""Recorded answers of programs, each sealed by the words that it is the answer to. Pure.

They lie beside the script that is tried, which could read them: only who knows the words, which are
what is to be proven, comes by the answer. `guest_programs` opens them.
"""

import hashlib
import json
from collections.abc import Sequence

from lignin.domain.examples import Answer


def seal(answers: Sequence[Answer]) -> bytes:
    """Return answers in their order, sealed, as JSON."""
    return json.dumps([_sealed(place, each) for place, each in enumerate(answers)]).encode()


def _sealed(place: int, answer: Answer) -> dict[str, str]:
    key = hashlib.sha256(json.dumps([place, list(answer.argv)]).encode()).digest()
    told = {"stdout": answer.stdout, "exit_code": answer.exit_code}
    data = json.dumps(told).encode()
    pad = hashlib.shake_256(key).digest(len(data))
    said = bytes(a ^ b for a, b in zip(data, pad, strict=True))
    return {"of": hashlib.sha256(key).hexdigest(), "said": said.hex()}
