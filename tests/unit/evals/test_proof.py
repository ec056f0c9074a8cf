"""A case is accepted when it fails on the failed runs and passes on those that passed, each time."""

from lignin.domain.judging import Judged
from lignin.evals.proof import decide_acceptance

FAIL = Judged(verdict="fail", reasons=("left out",))
PASS = Judged(verdict="pass")
UNSURE = Judged(verdict="inconclusive", reasons=("too few hits",))


def test_case_that_tells_right_each_time_is_accepted() -> None:
    found = decide_acceptance([FAIL] * 20, [PASS] * 20)
    assert found.accepted
    assert (found.proof.failed, found.proof.faulty, found.proof.passed) == (20, 20, 20)


def test_one_pass_of_a_failed_run_refuses() -> None:
    found = decide_acceptance([FAIL] * 19 + [PASS], [PASS] * 20)
    assert not found.accepted
    assert found.reason == "tried again on a run that failed, it passes"


def test_one_failure_of_a_passing_run_refuses() -> None:
    found = decide_acceptance([FAIL], [PASS, FAIL])
    assert not found.accepted
    assert found.reason == "tried again on a run that passed, it fails"


def test_verdict_that_is_none_refuses_on_either_side() -> None:
    assert not decide_acceptance([FAIL], [UNSURE]).accepted
    assert not decide_acceptance([UNSURE], [PASS]).accepted


def test_without_a_passing_run_the_failed_one_decides_and_without_both_nothing_does() -> None:
    assert decide_acceptance([FAIL], []).accepted
    assert not decide_acceptance([], [PASS]).accepted
