"""A proof is one on these examples: whatever changes them has the version judged anew."""

from typing import Any

import pytest

from lignin.domain.errors import GateFailedError
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk

WRONG = [{"arguments": {"number": 5}, "result": 11}]


def again(desk: Desk, examples: list[dict[str, Any]], **more: Any) -> Any:
    return desk("artifact.capture", path=desk.write("double.py", DOUBLE), examples=examples, **more)


def promoted(desk: Desk) -> Any:
    return desk("artifact.promote", name="double")


def test_a_verified_version_is_judged_on_an_example_that_comes_later(desk: Desk) -> None:
    desk.double()
    seen = again(desk, WRONG)
    assert (seen.state, seen.verification.verdict) == ("rejected", "fail")


def test_the_gate_takes_no_proof_on_other_examples(desk: Desk) -> None:
    desk.double()
    again(desk, WRONG, verify=False)
    with pytest.raises(GateFailedError, match="its examples are others"):
        promoted(desk)


def test_a_later_example_that_holds_is_proven_and_promoted(desk: Desk) -> None:
    desk.double()
    seen = again(desk, [{"arguments": {"number": 50}, "result": 100}])
    assert (seen.state, seen.verification.runs > 0) == ("verified", True)
    assert promoted(desk).exit_code() == 0


def test_code_whose_examples_are_withdrawn_is_not_promoted(desk: Desk) -> None:
    desk.double()
    taken = desk("artifact.withdraw", name="double")
    assert (taken.withdrawn, taken.verification.verdict) == (len(EXAMPLES), "inconclusive")
    with pytest.raises(GateFailedError, match="0 recorded examples"):
        promoted(desk)


def test_examples_that_are_back_as_they_were_count_again_without_a_run(desk: Desk) -> None:
    desk.double()
    more = [{"arguments": {"number": 50}, "result": 100}]
    again(desk, more)
    back = desk("artifact.withdraw", name="double", examples=more)
    assert (back.verification.verdict, back.verification.reused) == ("pass", True)
    assert promoted(desk).exit_code() == 0


@pytest.mark.parametrize("how", ["same", "none"])
def test_a_repeat_that_brings_nothing_new_costs_no_run(desk: Desk, how: str) -> None:
    desk.double()
    seen = again(desk, EXAMPLES if how == "same" else [])
    assert seen.verification is None or seen.verification.reused
    assert seen.state == "verified"


def test_who_goes_back_to_older_code_is_told_how_to_name_it(desk: Desk) -> None:
    first = desk.double()
    desk.write("double.py", DOUBLE.replace("number * 2", "2 * number"))
    second = desk("artifact.capture", path="double.py", examples=EXAMPLES)
    assert second.remediation == ""
    back = again(desk, EXAMPLES)
    assert (back.digest, back.how) == (first.digest, "known")
    assert f"double@{first.digest[7:19]}" in back.remediation
    assert second.digest[7:19] in back.remediation
