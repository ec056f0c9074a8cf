"""Does the same input give the same answer, whatever the hash seed, the clock and the entropy?

Each example is run again with other hash seeds, another date and the random module at either end of
its range; and all are called in turn in one process, which shows state kept between calls. An answer
that a declared clock or randomness changes may change. A time-out with the random module at one end
is not counted: an honest loop that waits for a lucky number never ends there.
"""

from lignin.artifacts.answers import (
    answers_agree,
    outcome_of,
    plain_error,
    runs_agree,
    told,
    values_agree,
)
from lignin.artifacts.breaks import Break, broken, measured_breaks
from lignin.artifacts.check import (
    Check,
    Observations,
    RepeatRun,
    conclude,
    infrastructure_doubts,
    shown,
    shown_use,
)
from lignin.artifacts.oracle import MAX_REASONS, declares_variation
from lignin.artifacts.plan import IN_TURN
from lignin.domain.codec import Json
from lignin.domain.evidence import CheckResult


def judge(observations: Observations) -> CheckResult:
    """Compare every repeated run with the first one of the same example or input."""
    different = [run for run in observations.repeats if _differs(observations, run)]
    doubts = [*infrastructure_doubts(run.observed for run in observations.repeats)]
    remarks: list[str] = []
    breaks: list[Break] = []
    if declares_variation(observations):
        faults, unsure = _stable_faults(observations, different)
        doubts += unsure
        remarks.append(f"{len(different)} answers varied, as clock or randomness declare")
    else:
        faults = [_told(observations, run) for run in different]
        breaks = [
            _break(observations, run, fault) for run, fault in zip(different, faults, strict=True)
        ]
    return conclude(
        "determinism",
        faults=faults[:MAX_REASONS],
        doubts=doubts,
        remarks=remarks,
        measured={
            "repeats": len(observations.repeats),
            "different": len(different),
            **measured_breaks(breaks),
        },
    )


def _break(observations: Observations, run: RepeatRun, fault: str) -> Break:
    is_call = observations.is_call
    return broken(
        run.example,
        run.observed,
        is_call=is_call,
        fault=fault,
        expected=outcome_of(run.base, is_call=is_call),
        how=f"run again with {run.variant}",
    )


def _stable_faults(
    observations: Observations, different: list[RepeatRun]
) -> tuple[list[str], list[str]]:
    """Where answers may vary: those that do not vary must be as recorded, and some must be."""
    varied = {run.example.digest for run in different}
    faults, right = [], 0
    for run in (*observations.visible_runs, *observations.held_out_runs):
        if run.observed.status != "exited":
            continue
        if answers_agree(run.example, run.observed, is_call=observations.is_call):
            right += 1
        elif run.example.digest not in varied and any(
            repeat.example is run.example for repeat in observations.repeats
        ):
            got = told(run.observed, is_call=observations.is_call)
            faults.append(f"always answers {got} for {shown_use(run.example)}, not as recorded")
    unproven = right == 0 and not observations.has_tests
    return faults, ["every answer varies, so no example proves it"] if unproven else []


def _differs(observations: Observations, run: RepeatRun) -> bool:
    observed = run.observed
    if observed.status in {"infrastructure", "timeout"} or run.base.status == "infrastructure":
        # A time-out that no entropy explains is a hang; totality and the examples see those.
        return False
    if run.variant == IN_TURN:
        return _second_differs(run)
    return not runs_agree(run.base, observed, is_call=observations.is_call)


def _second_differs(run: RepeatRun) -> bool:
    if not run.observed.returned or not isinstance(run.observed.result, list):
        return False  # an answer that JSON cannot carry is seen elsewhere
    first = outcome_of(run.base, is_call=True)
    return any(not values_agree(first, _plain(answer)) for answer in run.observed.result)


def _plain(answer: Json) -> Json:
    if isinstance(answer, dict) and "error" in answer:
        return {"error": plain_error(str(answer["error"]))}
    return answer


def _told(observations: Observations, run: RepeatRun) -> str:
    first = told(run.base, is_call=observations.is_call)
    if run.variant == IN_TURN:
        return f"called in turn with other examples in one process it answered {shown(run.observed.result)} for {shown_use(run.example)}"
    second = told(run.observed, is_call=observations.is_call)
    if first == second:
        second = f"{second} with other output {shown(run.observed.stdout)}"
    return f"answered {first}, then with {run.variant} {second} for {shown_use(run.example)}"


CHECK = Check(name="determinism", needs=frozenset({"files", "repeats"}), judge=judge)
