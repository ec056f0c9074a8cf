"""Heads and proposals on the ledger. Owns streams `revision/`, `head/`, `proposal/`, `note/`.

Nothing here commits, and nothing here decides whether a change is good: a decision arrives from the
gate with its reasons. What is kept is the order: open, decided, applied, by compare-and-swap.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from lignin.domain.codec import Digest, Json
from lignin.domain.errors import ConflictError, GateFailedError, InvalidRequestError
from lignin.domain.events import Change, NewEvent, Scope, format_time
from lignin.domain.harness import (
    NO_PARENT,
    Claim,
    Patch,
    Revision,
    apply_patch,
    diff_revisions,
    parse_patch,
    parse_revision,
    patch_to_json,
)
from lignin.domain.states import Row
from lignin.harness.laws import Decision, Move
from lignin.harness.waiting import done_by, waiting
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, require_known

MAX_DEPTH = 10
MAX_LEASE_S = 3600

__all__ = ["Decision", "Harness", "Move"]


class Harness:
    """Heads, proposals and their moves."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def create_head(
        self,
        scope: Scope,
        name: str,
        *,
        salt: str,
        extends: tuple[str, str] | None = None,
        parent_revision: Digest | None = None,
        parent_slots: Mapping[str, Digest] | None = None,
        practice: bool = False,
        campaign: str = "",
    ) -> Change:
        """The change that creates an empty head.

        Args:
            salt: Secret that assigns units to canary and hold-out (any text, kept in the log).
            extends: (space, head) of the parent; its stable revision is `parent_revision`, with
                everything in it flattened in `parent_slots`.
            practice: What simulated agents decide counts for it, and nothing real stands on it.
            campaign: The campaign that explores on it; it stays on the revision it began with.
        """
        revision = Revision(slots={}, extends=parent_revision)
        events = []
        if parent_revision is not None:
            events.append(self._inherited(parent_revision, parent_slots or {}))
        events.append(self._revision(revision))
        payload: dict[str, Json] = {
            "stable": revision.digest,
            "salt": salt,
            "extends": {"space": extends[0], "head": extends[1]} if extends else None,
            "parent": f"{extends[0]}:{extends[1]}" if extends else None,
        }
        if practice:
            payload["practice"] = True
        if campaign:
            payload["campaign"] = campaign
        events.append(self._event(f"head/{name}", "head.created", payload))
        return scope.change(events=tuple(events), expects={f"head/{name}": 0})

    def stable(self, view: View, head: str) -> tuple[Digest, Revision]:
        """A head's stable revision.

        Raises:
            NotFoundError: No such head.
        """
        digest: Digest = require_known(view, f"head/{head}").body["stable"]
        return digest, self.revision(view, digest)

    def revision(self, view: View, digest: Digest) -> Revision:
        """A revision by digest.

        Raises:
            NotFoundError: No such revision in this space.
        """
        return parse_revision(require_known(view, f"revision/{digest}").body)

    def resolve(self, view: View, digest: Digest) -> Mapping[str, Digest]:
        """Every slot of a revision, those of its parents included; the nearest wins.

        A slot that a child leaves empty on purpose is shadowed by an empty digest text.
        """
        return self.resolved(view, self.revision(view, digest))

    def resolved(self, view: View, revision: Revision) -> Mapping[str, Digest]:
        """What `resolve` says, of a revision that need not be in the log yet."""
        layers: list[Mapping[str, Digest]] = [revision.slots]
        while revision.extends is not None:
            if len(layers) == MAX_DEPTH:
                raise InvalidRequestError(f"more than {MAX_DEPTH} revisions extend each other")
            revision = self.revision(view, revision.extends)
            layers.append(revision.slots)
        slots: dict[str, Digest] = {}
        for layer in reversed(layers):
            slots.update(layer)
        return {slot: artifact for slot, artifact in sorted(slots.items()) if artifact}

    def propose(
        self,
        view: View,
        scope: Scope,
        *,
        head: str,
        patch: Patch,
        claim: Claim,
        hypothesis: str = "",
        extends: Digest | None = None,
        facts: Mapping[str, Json] | None = None,
        base: Digest | None = None,
    ) -> tuple[str, Change]:
        """Return a proposal's id and the change that opens it.

        Args:
            patch: Slot to what it expects and what it puts there.
            extends: A new parent revision, where a parent's move is what is proposed.
            facts: Target failure mode, predicted effect and the like, kept with the proposal.
            base: The revision the patch was made on; default: the head's stable one.

        Raises:
            ConflictError: The patch does not fit its base.
        """
        stable, _ = self.stable(view, head)
        base = base or stable
        result = apply_patch(self.revision(view, base), patch, extends)
        proposal = self._ids.new("prp")
        payload = {
            "head": head,
            "base": base,
            "patch": patch_to_json(patch),
            "extends": extends,
            "claim": claim,
            "hypothesis": hypothesis,
            "result": result.digest,
            "facts": dict(facts or {}),
        }
        opened = self._event(f"proposal/{proposal}", "proposal.opened", payload)
        return proposal, scope.change(events=(opened,))

    def decide(self, view: View, scope: Scope, proposal: str, decision: Decision) -> Change:
        """The change that records a decision on an open proposal."""
        row = require_known(view, f"proposal/{proposal}")
        to = {"accept": "accepted", "reject": "rejected", "undecided": "undecided"}
        if row.state == "reopened":  # what moved a head then still stands in it
            stood = row.body["reopened"]["from"]
            to |= {
                "undecided": "reopened",
                "accept": "applied" if stood == "applied" else "accepted",
            }
        payload = {"to": to[decision.outcome], "decision": decision.to_json()}
        decided = self._event(row.stream, "proposal.decided", payload)
        return scope.change(events=(decided,), expects={row.stream: row.seq})

    def reopen(self, scope: Scope, row: Row, reasons: Sequence[str]) -> Change:
        """The change that puts a decided proposal before the gate again; no head moves."""
        reopened = self._event(row.stream, "decision.reopened", {"reasons": list(reasons)})
        return scope.change(events=(reopened,), expects={row.stream: row.seq})

    def apply(self, view: View, scope: Scope, proposal: str, *, fence: int | None = None) -> Change:
        """The change that moves a head to an accepted proposal's revision.

        Raises:
            GateFailedError: The proposal is not accepted.
            ConflictError: The head has moved since; the answer carries the new head and what
                differs.
        """
        row = require_known(view, f"proposal/{proposal}")
        if row.state != "accepted":
            raise GateFailedError(
                f"proposal {proposal} is {row.state}, not accepted",
                hint="only what the gate accepted moves a head",
            )
        return self._move(view, scope, row, fence)

    def apply_unseen(
        self, view: View, scope: Scope, opened: Change, decision: Decision, *, fence: int | None
    ) -> tuple[Change, ...]:
        """Open, decide and apply in one commit: the changes to commit together.

        Raises:
            GateFailedError: The decision does not accept.
        """
        if decision.outcome != "accept":
            raise GateFailedError("the proposal is not accepted", hint="; ".join(decision.reasons))
        event = opened.events[0]
        payload = {"to": "accepted", "decision": decision.to_json()}
        decided = scope.change(events=(self._event(event.stream, "proposal.decided", payload),))
        row = Row(stream=event.stream, kind="proposal", seq=2, body=event.payload, state="accepted")
        return opened, decided, self._move(view, scope, row, fence)

    def rebase(self, view: View, scope: Scope, proposal: str) -> tuple[str, Change]:
        """Make a new proposal of an unapplied one on the head as it stands now.

        Raises:
            ConflictError: The head's move touched the same slots.
        """
        row = require_known(view, f"proposal/{proposal}")
        patch, head = parse_patch(row.body["patch"]), row.body["head"]
        base = self.revision(view, row.body["base"])
        _, now = self.stable(view, head)
        clash = sorted(set(patch) & set(diff_revisions(base, now)))
        if clash:
            raise ConflictError(
                f"the head moved the same slots meanwhile: {', '.join(clash)}",
                hint="make a new proposal that takes their new content into account",
                slots=clash,
            )
        if row.body["extends"] and base.extends != now.extends:
            raise ConflictError(
                f"head {head!r} stands on another parent revision since",
                hint="the parent's next move proposes itself",
            )
        new, opened = self.propose(
            view,
            scope,
            head=head,
            patch=patch,
            claim=row.body["claim"],
            hypothesis=row.body["hypothesis"],
            extends=row.body["extends"],
            facts={**row.body["facts"], "rebased_from": proposal},
        )
        superseded = self._event(row.stream, "proposal.superseded", {"superseded_by": new})
        both = (*opened.events, superseded)
        return new, scope.change(events=both, expects={row.stream: row.seq})

    def proposed(self, view: View, proposal: str) -> tuple[Revision, Revision]:
        """What a proposal was made on and what it leads to.

        Raises:
            NotFoundError: No such proposal.
        """
        body = require_known(view, f"proposal/{proposal}").body
        base = self.revision(view, body["base"])
        return base, apply_patch(base, parse_patch(body["patch"]), body["extends"])

    def withdraw(self, view: View, scope: Scope, proposal: str) -> Change:
        """The change that takes a proposal back."""
        row = require_known(view, f"proposal/{proposal}")
        event = self._event(row.stream, "proposal.withdrawn", {"reason": "withdrawn"})
        return scope.change(events=(event,), expects={row.stream: row.seq})

    def rollback(
        self,
        view: View,
        scope: Scope,
        head: str,
        to: Digest,
        *,
        reason: str,
        fence: int | None = None,
    ) -> tuple[str, tuple[Change, ...]]:
        """Move a head back to a revision it had before, as a proposal that claims `restore`.

        Raises:
            InvalidRequestError: The head never stood there.
        """
        digest, now = self.stable(view, head)
        if to not in {move.came_from for move in self.history(view, head)}:
            raise InvalidRequestError(
                f"head {head!r} never stood at {to}", hint="`lignin head history` lists its moves"
            )
        target = self.revision(view, to)
        proposal, opened = self.propose(
            view,
            scope,
            head=head,
            patch=diff_revisions(now, target),
            claim="restore",
            hypothesis=reason,
            extends=None if target.extends == now.extends else target.extends or NO_PARENT,
            base=digest,
        )
        decision = Decision(
            outcome="accept", reasons=(f"restores {to}, where the head stood before: {reason}",)
        )
        return proposal, self.apply_unseen(view, scope, opened, decision, fence=fence)

    def history(self, view: View, head: str) -> Sequence[Move]:
        """A head's moves, newest first."""
        require_known(view, f"head/{head}")
        moves, after = [], 0
        while events := view.events(f"head/{head}", after_seq=after):
            after = events[-1].seq
            moves += [
                Move(
                    position=event.position,
                    at=event.at,
                    by=event.actor.sub,
                    came_from=event.payload["from"],
                    to=event.payload["to"],
                    proposal=event.payload["proposal"],
                    claim=event.payload["claim"],
                    slots=event.payload["slots"],
                )
                for event in events
                if event.type == "head.moved"
            ]
        return moves[::-1]

    def lease(
        self,
        view: View,
        scope: Scope,
        head: str,
        *,
        holder: str,
        ttl_s: int,
        now: datetime,
        token: int | None = None,
    ) -> tuple[int, Change]:
        """Return the fencing token of a lease on a head and the change that takes it.

        A head under a live lease moves only with its token.

        Args:
            now: The store's clock.
            token: The token held so far, where the holder renews a lease before its end.
        """
        if not 0 < ttl_s <= MAX_LEASE_S:
            raise InvalidRequestError(f"a lease lasts 1 to {MAX_LEASE_S} s, not {ttl_s}")
        row = require_known(view, f"head/{head}")
        until = format_time(now + timedelta(seconds=ttl_s))
        leased = self._event(row.stream, "head.leased", {"holder": holder, "until": until})
        fences = {row.stream: token} if token is not None else {}
        change = scope.change(events=(leased,), expects={row.stream: row.seq}, fences=fences)
        return row.body["fence"] + 1, change

    def release(self, scope: Scope, head: str, token: int) -> Change:
        """The change that gives a lease back."""
        released = self._event(f"head/{head}", "head.released", {"token": token})
        return scope.change(events=(released,), fences={f"head/{head}": token})

    def note(
        self, scope: Scope, head: str, slot: str, digest: Digest, facts: Mapping[str, Json]
    ) -> Change:
        """The change that notes on a slot which weakness it makes up for, shown on which models."""
        payload = {**facts, "head": head, "slot": slot, "digest": digest}
        stream = f"note/{head}/{slot}/{digest}"
        return scope.change(events=(self._event(stream, "slot.noted", payload),))

    def inherit(
        self,
        view: View,
        scope: Scope,
        head: str,
        parent_revision: Digest,
        parent_slots: Mapping[str, Digest],
    ) -> tuple[str, tuple[Change, ...]]:
        """Propose to a child head that it stand on its parent's new revision.

        What an earlier move of the parent proposed and nobody applied is superseded.
        """
        stable, _ = self.stable(view, head)
        proposal, opened = self.propose(
            view,
            scope,
            head=head,
            patch={},
            claim="equivalent",
            hypothesis="the parent head moved",
            extends=parent_revision,
            base=stable,
        )
        superseded = tuple(
            self._event(row.stream, "proposal.superseded", {"superseded_by": proposal})
            for row in waiting(view, head)
            if row.body["extends"]
        )
        known = self._inherited(parent_revision, parent_slots)
        return proposal, (scope.change(events=(known, *superseded)), opened)

    def _move(self, view: View, scope: Scope, row: Row, fence: int | None) -> Change:
        head = row.body["head"]
        head_row = require_known(view, f"head/{head}")
        stable = head_row.body["stable"]
        if stable != row.body["base"]:
            base, now = self.revision(view, row.body["base"]), self.revision(view, stable)
            differs = patch_to_json(diff_revisions(base, now))
            raise ConflictError(
                f"head {head!r} has moved to {stable} since the proposal was made",
                hint="`lignin proposal rebase` makes a new one where the slots are disjoint",
                head=head,
                stable=stable,
                differs=differs,
            )
        patch = parse_patch(row.body["patch"])
        revision = apply_patch(self.revision(view, stable), patch, row.body["extends"])
        moved = {
            "from": stable,
            "to": revision.digest,
            "proposal": row.key,
            "claim": row.body["claim"],
            "slots": row.body["patch"],
        }
        done = done_by(view, head, revision, besides=row.stream)
        why = {"superseded_by": row.key, "reason": f"{row.key} took head {head!r} back to it"}
        events = (
            self._revision(revision),
            self._event(f"head/{head}", "head.moved", moved),
            self._event(row.stream, "proposal.applied", {"revision": revision.digest}),
            *(self._event(each.stream, "proposal.superseded", why) for each in done),
        )
        expects = {f"head/{head}": head_row.seq, **{each.stream: each.seq for each in done}}
        fences = {f"head/{head}": fence} if fence is not None else {}
        return scope.change(events=events, expects=expects, fences=fences)

    def _revision(self, revision: Revision) -> NewEvent:
        return self._event(f"revision/{revision.digest}", "revision.created", revision.to_json())

    def _inherited(self, digest: Digest, slots: Mapping[str, Digest]) -> NewEvent:
        """A parent's revision as a child's space keeps it: flattened, under its own digest."""
        payload = {"slots": dict(slots), "extends": None}
        return self._event(f"revision/{digest}", "revision.created", payload)

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        event_id = self._ids.new("evt")
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=event_id)
