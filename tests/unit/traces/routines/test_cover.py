"""Rewriting runs with routines, each use checked by replay."""

import time
from dataclasses import replace

import pytest

from lignin.domain.routines import Constant, Item, Reference, Routine, RoutineStep, Use
from lignin.traces.routines.apply import find_uses
from lignin.traces.routines.cover import Cover, cover, is_equivalent, resolve, results_of
from lignin.traces.routines.encode import encode
from lignin.traces.routines.induce import Inducer
from unit.traces.routines.desk import call, encoded, run, visit, visits


@pytest.fixture(scope="module")
def routine() -> Routine:
    inducer = Inducer()
    inducer.add(encoded(visits(9)))
    (found,) = inducer.induce().routines
    return found


def test_unseen_run_is_rewritten(routine: Routine) -> None:
    seen = cover([routine], [run("new", visit(77, 3))])
    assert seen == Cover(steps=6, covered=6, units=1, replayed=1, equivalent=1)
    assert (seen.coverage, seen.compression) == (1.0, 6.0)


def test_other_calls_stay_units(routine: Routine) -> None:
    calls = [call("ping", {}), *visit(77, 3), call("ping", {})]
    seen = cover([routine], [run("new", calls)])
    assert (seen.steps, seen.covered, seen.units) == (8, 6, 3)


def test_nothing_at_all_has_no_coverage() -> None:
    assert cover([], []).coverage is None
    assert cover([], []).compression is None


@pytest.mark.parametrize("place", [1, 4])
def test_argument_that_is_not_explained_is_no_use(routine: Routine, place: int) -> None:
    calls = visit(77, 2)
    other = dict.fromkeys(calls[place].arguments, "somebody else")
    calls[place] = replace(calls[place], arguments=other)
    assert cover([routine], [run("new", calls)]).covered == 0


def test_change_in_between_is_no_use(routine: Routine) -> None:
    calls = visit(77, 2)
    for tool, covered in (("get_weather", 5), ("delete_weather", 0)):
        mixed = [*calls[:4], call(tool, {"day": "1"}), *calls[4:]]
        assert cover([routine], [run("new", mixed)]).covered == covered


def test_use_whose_choice_is_none_of_what_was_read_is_none(routine: Routine) -> None:
    calls = visit(77, 3)
    (chosen,) = (each for each in routine.parameters if each.among)
    others = replace(calls[-1], arguments={**calls[-1].arguments, chosen.name: "M999"})
    assert cover([routine], [run("new", [*calls[:-1], others])]).covered == 0
    anywhere = tuple(replace(each, among=None) for each in routine.parameters)
    free = replace(routine, parameters=anywhere)
    assert cover([free], [run("new", [*calls[:-1], others])]).covered == 6


def test_list_that_is_empty_is_done_no_times(routine: Routine) -> None:
    calls = visit(77, 1)
    empty = replace(calls[1], observation='{"owner_id": "owner_77", "machines": []}')
    without = [calls[0], empty, calls[3]]
    anywhere = tuple(replace(each, among=None) for each in routine.parameters)
    assert cover([routine], [run("new", without)]).covered == 0, "its machine is none of the list"
    routine = replace(routine, parameters=anywhere)
    given = replace(routine.steps[2], arguments={"machine": Item("machines")})
    asks = replace(routine, steps=(*routine.steps[:2], given, *routine.steps[3:]))
    for each in (routine, asks):
        seen = cover([each], [run("new", without)])
        assert (seen.covered, seen.replayed, seen.equivalent) == (3, 1, 1)
        assert find_uses(each, encode(run("new", without), None)) == ()


def test_list_that_a_later_step_goes_over_is_not_left_out_before(routine: Routine) -> None:
    """With the list that the second step was done for, the routine would do the first for it too."""
    steps = tuple(
        RoutineStep(
            tool=tool,
            arguments={"part": Item("parts")},
            changes=tool == "fix",
            is_repeated=True,
        )
        for tool in ("get_part", "fix")
    )
    both = Routine(steps=steps)
    fixes = [call("fix", {"part": part}) for part in ("p1", "p2")]
    looks = [call("get_part", {"part": part}) for part in ("p1", "p2")]
    told = "fix p1 and p2"
    assert cover([both], [run("new", [*looks, *fixes], said=told)]).equivalent == 1
    assert cover([both], [run("new", fixes, said=told)]).replayed == 0


def test_list_that_is_not_gone_over_is_no_use(routine: Routine) -> None:
    calls = visit(77, 2)
    for left_out in ([2], [3], [2, 3]):
        rest = [each for place, each in enumerate(calls) if place not in left_out]
        assert cover([routine], [run("new", rest)]).covered == 0


def test_replay_sees_a_wrong_reference_and_a_wrong_constant(routine: Routine) -> None:
    trajectory = run("new", visit(77, 2))
    (use,) = find_uses(routine, encode(trajectory, None))
    results = results_of(trajectory)
    assert is_equivalent(routine, use, results)
    last = routine.steps[-1]
    for wrong in (Constant("repair"), Reference(0, ".nothing"), Reference(1, ".machines[0]")):
        steps = (*routine.steps[:-1], replace(last, arguments={**last.arguments, "kind": wrong}))
        assert not is_equivalent(replace(routine, steps=steps), use, results)


def test_replay_sees_a_missing_step(routine: Routine) -> None:
    trajectory = run("new", visit(77, 2))
    (use,) = find_uses(routine, encode(trajectory, None))
    shorter = replace(routine, steps=routine.steps[:-1])
    assert not is_equivalent(shorter, use, results_of(trajectory))


def test_parameter_chosen_on_the_way_is_said() -> None:
    told = "owner_0@example.org wants M00 serviced"
    inducer = Inducer()
    inducer.add(encoded(visits(9)))
    routines = inducer.induce().routines
    assert cover(routines, [run("new", visit(0, 1), said=told)]).at_once == 1
    assert cover(routines, [run("new", visit(0, 1))]).at_once == 0


def test_place_in_a_result() -> None:
    assert resolve({"a": [{"b": 3}]}, ".a[0].b") == 3
    assert resolve("text", "") == "text"
    with pytest.raises(LookupError):
        resolve({"a": 1}, ".a.b")
    with pytest.raises(LookupError):
        resolve([1], "[1]")


def test_run_made_to_be_searched_for_long_is_given_up() -> None:
    step = RoutineStep(tool="ping", arguments={"to": Use("to")})
    last = RoutineStep(tool="ping", arguments={"to": Constant("nobody")})
    long = Routine(steps=(*[step] * 30, last))
    calls = [call("ping", {"to": "host"}) for _ in range(300)]
    start = time.process_time()
    assert find_uses(long, encode(run("new", calls), None)) == ()
    assert time.process_time() - start < 5
