"""What speaks against a routine in other runs, by name, and what it becomes then."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from lignin.domain.codec import Json
from lignin.domain.routines import (
    Constant,
    Guard,
    Parameter,
    Reference,
    Routine,
    RoutineStep,
    Use,
    parse_reference,
)
from lignin.domain.traces import Trajectory
from lignin.traces.routines.apply import find_uses
from lignin.traces.routines.encode import Encoded, encode
from lignin.traces.routines.refine import Trial, after, against, guarded_by
from unit.traces.routines.desk import call, run

PAY = Routine(
    steps=(
        RoutineStep(tool="get_bill", arguments={"bill": Use("bill")}, changes=False),
        RoutineStep(
            tool="get_rate",
            arguments={"land": Reference(0, ".land")},
            changes=False,
            is_optional=True,
        ),
        RoutineStep(
            tool="pay_bill",
            arguments={
                "bill": Reference(0, ".bill"),
                "way": Constant("card"),
                "amount": Use("amount"),
            },
        ),
    ),
    parameters=(Parameter(name="bill", type="str"), Parameter(name="amount", type="int")),
)


def pay(
    number: int, *, way: str = "card", amount: int = 10, rate: bool = False, **told: Json
) -> Trajectory:
    bill: Mapping[str, Json] = {"bill": f"B{number}", "land": f"land {number}", **told}
    calls = [call("get_bill", {"bill": f"B{number}"}, dict(bill))]
    if rate:
        calls.append(call("get_rate", {"land": f"land {number}"}, {"rate": 1.5}))
    calls.append(call("pay_bill", {"bill": f"B{number}", "way": way, "amount": amount}))
    return run(f"run-{number}", calls)


def encoded(runs: Sequence[Trajectory], passed: bool = True) -> list[Encoded]:
    return [encode(each, passed) for each in runs]


def trials(runs: Sequence[Trajectory], equal: Sequence[bool]) -> list[Trial]:
    found = []
    for each, is_equal in zip(encoded(runs), equal, strict=True):
        (use,) = find_uses(PAY, each, applied=True)
        found.append(Trial(run=each, use=use, is_equal=is_equal))
    return found


def test_nothing_speaks_against_what_other_runs_do_too() -> None:
    runs = encoded([pay(number) for number in range(9)])
    assert against(PAY, runs, runs) is None


def test_constant_that_other_runs_contradict_is_given() -> None:
    runs = encoded([pay(n, way="card" if n % 2 else "bank") for n in range(10)])
    ruling = against(PAY, runs, runs)
    assert ruling is not None
    assert ruling.refined is not None
    assert ruling.reason == (
        "over-generalised: way of pay_bill is 'card', and is not in 5 of 10 uses that were held out"
    )
    assert ruling.refined.steps[2].arguments["way"] == Use("way")
    assert ruling.refined.parameters[-1] == Parameter(name="way", type="str")
    assert against(ruling.refined, runs, runs) is None
    assert sum(len(find_uses(ruling.refined, each, applied=True)) for each in runs) == 10


@pytest.mark.parametrize("others", [0, 1])
def test_one_use_that_differs_speaks_against_no_constant(others: int) -> None:
    runs = encoded([pay(n, way="bank" if n < others else "card") for n in range(6)])
    assert against(PAY, runs, runs) is None


def test_what_failing_runs_do_is_poisoned() -> None:
    good = [*encoded([pay(n) for n in range(4)]), *encoded([run(f"ok-{n}", []) for n in range(20)])]
    bad = encoded([pay(50 + n) for n in range(16)], passed=False)
    ruling = against(PAY, good, [*good, *bad])
    assert ruling is not None
    assert ruling.refined is None
    assert ruling.reason.startswith("poisoned: 16 of the 20 runs with a use failed")


def test_failing_uses_that_are_no_more_than_elsewhere_do_not_poison() -> None:
    good = encoded([pay(n) for n in range(6)])
    bad = encoded([pay(50 + n) for n in range(8)], passed=False)
    others = encoded([run(f"bad-{n}", []) for n in range(8)], passed=False)
    assert against(PAY, good, [*good, *bad, *others]) is None


def test_one_call_is_trivial() -> None:
    alone = replace(PAY, steps=PAY.steps[:1])
    ruling = against(alone, [], [])
    assert ruling is not None
    assert (ruling.reason, ruling.refined) == ("trivial: one call, nothing is saved", None)


def test_guard_that_a_passing_run_contradicts_goes() -> None:
    guards = tuple(
        Guard(at=parse_reference(f"$1.{name}"), value="yes") for name in ("open", "checked")
    )
    strict = replace(PAY, steps=(*PAY.steps[:2], replace(PAY.steps[2], guards=guards)))
    runs = encoded([pay(n, open="yes", checked="yes" if n else "no") for n in range(5)])
    assert sum(len(find_uses(strict, each, applied=True)) for each in runs) == 4
    ruling = against(strict, runs, runs)
    assert ruling is not None
    assert ruling.refined is not None
    assert ruling.reason == (
        "over-strict: pay_bill asks that $1.checked is 'yes', and a run passed without"
    )
    assert ruling.refined.steps[2].guards == guards[:1]
    assert against(ruling.refined, runs, runs) is None


def test_guards_are_taken_from_the_runs_that_are_asked_alone() -> None:
    good = encoded([pay(n, state="open") for n in range(9)])
    bad = encoded([pay(50 + n, state="held") for n in range(3)], passed=False)
    late = encoded([pay(70, state="late")])
    guard = Guard(at=parse_reference("$1.state"), value="open")
    assert guarded_by(PAY, [*good, *bad]).steps[2].guards == (guard,)
    assert guarded_by(PAY, good).steps[2].guards == ()
    assert guarded_by(PAY, [*good, *bad, *late]).steps[2].guards == ()
    ruling = against(guarded_by(PAY, [*good, *bad]), late, [*good, *bad, *late])
    assert ruling is not None
    assert ruling.reason.startswith("over-strict: pay_bill asks that $1.state is 'open'")


def test_uses_that_fail_are_told_from_the_others_by_what_a_result_says() -> None:
    runs = [pay(n, state="held" if n % 3 == 0 else "open", amount=n) for n in range(24)]
    ruling = after(PAY, trials(runs, [n % 3 != 0 for n in range(24)]))
    assert ruling.refined is not None
    guard = Guard(at=parse_reference("$1.state"), value="open")
    assert ruling.refined.steps[2].guards == (guard,)
    assert ruling.change == "pay_bill asks that $1.state is 'open'"
    kept = [bool(find_uses(ruling.refined, each, applied=True)) for each in encoded(runs)]
    assert kept == [n % 3 != 0 for n in range(24)]


def test_uses_that_fail_are_told_from_the_others_by_a_parameter() -> None:
    runs = [pay(n, amount=20 + n if n % 4 else 500 + n) for n in range(40)]
    ruling = after(PAY, trials(runs, [n % 4 != 0 for n in range(40)]))
    assert ruling.refined is not None
    (guard,) = ruling.refined.steps[2].guards
    assert (guard.at, guard.how) == (Use("amount"), "at_most")


@pytest.mark.parametrize("done", [True, False])
def test_uses_that_fail_are_told_from_the_others_by_an_optional_step(done: bool) -> None:
    runs = [pay(n, amount=n, rate=n % 3 == 0) for n in range(24)]
    ruling = after(PAY, trials(runs, [(n % 3 == 0) == done for n in range(24)]))
    assert ruling.refined is not None
    tools = [(step.tool, step.is_optional) for step in ruling.refined.steps]
    if done:
        assert tools == [("get_bill", False), ("get_rate", False), ("pay_bill", False)]
    else:
        assert tools == [("get_bill", False), ("pay_bill", False)]


def test_uses_that_fail_by_accident_stay_refused_with_the_reason() -> None:
    runs = [pay(n, state="open", amount=(n * 7) % 24) for n in range(24)]
    ruling = after(PAY, trials(runs, [n % 5 != 1 for n in range(24)]))
    assert ruling.refined is None
    assert ruling.reason == (
        "it left another state than the run in 5 of 24, and nothing tells which"
    )
    assert after(PAY, trials(runs, [False] * 24)).refined is None


def test_condition_has_to_hold_for_uses_that_it_was_not_taken_from() -> None:
    """What tells the failing uses of one half, and not those of the other, is no condition."""
    runs = [pay(n, state="held" if n == 3 else "open", amount=(n * 7) % 24) for n in range(24)]
    equal = [n not in (3, 4, 5, 6, 7, 8) for n in range(24)]
    assert after(PAY, trials(runs, equal)).refined is None
