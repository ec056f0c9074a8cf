"""Starting a workflow: the job that runs the version which is served now, and waiting for it a while."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from lignin.artifacts.versions import is_simulated
from lignin.domain.artifacts import Manifest
from lignin.domain.codec import Json, parse_json
from lignin.domain.events import Change
from lignin.domain.jobs import Job, JobAsked
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.domain.workflows import WorkflowTerms, singleton_key
from lignin.jobs.laws.fitting import any_takes
from lignin.jobs.service import Jobs, load_job
from lignin.operations.artifact_models import ArtifactCall, Called
from lignin.operations.context import Context
from lignin.operations.jobwork import ask_job
from lignin.operations.lifecycle import dependencies_of
from lignin.operations.presence import alive
from lignin.ports.ledger import View

QUEUE: Final = "workflows"
TOGETHER: Final = 64
"""Runs at once in one process: most of them sleep or wait."""
LOOK_S: Final = 0.02


def start_workflow(
    context: Context,
    row: Row,
    manifest: Manifest,
    arguments: Mapping[str, Json],
    *,
    tools: str = "",
    head: str = "main",
    source: str = "",
    occurrence: str = "",
) -> str:
    """Open the job that runs a version, and return its id.

    Args:
        source, occurrence: What noticed what; the same occurrence opens one job.

    Raises:
        InvalidRequestError, LimitedError: The arguments are none of a job.
    """
    name, digest = row.body["name"], row.body["digest"]
    terms = manifest.workflow or WorkflowTerms()
    asked = JobAsked(
        kind="workflow",
        input={
            "name": name,
            "digest": digest,
            "arguments": dict(arguments),
            "tools": tools,
            "head": head,
        },
        queue=QUEUE,
        key=singleton_key(terms, name, arguments),
        versions={name: digest},
        parent=f"artifact/{name}",
        source=source,
        occurrence=occurrence,
    )
    _require_lane(context, asked.lane)
    return ask_job(context, asked)[0]


def _require_lane(context: Context, lane: str) -> None:
    """Have the lane there with its bound before the first job waits in it."""
    with context.view() as view:
        if view.row(f"lane/{lane}") is not None:
            return

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        if view.row(f"lane/{lane}") is not None:
            return None, []
        return None, [Jobs(context.ids).set_lane(context.scope, lane, {"together": TOGETHER})]

    context.decide_and_commit(decide)


def call_workflow(context: Context, row: Row, manifest: Manifest, request: ArtifactCall) -> Called:
    """Start a workflow, and say what came of it as far as it is over in time.

    Where no worker lives this process works, as long as it waits; a run that is not over goes on
    wherever a worker lives.

    Raises:
        DeniedError: What it leans on is not proven (any more): no job is opened that could only fail.
    """
    began = time.monotonic()
    with context.view() as view:
        dependencies_of(view, manifest, PROVEN)
    context.open_engine()
    job = start_workflow(
        context, row, manifest, request.input, tools=request.tools, head=request.head
    )
    ended = _waited(context, job, request.wait_s)
    output: Json = None
    if ended.output is not None:
        with context.view() as view:
            output = parse_json(view.blob(ended.output))
    is_open = ended.state == "open"
    code = ended.error.code if ended.error else ""
    told = f"it goes on: `lignin job show {job}`" if is_open else ""
    return Called(
        name=row.body["name"],
        digest=row.body["digest"],
        state=str(row.state),
        output=output["value"] if output is not None else None,
        error=code or None,
        message=ended.error.message if ended.error else told,
        wall_s=round(time.monotonic() - began, 4),
        tier=context.open_sandbox().tier,
        simulated=is_simulated(row),
        job=job,
    )


def _waited(context: Context, name: str, wait_s: float) -> Job:
    """The job when it has ended, or after so long."""
    with context.view() as view:
        job = load_job(view, name)
        is_taken = any_takes(job.lane, alive(context, view))
    deadline = time.monotonic() + wait_s
    if is_taken:
        while job.state == "open" and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            job = _again(context, name)
        return job
    pause = threading.Event()
    from lignin.operations.working import Shift, working  # every job's machinery: dear to load

    with working(context, Shift(queues=(QUEUE,), parallel=TOGETHER, grace_s=0.0)) as worker:
        while job.state == "open" and time.monotonic() < deadline:
            worker.tend()
            pause.wait(LOOK_S)
            job = _again(context, name)
    return job


def _again(context: Context, name: str) -> Job:
    with context.view() as view:
        return load_job(view, name)
