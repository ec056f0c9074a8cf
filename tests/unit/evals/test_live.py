"""Live decisions: which trial an ask is, what a plan holds, what comes of the trials."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.codec import canonical_bytes
from lignin.evals.laws.bank import Banked
from lignin.evals.laws.better import Judgement, judge_better
from lignin.evals.laws.course import Arm, Ask
from lignin.evals.laws.covered import too_little
from lignin.evals.laws.no_worse import NoWorse
from lignin.evals.laws.prove import Proof
from lignin.evals.live import conclude, follow
from lignin.evals.plans import Plan, Planned, Released, parse_plan

CASES = ("a", "b", "c", "d")
PROVEN = Judgement(
    outcome="accept",
    reasons=("it is better",),
    proof=Proof(ended="proven", wealth=200, pairs=9, gain=1.0, missing=0),
)


def plan(**more: Any) -> Plan:
    given: dict[str, Any] = {
        "systems": {"incumbent": "sha256:i", "candidate": "sha256:c"},
        "cases": {
            name: Planned(name=name, digest=f"sha256:{name}", grader="checks/1", kind="live")
            for name in CASES
        },
        "target": ("a", "b"),
        "others": (),
        "must_pass": (),
        "first": {
            "incumbent": dict.fromkeys(CASES, 6),
            "candidate": {"a": 0, "b": 2, "c": 0, "d": 0},
        },
        "bank": {
            "a": Banked(0, 6),
            "b": Banked(1, 6),
            "c": Banked(6, 6),
            "d": Banked(6, 6),
        },
        "level": 0.01,
        "seed": "dec_a",
    }
    return Plan(**(given | more))


def body(case: str, number: int, score: float | None, kind: str, **more: Any) -> Mapping[str, Any]:
    told = {"latency_s": None, "tokens": None, "cost_microusd": None, "forbidden": False}
    return (
        told
        | {
            "case": case,
            "number": number,
            "score": score,
            "kind": kind,
            "system": "s",
            "grader": "g",
            "case_digest": f"sha256:{case}",
        }
        | more
    )


def test_plan_is_the_same_after_it_was_written() -> None:
    assert parse_plan(plan().to_json()) == plan()


def test_nth_ask_of_an_arm_and_case_counts_on_from_what_stood() -> None:
    asked = plan()
    assert asked.key(Ask("candidate", "b"), 0).number == 2
    assert asked.key(Ask("incumbent", "b"), 3).number == 9
    assert asked.key(Ask("incumbent", "b"), 0).trial != asked.key(Ask("candidate", "b"), 4).trial


def test_no_trial_is_asked_for_twice_in_a_decision() -> None:
    asked, keys = plan(), []

    def answer(asks: Sequence[tuple[Ask, int]]) -> list[float]:
        keys.extend(asked.key(ask, turn).trial for ask, turn in asks)
        return [float(ask.arm == "candidate" or ask.case in "cd") for ask, _ in asks]

    judged = follow(judge_better(asked.stated()), answer)
    assert judged.outcome == "accept"
    assert len(keys) == len(set(keys)) > 15


def test_guarded_are_what_works_by_mode_and_the_critical_by_themselves() -> None:
    modes = {
        name: Planned(name=name, digest=name, grader="g", kind="live", mode="m") for name in CASES
    }
    units = plan(cases=modes, must_pass=("b",)).units()
    assert [(unit.name, unit.cases, unit.is_critical) for unit in units] == [
        ("b", ("b",), True),
        ("m", ("c", "d"), False),
    ]


FINE = [("candidate", body("a", n, 1.0, "passed")) for n in range(30)] + [
    ("incumbent", body("a", n, 0.0, "failed")) for n in range(30)
]


@pytest.mark.parametrize(
    ("extra", "verdict", "fault"),
    [
        ([], "accept", None),
        ([("candidate", body("a", 30, 0.0, "forged_score"))], "undecided", "forged_score"),
        ([("incumbent", body("a", 30, 0.0, "untrue_run"))], "undecided", "untrue_run"),
        ([("candidate", body("a", 30, 0.0, "crashed"))], "accept", None),
        (
            [("candidate", body("a", 30 + n, None, "infrastructure")) for n in range(3)],
            "undecided",
            "too_much_missing",
        ),
        (
            [("candidate", body("c", 0, 0.0, "failed", forbidden=True))],
            "reject",
            None,
        ),
    ],
)
def test_what_is_proven_is_accepted_only_where_all_is_believed(
    extra: list[tuple[Arm, Mapping[str, Any]]], verdict: str, fault: str | None
) -> None:
    told = conclude(plan(), PROVEN, [*FINE, *extra])  # type: ignore[list-item]
    assert told["verdict"] == verdict
    assert [each["kind"] for each in told["faults"]] == ([fault] if fault else [])


def test_growing_costs_are_held_against_it() -> None:
    dear = [
        (arm, {**each, "cost_microusd": 100 if arm == "incumbent" else 300}) for arm, each in FINE
    ]
    told = conclude(plan(), PROVEN, dear)  # type: ignore[arg-type]
    assert told["verdict"] == "reject"
    assert "cost_microusd grows from 100 to 300" in told["reasons"]


def test_overwhelming_evidence_can_be_written_down() -> None:
    many = [
        (
            arm,
            body(
                "a", n, float(arm == "candidate"), "passed", tokens=10 if arm == "candidate" else 20
            ),
        )
        for n in range(150)
        for arm in ("incumbent", "candidate")
    ]
    told = conclude(plan(), PROVEN, many)  # type: ignore[arg-type]
    saving = next(each for each in told["savings"] if each["column"] == "tokens")
    assert saving["evidence_saved"] == 1e15
    assert canonical_bytes(told)


@pytest.mark.parametrize(
    ("effects", "score", "verdict"),
    [("sha256:e", 1.0, "accept"), ("sha256:f", 1.0, "reject"), ("sha256:e", None, "undecided")],
)
def test_equivalent_is_the_same_in_effects_too(
    effects: str, score: float | None, verdict: str
) -> None:
    """The scores are alike, so that only what was changed tells them apart."""
    trials: list[tuple[Arm, Mapping[str, Any]]] = []
    for number in range(3):
        kind = "infrastructure" if score is None and number == 2 else "passed"
        other = (None if kind == "infrastructure" else 1.0), kind
        trials.append(("incumbent", body("a", number, 1.0, "passed", effects="sha256:e")))
        trials.append(("candidate", body("a", number, *other, effects=effects)))
    told = conclude(plan(claim="equivalent", target=()), PROVEN, trials)
    assert told["verdict"] == verdict


RELEASE = Released(
    release="rel_a",
    system="sha256:r",
    first=dict.fromkeys(CASES, 20),
    bank=dict.fromkeys(CASES, Banked(20, 20)),
)


def test_plan_of_another_claim_is_the_same_after_it_was_written() -> None:
    asked = plan(
        claim="no_worse_and_cheaper",
        target=(),
        release=RELEASE,
        margin=0.03,
        saving="parts",
        counted={"parts": (3.0, 2.0)},
        touched=("a",),
        is_guarded=False,
        predicted=0.2,
    )
    assert parse_plan(asked.to_json()) == asked
    old = {k: v for k, v in plan().to_json().items() if k in OLD_PLAN}
    assert parse_plan(old) == plan(settles=False, follows=False, weighs=False, chances={})


OLD_PLAN = [
    "format",
    "claim",
    "systems",
    "cases",
    "target",
    "others",
    "must_pass",
    "first",
    "bank",
    "level",
    "seed",
]


@pytest.mark.parametrize(("after", "verdict"), [(2.0, "accept"), (3.0, "undecided")])
def test_no_worse_is_accepted_only_where_something_is_saved(after: float, verdict: str) -> None:
    weighed = NoWorse(ended="proven", wealth=500, margin_left=0.03, difference=0.0, trials=80)
    judged = replace(PROVEN, weighed=weighed)
    asked = plan(
        claim="no_worse_and_cheaper", target=(), release=RELEASE, counted={"parts": (3.0, after)}
    )
    trials: list[tuple[Arm, Mapping[str, Any]]] = [
        ("candidate", body(case, number, 1.0, "passed")) for case in CASES for number in range(20)
    ]
    released = [body(case, number, 1.0, "passed") for case in CASES for number in range(20)]
    told = conclude(asked, judged, trials, released)
    assert (told["verdict"], told["release"]) == (verdict, "rel_a")
    low, high = told["interval"]  # type: ignore[misc]
    assert low == -high < 0  # a few cases that came to the same say little of others


def test_must_pass_case_in_the_target_is_broken_by_one_failure() -> None:
    slipped = [*FINE, ("candidate", body("a", 30, 0.0, "failed"))]
    told = conclude(plan(must_pass=("a",)), PROVEN, slipped)  # type: ignore[arg-type]
    assert (told["verdict"], told["broken"]) == ("reject", ["a"])


def test_gain_on_shown_cases_that_hidden_siblings_do_not_have_is_overfitted() -> None:
    hidden = {
        name: Planned(name=name, digest=name, grader="g", kind="live", is_hidden=name == "b")
        for name in CASES
    }
    same = [
        (arm, body("b", n, 0.0, "failed")) for n in range(30) for arm in ("incumbent", "candidate")
    ]
    told = conclude(plan(cases=hidden), PROVEN, [*FINE, *same])  # type: ignore[list-item]
    assert told["verdict"] == "reject"
    assert any(reason.startswith("overfitted: ") for reason in told["reasons"])
    told = conclude(plan(), PROVEN, [*FINE, *same])  # type: ignore[list-item]
    assert told["verdict"] == "accept"


@pytest.mark.parametrize("arm", ["incumbent", "candidate"])
def test_trials_of_the_guard_do_not_thin_what_is_missing_on_the_target(arm: Arm) -> None:
    lost = [(arm, body("a", 40 + number, None, "infrastructure")) for number in range(3)]
    guarded = [(arm, body("c", 10 + number, 1.0, "passed")) for number in range(200)]
    told = conclude(plan(), PROVEN, [*FINE, *lost, *guarded])  # type: ignore[list-item]
    assert told["verdict"] == "undecided"
    [fault] = told["faults"]  # type: ignore[misc]
    assert (fault["kind"], fault["where"]) == ("too_much_missing", ["a"])  # type: ignore[index,call-overload]
    assert f"of the {arm} on the target" in fault["told"]  # type: ignore[index,call-overload,operator]


def test_what_speaks_for_it_is_no_reason_where_it_is_not_accepted() -> None:
    lost = [("candidate", body("a", 50 + n, None, "missing")) for n in range(9)]
    told = conclude(plan(), PROVEN, [*FINE, *lost])  # type: ignore[arg-type]
    assert told["verdict"] == "undecided"
    assert told["reasons"] and not {*PROVEN.reasons} & {*told["reasons"]}  # type: ignore[misc]
    assert conclude(plan(), PROVEN, FINE)["reasons"] == list(PROVEN.reasons)


def test_a_share_just_too_small_is_not_rounded_to_enough() -> None:
    assert too_little(0.9497).told == "only 94.9 % of the trials tell anything, under 95 %"


def test_case_of_the_target_that_works_is_guarded_and_was_not_before() -> None:
    bank = {**plan().bank, "b": Banked(6, 6)}
    assert [unit.name for unit in plan(bank=bank).units()] == ["b", "c", "d"]
    assert [unit.name for unit in plan(bank=bank, weighs=False).units()] == ["c", "d"]


def test_every_case_of_a_mode_is_a_unit_where_that_is_asked() -> None:
    moded = {name: replace(case, mode="one") for name, case in plan().cases.items()}
    assert [unit.cases for unit in plan(cases=moded).units()] == [("c", "d")]
    alone = plan(cases=moded, every_case=True, known={"c": Banked(1, 2)})
    assert [unit.cases for unit in alone.units()] == [("c",), ("d",)]
    assert parse_plan(alone.to_json()) == alone
    assert alone.stated().known == {"c": Banked(1, 2)}
