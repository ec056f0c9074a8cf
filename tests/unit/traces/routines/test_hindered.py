"""Uses that cannot be made at one go, and why."""

from lignin.domain.routines import parse_routine
from lignin.domain.traces import Trajectory
from lignin.traces.routines.draw import draw
from lignin.traces.routines.hindered import hindered
from lignin.traces.routines.induce import Induced, Inducer
from unit.traces.routines.desk import call, encoded, run, visit


def disturbed(number: int) -> Trajectory:
    """A visit with something else changed in the middle of it, another thing each time."""
    calls = visit(number, 1)
    other = call(f"move_{number}_away", {"what": f"x{number}"})
    return run(f"run-{number}", [*calls[:2], other, *calls[2:]])


def induced(runs: list[Trajectory]) -> Induced:
    inducer = Inducer()
    inducer.add(encoded(runs))
    return inducer.induce()


def test_support_counts_what_can_be_made_at_one_go() -> None:
    runs = [disturbed(n) if n % 3 else run(f"run-{n}", visit(n, 1)) for n in range(12)]
    (routine,) = induced(runs).routines
    assert (routine.support.occurrences, routine.support.applied) == (12, 4)
    assert "; 4 can be made at one go" in draw(routine)[0]
    assert parse_routine(routine.to_json()) == routine
    found = hindered(routine, encoded(runs))
    assert (found.changed, found.other) == (8, 0)
    assert "in 8 uses something else is changed between the steps (move_10_away, " in (
        found.in_words()
    )


def test_what_can_never_be_made_at_one_go_is_no_routine() -> None:
    assert induced([disturbed(n) for n in range(12)]).routines == ()


def test_nothing_stands_in_the_way_of_uses_that_are_made_at_one_go() -> None:
    runs = [run(f"run-{n}", visit(n, 1)) for n in range(9)]
    (routine,) = induced(runs).routines
    assert hindered(routine, encoded(runs)).in_words() == ""
    assert "at one go" not in draw(routine)[0]
