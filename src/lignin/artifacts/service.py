"""The life of artifacts on the ledger. Owns streams `artifact/`, `version/`, `sighting/`,
`examples/`, `recording/`, `evidence/`, `result/`, `usage/`.

Every method returns changes; nothing here commits. Weight follows worth: a captured scrap costs an
append and a hash; verification is for what was asked for, seen twice, or asks for authority
(decision record 2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from lignin.artifacts.lookup import require_row
from lignin.artifacts.promotion import require_person
from lignin.artifacts.proofs import tests_of
from lignin.artifacts.store import (
    examples_blob,
    load_examples,
    load_tree,
    tree_blobs,
    trusted_givers,
    unknown_examples,
)
from lignin.artifacts.versions import (
    due_reason,
    row_after,
    same_contract,
    verdict_move,
    version_stream,
)
from lignin.domain.candidates import Candidate
from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.domain.events import Blob, Change, NewEvent, Scope, format_time
from lignin.domain.examples import MIN_EXAMPLES, Example
from lignin.domain.states import Row
from lignin.domain.states.artifacts import VersionState
from lignin.ports.clock import IdSource
from lignin.ports.ledger import Page, View

if TYPE_CHECKING:
    from lignin.artifacts.verify import Verification

KEEP_DRAFT = timedelta(days=14)
Capturing = Literal["new", "seen_again", "same_code", "revived", "known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a capture amounts to.

    `how`: `new`; `seen_again` (this digest); `same_code` (another digest with the same canonical
    syntax, which `digest` then names); `revived` (expired before); `known` (the very same sighting
    was recorded already: nothing is written). `reason` says why it is in its state, `verify` whether
    verification is due, and why.
    """

    name: str
    digest: Digest
    how: Capturing
    state: VersionState
    reason: str
    verify: str
    keep_until: str
    change: Change | None


class Artifacts:
    """Capture, evidence, and transitions of versions."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def capture(
        self,
        view: View,
        scope: Scope,
        candidate: Candidate,
        *,
        requested: bool,
        owner: str,
        successor: str,
        now: datetime,
    ) -> Captured:
        """Record a candidate.

        Args:
            requested: An agent or a person asked for it (it is verified at once); False for what
                was found in a transcript (verified on its second sighting).
            owner: Accountable from now on, where the artifact is new.
            successor: Who follows when the owner leaves.
            now: The store's clock.

        Raises:
            InvalidRequestError: No owner, or no successor.
            ConflictError: The name belongs to an artifact of another kind.
        """
        if not owner or not successor:
            raise InvalidRequestError("an artifact has an accountable owner and a successor")
        manifest, digest = candidate.tree.manifest, candidate.tree.digest
        name = candidate.name
        how: Capturing = "new"
        row = view.row(version_stream(name, digest))
        twin = self._twin(view, candidate) if row is None and not requested else None
        if twin is not None:
            name, digest, row, how = twin.body["name"], twin.body["digest"], twin, "same_code"
        self._require_kind(view, name, manifest.kind)
        keep_until = format_time(now + KEEP_DRAFT)
        provenance = candidate.provenance.to_json()
        examples = unknown_examples(view, scope, digest, candidate.examples)
        if row is not None and provenance in row.body["provenance"] and row.state != "expired":
            change = self._added(scope, name, digest, examples) if examples else None
            return self._captured(row, "known", keep_until, change, manifest.needs_human)
        stream, events = version_stream(name, digest), []
        blobs: list[Blob] = []
        if row is None:
            if view.row(f"artifact/{name}") is None:
                events.append(self._registered(name, manifest.kind, owner, successor))
            events.append(self._new_version(stream, candidate, requested, keep_until))
            blobs.extend(tree_blobs(candidate.tree, stream))
        else:
            seen = {"provenance": provenance, "keep_until": keep_until, "requested": requested}
            if row.state == "expired":
                moved = {"to": "draft", "reason": "seen again", "keep_until": keep_until}
                events.append(self._event(stream, "version.moved", moved))
                blobs.extend(tree_blobs(candidate.tree, stream))
                how = "revived"
            elif how == "new":
                how = "seen_again"
            events.append(self._event(stream, "version.sighted", seen))
        if candidate.sighting_key:
            sighting = {"name": name, "digest": digest}
            events.append(
                self._event(f"sighting/{candidate.sighting_key}", "sighting.noted", sighting)
            )
        if examples:
            added = self._added(scope, name, digest, examples)
            events.extend(added.events)
            blobs.extend(added.blobs)
        expects = {stream: row.seq if row else 0}
        change = scope.change(events=tuple(events), blobs=tuple(blobs), expects=expects)
        after = row_after(row, requested, name, digest)
        return self._captured(after, how, keep_until, change, manifest.needs_human)

    def _added(
        self, scope: Scope, name: str, digest: Digest, examples: tuple[Example, ...]
    ) -> Change:
        """The change that adds examples, with who gave them."""
        blob = examples_blob(examples, f"examples/{digest}")
        payload = {
            "blob": blob.digest,
            "count": len(examples),
            "name": name,
            "by": scope.actor.sub,
        }
        event = self._event(f"examples/{digest}", "examples.added", payload)
        return scope.change(events=(event,), blobs=(blob,))

    def due(
        self, view: View, *, ready: bool = False, limit: int = 1000
    ) -> Sequence[tuple[Row, str]]:
        """Drafts whose verification is due, each with the reason.

        Args:
            ready: Also those seen only once that have enough examples to be judged.
        """
        found = []
        for row in self._all(view, "draft", limit):
            reason = due_reason(row, asks_authority=False)
            if not reason and ready and self._is_ready(view, row):
                reason = "has enough examples"
            if reason:
                found.append((row, reason))
        return found

    def _is_ready(self, view: View, row: Row) -> bool:
        """True for a test, which brings its own proof, and where examples or tests can judge."""
        digest = row.body["digest"]
        return (
            row.body["kind"] == "test"
            or len(load_examples(view, digest, trusted_givers(view, row))) >= MIN_EXAMPLES
            or any(test.counts for test in tests_of(view, digest))
        )

    def record_verification(
        self, view: View, scope: Scope, name: str, digest: Digest, verification: "Verification"
    ) -> Change:
        """The change that keeps a verification and moves a draft by its verdict.

        Pass makes a draft verified; fail makes a draft or verified version rejected; inconclusive
        moves nothing. The full report is a blob; results that may be reused are kept by their key.
        """
        row = require_row(view, version_stream(name, digest))
        report = canonical_bytes(verification.to_json())
        blob = Blob(stream=f"evidence/{digest}", digest=digest_bytes(report), content=report)
        summary = {
            "kind": "verification",
            "verdict": verification.verdict,
            "reasons": [reason[:500] for reason in verification.reasons[:20]],
            "questions": [question[:500] for question in verification.questions[:20]],
            "key": verification.key,
            "check_set": verification.check_set_digest,
            "policy": verification.policy_digest,
            "tier": verification.tier,
            "report": blob.digest,
            "binding": verification.binding,
            "examples": verification.examples,
        }
        events = [self._event(f"evidence/{digest}", "evidence.recorded", summary)]
        if verification.cacheable:
            events.append(self._event(f"result/{verification.key}", "result.recorded", summary))
        events += self._moves(row, verification)
        return scope.change(events=tuple(events), blobs=(blob,), expects={row.stream: row.seq})

    def cached(self, view: View, key: Digest) -> Mapping[str, Json] | None:
        """The summary of an earlier verification under the same key, if one may be reused."""
        row = view.row(f"result/{key}")
        return row.body if row else None

    def reuse(
        self, view: View, scope: Scope, name: str, digest: Digest, summary: Mapping[str, Json]
    ) -> Change | None:
        """The change that tells and moves a version by a cached result; None where neither is new."""
        row = require_row(view, version_stream(name, digest))
        events = []
        if self._evidence(view, digest).get("verification", {}).get("key") != summary["key"]:
            facts = {k: v for k, v in summary.items() if k != "at"}
            events.append(self._event(f"evidence/{digest}", "evidence.recorded", facts))
        if to := verdict_move(row, summary["verdict"], summary["check_set"]):
            reason = "; ".join(summary["reasons"]) or "every check passed (reused result)"
            moved = {"to": to, "reason": reason[:500], "check_set": summary["check_set"]}
            events.append(self._event(row.stream, "version.moved", moved))
        if not events:
            return None
        return scope.change(events=tuple(events), expects={row.stream: row.seq})

    def move(
        self,
        view: View,
        scope: Scope,
        name: str,
        digest: Digest,
        to: VersionState,
        *,
        reason: str,
        decision_id: str | None = None,
        forward_to: str | None = None,
        forget: bool = False,
    ) -> Change:
        """The change that moves a version to another state by the transition table.

        Args:
            forward_to: The artifact that follows a retired one.
            forget: Let the bytes go (an expired draft's).
        """
        row = require_row(view, version_stream(name, digest))
        payload = {"to": to, "reason": reason, "forward_to": forward_to}
        moved = NewEvent(
            stream=row.stream,
            type="version.moved",
            payload=payload,
            event_id=self._ids.new("evt"),
            decision_id=decision_id,
        )
        forgets = (row.stream, f"examples/{digest}", f"recording/{digest}") if forget else ()
        return scope.change(events=(moved,), expects={row.stream: row.seq}, forgets=forgets)

    def expire(self, view: View, scope: Scope, now: datetime, *, limit: int = 500) -> list[Change]:
        """Changes that let go drafts nobody reached for until their `keep_until`."""
        page = view.page("version", state="draft", due_before=format_time(now), limit=limit)
        reason = "nobody reached for it within its keeping time"
        return [
            self.move(
                view,
                scope,
                row.body["name"],
                row.body["digest"],
                "expired",
                reason=reason,
                forget=True,
            )
            for row in page.rows
        ]

    def reassign(
        self, view: View, scope: Scope, name: str, *, owner: str, successor: str
    ) -> Change:
        """The change that hands an artifact over.

        The owner's examples judge it, so whoever is neither owner nor successor must be a person.

        Raises:
            DeniedError: An agent that it does not belong to, or anybody through an agent.
        """
        if not owner or not successor:
            raise InvalidRequestError("an artifact has an accountable owner and a successor")
        row, actor = require_row(view, f"artifact/{name}"), scope.actor
        if actor.act or actor.sub not in {row.body["owner"], row.body["successor"]}:
            require_person(actor, "hands over what is not its own")
        payload = {"owner": owner, "successor": successor}
        event = self._event(row.stream, "artifact.reassigned", payload)
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def used(self, scope: Scope, digest: Digest, use: Mapping[str, Json]) -> Change:
        """The change that counts one use; it never conflicts.

        Args:
            use: `name`, `client`, `path`, `ok`, and the `binding` that answered its tool calls.
        """
        return scope.change(events=(self._event(f"usage/{digest}", "usage.recorded", use),))

    def versions(self, view: View, name: str, *, limit: int = 1000) -> Page:
        """An artifact's versions.

        Raises:
            NotFoundError: No artifact of that name.
        """
        require_row(view, f"artifact/{name}")
        return view.page("version", parent=name, limit=limit)

    def find_version(self, view: View, name: str, digest: str) -> Row:
        """A version by name and digest, which may be cut to 6 digits or more.

        Raises:
            NotFoundError: None begins so.
            ConflictError: Several do.
        """
        wanted = digest if digest.startswith("sha256:") else f"sha256:{digest}"
        if len(wanted) < len("sha256:") + 6:
            raise InvalidRequestError(f"{digest!r} is too short", hint="give 6 digits or more")
        page = view.page("version", prefix=f"{name}@{wanted}", limit=3)
        if not page.rows:
            require_row(view, f"artifact/{name}")
            raise NotFoundError(
                f"artifact {name!r} has no version {digest}",
                hint=f"`lignin artifact show {name}` lists its versions",
            )
        if len(page.rows) > 1:
            raise ConflictError(f"several versions of {name!r} begin with {digest}")
        return page.rows[0]

    def _all(self, view: View, state: str, limit: int) -> list[Row]:
        rows: list[Row] = []
        after = None
        while len(rows) < limit:
            page = view.page("version", state=state, after=after, limit=min(500, limit))
            rows.extend(page.rows)
            if page.next_after is None:
                break
            after = page.next_after
        return rows[:limit]

    def _twin(self, view: View, candidate: Candidate) -> Row | None:
        """The first version with the same canonical syntax that a capture may join.

        Only what was found in transcripts is joined, and only where the contract is the same too:
        nobody's hand-over stands for somebody else's code, name or authority.
        """
        if not candidate.sighting_key:
            return None
        row = view.row(f"sighting/{candidate.sighting_key}")
        for name, digest in row.body["versions"] if row else ():
            version = view.row(version_stream(name, digest))
            if version is None or version.state == "expired" or version.body["requested"]:
                continue
            if same_contract(load_tree(view, digest).manifest, candidate.tree.manifest):
                return version
        return None

    def _require_kind(self, view: View, name: str, kind: str) -> None:
        row = view.row(f"artifact/{name}")
        if row is not None and row.body["kind"] != kind:
            raise ConflictError(
                f"{name!r} is a {row.body['kind']}, the capture is a {kind}",
                hint="capture it under another name",
            )

    def _captured(
        self, row: Row, how: Capturing, keep_until: str, change: Change | None, asks_authority: bool
    ) -> Captured:
        state: VersionState = row.body["state"]
        verify = due_reason(row, asks_authority=asks_authority) if state == "draft" else ""
        return Captured(
            name=row.body["name"],
            digest=row.body["digest"],
            how=how,
            state=state,
            reason=row.body["reason"],
            verify=verify,
            keep_until=keep_until,
            change=change,
        )

    def _registered(self, name: str, kind: str, owner: str, successor: str) -> NewEvent:
        payload = {"name": name, "kind": kind, "owner": owner, "successor": successor}
        return self._event(f"artifact/{name}", "artifact.registered", payload)

    def _new_version(
        self, stream: str, candidate: Candidate, requested: bool, keep_until: str
    ) -> NewEvent:
        manifest = candidate.tree.manifest
        payload = {
            "name": candidate.name,
            "digest": candidate.tree.digest,
            "kind": manifest.kind,
            "requested": requested or manifest.needs_human,
            "keep_until": keep_until,
            "sighting_key": candidate.sighting_key,
            "provenance": candidate.provenance.to_json(),
        }
        return self._event(stream, "version.captured", payload)

    def _moves(self, row: Row, verification: "Verification") -> list[NewEvent]:
        to = verdict_move(row, verification.verdict, verification.check_set_digest)
        if to is None:
            return []
        reason = "; ".join(verification.reasons) or "every check passed"
        check_set = verification.check_set_digest
        moved = {"to": to, "reason": reason[:500], "check_set": check_set}
        if row.state == "rejected":
            reopened = {"to": "draft", "reason": "judged by other checks", "check_set": check_set}
            return [
                self._event(row.stream, "version.moved", reopened),
                self._event(row.stream, "version.moved", moved),
            ]
        return [self._event(row.stream, "version.moved", moved)]

    def _evidence(self, view: View, digest: Digest) -> Mapping[str, Json]:
        row = view.row(f"evidence/{digest}")
        found: Mapping[str, Json] = row.body["latest"] if row else {}
        return found

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        event_id = self._ids.new("evt")
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=event_id)
