"""The review of durable skills over real jobs, a real inbox and the shipped loop."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.codec import canonical_bytes
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
)
from lignin.domain.events import Actor
from lignin.domain.jobs import JobError
from lignin.jobs.service import Jobs, load_job
from lignin.operations.bodies.workflow import WorkflowFailedError
from unit.operations.conftest import Desk
from unit.operations.flows import FlowDesk, open_flow_desk

WATCH = '''"""Watches a load."""

WORKFLOW = {"alert": {"type": "object", "properties": {"load": {"minimum": 50}}, "required": ["load"]}}

def watch(ctx, load: int) -> dict:
    """Says the load, or fails."""
    if load < 0:
        raise ValueError("below zero")
    return {"load": load}
'''
SILENT = WATCH.replace("WORKFLOW = {", "OTHER = {").replace(
    'return {"load": load}', 'return {"load": load} if load >= 50 else {}'
)


@pytest.fixture
def flows(tmp_path: Path) -> Iterator[FlowDesk]:
    with open_flow_desk(tmp_path) as made:
        yield made


def work(flows: FlowDesk, digest: str, load: int) -> str:
    """Run a job to its end, and file that as a worker does."""
    context = flows.desk.context
    job = flows.start("watch", digest, load=load)
    output, error = None, None
    try:
        output = canonical_bytes(flows.run(job))
    except (WorkflowFailedError, DeniedError) as failed:
        error = JobError(code=failed.code, message=failed.message)
    with context.view() as view:
        state: Any = "failed" if error else "succeeded"
        change = Jobs(context.ids).end(
            view, context.scope, load_job(view, job), state, output=output, error=error
        )
    assert change is not None
    context.commit(change)
    return job


def reviewed(flows: FlowDesk, **request: Any) -> Any:
    (found,) = flows.desk("job.review", skill=["watch"], **request).items
    return found


def test_declared_alerts_are_counted_and_judged_by_what_people_said(flows: FlowDesk) -> None:
    digest = flows.keep(WATCH, "watch")
    jobs = [work(flows, digest, load) for load in (60, 70, 80, 10, 20, -1)]
    for job, should in zip(jobs, ("alert", "alert", "quiet", "alert", "quiet"), strict=False):
        flows.desk("job.judge", job=job, should=should)
    found = reviewed(flows)
    assert (found.runs, found.alerts, found.confirmed, found.dismissed) == (6, 3, 2, 1)
    assert (found.missed, found.quiet, found.failures) == (1, 1, {"workflow_failed: ValueError": 1})
    assert (found.used, found.served, found.verdict) == (True, True, "too-little-known")
    flows.desk("job.judge", job=jobs[3], should="quiet", reason="it was nothing")
    assert (reviewed(flows).missed, reviewed(flows).quiet) == (0, 2)
    flows.desk("job.judge", job=jobs[5], should="alert", reason="it failed just when it was due")
    assert reviewed(flows).missed == 1


def test_the_version_that_is_served_is_judged_and_older_ones_are_told_beside_it(
    flows: FlowDesk,
) -> None:
    one = flows.keep(WATCH, "watch")
    for load in (60, 70):
        flows.desk("job.judge", job=work(flows, one, load), should="quiet")
    two = flows.keep(WATCH.replace("Says the load", "Tells the load"), "watch")
    found = reviewed(flows)
    assert (found.version, found.runs, found.dismissed) == (two, 0, 0)
    assert [(each.version, each.dismissed) for each in found.others] == [(one, 2)]


@pytest.mark.parametrize("to", ["quarantined", "retired"])
def test_a_run_that_a_quarantine_stopped_did_not_fail(flows: FlowDesk, to: str) -> None:
    digest = flows.keep(
        WATCH.replace("    if load", "    ctx.sleep(1)\n    if load"), "watch", promote=False
    )
    work(flows, digest, 10)
    if to == "retired":
        flows.move("watch", digest, "quarantined")
    flows.move("watch", digest, to)
    work(flows, digest, 20)
    found = reviewed(flows)
    assert (found.runs, found.cancelled, found.failures) == (2, 1, {})


def test_a_workflow_that_is_refused_for_what_it_does_itself_failed(flows: FlowDesk) -> None:
    text = WATCH.replace("raise ValueError", 'raise type("quarantined", (Exception,), {})')
    work(flows, flows.keep(text, "watch", promote=False), -1)
    found = reviewed(flows)
    assert (found.cancelled, sum(found.failures.values())) == (0, 1)


def test_an_open_job_is_not_judged_nor_one_of_another_kind_nor_by_an_agent(
    flows: FlowDesk,
) -> None:
    digest = flows.keep(WATCH, "watch")
    job = flows.start("watch", digest, load=1)
    with pytest.raises(ConflictError, match="is open"):
        flows.desk("job.judge", job=job, should="quiet")
    other = flows.desk(
        "job.start", kind="operation", input={"operation": "space.list", "request": {}}
    ).job
    with pytest.raises(InvalidRequestError, match="no run of a durable skill"):
        flows.desk("job.judge", job=other, should="quiet")
    done, context = work(flows, digest, 60), flows.desk.context
    agent = replace(context.scope, actor=Actor(sub="user:a", act=("agent:b",)))
    with pytest.raises(DeniedError, match="only a person"):
        Desk(replace(context, scope=agent))("job.judge", job=done, should="alert")
    assert reviewed(flows).confirmed == 0


def test_a_word_on_an_earlier_turn_says_nothing_of_a_retry(flows: FlowDesk) -> None:
    digest = flows.keep(WATCH, "watch")
    job = work(flows, digest, -1)
    flows.desk("job.judge", job=job, should="alert")
    flows.desk("job.retry", job=job)
    assert (reviewed(flows).open, reviewed(flows).runs) == (1, 0)


def test_only_jobs_of_the_period_count_and_what_is_no_durable_skill_is_unknown(
    flows: FlowDesk,
) -> None:
    digest = flows.keep(WATCH, "watch")
    work(flows, digest, 60)
    assert reviewed(flows, days=1e-9).runs == 0
    flows.keep("def twice(number: int) -> int:\n    return 2 * number\n", "twice")
    with pytest.raises(NotFoundError, match="no durable skill 'twice'"):
        flows.desk("job.review", skill=["twice"])


def test_a_schema_of_alerts_that_reaches_out_is_refused(flows: FlowDesk) -> None:
    text = WATCH.replace('"type": "object"', '"$ref": "https://example.org/x"')
    with pytest.raises(InvalidRequestError, match="the alert schema"):
        flows.keep(text, "watch", promote=False)


def loop_of(flows: FlowDesk, limit_s: int = 30) -> None:
    text = f"""
loop = "look"
context = []
[trigger]
kind = "message"
[action]
kind = "skill"
name = "watch"
with = {{ load = "$given" }}
limit_s = {limit_s}
[gate]
kind = "nothing"
[stop.budget]
time_s = 60
"""
    flows.desk.write("look.toml", text)
    flows.desk("loop.add", file="look.toml")


@pytest.mark.slow
def test_what_a_loop_filed_is_followed_from_the_inbox_back_to_the_run(flows: FlowDesk) -> None:
    flows.keep(SILENT, "watch")
    loop_of(flows)
    for load in (60, 70, 10):
        assert flows.desk("loop.run", name="look", given=load).state in ("landed", "archived")
    items = flows.desk("inbox.list").items
    assert len(items) == 2
    flows.desk("inbox.settle", item=items[0].item, how="accept", changed=True)
    flows.desk("inbox.settle", item=items[1].item, how="dismiss")
    found = reviewed(flows)
    assert (found.runs, found.alerts, found.confirmed, found.dismissed) == (3, 2, 1, 1)
    assert found.loops == ["look"]


@pytest.mark.slow
def test_a_skill_that_is_not_over_in_time_fails_its_loops_run_and_is_not_taken_for_quiet(
    flows: FlowDesk,
) -> None:
    flows.keep(SILENT.replace("    if load", "    ctx.sleep(3600)\n    if load"), "watch")
    loop_of(flows, limit_s=1)
    ran = flows.desk("loop.run", name="look", given=60)
    assert ran.state == "failed"
    assert "not over after 1 s; it goes on: `lignin job show job_" in ran.why
    assert (reviewed(flows).open, reviewed(flows).runs) == (1, 0)


def test_the_weekly_loop_files_what_should_change_once_for_each_version(flows: FlowDesk) -> None:
    digest = flows.keep(WATCH, "watch")
    for load in range(60, 66):
        flows.desk("job.judge", job=work(flows, digest, load), should="quiet")
    flows.desk("loop.add", file=flows.desk("loop.new", template="weekly").path)
    for _ in "ab":
        assert flows.desk("loop.run", name="weekly").state == "landed"
    (item,) = flows.desk("inbox.list").items
    assert item.title.startswith("watch: retire-candidate: ")
    assert item.seen == 2
    assert flows.desk("inbox.show", item=item.item).evidence[1].startswith("0 of 6 settled")


def test_the_table_says_figures_verdict_reasons_and_what_is_lacking(flows: FlowDesk) -> None:
    digest = flows.keep(WATCH, "watch")
    work(flows, digest, 60)
    text = flows.desk("job.review").to_text()
    assert text.splitlines()[0].split() == [
        "skill", "runs", "fail", "alert", "right", "wrong", "missed", "precision", "verdict",
    ]  # fmt: skip
    assert "too-little-known" in text
    assert "lacking: alerts that somebody settles" in text
