"""Campaigns on the ledger. Owns streams `improve/`.

Each step of a round is one event, so that a crash loses at most the step that was under way, and that one
pays nothing twice: trials, decisions and artifacts have names of their own. Nothing here commits.
"""

from collections.abc import Mapping

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


def campaign_id(founding: Json) -> str:
    """The id of a campaign: the hash of what it is about."""
    return derive_id("imp", founding)


class Improvements:
    """The steps of campaigns."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def open(self, scope: Scope, campaign: str, suite: Json, facts: Mapping[str, Json]) -> Change:
        """The change that opens a campaign on a suite that stays the same to its end."""
        stream = f"improve/{campaign}"
        content = canonical_bytes(suite)
        payload = {**facts, "suite": digest_bytes(content)}
        blob = Blob(stream=stream, digest=payload["suite"], content=content)
        event = self._event(stream, "improve.opened", payload)
        return scope.change(events=(event,), blobs=(blob,), expects={stream: 0})

    def aimed(self, scope: Scope, row: Row, facts: Mapping[str, Json]) -> Change:
        """The change that begins a round: its mode, its target, who is asked."""
        return self._step(scope, row, "improve.aimed", facts)

    def drafted(
        self, scope: Scope, row: Row, facts: Mapping[str, Json], files: Mapping[str, File | None]
    ) -> Change:
        """The change that keeps what a proposer answered, its files in a blob."""
        content = canonical_bytes(_files_to_json(files))
        digest: Digest = digest_bytes(content)
        event = self._event(row.stream, "improve.drafted", {**facts, "files": digest})
        blob = Blob(stream=row.stream, digest=digest, content=content)
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def proposed(self, scope: Scope, row: Row, facts: Mapping[str, Json]) -> Change:
        """The change that says which proposal a draft became."""
        return self._step(scope, row, "improve.proposed", facts)

    def judged(self, scope: Scope, row: Row, facts: Mapping[str, Json]) -> Change:
        """The change that ends a round with its outcome."""
        return self._step(scope, row, "improve.judged", facts)

    def ending(self, scope: Scope, row: Row, facts: Mapping[str, Json]) -> Change:
        """The change that notes a part of the end: the proposal, its decision, what is measured."""
        return self._step(scope, row, "improve.ending", facts)

    def ended(self, scope: Scope, row: Row, facts: Mapping[str, Json]) -> Change:
        """The change that ends a campaign."""
        return self._step(scope, row, "improve.ended", facts)

    def continued(self, scope: Scope, row: Row) -> Change:
        """The change that goes on with a campaign whose limits were raised."""
        return self._step(scope, row, "improve.continued", {})

    def _step(self, scope: Scope, row: Row, type_: str, facts: Mapping[str, Json]) -> Change:
        event = self._event(row.stream, type_, facts)
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def drafted_files(view: View, digest: Digest) -> dict[str, File | None]:
    """The files of a draft, as they were kept."""
    return {
        path: None if told is None else File(content=bytes.fromhex(told[1]), mode=told[0])
        for path, told in parse_json(view.blob(digest)).items()
    }


def _files_to_json(files: Mapping[str, File | None]) -> dict[str, Json]:
    return {
        path: None if file is None else [file.mode, file.content.hex()]
        for path, file in files.items()
    }
