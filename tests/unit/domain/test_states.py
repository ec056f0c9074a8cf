"""The transition table, pair by pair, and reducers that change nothing they were given."""

import copy
import dataclasses
import itertools

import pytest

from lignin.domain.errors import IllegalTransitionError, LigninError
from lignin.domain.fleets import TRANSITIONS as PIECE_STATES
from lignin.domain.jobs import STATES as JOB_STATES
from lignin.domain.states import REDUCERS, reduce_event
from lignin.domain.states.artifacts import SERVABLE, STATES, TRANSITIONS, require_transition
from lignin.domain.states.connectors import DELIVERY_STEPS
from lignin.domain.states.harness import PROPOSAL_STEPS
from lignin.domain.states.jobs import parse_job
from lignin.domain.states.row import Row
from unit.domain.stories import BEGUN, HEAD, JOB, OPENED, STORIES, event_of

# Written out from decision record 2, not derived from the table under test.
ALLOWED = {
    ("draft", "verified"),
    ("draft", "rejected"),
    ("draft", "expired"),
    ("expired", "draft"),
    ("verified", "promoted"),
    ("verified", "rejected"),
    ("verified", "draft"),
    ("promoted", "deprecated"),
    ("promoted", "verified"),
    ("deprecated", "promoted"),
    ("deprecated", "retired"),
    ("retired", "verified"),
    ("quarantined", "verified"),
    ("quarantined", "retired"),
} | {(s, "quarantined") for s in STATES if s not in ("rejected", "quarantined")}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_a_version_moves_only_as_the_record_allows(before: str, after: str) -> None:
    if (before, after) in ALLOWED:
        require_transition(before, after)  # type: ignore[arg-type]
    else:
        with pytest.raises(IllegalTransitionError):
            require_transition(before, after)  # type: ignore[arg-type]


def test_a_rejection_is_reopened_as_a_draft_only_and_only_under_another_check_set() -> None:
    require_transition("rejected", "draft", reopened=True)
    for after in set(STATES) - {"draft"}:
        with pytest.raises(IllegalTransitionError):
            require_transition("rejected", after, reopened=True)
    assert SERVABLE <= set(STATES) == set(TRANSITIONS)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(PROPOSAL_STEPS, repeat=2)))
def test_a_proposal_moves_only_as_its_steps_allow(before: str, after: str) -> None:
    row = Row(stream="proposal/p", kind="proposal", seq=1, body={}, state=before)
    event = event_of("proposal/p", "proposal.decided", 2, {"to": after})
    if after in PROPOSAL_STEPS[before]:
        assert reduce_event(row, event).state == after
    else:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(DELIVERY_STEPS, repeat=2)))
def test_a_delivery_moves_only_as_its_steps_allow(before: str, after: str) -> None:
    body = {"attempts": 1, "first_at": "2027"}
    row = Row(stream="delivery/d", kind="delivery", seq=1, body=body, state=before)
    payload = BEGUN if after == "begun" else {"told": "b"}
    event = event_of("delivery/d", f"delivery.{after}", 2, dict(payload))
    if after in DELIVERY_STEPS[before]:  # type: ignore[index]
        assert reduce_event(row, event).state == after
    else:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event)


@pytest.mark.parametrize("kind", sorted(REDUCERS))
def test_reducers_are_pure_and_every_event_type_is_told(kind: str) -> None:
    row: Row | None = None
    told = set()
    for seq, (type_, payload) in enumerate(STORIES[kind], start=1):
        event = event_of(f"{kind}/x", type_, seq, payload)
        before = copy.deepcopy((row, event))
        after = reduce_event(row, event)
        assert (row, event) == before
        assert reduce_event(row, event) == after
        assert after.seq == seq
        assert after.kind == kind
        row = after
        told.add(type_)
    untold = {"proposal.superseded", "proposal.withdrawn", "backslide.refuted"}  # told below
    untold.add("fleet.cancelled")
    assert told | untold >= set(REDUCERS[kind])


def test_a_cancelled_fleet_is_not_gone_on_with_and_a_piece_moves_only_as_it_may() -> None:
    row: Row | None = None
    for seq, (type_, payload) in enumerate(STORIES["fleet"][:2], start=1):
        row = reduce_event(row, event_of("fleet/x", type_, seq, payload))
    row = reduce_event(row, event_of("fleet/x", "fleet.cancelled", 3, {"reason": "r"}))
    assert row.state == "cancelled"
    for type_, payload in STORIES["fleet"][1:6]:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event_of("fleet/x", type_, 4, payload))
    states = set(PIECE_STATES)
    for before, after in itertools.product(states, {"merged", "settled", "dropped"}):
        event = {
            "merged": ("piece.merged", {"commit": "c"}),
            "settled": ("piece.settled", {"how": "answer", "text": "t", "digest": "d"}),
            "dropped": ("piece.settled", {"how": "drop", "text": "t"}),
        }[after]
        piece = Row(stream="piece/p", kind="piece", seq=1, body={"reviewed": []}, state=before)
        if after in PIECE_STATES[before]:  # type: ignore[index]
            assert reduce_event(piece, event_of("piece/p", event[0], 2, event[1])).state == after
        else:
            with pytest.raises(IllegalTransitionError):
                reduce_event(piece, event_of("piece/p", event[0], 2, event[1]))


@pytest.mark.parametrize("step", ["superseded", "withdrawn"])
def test_an_open_proposal_may_be_superseded_or_withdrawn(step: str) -> None:
    row = reduce_event(None, event_of("proposal/p", "proposal.opened", 1, dict(OPENED)))
    assert reduce_event(row, event_of("proposal/p", f"proposal.{step}", 2, {})).state == step


def test_an_event_of_a_newer_version_moves_seq_and_changes_nothing_else() -> None:
    row = reduce_event(None, event_of("head/x", "head.created", 1, dict(HEAD)))
    after = reduce_event(row, event_of("head/x", "head.unheard_of", 2, {"a": 1}))
    assert after == row.moved(2)
    fresh = reduce_event(None, event_of("unheard/x", "unheard.of", 1, {}))
    assert (fresh.kind, fresh.seq, fresh.body) == ("unheard", 1, {})


def test_withdrawn_examples_are_gone_and_may_be_given_again() -> None:
    def after(row: Row | None, seq: int, type_: str, payload: dict[str, object]) -> Row:
        return reduce_event(row, event_of("examples/x", type_, seq, payload))

    row = after(None, 1, "examples.added", {"blob": "a", "by": "u"})
    row = after(row, 2, "examples.added", {"blob": "b", "by": "v"})
    row = after(row, 3, "examples.withdrawn", {"blobs": ["a"], "by": "u"})
    assert row.body == {"blobs": ["b"], "by": {"b": "v"}}
    row = after(row, 4, "examples.added", {"blob": "a", "by": "u"})
    assert row.body["blobs"] == ["b", "a"]


def test_only_withdrawn_examples_reopen_what_the_same_checks_rejected() -> None:
    require_transition("rejected", "draft", reopened=True)
    with pytest.raises(IllegalTransitionError):
        require_transition("rejected", "draft")


def test_only_a_fine_mode_is_split_off_or_merged_back() -> None:
    coarse = reduce_event(None, event_of("mode/c", "mode.founded", 1, {"coarse": None}))
    assert coarse.state == "open"
    with pytest.raises(IllegalTransitionError):
        reduce_event(coarse, event_of("mode/c", "mode.merged", 2, {"support": 1}))
    fine = reduce_event(None, event_of("mode/f", "mode.founded", 1, {"coarse": "c"}))
    assert (fine.state, fine.parent) == ("latent", "c")
    with pytest.raises(IllegalTransitionError):
        reduce_event(fine, event_of("mode/f", "mode.merged", 2, {"support": 1}))


def test_sealed_cases_are_drawn_and_opened_once_and_a_release_is_cut_once() -> None:
    for kind in ("seal", "opening", "release"):
        row: Row | None = None
        for seq, (type_, payload) in enumerate(STORIES[kind], start=1):
            row = reduce_event(row, event_of(f"{kind}/x", type_, seq, payload))
        for type_, payload in STORIES[kind]:
            with pytest.raises(LigninError):
                reduce_event(row, event_of(f"{kind}/x", type_, 9, payload))


def test_a_trial_is_filed_once_and_a_decision_reached_once() -> None:
    trial = {"system": "sha256:a", "case": "c", "number": 0, "score": 1.0}
    row = reduce_event(None, event_of("trial/t", "trial.scored", 1, dict(trial)))
    assert (row.state, row.parent) == ("scored", "sha256:a")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, event_of("trial/t", "trial.scored", 2, dict(trial)))
    opened = {"proposal": "prp_a", "plan": "sha256:a", "campaign": "main"}
    reached = {"verdict": "reject", "told": "sha256:b", "trials": 3}
    row = reduce_event(None, event_of("decision/d", "decision.opened", 1, dict(opened)))
    row = reduce_event(row, event_of("decision/d", "decision.reached", 2, dict(reached)))
    assert (row.state, row.parent) == ("reject", "prp_a")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, event_of("decision/d", "decision.reached", 3, dict(reached)))


def test_only_what_is_suspected_is_refuted_and_nothing_is_shown_twice() -> None:
    suspected = {"head": "main", "source": "feedback"}
    row = reduce_event(None, event_of("backslide/b", "backslide.suspected", 1, dict(suspected)))
    refuted = reduce_event(row, event_of("backslide/b", "backslide.refuted", 2, {"outcome": "r"}))
    assert (row.state, refuted.state) == ("suspected", "refuted")
    shown = {"head": "main", "plan": "sha256:a"}
    row = reduce_event(row, event_of("backslide/b", "backslide.shown", 2, dict(shown)))
    assert (row.state, row.body["source"]) == ("open", "feedback")
    for type_ in ("backslide.shown", "backslide.refuted", "backslide.suspected"):
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event_of("backslide/b", type_, 3, {**shown, "outcome": "r"}))


def test_a_fix_that_was_let_go_may_be_fixed_again_and_keeps_who_did() -> None:
    row = reduce_event(
        None, event_of("fix/x", "case.fixed", 1, {"case": "c", "by": {"decision": "a"}})
    )
    row = reduce_event(row, event_of("fix/x", "case.let_go", 2, {"by": "user:a", "reason": "r"}))
    assert (row.state, row.body["let_go"]["by"]) == ("let_go", "user:a")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, event_of("fix/x", "case.let_go", 3, {"by": "user:a", "reason": "r"}))
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, event_of("fix/x", "case.margin", 3, {"by": "user:a", "margin": 0.5}))
    row = reduce_event(
        row, event_of("fix/x", "case.fixed", 3, {"case": "c", "by": {"decision": "b"}})
    )
    assert (row.state, [each["decision"] for each in row.body["by"]]) == ("kept", ["a", "b"])


def test_a_rubric_is_in_use_once_and_a_verdict_is_filed_once() -> None:
    added = {"name": "kind", "content": "sha256:a", "by": "user:a"}
    row = reduce_event(None, event_of("rubric/r", "rubric.added", 1, dict(added)))
    assert (row.state, row.parent) == ("proposed", "kind")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, event_of("rubric/r", "rubric.replaced", 2, {"digest": "sha256:b"}))
    row = reduce_event(row, event_of("rubric/r", "rubric.adopted", 2, {"by": "user:a"}))
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, event_of("rubric/r", "rubric.adopted", 3, {"by": "user:a"}))
    given = {"rubric": "sha256:a", "said": "good"}
    verdict = reduce_event(None, event_of("verdict/v", "verdict.given", 1, dict(given)))
    with pytest.raises(IllegalTransitionError):
        reduce_event(verdict, event_of("verdict/v", "verdict.given", 2, dict(given)))


JOB_MOVES = {
    "job.ended": ({"state": "failed"}, {"open"}),
    "job.cancelled": ({"reason": "r"}, {"open"}),
    "job.retried": ({"reason": "r"}, {"failed", "cancelled", "dead"}),
}


@pytest.mark.parametrize(("type_", "before"), list(itertools.product(JOB_MOVES, JOB_STATES)))
def test_a_job_ends_once_and_only_what_did_not_succeed_is_retried(type_: str, before: str) -> None:
    payload, allowed = JOB_MOVES[type_]
    row = reduce_event(None, event_of("job/j", "job.opened", 1, dict(JOB)))
    event = event_of("job/j", type_, 2, dict(payload))
    row = dataclasses.replace(row, state=before)
    if before in allowed:
        assert reduce_event(row, event).state in JOB_STATES
    else:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event)


def test_a_retried_job_is_another_turn_and_forgets_its_error() -> None:
    row = reduce_event(None, event_of("job/j", "job.opened", 1, dict(JOB)))
    error = {"code": "unavailable", "message": "m", "hint": ""}
    ended = {"state": "failed", "error": error, "attempts": 2}
    row = reduce_event(row, event_of("job/j", "job.ended", 2, ended))
    job = parse_job(row)
    assert (job.run, job.attempts, job.error and job.error.code) == ("j", 2, "unavailable")
    again = parse_job(reduce_event(row, event_of("job/j", "job.retried", 3, {})))
    assert (again.run, again.attempts, again.error, again.state) == ("j.2", 0, None, "open")
