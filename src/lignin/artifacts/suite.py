"""Reading what the test runner in the sandbox answered. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.artifacts.answers import told
from lignin.artifacts.check import MutantRun, shown
from lignin.ports.sandbox import OVERFLOW, Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class TestReport:
    """One run of a test suite. `failures` are in words; `ran` counts tests that were started."""

    __test__ = False

    ran: int = 0
    passed: int = 0
    skipped: int = 0
    failures: tuple[str, ...] = ()


def is_test_file(path: str) -> bool:
    """True for the file names by which tests are known: `test_*.py` and `*_test.py`."""
    name = path.rsplit("/", 1)[-1]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def read_tests(run: Observed) -> TestReport:
    """Return what a run of the tests says; a run that ended otherwise is one failure.

    So is one that read the source which it tests, or reached for what watches it: such a run shows
    nothing about what the code does.
    """
    for effect in run.effects:
        if effect.kind == "guest":
            return TestReport(failures=(f"the tests reached for their observer: {effect.target}",))
        if effect.kind == "read" and effect.target.startswith("/artifact/"):
            return TestReport(failures=(f"the tests read the source: {shown(effect.target)}",))
        if effect.kind == OVERFLOW and effect.target == "read":
            return TestReport(failures=("the tests read more than can be told",))
    answer = run.result if run.returned and isinstance(run.result, Mapping) else None
    if run.status != "exited" or answer is None:
        return TestReport(failures=(f"the tests ended with {told(run, is_call=True)}",))
    try:
        return TestReport(
            ran=int(answer["ran"]),
            passed=int(answer["passed"]),
            skipped=int(answer["skipped"]),
            failures=tuple(
                f"{shown(bad['test'])}: {shown(bad['error'])}" for bad in answer["failures"]
            ),
        )
    except (KeyError, TypeError, ValueError):
        return TestReport(failures=(f"the tests answered {shown(answer)}",))


def join_runs(runs: Sequence[Observed]) -> Observed:
    """Return the runs of several suites as one, at least one given; trouble of any shows."""
    if len(runs) == 1:
        return runs[0]
    for run in runs:
        if run.status != "exited" or not isinstance(run.result, Mapping):
            return run
    reports = [read_tests(run) for run in runs]
    joined = {
        "ran": sum(report.ran for report in reports),
        "passed": sum(report.passed for report in reports),
        "skipped": sum(report.skipped for report in reports),
        "failures": [failure for run in runs for failure in run.result["failures"]],
    }
    return replace(
        runs[0],
        result=joined,
        effects=tuple(effect for run in runs for effect in run.effects),
        written={path: content for run in runs for path, content in run.written.items()},
        wall_s=sum(run.wall_s for run in runs),
        cpu_s=sum(run.cpu_s for run in runs),
    )


def suite_faults(runs: Sequence[Observed]) -> list[str]:
    """Return why a suite does not count: a failing test, or runs that differ."""
    reports = [read_tests(run) for run in runs if run.status != "infrastructure"]
    bad = [report for report in reports if report.failures]
    if not bad:
        return []
    if len(bad) < len(reports):
        return [f"flaky: {len(bad)} of {len(reports)} runs failed, {bad[0].failures[0]}"]
    return [f"test failed: {failure}" for failure in bad[0].failures[:5]]


def killed(runs: Iterable[MutantRun]) -> tuple[int, int]:
    """Return (mutants that the tests noticed, mutants that were run)."""
    counted = [run for run in runs if run.observed.status != "infrastructure"]
    return sum(bool(read_tests(run.observed).failures) for run in counted), len(counted)
