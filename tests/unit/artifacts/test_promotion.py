from dataclasses import replace

import pytest

from lignin.artifacts.promotion import (
    PromotionCase,
    decide_promotion,
    lacking_walls,
    require_promotable,
)
from lignin.domain.artifacts import Capabilities, Manifest
from lignin.domain.errors import GateFailedError
from lignin.domain.states.artifacts import PROVEN, STATES

PROGRAM = Manifest(kind="program", entry="a.py:a", runtime="python")
CASE = PromotionCase(
    name="a",
    state="verified",
    manifest=PROGRAM,
    executable=True,
    verdict="pass",
    owner="user:eva",
    tier="ns",
)


def asking(**capabilities):
    return PROGRAM.model_copy(update={"capabilities": Capabilities(**capabilities)})


@pytest.mark.parametrize("state", sorted(PROVEN))
def test_a_proven_version_with_an_owner_is_accepted(state):
    assert decide_promotion(replace(CASE, state=state)).outcome == "accept"


@pytest.mark.parametrize("state", sorted(set(STATES) - PROVEN))
def test_no_other_state_is_accepted_whatever_the_evidence(state):
    decision = decide_promotion(replace(CASE, state=state, approved_by="user:eva"))
    expected = "reject" if state in {"rejected", "quarantined"} else "undecided"
    assert decision.outcome == expected
    assert f"its state is {state}, not verified" in decision.reasons


def test_a_failed_verification_rejects_with_its_reasons():
    decision = decide_promotion(replace(CASE, verdict="fail", verdict_reasons=("wrong: 1",)))
    assert (decision.outcome, decision.reasons) == ("reject", ("wrong: 1",))
    assert decide_promotion(replace(CASE, verdict="fail")).reasons == ("its verification failed",)


@pytest.mark.parametrize("verdict", [None, "inconclusive"])
def test_without_a_passing_verification_it_is_undecided(verdict):
    decision = decide_promotion(replace(CASE, verdict=verdict))
    assert decision.outcome == "undecided"
    assert decision.reasons == ("it has no passing verification",)


def test_without_an_owner_it_is_undecided():
    decision = decide_promotion(replace(CASE, owner=""))
    assert decision.outcome == "undecided"
    assert "no owner" in decision.reasons[0]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"hosts": ["example.org"]}, "example.org"),
        ({"secrets": ["TOKEN"]}, "secret TOKEN"),
        ({"spend_microusd": 5}, "5 micro-USD"),
    ],
)
def test_wider_authority_needs_a_human(wanted, told):
    case = replace(CASE, manifest=asking(**wanted))
    undecided = decide_promotion(case)
    assert undecided.outcome == "undecided"
    assert told in undecided.reasons[0]
    approved = decide_promotion(replace(case, approved_by="user:eva"))
    assert approved.outcome == "accept"
    assert any("user:eva approved" in reason for reason in approved.reasons)


def test_what_cannot_be_run_needs_a_human():
    case = replace(CASE, executable=False)
    assert decide_promotion(case).outcome == "undecided"
    assert decide_promotion(replace(case, approved_by="user:eva")).outcome == "accept"


def test_approval_buys_no_missing_proof_and_every_reason_is_told():
    case = replace(CASE, verdict="fail", owner="", executable=False)
    decision = decide_promotion(replace(case, approved_by="user:eva"))
    assert decision.outcome == "reject"
    assert len(decision.reasons) == 2
    with pytest.raises(GateFailedError, match="its verification failed"):
        require_promotable(case)
    assert require_promotable(CASE).outcome == "accept"


def test_an_acceptance_says_what_is_known_from_simulated_sessions_only():
    said = "it is known from simulated sessions only"
    made_up = decide_promotion(replace(CASE, simulated=True))
    assert (made_up.outcome, said in made_up.reasons) == ("accept", True)
    assert said not in decide_promotion(CASE).reasons
    failed = decide_promotion(replace(CASE, simulated=True, verdict="fail"))
    assert failed.outcome == "reject"


@pytest.mark.parametrize(
    ("tier", "capabilities", "lacking"),
    [
        ("ns", {}, ""),
        ("landlock", {}, ""),
        ("landlock", {"processes": True}, "memory, pid, tmpfs"),
        ("landlock", {"hosts": ["a.test"]}, "memory, pid, tmpfs"),
        ("none", {}, "fs, net"),
        ("", {}, "fs, net"),
        ("made-up", {}, "fs, net"),
    ],
)
def test_what_was_proven_without_the_walls_that_it_needs_is_not_promoted(
    tier: str, capabilities: dict[str, object], lacking: str
) -> None:
    manifest = Manifest(
        kind="program", entry="a.py:f", runtime="python", capabilities=Capabilities(**capabilities)
    )
    decision = decide_promotion(
        PromotionCase(
            name="a", state="verified", manifest=manifest, executable=True, verdict="pass",
            owner="user:a", approved_by="user:a", tier=tier,
        )
    )  # fmt: skip
    assert decision.outcome == ("undecided" if lacking else "accept")
    assert not lacking or f"holds no {lacking}" in " ".join(decision.reasons)
    assert lacking_walls(manifest, tier) == (tuple(lacking.split(", ")) if lacking else ())


def test_what_breaks_callers_enters_only_where_that_is_meant() -> None:
    breaks = ("the parameter 'x' would be gone",)
    decision = decide_promotion(replace(CASE, breaks=breaks))
    assert decision.outcome == "undecided"
    assert "callers of the served version would break: the parameter 'x' would be gone" in (
        decision.reasons
    )
    assert "--breaking" in decision.hint
    meant = decide_promotion(replace(CASE, breaks=breaks, breaking=True))
    assert meant.outcome == "accept"
    assert any(breaks[0] in reason for reason in meant.reasons)
    approved = decide_promotion(replace(CASE, breaks=breaks, approved_by="user:x"))
    assert approved.outcome == "undecided"


@pytest.mark.parametrize(
    ("proven_on", "examples", "outcome"),
    [("a", "a", "accept"), ("a", "b", "undecided"), ("", "b", "accept")],
)
def test_a_proof_counts_for_the_examples_it_was_made_on(
    proven_on: str, examples: str, outcome: str
) -> None:
    """Proofs of before that was kept do not say on which they were made."""
    decision = decide_promotion(replace(CASE, proven_on=proven_on, examples=examples))
    assert decision.outcome == outcome
