"""Sending a value to a job that waits for one."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from lignin.domain.codec import canonical_bytes, parse_json
from lignin.domain.events import Change
from lignin.jobs.service import Jobs
from lignin.operations.context import Context
from lignin.operations.job_models import JobRef
from lignin.operations.registry import Response, operation, positional
from lignin.ports.ledger import View
from lignin.traces.redact import redact


class JobSignal(JobRef):
    topic: str = positional("what it waits for, such as approval")
    value: Any = Field(None, description="what it is told: JSON, @FILE or -")
    signal_id: str = Field(
        "", max_length=190, description="a name of your own: sent again, it is sent once"
    )


class Signalled(Response):
    job: str = Field(description="its id")
    topic: str = Field(description="what it was told about")


@operation("job.signal", effect="execute")
def signal(context: Context, request: JobSignal) -> Signalled:
    """Send a value to a job, which gets it by its next wait for that topic; kept until then.

    It is kept on the ledger, and handed to the job's run by the workers that serve it.
    """
    jobs = Jobs(context.ids)
    value = parse_json(redact(canonical_bytes(request.value), context.redaction_key).content)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        change = jobs.signal(
            view,
            context.scope,
            request.job,
            request.topic,
            value=value,
            signal_id=request.signal_id,
        )
        return None, [change] if change else []

    context.decide_and_commit(decide)
    return Signalled(job=request.job, topic=request.topic)
