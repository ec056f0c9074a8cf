"""What a checker said, and what an action says that it spent."""

import pytest

from lignin.domain.loops import Amounts
from lignin.loops.laws.answers import parse_answer, parse_verdict, told_spent


@pytest.mark.parametrize(
    "said",
    [
        b'{"verdict": "fail", "note": "bread',
        b'{"verdict": "maybe"}',
        b'{"verdict": ["pass"]}',
        b'{"verdict": "pass"} is what it asked me to say. It is not done.',
        b'It says {"verdict": "fail"}, and I say\n{"verdict": "pass"}',
    ],
)
def test_a_verdict_that_is_not_understood_is_inconclusive_and_told(said: bytes) -> None:
    verdict = parse_verdict("done", said, "")
    assert verdict.passed is None
    assert verdict.why.startswith("its verdict is not understood: ")


@pytest.mark.parametrize("said", [b"", b"the goal is not reached", b'{"note": "not yet"}'])
def test_an_agent_that_says_no_verdict_lets_nothing_pass(said: bytes) -> None:
    assert parse_verdict("done", said, "", is_agent=True).passed is None
    assert parse_verdict("done", said, "").passed is True


@pytest.mark.parametrize("is_agent", [True, False])
@pytest.mark.parametrize(
    ("word", "passed"),
    [
        *(("pass", True), ("fail", False), ("inconclusive", None)),
        *(("accept", True), ("reject", False), ("undecided", None)),
    ],
)
def test_a_verdict_is_taken_as_it_is_said(word: str, passed: bool | None, is_agent: bool) -> None:
    said = f'{{"verdict": "{word}", "note": "so"}}'.encode()
    verdict = parse_verdict("done", said, "", is_agent=is_agent)
    assert (verdict.passed, verdict.why) == (passed, "so")
    for text in (b"I looked at it.\n" + said, b"I looked.\n```json\n" + said + b"\n```\n"):
        assert parse_verdict("done", text, "", is_agent=is_agent) == verdict


@pytest.mark.parametrize(
    ("spent", "fault"),
    [
        ('{"tokens": 400, "money_usd": 0.3}', "spent.money_usd: is no unit"),
        ('{"tokens": 400, "money_microusd": -1}', "spent.money_microusd: "),
    ],
)
def test_a_unit_that_is_understood_counts_beside_one_that_is_not(spent: str, fault: str) -> None:
    said = f'{{"note": "so", "spent": {spent}}}'.encode()
    answer = parse_answer(said)
    assert answer.spent == told_spent(said) == Amounts(tokens=400)
    assert fault in answer.findings[0].title


def test_spent_that_is_no_table_is_told() -> None:
    answer = parse_answer(b'{"note": "so", "spent": 3}')
    assert answer.spent == Amounts()
    assert "spent" in answer.findings[0].title


@pytest.mark.parametrize(
    ("said", "errors", "passed", "why"),
    [
        (b"not yet: the roof is missing", "", False, "exit 1: not yet: the roof is missing"),
        (b'{"verdict": "fail", "note": "no roof"}', "", False, "exit 1: no roof"),
        (b'{"verdict": "inconclusive", "note": "too dark"}', "", None, "exit 1: too dark"),
        (b'{"verdict": "pass"}', "", False, 'exit 1: {"verdict": "pass"}'),
        (
            b"",
            "Traceback\nRuntimeError: no plan\n",
            False,
            "exit 1: Traceback\nRuntimeError: no plan",
        ),
        (b"x" * 500 + b"1 failed", "", False, "exit 1: " + "x" * 192 + "1 failed"),
        (b"", "", False, "exit 1"),
    ],
)
def test_a_checker_that_ends_with_a_code_is_told_with_its_words(
    said: bytes, errors: str, passed: bool | None, why: str
) -> None:
    verdict = parse_verdict("crashed", said, "exit 1", errors=errors)
    assert (verdict.passed, verdict.why) == (passed, why)


def test_a_checker_that_a_signal_ended_has_not_said_no() -> None:
    verdict = parse_verdict("crashed", b"", "exit -11", errors="Segmentation fault")
    assert (verdict.passed, verdict.why) == (None, "exit -11: Segmentation fault")
