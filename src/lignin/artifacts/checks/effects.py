"""Did every run stay within the declared capabilities? `undeclared` has the rule."""

from collections.abc import Iterator
from dataclasses import replace

from lignin.artifacts.breaks import Break, broken, measured_breaks
from lignin.artifacts.check import Check, Observations, conclude, infrastructure_doubts, shown_use
from lignin.artifacts.oracle import MAX_REASONS
from lignin.artifacts.undeclared import subject, undeclared
from lignin.domain.evidence import CheckResult
from lignin.domain.examples import Example
from lignin.ports.sandbox import Observed

_OUTWARD = frozenset({"write", "delete", "connect", "process", "unreadable"})


def judge(observations: Observations) -> CheckResult:
    """Judge what every run of examples, repeats and generated inputs was seen to do."""
    capabilities = observations.manifest.capabilities
    is_command = not observations.is_call
    faults: dict[str, str] = {}
    breaks: dict[str, Break] = {}
    counted = 0
    for use, observed in _runs(observations):
        counted += 1
        for what in undeclared(capabilities, use, observed, is_command=is_command):
            if what in faults:
                continue
            fault = f"{what} without declaring it"
            faults[what] = f"{fault}, for {shown_use(use)}"
            breaks[what] = broken(
                use, observed, is_call=not is_command, fault=fault, how="what it did"
            )
    doubts = infrastructure_doubts(observed for _, observed in _runs(observations))
    return conclude(
        "effects",
        faults=list(faults.values())[:MAX_REASONS],
        doubts=doubts,
        measured={
            "runs": counted,
            "undeclared": len(faults),
            **measured_breaks(breaks.values()),
        },
    )


def _runs(observations: Observations) -> Iterator[tuple[Example, Observed]]:
    for run in (*observations.visible_runs, *observations.held_out_runs):
        yield run.example, run.observed
    for repeat in observations.repeats:
        yield repeat.example, repeat.observed
    for made in observations.inputs:
        yield made.input.use, made.observed
        if made.again is not None:
            yield made.input.use, made.again
    for aside in observations.unanswered:
        yield aside.input.use, replace(aside.observed, status="exited")
    if observations.manifest.kind == "test":
        # Our runner loads and patches for its tests: only what leaves the process is theirs.
        for tested in observations.tests:
            outward = [effect for effect in tested.effects if subject(effect) in _OUTWARD]
            yield Example(arguments={}), replace(tested, effects=tuple(outward))


CHECK = Check(
    name="effects",
    needs=frozenset({"files", "examples", "held_out", "repeats", "tests", "inputs"}),
    judge=judge,
    version=5,
)
