"""Which worker a job fits, and what brings ledger and engine together again."""

from dataclasses import replace

import pytest

from lignin.domain.jobs import PER_KEY, Job, JobAsked
from lignin.jobs.laws.fitting import Able, any_takes, listened, why_waiting
from lignin.jobs.laws.reconcile import plan_reconcile
from lignin.ports.engine import RUN_STATES, RunState

JOB = Job(
    id="job_a",
    state="open",
    turn=1,
    asked=JobAsked(kind="trial", input={}),
    asked_by={"sub": "user:a", "act": [], "token_id": None},
    opened_at="2026-01-01T00:00:00.000000Z",
)
PLAIN = Able(name="wrk_plain", has=frozenset({PER_KEY}))
CODER = Able(name="wrk_coder", has=frozenset({PER_KEY, "client:codex", "sandbox:net"}))
EVALS = Able(name="wrk_evals", has=frozenset({"sandbox:net"}), queues=frozenset({"evals"}))


def test_a_worker_listens_where_it_has_all_that_is_needed() -> None:
    lanes = ["default", "evals+sandbox:net", "evals+client:codex+sandbox:net", "default+per:key"]
    assert listened(lanes, PLAIN) == ("default", "default+per:key")
    assert listened(lanes, CODER) == tuple(sorted(lanes))
    assert listened(lanes, EVALS) == ("evals+sandbox:net",)


def test_a_lane_that_nobody_takes_says_what_the_nearest_worker_lacks() -> None:
    lane = "evals+client:codex+sandbox:net"
    assert why_waiting(lane, [PLAIN, CODER]) == ""
    assert "wrk_evals lacks client:codex" in why_waiting(lane, [PLAIN, EVALS])
    assert "no worker is alive" in why_waiting(lane, [])
    assert "--queues default" in why_waiting("default", [EVALS])
    assert any_takes(lane, [CODER])
    assert not any_takes(lane, [PLAIN, EVALS])


@pytest.mark.parametrize("state", [None, *RUN_STATES])
def test_an_open_job_gets_a_run_or_the_end_that_its_run_came_to(state: RunState | None) -> None:
    plan = plan_reconcile([JOB], {JOB.run: state} if state else {}, ())
    ends = {"succeeded": "succeeded", "failed": "failed", "dead": "dead", "cancelled": "failed"}
    assert [job.run for job in plan.start] == ([JOB.run] if state is None else [])
    assert [each.state for each in plan.end] == [ends[s] for s in (state,) if s in ends]


def test_a_run_of_another_turn_is_no_run_of_this_one() -> None:
    again = replace(JOB, turn=2)
    plan = plan_reconcile([again], {JOB.run: "failed"}, (JOB.run,))
    assert (plan.start, plan.end, plan.stop) == ((again,), (), (JOB.run,))


def test_who_stopped_a_run_that_nobody_cancelled_is_told() -> None:
    (ended,) = plan_reconcile([JOB], {JOB.run: "cancelled"}, ()).end
    assert ended.error is not None
    assert ended.error.code == "limited"
