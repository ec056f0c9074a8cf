"""Jobs that make a recorded run again, in the environment where it happened."""

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.evals.replay import faithfulness, replay_live
from lignin.operations.context import Context
from lignin.operations.environments import environment_of, open_environment
from lignin.operations.intake import load_trajectory
from lignin.operations.jobkind import JobKind, Work
from lignin.ports.engine import PATIENT
from lignin.traces.cases import attempt_of
from lignin.traces.runs import run_of


def parse_input(value: Json) -> str:
    """Which session: {session}.

    Raises:
        InvalidRequestError: It names none.
    """
    if not isinstance(value, dict) or list(value) != ["session"]:
        raise InvalidRequestError("a replay job takes {session}", hint="`lignin trace list`")
    return str(value["session"])


def _replay(work: Work) -> Json:
    session = parse_input(work.job.asked.input)
    return work.step("replay", lambda context: replayed(context, session), PATIENT)


def replayed(context: Context, session: str) -> Json:
    """How faithfully a session's run is made again, or why it cannot be.

    Raises:
        NotFoundError: There is no such session.
    """
    with context.view() as view:
        trajectory = load_trajectory(context, view, session)
    attempt = attempt_of(run_of(trajectory))
    told: dict[str, Json] = {"session": session, "calls": len(attempt.calls)}
    with open_environment(context, environment_of(trajectory)) as opened:
        if isinstance(opened, str):
            return {**told, "faithful": None, "why_not": opened}
        again = replay_live(opened, attempt)
    alike = round(faithfulness(attempt, again), 4)
    return {**told, "faithful": alike, "end_state": again.end_state}


KIND = JobKind(
    name="replay",
    summary="Make a recorded run again in its environment, and say how faithfully that went.",
    body=_replay,
    check=parse_input,
)
