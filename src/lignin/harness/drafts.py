"""Drafts of changes to a repository of the user's, as the ledger keeps them. Nothing here commits.

A draft holds the commit it was made on and the files that change; the repository itself stays where it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lignin.domain.artifacts import File, Mode
from lignin.domain.codec import Digest, Json, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, require_known


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryDraft:
    """A change to a repository: on which commit, and each path's new content, None where it goes."""

    folder: Path
    commit: str
    files: Mapping[str, File | None]


class Drafts:
    """Drafts on the ledger."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def file(
        self, scope: Scope, draft: RepositoryDraft, hypothesis: str, facts: Mapping[str, Json]
    ) -> tuple[str, Change]:
        """Return a draft's id and the change that files it."""
        name = self._ids.new("drf")
        stream = f"draft/{name}"
        payload = {
            "repository": str(draft.folder),
            "commit": draft.commit,
            "files": {
                path: None if file is None else {"digest": _digest(file), "mode": file.mode}
                for path, file in sorted(draft.files.items())
            },
            "hypothesis": hypothesis,
            "facts": dict(facts),
        }
        blobs = {
            _digest(file): Blob(stream=stream, digest=_digest(file), content=file.content)
            for file in draft.files.values()
            if file is not None
        }
        filed = self._event(stream, "draft.filed", payload)
        return name, scope.change(events=(filed,), blobs=tuple(blobs.values()), expects={stream: 0})

    def tried(self, scope: Scope, row: Row, decision: str) -> Change:
        """The change that keeps with a draft which decision was made on it."""
        event = self._event(row.stream, "draft.tried", {"decision": decision})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def branched(self, scope: Scope, row: Row, branch: str, commit: str, decision: str) -> Change:
        """The change that keeps with a draft which branch it became."""
        payload = {"branch": branch, "commit": commit, "decision": decision}
        event = self._event(row.stream, "draft.branched", payload)
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def load_draft(view: View, name: str) -> RepositoryDraft:
    """Return a draft as it was filed.

    Raises:
        NotFoundError: There is none.
    """
    body = require_known(view, f"draft/{name}").body
    files: dict[str, File | None] = {}
    for path, told in body["files"].items():
        mode: Mode = "0755" if told and told["mode"] == "0755" else "0644"
        files[path] = File(content=view.blob(told["digest"]), mode=mode) if told else None
    return RepositoryDraft(folder=Path(body["repository"]), commit=body["commit"], files=files)


def _digest(file: File) -> Digest:
    return digest_bytes(file.content)
