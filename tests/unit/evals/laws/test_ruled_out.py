"""The size of gain that trials of a candidate rule out."""

import random

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.prove import RULED_OUT, Hope

CASES = [f"c{n}" for n in range(6)]
BANK = Bank(cases={case: Banked(1.0, 6) for case in CASES})


def hope(scores: list[float]) -> Hope:
    made = Hope(BANK)
    for number, score in enumerate(scores):
        made.take(CASES[number % len(CASES)], score)
    return made


def test_nothing_is_ruled_out_before_a_trial_or_by_passing_ones() -> None:
    assert hope([]).ruled_out(CASES) is None
    assert hope([1.0] * 12).ruled_out(CASES) is None


def test_more_failures_rule_out_smaller_gains() -> None:
    few, many = (hope([0.0] * count).ruled_out(CASES) for count in (6, 24))
    assert few is not None
    assert many is not None
    assert 0 < many < few < 1


def test_what_ends_a_proof_as_hopeless_rules_out_half_of_what_is_missing() -> None:
    scores = [0.0]
    while hope(scores).value >= 0.025:
        scores.append(0.0)
    found = hope(scores).ruled_out(CASES)
    missing = 1 - BANK.rate(CASES[0])
    assert found is not None
    assert found <= 0.5 * missing


def test_a_gain_that_is_there_is_seldom_ruled_out() -> None:
    rng = random.Random(4)
    rate = BANK.rate(CASES[0])
    gain = 0.3
    ruled = 0
    for _ in range(400):
        scores = [float(rng.random() < rate + gain) for _ in range(40)]
        found = [hope(scores[:n]).ruled_out(CASES) for n in range(5, 41, 5)]
        ruled += any(each is not None and each <= gain for each in found)
    assert ruled <= 2 * RULED_OUT * 400
