"""Rubrics, labels of people and verdicts of judges on the ledger. Owns `rubric/`, `label/`,
`verdict/` and `agreement/`.

Nothing here commits. What is labelled and judged is an item: a task with a run, as a judge is shown it,
named by the hash of both and kept with the label, since it is foreign text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.ids import derive_id
from lignin.domain.rubrics import Rubric
from lignin.domain.states import Row
from lignin.ports.clock import IdSource

MAX_REASON_CHARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A task with a run of it."""

    task: Mapping[str, Json]
    run: Mapping[str, Json]

    @property
    def content(self) -> bytes:
        """Both as canonical JSON."""
        return canonical_bytes({"task": dict(self.task), "run": dict(self.run)})

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.content)

    @property
    def task_digest(self) -> Digest:
        return digest_bytes(canonical_bytes(dict(self.task)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One person's label of an item; `model` is the one that wrote the run, "" where nobody says."""

    item: Item
    label: str
    by: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a judge said of an item, or of a probe of it: `said` a label, or the better one of two."""

    item: Digest
    probe: str
    said: str
    reason: str = ""


def label_id(rubric: str, item: Digest, by: str) -> str:
    """The id of a person's label of an item by a rubric of that name, whatever its version."""
    return derive_id("lbl", [rubric, item, by])


def verdict_id(rubric: Digest, judge: Digest, item: Digest, probe: str) -> str:
    """The id of a judge's verdict by a rubric's version."""
    return derive_id("vdt", [rubric, judge, item, probe])


def agreement_of(grader: str) -> str:
    """The stream of what a grader's agreement with people was measured as."""
    return f"agreement/{derive_id('agr', [grader])}"


class Rubrics:
    """Files rubrics, labels and verdicts."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def add(self, scope: Scope, rubric: Rubric, *, adopt: bool) -> Change:
        """The change that files a version; the first one of a name may be in use at once."""
        content = canonical_bytes(rubric.to_json())
        stream, by = f"rubric/{rubric.digest}", scope.actor.sub
        payload = {"name": rubric.name, "content": digest_bytes(content), "by": by}
        events = [self._event(stream, "rubric.added", payload)]
        if adopt:
            events.append(self._event(stream, "rubric.adopted", {"by": by}))
        blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
        return scope.change(events=tuple(events), blobs=(blob,), expects={stream: 0})

    def compare(self, scope: Scope, row: Row, told: Mapping[str, Json]) -> Change:
        """The change that files how a version compares with the one in use."""
        content = canonical_bytes(dict(told))
        payload = {
            "old": told["old"],
            "outcome": told["outcome"],
            "told": digest_bytes(content),
            "by": scope.actor.sub,
        }
        blob = Blob(stream=row.stream, digest=digest_bytes(content), content=content)
        event = self._event(row.stream, "rubric.compared", payload)
        return scope.change(events=(event,), blobs=(blob,), expects={row.stream: row.seq})

    def adopt(self, scope: Scope, new: Row, old: Row | None) -> Change:
        """The change that puts a version in use, in place of the one that is."""
        events = [self._event(new.stream, "rubric.adopted", {"by": scope.actor.sub})]
        expects = {new.stream: new.seq}
        if old is not None:
            events.insert(0, self._event(old.stream, "rubric.replaced", {"digest": new.key}))
            expects[old.stream] = old.seq
        return scope.change(events=tuple(events), expects=expects)

    def label(self, scope: Scope, rubric: Rubric, given: Label) -> Change:
        """The change that files a label; the person's earlier one of that item counts no more."""
        item = given.item
        stream = f"label/{label_id(rubric.name, item.digest, given.by)}"
        payload = {
            "rubric": rubric.name,
            "version": rubric.digest,
            "item": item.digest,
            "label": given.label,
            "score": rubric.scores[rubric.place(given.label)],
            "by": given.by,
            "filed_by": scope.actor.sub,
            "model": given.model,
        }
        blob = Blob(stream=stream, digest=item.digest, content=item.content)
        return scope.change(events=(self._event(stream, "label.given", payload),), blobs=(blob,))

    def verdict(
        self, scope: Scope, rubric: Rubric, judge: tuple[str, Digest], given: Given
    ) -> Change:
        """The change that files a verdict.

        Args:
            judge: Its name and digest.

        Raises (when committed):
            ConflictError: It was filed before.
        """
        stream = f"verdict/{verdict_id(rubric.digest, judge[1], given.item, given.probe)}"
        payload = {
            "rubric": rubric.digest,
            "judge": judge[1],
            "judge_name": judge[0],
            "item": given.item,
            "probe": given.probe,
            "said": given.said,
            "reason": given.reason[:MAX_REASON_CHARS],
        }
        event = self._event(stream, "verdict.given", payload)
        return scope.change(events=(event,), expects={stream: 0})

    def measure(self, scope: Scope, rubric: str, told: Mapping[str, Json]) -> Change:
        """The change that files how far a grader agrees with people, as it is measured now.

        Args:
            rubric: The rubric's name.
        """
        stream, content = agreement_of(str(told["grader"])), canonical_bytes(dict(told))
        payload = {
            "rubric": rubric,
            "grader": told["grader"],
            "outcome": told["outcome"],
            "items": told["items"],
            "told": digest_bytes(content),
            "by": scope.actor.sub,
        }
        blob = Blob(stream=stream, digest=digest_bytes(content), content=content)
        event = self._event(stream, "agreement.measured", payload)
        return scope.change(events=(event,), blobs=(blob,))

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))
