"""Heads and proposals: how a head moves, is held, and moves back."""

import pytest

from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
)
from unit.operations.conftest import Desk


def test_promotion_moves_the_head_and_rollback_moves_it_back(desk: Desk) -> None:
    desk.double(promote=True)
    shown = desk("head.show")
    assert [slot.slot for slot in shown.slots] == ["double"]
    rolled = desk("head.rollback", reason="a mistake")
    assert rolled.came_from == shown.revision
    assert desk("head.show").slots == []
    moves = desk("head.history")
    assert (moves.total, moves.items[0].came_from) == (2, shown.revision)
    assert desk("artifact.show", name="double").versions[0].state == "verified"


def test_a_revision_is_named_by_its_first_digits(desk: Desk) -> None:
    desk.double(promote=True)
    move = desk("head.history").items[0]
    old, new = (text.removeprefix("sha256:")[:10] for text in (move.came_from, move.to))
    assert list(desk("head.diff", old=old, new=new).slots) == ["double"]
    assert desk("head.rollback", to=old).revision == move.came_from
    for unknown, family in (("ffffffff", NotFoundError), ("ff", InvalidRequestError)):
        with pytest.raises(family):
            desk("head.diff", old=unknown, new=new)


def test_a_head_that_never_moved_is_not_rolled_back(desk: Desk) -> None:
    desk("head.create", name="main")
    with pytest.raises(InvalidRequestError, match="never moved"):
        desk("head.rollback")
    with pytest.raises(ConflictError):
        desk("head.create", name="main")


def test_an_unknown_head_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        desk("head.show", name="absent")


def test_a_head_stands_only_on_a_head_of_a_space_above(desk: Desk) -> None:
    desk("space.create", name="other", kind="team")
    with pytest.raises(DeniedError):
        desk("head.create", name="mine", extends="other:main")


def test_a_slot_is_noted_with_the_weakness_it_makes_up_for(desk: Desk) -> None:
    desk.double(promote=True)
    noted = desk("head.note", name="main", slot="double", weakness="arithmetic", models=["m1"])
    assert noted.slots[0].notes["weakness"] == "arithmetic"
    with pytest.raises(InvalidRequestError):
        desk("head.note", name="main", slot="absent", weakness="none")


def test_a_held_head_moves_only_with_the_token(desk: Desk) -> None:
    desk.double()
    token = desk("head.lease", name="main", ttl_s=600).token
    with pytest.raises(LigninError):
        desk("artifact.promote", name="double")
    opened = desk("proposal.create", put=[f"double@{_digest(desk)}"])
    assert desk("proposal.decide", proposal=opened.proposal).state == "accepted"
    with pytest.raises(LigninError):
        desk("proposal.apply", proposal=opened.proposal)
    assert desk("proposal.apply", proposal=opened.proposal, token=token).state == "applied"
    assert desk("head.release", name="main", token=token).lease is None


def test_an_empty_proposal_is_refused(desk: Desk) -> None:
    desk("head.create", name="main")
    with pytest.raises(InvalidRequestError, match="empty"):
        desk("proposal.create")


def test_a_removal_needs_a_human(desk: Desk) -> None:
    desk.double(promote=True)
    opened = desk("proposal.create", drop=["double"])
    undecided = desk("proposal.decide", proposal=opened.proposal)
    assert (undecided.state, undecided.exit_code()) == ("undecided", 10)
    desk("proposal.decide", proposal=opened.proposal, approve=True)
    desk("proposal.apply", proposal=opened.proposal)
    assert desk("head.show").slots == []


def test_a_human_rejects_a_proposal_with_a_reason(desk: Desk) -> None:
    desk.double()
    desk("head.create", name="main")
    opened = desk("proposal.create", put=[f"double@{_digest(desk)}"])
    decided = desk("proposal.decide", proposal=opened.proposal, reject="not now")
    assert (decided.state, decided.exit_code()) == ("rejected", 6)
    assert any("not now" in reason for reason in decided.decision["reasons"])
    with pytest.raises(LigninError):
        desk("proposal.apply", proposal=opened.proposal)


def test_a_decision_that_is_repeated_is_the_same_answer(desk: Desk) -> None:
    desk.double()
    put = [f"double@{_digest(desk)}"]
    desk("head.create", name="main")
    opened = desk("proposal.create", put=put).proposal
    decided = desk("proposal.decide", proposal=opened, approve=True)
    assert desk("proposal.decide", proposal=opened, approve=True) == decided
    with pytest.raises(LigninError, match="cannot become"):
        desk("proposal.decide", proposal=opened, reject="not now")
    applied = desk("proposal.apply", proposal=opened)
    assert desk("proposal.decide", proposal=opened, approve=True) == applied
    other = desk("proposal.create", drop=["double"]).proposal
    rejected = desk("proposal.decide", proposal=other, reject="not now")
    assert desk("proposal.decide", proposal=other, reject="not now") == rejected
    for changed in ({"reject": "never"}, {"approve": True}):
        with pytest.raises(LigninError, match="cannot become"):
            desk("proposal.decide", proposal=other, **changed)


def test_a_proposal_is_withdrawn_and_listed(desk: Desk) -> None:
    desk.double()
    desk("head.create", name="main")
    opened = desk("proposal.create", put=[f"double@{_digest(desk)}"], hypothesis="saves time")
    assert desk("proposal.withdraw", proposal=opened.proposal).state == "withdrawn"
    listed = desk("proposal.list", head="main")
    assert [one.proposal for one in listed.items] == [opened.proposal]
    assert desk("proposal.show", proposal=opened.proposal).hypothesis == "saves time"


def test_an_unknown_proposal_is_not_found(desk: Desk) -> None:
    for verb in ("show", "decide", "apply", "withdraw", "rebase"):
        with pytest.raises(NotFoundError):
            desk(f"proposal.{verb}", proposal="prp_absent")


def _digest(desk: Desk) -> str:
    return str(desk("artifact.show", name="double").digest)
