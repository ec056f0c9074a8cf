"""Does a test artifact test? It passes on its subject, is not flaky, and notices seeded faults.

Some mutants always behave as the original, so `MIN_KILLED` of them suffice.
"""

from lignin.artifacts.check import Check, Observations, conclude, infrastructure_doubts
from lignin.artifacts.suite import killed, read_tests, suite_faults
from lignin.domain.evidence import CheckResult

MIN_KILLED = 0.8
MIN_MUTANTS = 3
SHOWN = 3


def judge(observations: Observations) -> CheckResult:
    """Judge the runs on the subject as it is, then those on its mutants."""
    faults = suite_faults(observations.tests)
    doubts = [*infrastructure_doubts(observations.tests)]
    doubts += infrastructure_doubts(run.observed for run in observations.mutants)
    dead, mutants = killed(observations.mutants)
    ran = max((read_tests(run).ran for run in observations.tests), default=0)
    if not faults and not doubts:
        if not observations.tests:
            doubts.append("it holds no test file")
        elif ran == 0:
            faults.append("it holds no test that runs")
        elif mutants < MIN_MUTANTS:
            doubts.append(f"only {mutants} faults can be seeded into its subject")
        elif dead < MIN_KILLED * mutants:
            alive = [
                run.what for run in observations.mutants if not read_tests(run.observed).failures
            ]
            faults.append(
                f"it notices {dead} of {mutants} seeded faults, {MIN_KILLED:.0%} are needed; "
                f"{len(alive)} survived: {'; '.join(alive[:SHOWN])}"
            )
    measured = {"ran": ran, "mutants": mutants, "killed": dead}
    return conclude("mutants", faults=faults, doubts=doubts, measured=measured)


CHECK = Check(name="mutants", needs=frozenset({"files", "tests", "mutants"}), judge=judge)
