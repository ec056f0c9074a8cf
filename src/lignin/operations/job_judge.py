"""A person's word of what a durable skill's run should have done."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from lignin.artifacts.promotion import require_person
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Change
from lignin.jobs.service import Jobs, load_job
from lignin.operations.context import Context
from lignin.operations.job_models import JobRef
from lignin.operations.registry import Response, operation
from lignin.ports.ledger import View
from lignin.traces.redact import redact

KIND = "workflow"


class JobJudge(JobRef):
    should: Literal["alert", "quiet"] = Field(
        description="what the run should have done: raise an alert, or none"
    )
    reason: str = Field("", max_length=4000, description="why, for whoever looks later")


class JobJudged(Response):
    job: str = Field(description="its id")
    should: str = Field(description="what it should have done")


@operation("job.judge", effect="govern", idempotent=True)
def judge(context: Context, request: JobJudge) -> JobJudged:
    """Say what a durable skill's run should have done: raise an alert, or none. Only a person does.

    The last word counts, before what became of what the run filed. `lignin job review` goes by it.
    """
    require_person(context.scope.actor, "judges what a run should have done")
    said = redact(request.reason.encode(), context.redaction_key).content.decode()

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        job = load_job(view, request.job)
        if job.asked.kind != KIND:
            raise InvalidRequestError(
                f"job {job.id} is a {job.asked.kind}, no run of a durable skill",
                hint="`lignin trace feedback` is for sessions, artifacts and proposals",
            )
        change = Jobs(context.ids).judge(view, context.scope, job.id, request.should, said)
        return None, [change]

    context.decide_and_commit(decide)
    return JobJudged(job=request.job, should=request.should)
