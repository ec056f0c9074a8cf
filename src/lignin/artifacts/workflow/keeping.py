"""What outlives the runs of workflows, on the ledger. Owns streams `flowstate/` and `missed/`.

Every function returns a change or what is there; nothing here commits. Values are blobs of their stream.
"""

from collections.abc import Mapping, Sequence

from lignin.artifacts.workflow.contract import Flow
from lignin.artifacts.workflow.state import Kept
from lignin.domain.codec import Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.workflows import NO_DIGEST, StateTerms
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View

SPACE = ":space"
"""Stands for the space where an artifact's name would; no artifact can be called so."""


def state_stream(artifact: str, name: str, terms: StateTerms) -> str:
    """The stream of a state: one artifact's, or the space's."""
    return f"flowstate/{SPACE if terms.scope == 'space' else artifact}/{name}"


def load_state(view: View, stream: str, terms: StateTerms) -> Kept:
    """A state as it is kept; its initial value where there is none yet."""
    row = view.row(stream)
    if row is None:
        return Kept(value=terms.initial, version=0, form_version=0, form_digest=NO_DIGEST)
    return Kept(
        value=parse_json(view.blob(row.body["blob"])),
        version=row.seq,
        form_version=row.body["form_version"],
        form_digest=row.body["form"],
    )


def state_change(
    scope: Scope,
    ids: IdSource,
    flow: Flow,
    stream: str,
    terms: StateTerms,
    *,
    expected: int,
    value: Json,
    run: str,
    key: str,
) -> Change:
    """The change that puts a value in the place of the one that was version `expected`.

    Raises:
        ConflictError: (when committed) Somebody else was quicker.
    """
    content = canonical_bytes(value)
    blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
    payload = {
        "blob": blob.digest, "form": terms.form_digest, "form_version": terms.version,
        "artifact": flow.name, "digest": flow.digest, "run": run,
    }  # fmt: skip
    event = NewEvent(stream=stream, type="flowstate.set", payload=payload, event_id=ids.new("evt"))
    return scope.change(
        events=(event,), blobs=(blob,), expects={stream: expected}, idempotency_key=key
    )


def load_missed(view: View, artifact: str) -> list[dict[str, Json]]:
    """The failed runs of a workflow that no later run has made up for, oldest first."""
    row = view.row(f"missed/{artifact}")
    found: list[dict[str, Json]] = []
    for each in row.body["kept"] if row else ():
        told = parse_json(view.blob(each["blob"]))
        found.append({"run": each["run"], "at": each["at"], **told})
    return found


def missed_change(
    scope: Scope, ids: IdSource, flow: Flow, *, run: str, event: Json, error: Mapping[str, Json]
) -> Change:
    """The change that keeps the event of a failed run for the next one."""
    stream = f"missed/{flow.name}"
    content = canonical_bytes({"event": event, "error": dict(error)})
    blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
    payload = {"run": run, "blob": blob.digest, "digest": flow.digest, "code": error["code"]}
    added = NewEvent(stream=stream, type="missed.added", payload=payload, event_id=ids.new("evt"))
    return scope.change(events=(added,), blobs=(blob,))


def taken_change(scope: Scope, ids: IdSource, flow: Flow, runs: Sequence[str]) -> Change:
    """The change that lets go of failed runs which a later one was given and survived."""
    stream = f"missed/{flow.name}"
    event = NewEvent(
        stream=stream, type="missed.taken", payload={"runs": list(runs)}, event_id=ids.new("evt")
    )
    return scope.change(events=(event,))
