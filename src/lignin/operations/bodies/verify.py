"""Jobs that prove one version of an artifact."""

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.operations.artifact import verify
from lignin.operations.artifact_models import ArtifactVerify
from lignin.operations.context import Context
from lignin.operations.jobkind import JobKind, Work
from lignin.ports.engine import PATIENT


def parse_input(value: Json) -> ArtifactVerify:
    """What is to be verified: {name: NAME@DIGEST, again?, tools?}.

    Raises:
        InvalidRequestError: It names no version.
    """
    known = {"name", "again", "tools"}
    if not isinstance(value, dict) or not set(value) <= known or "@" not in value.get("name", ""):
        raise InvalidRequestError("a verify job takes {name: NAME@DIGEST, again?, tools?}")
    return ArtifactVerify(**value)


def _verify(work: Work) -> Json:
    request = parse_input(work.job.asked.input)

    def do(context: Context) -> Json:
        found = verify(context, request)
        return {"name": request.name, "verdict": found.verdict, "state": found.state}

    return work.step("verify", do, PATIENT, keyed=False)  # an earlier result of the content answers


KIND = JobKind(
    name="verify",
    summary="Prove a version of an artifact in the sandbox.",
    body=_verify,
    check=parse_input,
)
