"""Families of tasks, and how many ways lead through each."""

import pytest

from lignin.traces.routines.families import families_of, family_names, left_over, report_families
from lignin.traces.routines.induce import Inducer
from unit.traces.routines.desk import call, encoded, run, visit, visits


def test_family_is_the_stem_that_tasks_share() -> None:
    tasks = [(f"s{n}", f"clean-up-{n}") for n in range(3)]
    assert set(family_names(tasks, {}).values()) == {"clean-up"}


@pytest.mark.parametrize("task", ["17", "one-off-1", "", "s0"])
def test_family_without_a_shared_stem_is_what_it_changes(task: str) -> None:
    assert family_names([("s0", task)], {"s0": "pay+ship"}) == {"s0": "pay+ship"}
    assert family_names([("s0", task)], {"s0": ""}) == {"s0": "changes nothing"}


def test_runs_that_change_the_same_are_one_family() -> None:
    runs = encoded([run(f"r{n}", visit(n), task=f"{n}") for n in range(3)])
    assert {name: len(found) for name, found in families_of(runs).items()} == {"order_work": 3}


def test_family_that_goes_one_way_is_a_workflow_inside_its_routine() -> None:
    runs = encoded(visits(8))
    inducer = Inducer()
    inducer.add(runs)
    (report,) = report_families(inducer.induce().routines, runs)
    assert (report.family, report.runs, report.paths) == ("order_work", 8, 1)
    assert report.verdict == "workflow"
    assert report.branches == (0, 0, 0)
    assert report.inside == 1.0
    assert len(report.routines) == 1


def test_family_that_goes_another_way_each_time_is_for_an_agent() -> None:
    runs = encoded(
        [
            run(f"run-{n}", [call(f"fetch_{n}_{k}", {"a": n}, {"b": k}) for k in range(2)])
            for n in range(30)
        ]
    )
    (report,) = report_families((), runs)
    assert report.paths == 30
    assert report.branches[1] == 27
    assert report.verdict == "agent"
    assert report.inside == 0.0


def test_read_that_some_do_without_is_no_part_of_the_path() -> None:
    odd = call("get_weather", {"town": "A"}, {"sky": "grey"})
    some = [run(f"run-{n}", [*visit(n), *([odd] if n < 2 else [])]) for n in range(8)]
    every = [run(f"run-{n}", [*visit(n), odd]) for n in range(8)]
    inducer = Inducer()
    inducer.add(encoded(visits(8)))
    routines = inducer.induce().routines
    assert left_over(routines, encoded(some)) == [()] * 8
    assert [len(left) for left in left_over(routines, encoded(every))] == [1] * 8


def test_what_is_changed_outside_is_always_part_of_the_path() -> None:
    paid = call("pay_bill", {"town": "A"}, {"paid": True})
    some = [run(f"run-{n}", [*visit(n), *([paid] if n < 1 else [])]) for n in range(8)]
    inducer = Inducer()
    inducer.add(encoded(visits(8)))
    left = left_over(inducer.induce().routines, encoded(some))
    assert [len(each) for each in left] == [1] + [0] * 7


def test_of_two_runs_nothing_is_told() -> None:
    (report,) = report_families((), encoded(visits(2)))
    assert (report.runs, report.verdict) == (2, "too few runs")
