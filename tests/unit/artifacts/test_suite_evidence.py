import pytest

from lignin.artifacts.suite import read_tests
from lignin.ports.sandbox import Effect, Observed

_GREEN = {"ran": 9, "passed": 9, "skipped": 0, "failures": []}


def _run(*effects: Effect) -> Observed:
    return Observed(status="exited", tier="none", returned=True, result=_GREEN, effects=effects)


@pytest.mark.parametrize(
    "effect",
    [
        Effect(kind="read", target="/artifact/main.py"),
        Effect(kind="guest", target="sys._getframe"),
        Effect(kind="overflow", target="read"),  # the source may have been among them
    ],
)
def test_tests_that_read_the_source_or_reach_for_their_observer_count_for_nothing(
    effect: Effect,
) -> None:
    report = read_tests(_run(effect))
    assert (report.passed, len(report.failures)) == (0, 1)


def test_tests_that_only_import_and_call_count() -> None:
    assert read_tests(_run(Effect(kind="read", target="/usr/share/x"))).passed == 9
