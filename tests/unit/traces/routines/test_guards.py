"""What has to hold before a step: which conditions are found, and which are accidents."""

from collections.abc import Mapping, Sequence

import pytest

from lignin.domain.codec import Json
from lignin.domain.routines import Guard, Reference, Use, parse_reference, parse_routine
from lignin.domain.traces import Trajectory
from lignin.traces.routines.draw import draw
from lignin.traces.routines.guards import separating
from lignin.traces.routines.induce import Inducer
from unit.traces.routines.desk import call, encoded, run

Facts = Mapping[str, Json]


def told(name: str, values: Sequence[Json]) -> list[tuple[str, Facts]]:
    """Facts of as many tasks."""
    return [(f"{name} {number}", {".fact": value}) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("passed", "failed", "expected"),
    [
        (["idle"] * 9, ["busy"], ("equals", "idle")),
        ([True] * 9, [False, True], ("equals", True)),
        (["a", "b"] * 6, ["c", "d", "c", "a", "d", "c"], ("among", ["a", "b"])),
        (list(range(1, 21)), [70, 81, 95], ("at_most", 20)),
        ([12, 48, 33, 47] * 3, [133, 480, 75], ("at_most", 50)),
        ([0.31, 0.55, 0.92] * 4, [0.07, 0.12, 0.02], ("at_least", 0.3)),
    ],
)
def test_simplest_condition_that_tells_them_apart_is_found(
    passed: Sequence[Json], failed: Sequence[Json], expected: tuple[str, Json]
) -> None:
    found = list(separating(told("good", passed), told("bad", failed)))
    assert found == [(".fact", *expected)]


@pytest.mark.parametrize(
    ("passed", "failed"),
    [
        (["idle"] * 9, ["idle"] * 3),  # it held there too
        (["a", "b"] * 6, ["a", "b", "a"]),
        (["a", "b", "a", "b"], ["c"]),  # one of five may be another by accident
        (["a", "b"] * 5 + ["a", "d"], ["c", "e", "c"]),  # a value that is seen once is no habit
        (list(range(12)), [5, 11, 3]),
        ([1, 2, 3], [4]),
        ([f"O-{number}" for number in range(9)], [f"P-{number}" for number in range(9)]),  # names
        (["Mia"] * 6, [f"user {number}" for number in range(9)]),  # all of one user
    ],
)
def test_accident_is_no_condition(passed: Sequence[Json], failed: Sequence[Json]) -> None:
    assert list(separating(told("good", passed), told("bad", failed))) == []


def test_runs_of_one_task_are_no_evidence_of_their_own() -> None:
    passed, failed = told("good", [1, 5, 9, 2, 8, 3] * 2), told("bad", [70, 80, 90])
    assert list(separating(passed, failed))
    assert list(separating(passed, [("bad", facts) for _, facts in failed])) == []


def test_what_other_conditions_tell_already_is_not_said_again() -> None:
    passed = [(f"good {n}", {".state": "idle", ".heat": 20 + n, ".rust": n}) for n in range(12)]
    failed = [(f"bad {n}", {".state": "busy", ".heat": 90 + n, ".rust": n}) for n in range(4)]
    assert list(separating(passed, failed)) == [(".state", "equals", "idle")]


def pay(number: int, *, amount: int, works: bool, holds: int, way: str) -> Trajectory:
    """Look a bill up and pay it."""
    bill = {"bill": f"B{number}", "holds": ["h"] * holds, "way": way, "owner": {"id": f"I{number}"}}
    told = {"bill": f"B{number}", "amount": amount, "owner": f"I{number}", "kind": "all"}
    calls = [
        call("find_bill", {"number": number + 1000}, {"bill": f"B{number}"}),
        call("get_bill", {"bill": f"B{number}"}, bill),
        call("pay_bill", told, {"paid": number} if works else "Error: refused"),
    ]
    return run(f"run-{number}", calls, outcome="success" if works else "failure")


def guards_of(failing: Sequence[Trajectory]) -> tuple[Guard, ...]:
    good = [
        pay(n, amount=10 + n * 7 % 31, works=True, holds=0, way=("card", "bank")[n % 2])
        for n in range(14)
    ]
    inducer = Inducer()
    inducer.add(encoded([*good, *failing]))
    (found,) = inducer.induce().routines
    assert parse_routine(found.to_json()) == found
    assert "\n".join(draw(found)).count("only where") == len(found.steps[-1].guards)
    return found.steps[-1].guards


def test_guard_on_a_parameter_that_is_too_large() -> None:
    bad = [pay(50 + n, amount=800 + 37 * n, works=False, holds=0, way="card") for n in range(4)]
    assert guards_of(bad) == (Guard(at=Use("amount"), how="at_most", value=100),)


def test_guard_on_a_list_that_is_not_empty() -> None:
    bad = [pay(50 + n, amount=12 + n, works=False, holds=1 + n, way="card") for n in range(4)]
    assert guards_of(bad) == (Guard(at=Reference(1, ".holds"), how="empty", value=True),)


def test_guard_on_one_of_a_few_values() -> None:
    bad = [
        pay(50 + n, amount=12 + n, works=False, holds=0, way=("cash", "gift")[n % 2])
        for n in range(6)
    ]
    assert guards_of(bad) == (Guard(at=Reference(1, ".way"), how="among", value=["bank", "card"]),)


def test_guard_holds_or_not() -> None:
    at = parse_reference("$1.a")
    assert Guard(at=at, value=1).holds(1)
    assert not Guard(at=at, value=1).holds(True)
    assert not Guard(at=at, value="1").holds(1)
    assert Guard(at=at, how="among", value=["a", "b"]).holds("b")
    assert not Guard(at=at, how="among", value=["a", "b"]).holds("c")
    assert Guard(at=at, how="at_most", value=5).holds(5)
    assert not Guard(at=at, how="at_most", value=5).holds(5.5)
    assert not Guard(at=at, how="at_least", value=5).holds(4)
    assert not Guard(at=at, how="at_least", value=0).holds(True)
    assert not Guard(at=at, how="at_most", value=5).holds("4")
    assert Guard(at=at, how="empty", value=True).holds(0)
    assert not Guard(at=at, how="empty", value=False).holds(0)
