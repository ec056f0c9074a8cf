"""Jobs that drive a run of a loop until it ends or waits; steps that an engine has are not made again."""

from collections.abc import Callable

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, InvalidRequestError
from lignin.operations.context import Context
from lignin.operations.jobkind import JobKind, Work
from lignin.operations.looplooking import claim
from lignin.operations.looprunning import drive, held_for_s
from lignin.ports.ledger import require_known


def _check(value: Json) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("run"), str):
        raise InvalidRequestError("a loop job takes {run}", hint="`lignin loop run` starts one")


def _do(work: Work) -> Json:
    run: str = work.job.asked.input["run"]

    def begin(context: Context) -> Json:
        with context.view() as view:
            limit_s = held_for_s(view, require_known(view, f"looprun/{run}"))
            if require_known(view, f"looprun/{run}").state != "running":
                return {"goes_on": False}
        if not claim(context, run, work.job.id, limit_s):
            raise ConflictError(
                f"the run {run!r} is driven by another process",
                hint="`lignin job retry` when that one is gone",
            )
        return {"goes_on": True}

    def step(name: str, do: Callable[[], Json]) -> Json:
        # Each step looks what is there and has keys of its own.
        return work.step(name, lambda _context: do(), keyed=False)

    begun = work.step("claim", begin, keyed=False)
    if not begun["goes_on"]:
        return {"run": run, "state": "over"}
    return dict(drive(work.context, run, step, work.run.stopped))


KIND = JobKind(
    name="loop",
    summary="Drive a run of a loop until it ends or waits for somebody.",
    body=_do,
    check=_check,
    instead="`lignin loop run NAME` begins another run",
)
