"""Making a version of one space known in another: the same digest, its bytes and its evidence."""

from lignin.artifacts.store import (
    examples_blob,
    load_examples,
    load_tree,
    tree_blobs,
    trusted_givers,
)
from lignin.domain.codec import Digest
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


def adopt(
    ids: IdSource,
    scope: Scope,
    *,
    source: View,
    target: View,
    name: str,
    digest: Digest,
    entered: str = "",
) -> Change | None:
    """The change that records a proven version of `source` in `target`.

    The version arrives as verified with the other space's evidence beside it; what its new space
    asks of it (approval, its own gate) is still asked there. A draft of the target is raised by
    that evidence. None where the source has not proven it, or the target has judged it already.

    Args:
        entered: The reason why it is promoted at once: a head that begins with it.
    """
    stream = f"version/{name}@{digest}"
    version, known = source.row(stream), target.row(stream)
    if version is None or version.state not in PROVEN:
        return None
    if known is not None and known.state not in {"draft", "expired"}:
        return None
    blobs = list(tree_blobs(load_tree(source, digest), stream))
    events = _history(ids, version, known, entered)
    artifact = source.rows([f"artifact/{name}"])[f"artifact/{name}"]
    if target.row(f"artifact/{name}") is None:
        names = ("name", "kind", "owner", "successor")
        payload = {key: artifact.body[key] for key in names}
        events.insert(0, _event(ids, artifact.stream, "artifact.registered", payload))
    events += _evidence(ids, source, digest, blobs)
    examples = load_examples(source, digest, trusted_givers(source, version))
    if examples:
        blob = examples_blob(examples, f"examples/{digest}")
        blobs.append(blob)
        payload = {"blob": blob.digest, "count": len(examples), "name": name}
        events.append(_event(ids, f"examples/{digest}", "examples.added", payload))
    expects = {stream: known.seq if known else 0}
    return scope.change(events=tuple(events), blobs=tuple(blobs), expects=expects)


def _history(ids: IdSource, version: Row, known: Row | None, entered: str) -> list[NewEvent]:
    body, stream = version.body, version.stream
    verified = {
        "to": "verified",
        "reason": "proven in another space",
        "check_set": body["check_set"],
    }
    moves: list[dict[str, object]] = [verified]
    if entered:
        moves.append({"to": "promoted", "reason": entered})
    if known is not None and known.state == "expired":
        moves.insert(0, {"to": "draft", "reason": "seen again", "keep_until": body["keep_until"]})
    events = [_event(ids, stream, "version.moved", move) for move in moves]
    if known is not None:
        return events
    captured = {
        "name": body["name"],
        "digest": body["digest"],
        "kind": body["kind"],
        "requested": True,
        "keep_until": body["keep_until"],
        "sighting_key": body["sighting_key"],
        "provenance": body["provenance"][0],
    }
    return [_event(ids, stream, "version.captured", captured), *events]


def _evidence(ids: IdSource, source: View, digest: Digest, blobs: list[Blob]) -> list[NewEvent]:
    row = source.row(f"evidence/{digest}")
    events = []
    for facts in row.body["latest"].values() if row else ():
        payload = {key: value for key, value in facts.items() if key not in {"at", "event_id"}}
        if "report" in payload:
            content = source.blob(payload["report"])
            blobs.append(
                Blob(stream=f"evidence/{digest}", digest=payload["report"], content=content)
            )
        events.append(_event(ids, f"evidence/{digest}", "evidence.recorded", payload))
    return events


def _event(ids: IdSource, stream: str, type_: str, payload: dict[str, object]) -> NewEvent:
    return NewEvent(stream=stream, type=type_, payload=payload, event_id=ids.new("evt"))
