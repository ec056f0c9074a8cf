"""Making a version of one space known in another: the same digest, its bytes and its evidence."""

from lignin.artifacts.store import examples_blob, load_examples, load_tree, tree_blobs
from lignin.domain.codec import Digest
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


def adopt(
    ids: IdSource, scope: Scope, *, source: View, target: View, name: str, digest: Digest
) -> Change | None:
    """The change that records a proven version of `source` in `target`; None where it is known.

    The version arrives as verified with the other space's evidence beside it; what its new space
    asks of it (approval, its own gate) is still asked there.
    """
    stream = f"version/{name}@{digest}"
    version = source.row(stream)
    if version is None or target.row(stream) is not None:
        return None
    artifact = source.rows([f"artifact/{name}"])[f"artifact/{name}"]
    events, blobs = (
        _history(ids, version, stream),
        list(tree_blobs(load_tree(source, digest), stream)),
    )
    if target.row(f"artifact/{name}") is None:
        names = ("name", "kind", "owner", "successor")
        payload = {key: artifact.body[key] for key in names}
        events.insert(0, _event(ids, artifact.stream, "artifact.registered", payload))
    events += _evidence(ids, source, digest, blobs)
    examples = load_examples(source, digest)
    if examples:
        blob = examples_blob(examples, f"examples/{digest}")
        blobs.append(blob)
        payload = {"blob": blob.digest, "count": len(examples), "name": name}
        events.append(_event(ids, f"examples/{digest}", "examples.added", payload))
    return scope.change(events=tuple(events), blobs=tuple(blobs), expects={stream: 0})


def _history(ids: IdSource, version: Row, stream: str) -> list[NewEvent]:
    body = version.body
    captured = {
        "name": body["name"],
        "digest": body["digest"],
        "kind": body["kind"],
        "requested": True,
        "keep_until": body["keep_until"],
        "sighting_key": body["sighting_key"],
        "provenance": body["provenance"][0],
    }
    verified = {
        "to": "verified",
        "reason": "proven in another space",
        "check_set": body["check_set"],
    }
    return [
        _event(ids, stream, "version.captured", captured),
        _event(ids, stream, "version.moved", verified),
    ]


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
