"""Decisions on the ledger. Owns streams `decision/` and `campaign/`.

A decision is opened before its first trial, with its plan and its place in its error budget: how much
evidence it needs is fixed then. Its id is the hash of what was asked, so that who asks the same goes on
with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes
from lignin.domain.events import Blob, Change, NewEvent, Scope
from lignin.domain.states import Row
from lignin.evals.laws.levels import level
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, every_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A decision's place in its error budget: which it is, from 1, how many were accepted, its level."""

    budget: str
    alpha: float
    number: int
    accepted: int
    seq: int

    @property
    def level(self) -> float:
        """The error that it may make."""
        return level(self.alpha, self.number, self.accepted)


class Decisions:
    """Opens decisions and files what they come to."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def place(self, view: View, budget: str, alpha: float) -> Place:
        """The place of the next decision of an error budget."""
        row = view.row(f"campaign/{budget}")
        number, accepted = (row.body["decisions"], row.body["accepted"]) if row else (0, 0)
        return Place(
            budget=budget,
            alpha=alpha,
            number=number + 1,
            accepted=accepted,
            seq=row.seq if row else 0,
        )

    def open(
        self,
        scope: Scope,
        decision: str,
        place: Place,
        plan: Mapping[str, Json],
        facts: Mapping[str, Json],
    ) -> Change:
        """The change that opens a decision.

        Args:
            facts: What else its row tells: names of the systems, the campaign, the proposal.
        """
        stream = f"decision/{decision}"
        content = canonical_bytes(plan)
        payload = {
            **facts,
            "plan": digest_bytes(content),
            "budget": place.budget,
            "number": place.number,
            "accepted_before": place.accepted,
            "alpha": place.alpha,
            "level": place.level,
        }
        moved = {"decisions": place.number, "accepted": place.accepted}
        return scope.change(
            events=(
                self._event(stream, "decision.opened", payload),
                self._event(f"campaign/{place.budget}", "campaign.moved", moved),
            ),
            blobs=(Blob(stream=stream, digest=digest_bytes(content), content=content),),
            expects={stream: 0, f"campaign/{place.budget}": place.seq},
        )

    def reach(self, view: View, scope: Scope, row: Row, told: Mapping[str, Json]) -> Change:
        """The change that files what a decision came to, whole in a blob.

        What is accepted makes the next proof of its budget cheaper once: two systems that were accepted
        before, whichever stood, are no second discovery.
        """
        content = canonical_bytes(told)
        digest: Digest = digest_bytes(content)
        payload = {"verdict": told["verdict"], "told": digest, "trials": told["trials"]}
        events = [self._event(row.stream, "decision.reached", payload)]
        expects = {row.stream: row.seq}
        if told["verdict"] == "accept" and not _was_accepted(view, row):
            campaign = view.row(f"campaign/{budget_of(row.body)}")
            assert campaign is not None
            moved = {**campaign.body, "accepted": campaign.body["accepted"] + 1}
            events.append(self._event(campaign.stream, "campaign.moved", moved))
            expects[campaign.stream] = campaign.seq
        blob = Blob(stream=row.stream, digest=digest, content=content)
        return scope.change(events=tuple(events), blobs=(blob,), expects=expects)

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))


def _was_accepted(view: View, row: Row) -> bool:
    """Whether its budget has another accepted decision about the very same two systems."""
    pair = _pair(row)
    return any(
        _pair(each) == pair and budget_of(each.body) == budget_of(row.body)
        for each in every_row(view, "decision", state="accept")
        if each.key != row.key
    )


def _pair(row: Row) -> frozenset[str]:
    return frozenset((row.body["incumbent_system"], row.body["candidate_system"]))


def budget_of(decision: Mapping[str, Json]) -> str:
    """The error budget that a decision draws on; of those of before it is their campaign's."""
    budget: str = decision.get("budget") or decision["campaign"]
    return budget
