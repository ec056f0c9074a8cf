"""Run a fleet as a job: on until it ends, looking now and then whether a person has said what it waits for."""

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.operations.context import Context
from lignin.operations.fleetdrive import advance
from lignin.operations.jobkind import JobKind, Work
from lignin.ports.engine import PATIENT

LOOK_S = 60.0
MOST_LOOKS = 10_000
"""A week of waiting for people."""


def parse_input(value: Json) -> str:
    """Which fleet: {fleet}.

    Raises:
        InvalidRequestError: It names none.
    """
    if not isinstance(value, dict) or list(value) != ["fleet"]:
        raise InvalidRequestError("a fleet job takes {fleet}", hint="`lignin fleet list`")
    return str(value["fleet"])


def _fleet(work: Work) -> Json:
    fleet = parse_input(work.job.asked.input)

    def go_on(context: Context) -> Json:
        """What was answered and merged is on the ledger: made again, this does the rest."""
        return advance(context, fleet, work.run.stopped)

    for number in range(1, MOST_LOOKS + 1):
        told = work.step(f"advance {number}", go_on, PATIENT, keyed=False)
        if told["state"] != "open":
            return told
        work.run.wait("fleet", LOOK_S)
    raise LimitedError(
        f"fleet {fleet} waited for people for a week", hint=f"`lignin inbox list --loop {fleet}`"
    )


KIND = JobKind(
    name="fleet",
    summary="Run a fleet that was begun to its end, on the machine that has its repository.",
    body=_fleet,
    check=parse_input,
    instead="`lignin fleet run` begins another fleet",
)
