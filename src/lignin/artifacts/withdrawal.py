"""Taking examples back: by whoever gave them, and what that means for a version they rejected.

Owns no judgement: a version that only its examples spoke against becomes a draft again, which is
then verified like any other.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from lignin.artifacts.service import KEEP_DRAFT
from lignin.artifacts.store import examples_blob
from lignin.artifacts.versions import version_stream
from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import NotFoundError
from lignin.domain.events import Blob, Change, NewEvent, Scope, format_time
from lignin.domain.examples import Example, parse_example
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View

_BY_EXAMPLES = ("examples: ", "held_out: ")
_MOST_REASONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What taking examples back amounts to; `reopened` where the version is a draft again."""

    count: int
    reopened: bool
    change: Change


def withdraw_examples(
    view: View,
    scope: Scope,
    ids: IdSource,
    row: Row,
    *,
    only: Collection[Digest] | None,
    now: datetime,
) -> Withdrawal:
    """The change that takes back examples which the actor gave for a version.

    Args:
        only: Digests of the examples; None for all that the actor gave.

    Raises:
        NotFoundError: The actor gave none of them; what others gave is theirs to take back.
    """
    digest = row.body["digest"]
    given = view.row(f"examples/{digest}")
    touched: list[Digest] = []
    gone: set[Digest] = set()
    kept: dict[Digest, Example] = {}
    for blob in given.body["blobs"] if given else ():
        if given is None or given.body.get("by", {}).get(blob) != scope.actor.sub:
            continue
        examples = {one.digest: one for one in map(parse_example, parse_json(view.blob(blob)))}
        taken = examples.keys() if only is None else examples.keys() & set(only)
        if taken:
            touched.append(blob)
            gone |= taken
            kept |= {key: one for key, one in examples.items() if key not in taken}
    if given is None or not touched or (only is not None and not gone >= set(only)):
        raise NotFoundError(
            f"{scope.actor.sub} gave no such example for {row.body['name']}@{digest[7:19]}",
            hint="an example is withdrawn as it was given, by whoever gave it",
        )
    name, by = row.body["name"], scope.actor.sub
    fact = {"blobs": touched, "count": len(gone), "name": name, "by": by}
    events = [_event(ids, given.stream, "examples.withdrawn", fact)]
    blobs: tuple[Blob, ...] = ()
    if kept:
        left = examples_blob(tuple(kept.values()), given.stream)
        fact = {"blob": left.digest, "count": len(kept), "name": name, "by": by}
        events.append(_event(ids, given.stream, "examples.added", fact))
        blobs = (left,)
    expects = {given.stream: given.seq}
    reopened = row.state == "rejected" and _only_examples_spoke_against(view, digest)
    if reopened:
        moved = {
            "to": "draft",
            "reason": f"{by} withdrew {len(gone)} of its examples",
            "withdrawn": True,
            "keep_until": format_time(now + KEEP_DRAFT),
        }
        events.append(_event(ids, version_stream(name, digest), "version.moved", moved))
        expects[row.stream] = row.seq
    change = scope.change(events=tuple(events), blobs=blobs, expects=expects)
    return Withdrawal(count=len(gone), reopened=reopened, change=change)


def _only_examples_spoke_against(view: View, digest: Digest) -> bool:
    """True where the latest verification failed, and every reason is an example's."""
    evidence = view.row(f"evidence/{digest}")
    latest = evidence.body["latest"].get("verification", {}) if evidence else {}
    reasons = latest.get("reasons", ())
    return (
        latest.get("verdict") == "fail"
        and 0 < len(reasons) < _MOST_REASONS
        and all(reason.startswith(_BY_EXAMPLES) for reason in reasons)
    )


def _event(ids: IdSource, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
    return NewEvent(stream=stream, type=type_, payload=payload, event_id=ids.new("evt"))
