"""Sending a value to a job that waits for one."""

from typing import Any

from pydantic import Field

from lignin.domain.errors import ConflictError
from lignin.jobs.service import load_job
from lignin.operations.context import Context
from lignin.operations.job_models import JobRef
from lignin.operations.registry import Response, operation, positional


class JobSignal(JobRef):
    topic: str = positional("what it waits for, such as approval")
    value: Any = Field(None, description="what it is told: JSON, @FILE or -")
    signal_id: str = Field("", description="a name of your own: sent again, it is sent once")


class Signalled(Response):
    job: str = Field(description="its id")
    topic: str = Field(description="what it was told about")


@operation("job.signal", effect="execute")
def signal(context: Context, request: JobSignal) -> Signalled:
    """Send a value to a job, which gets it by its next wait for that topic; kept until then."""
    with context.view() as view:
        job = load_job(view, request.job)
    if job.state != "open":
        raise ConflictError(f"job {job.id} is {job.state}", hint="what has ended waits for nothing")
    context.open_engine().signal(job.run, request.topic, request.value, request.signal_id)
    return Signalled(job=job.id, topic=request.topic)
