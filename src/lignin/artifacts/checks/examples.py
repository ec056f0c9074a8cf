"""Do the recorded examples come out as recorded? They are the oracle for output.

Fewer than `MIN_EXAMPLES` recorded examples and no tests of its own leave an artifact unproven.
"""

from lignin.artifacts.answers import schema_trouble
from lignin.artifacts.breaks import measured_breaks
from lignin.artifacts.check import Check, Observations, conclude, infrastructure_doubts
from lignin.artifacts.oracle import contradictions, told_wrong, wrong_answers, wrong_breaks
from lignin.domain.evidence import CheckResult
from lignin.domain.examples import MIN_EXAMPLES


def judge(observations: Observations) -> CheckResult:
    """Judge the visible examples, the interface's schemas and whether there is proof at all."""
    interface = observations.manifest.interface
    faults = [
        f"the {side} schema is malformed: {trouble}"
        for side, schema in (("input", interface.input), ("output", interface.output))
        if (trouble := schema_trouble(schema)) is not None
    ]
    runs = observations.visible_runs
    wrong = wrong_answers(observations, runs)
    faults += told_wrong(wrong)
    breaks = wrong_breaks(wrong, is_call=observations.is_call)
    doubts = [*infrastructure_doubts(run.observed for run in runs)]
    doubts += contradictions(observations)
    count = len(observations.examples)
    if count < MIN_EXAMPLES and not observations.has_tests:
        doubts.append(
            f"{count} recorded examples and no tests of its own; "
            f"at least {MIN_EXAMPLES} examples or tests are needed"
        )
    return conclude(
        "examples",
        faults=faults,
        doubts=doubts,
        measured={
            "examples": count,
            "run": len(runs),
            "wrong": len(wrong),
            **measured_breaks(breaks),
        },
    )


CHECK = Check(name="examples", needs=frozenset({"files", "examples"}), judge=judge, version=2)
