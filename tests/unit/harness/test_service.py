"""Heads on a real ledger: propose, decide, apply, rebase, roll back, lease, inherit, resolve."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import (
    ConflictError,
    GateFailedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.events import Scope
from lignin.domain.harness import Revision, SlotChange, apply_patch, diff_revisions
from lignin.harness.service import Decision, Harness
from lignin.testing.changes import ACTOR, CountingIds, TickingClock, change, space_created

SCOPE = Scope(space="team", actor=ACTOR)
ACCEPT = Decision(outcome="accept", reasons=("good",))
SLOTS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["d1", "d2"]))
REVISIONS = st.builds(Revision, slots=SLOTS, extends=st.none())


@dataclass
class Desk:
    """A harness and a ledger, with the steps that tests repeat."""

    harness: Harness
    ledger: SqlLedger

    def propose(self, patch: Mapping[str, SlotChange], head: str = "main") -> str:
        with self.ledger.view("team") as view:
            proposal, opened = self.harness.propose(
                view, SCOPE, head=head, patch=patch, claim="better"
            )
        self.ledger.commit(opened)
        return proposal

    def accept(self, proposal: str) -> None:
        with self.ledger.view("team") as view:
            decided = self.harness.decide(view, SCOPE, proposal, ACCEPT)
        self.ledger.commit(decided)

    def apply(self, proposal: str, fence: int | None = None) -> None:
        with self.ledger.view("team") as view:
            moved = self.harness.apply(view, SCOPE, proposal, fence=fence)
        self.ledger.commit(moved)

    def put(self, **slots: str) -> str:
        """Put artifacts into empty slots; return the revision the head came to."""
        patch = {name: SlotChange(expected=None, new=new) for name, new in slots.items()}
        proposal = self.propose(patch)
        self.accept(proposal)
        self.apply(proposal)
        return self.stable()

    def stable(self, head: str = "main") -> str:
        with self.ledger.view("team") as view:
            return self.harness.stable(view, head)[0]

    def resolve(self, head: str = "main") -> dict[str, str]:
        with self.ledger.view("team") as view:
            return dict(self.harness.resolve(view, self.harness.stable(view, head)[0]))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/ledger.db", TickingClock())
    harness = Harness(CountingIds())
    ledger.commit(
        change("team", space_created("team")), harness.create_head(SCOPE, "main", salt="s")
    )
    yield Desk(harness, ledger)
    ledger.close()


@given(REVISIONS, REVISIONS)
def test_applying_a_difference_leads_to_the_other_revision(old: Revision, new: Revision) -> None:
    patch = diff_revisions(old, new)
    if old == new:
        assert patch == {}
    else:
        assert apply_patch(old, patch) == new
        back = {s: SlotChange(expected=c.new, new=c.expected) for s, c in patch.items()}
        assert apply_patch(new, back) == old


def test_a_patch_names_every_slot_that_holds_something_else() -> None:
    base = Revision(slots={"a": "d1", "b": "d1"})
    wrong = {s: SlotChange(expected="d2", new="d3") for s in "bca"}
    with pytest.raises(ConflictError) as refused:
        apply_patch(base, wrong)
    assert refused.value.fields["slots"] == ["a", "b", "c"]


def test_several_slots_move_in_one_step(desk: Desk) -> None:
    desk.put(a="d1", b="d2")
    assert desk.resolve() == {"a": "d1", "b": "d2"}
    with desk.ledger.view("team") as view:
        (move,) = desk.harness.history(view, "main")
    assert set(move.slots) == {"a", "b"}


def test_only_an_accepted_proposal_moves_a_head(desk: Desk) -> None:
    proposal = desk.propose({"a": SlotChange(expected=None, new="d1")})
    with pytest.raises(GateFailedError):
        desk.apply(proposal)
    desk.accept(proposal)
    desk.apply(proposal)
    with pytest.raises(GateFailedError):
        desk.apply(proposal)


def test_a_stale_base_is_refused_with_the_new_head_and_what_differs(desk: Desk) -> None:
    proposal = desk.propose({"a": SlotChange(expected=None, new="d1")})
    desk.accept(proposal)
    stable = desk.put(b="d2")
    with pytest.raises(ConflictError) as refused:
        desk.apply(proposal)
    assert refused.value.fields["stable"] == stable
    assert refused.value.fields["differs"] == {"b": {"expected": None, "new": "d2"}}


def test_two_moves_decided_on_one_view_cannot_both_happen(desk: Desk) -> None:
    proposals = [desk.propose({s: SlotChange(expected=None, new="d1")}) for s in "ab"]
    for proposal in proposals:
        desk.accept(proposal)
    with desk.ledger.view("team") as view:
        moves = [desk.harness.apply(view, SCOPE, proposal) for proposal in proposals]
    desk.ledger.commit(moves[0])
    with pytest.raises(ConflictError):
        desk.ledger.commit(moves[1])
    assert desk.resolve() == {"a": "d1"}


def test_a_rebase_keeps_both_moves_and_refuses_the_same_slot(desk: Desk) -> None:
    disjoint = desk.propose({"a": SlotChange(expected=None, new="d1")})
    clash = desk.propose({"b": SlotChange(expected=None, new="d9")})
    desk.put(b="d2")
    with desk.ledger.view("team") as view:
        new, rebased = desk.harness.rebase(view, SCOPE, disjoint)
        with pytest.raises(ConflictError) as refused:
            desk.harness.rebase(view, SCOPE, clash)
    assert refused.value.fields["slots"] == ["b"]
    desk.ledger.commit(rebased)
    desk.accept(new)
    desk.apply(new)
    assert desk.resolve() == {"a": "d1", "b": "d2"}
    with desk.ledger.view("team") as view:
        row = view.row(f"proposal/{disjoint}")
    assert row is not None
    assert (row.state, row.body["superseded_by"]) == ("superseded", new)


def test_a_rollback_goes_only_to_where_the_head_stood(desk: Desk) -> None:
    start, first = desk.stable(), desk.put(a="d1")
    desk.put(b="d2")
    with desk.ledger.view("team") as view:
        for nowhere in ("sha256:" + "0" * 64, desk.stable()):
            with pytest.raises(InvalidRequestError):
                desk.harness.rollback(view, SCOPE, "main", nowhere, reason="r")
        _, changes = desk.harness.rollback(view, SCOPE, "main", first, reason="b broke")
    desk.ledger.commit(*changes)
    assert desk.stable() == first
    with desk.ledger.view("team") as view:
        history = desk.harness.history(view, "main")
    assert [move.claim for move in history] == ["restore", "better", "better"]
    assert history[-1].came_from == start


def test_a_rollback_also_undoes_that_a_parent_was_given(desk: Desk) -> None:
    first = desk.put(a="d1")
    parent = Revision(slots={"p": "d7"})
    with desk.ledger.view("team") as view:
        proposal, changes = desk.harness.inherit(view, SCOPE, "main", parent.digest, parent.slots)
    desk.ledger.commit(*changes)
    desk.accept(proposal)
    desk.apply(proposal)
    assert desk.resolve() == {"a": "d1", "p": "d7"}
    with desk.ledger.view("team") as view:
        _, changes = desk.harness.rollback(view, SCOPE, "main", first, reason="r")
    desk.ledger.commit(*changes)
    assert desk.stable() == first
    assert desk.resolve() == {"a": "d1"}


def test_the_nearest_revision_wins_and_an_empty_digest_shadows_a_parent(desk: Desk) -> None:
    parent = Revision(slots={"a": "up", "b": "up", "c": "up"})
    child = desk.harness.create_head(
        SCOPE,
        "child",
        salt="s",
        extends=("org", "main"),
        parent_revision=parent.digest,
        parent_slots=parent.slots,
    )
    desk.ledger.commit(child)
    own = {"a": SlotChange(expected=None, new="down"), "b": SlotChange(expected=None, new="")}
    proposal = desk.propose(own, head="child")
    desk.accept(proposal)
    desk.apply(proposal)
    assert desk.resolve("child") == {"a": "down", "c": "up"}


def test_a_leased_head_moves_with_its_token_which_its_holder_renews(desk: Desk) -> None:
    def lease(holder: str, token: int | None = None) -> int:
        with desk.ledger.view("team") as view:
            now = desk.ledger.now()
            new, leased = desk.harness.lease(
                view, SCOPE, "main", holder=holder, ttl_s=60, now=now, token=token
            )
        desk.ledger.commit(leased)
        return new

    proposal = desk.propose({"a": SlotChange(expected=None, new="d1")})
    desk.accept(proposal)
    first = lease("ada")
    with pytest.raises(LimitedError):
        desk.apply(proposal)
    with pytest.raises(LimitedError):
        lease("bob")
    second = lease("ada", first)
    with pytest.raises(ConflictError):
        desk.apply(proposal, fence=first)
    desk.apply(proposal, fence=second)
    desk.ledger.commit(desk.harness.release(SCOPE, "main", second))
    assert lease("bob") == second + 1


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    with desk.ledger.view("team") as view:
        for ask in (
            lambda: desk.harness.stable(view, "none"),
            lambda: desk.harness.revision(view, "sha256:none"),
            lambda: desk.harness.apply(view, SCOPE, "prp_none"),
            lambda: desk.harness.history(view, "none"),
        ):
            with pytest.raises(NotFoundError):
                ask()
