"""What a trial leaves beside its score: what it changed, and what of its harness and tools it used. Pure."""

import json
import re
from collections.abc import Collection, Iterable

from lignin.domain.cases import Attempt, AttemptCall
from lignin.domain.codec import Digest, digest_json
from lignin.domain.effects import effect_of_call

MAX_NAMES = 200
_IN_HARNESS = re.compile(r"\bharness/([\w.-]{1,100})/")


def effects_of(attempt: Attempt) -> Digest:
    """Return the digest of the changes that were made, in their order, and of the state that was left."""
    changes = [
        repr(effect_of_call(call.tool, call.arguments))
        for call in attempt.calls
        if call.changes and call.worked is not False
    ]
    return digest_json([changes, attempt.end_state])


def tools_of(calls: Iterable[AttemptCall], known: Collection[str]) -> tuple[str, ...]:
    """Return the tools that were called, of those that there are."""
    return _some({call.tool for call in calls} & set(known))


def slots_of(calls: Iterable[AttemptCall], read: Collection[str] | None) -> tuple[str, ...] | None:
    """Return the slots that a run read or named in its calls; None where neither tells anything.

    Args:
        read: Paths of the files of its harness that it was seen to read.
    """
    named = {
        slot for call in calls for slot in _IN_HARNESS.findall(json.dumps(dict(call.arguments)))
    }
    if read is None and not named:
        return None
    return _some(named | {path.partition("/")[0] for path in read or ()})


def _some(names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(names)[:MAX_NAMES])
