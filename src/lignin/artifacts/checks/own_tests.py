"""Do the tests that came with the artifact pass, the same every time?

Tests that are the only proof must be worth something: they must notice half of the faults seeded
into the artifact, else `assert True` would prove anything.
"""

from lignin.artifacts.check import Check, Observations, conclude, infrastructure_doubts
from lignin.artifacts.suite import killed, read_tests, suite_faults
from lignin.domain.evidence import CheckResult
from lignin.domain.examples import MIN_EXAMPLES

MIN_KILLED_ALONE = 0.5


def judge(observations: Observations) -> CheckResult:
    """Judge the artifact's own tests; without any this passes and the examples must do."""
    if not observations.has_tests:
        return conclude("own_tests", remarks=["it has no tests of its own"])
    faults = suite_faults(observations.tests)
    doubts = [*infrastructure_doubts(observations.tests)]
    ran = [read_tests(run).ran for run in observations.tests]
    is_alone = len(observations.examples) < MIN_EXAMPLES
    if not faults and not doubts and is_alone:
        dead, mutants = killed(observations.mutants)
        if not any(ran):
            doubts.append("its tests hold nothing that runs")
        elif mutants and dead < MIN_KILLED_ALONE * mutants:
            doubts.append(
                f"its tests are the only proof and notice {dead} of {mutants} seeded faults"
            )
        doubts += infrastructure_doubts(run.observed for run in observations.mutants)
    return conclude(
        "own_tests", faults=faults, doubts=doubts, measured={"ran": max(ran, default=0)}
    )


CHECK = Check(name="own_tests", needs=frozenset({"files", "tests", "mutants"}), judge=judge)
