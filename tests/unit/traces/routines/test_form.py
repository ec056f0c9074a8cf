"""A routine as some of the runs alone show it: the same steps, other slots, and where they differ."""

from collections.abc import Sequence

from lignin.domain.routines import (
    Item,
    Parameter,
    Pick,
    Reference,
    Routine,
    RoutineStep,
    Use,
)
from lignin.domain.traces import Trajectory
from lignin.traces.routines.apply import find_uses
from lignin.traces.routines.form import differences, loosest
from lignin.traces.routines.induce import Inducer
from unit.traces.routines.desk import encoded, run, visit, visits
from unit.traces.routines.test_determine import mined, take, worn


def form_of(routine: Routine, runs: Sequence[Trajectory]) -> Routine | None:
    inducer = Inducer()
    inducer.add(encoded(runs))
    return inducer.form_of(routine)


def test_runs_that_show_the_same_give_the_routine_itself() -> None:
    routine = mined(visits(9))
    form = form_of(routine, visits(6, first=20))
    assert form is not None
    assert form.routine_id == routine.routine_id
    assert differences(routine, form) == []
    assert form.support.occurrences == 6


def test_what_too_few_runs_show_is_given() -> None:
    routine = mined([take(number, worn) for number in range(12)])
    assert "{state ==" in str(routine.steps[-1].arguments["part"])
    few = form_of(routine, [take(number, worn) for number in range(20, 23)])
    assert few is not None
    assert few.tools == routine.tools
    [told] = differences(routine, few)
    assert told.startswith("$3 fix_part: part is given as part")
    assert 'not $2[*]{state == "worn"}.part' in told


def test_condition_that_only_the_others_show_takes_nothing_that_is_given() -> None:
    chosen = [run(f"c{n}", [*visit(n, 3)[:-3], *visit(n, 3)[-2:]]) for n in range(9)]
    routine = mined(chosen)
    assert isinstance(routine.steps[2].arguments["machine"], Item)
    form = form_of(routine, visits(9, first=30))
    assert form is not None
    assert isinstance(form.steps[2].arguments["machine"], Item)


def test_steps_that_too_few_runs_make_have_no_form() -> None:
    routine = mined(visits(9))
    assert form_of(routine, visits(2, first=20)) is None
    assert form_of(routine, []) is None
    one_task = [run(f"x{n}", visit(3), task="one") for n in range(5)]
    assert form_of(routine, one_task) is None


def test_loosest_form_fits_whatever_the_arguments_are() -> None:
    routine = mined(visits(9))
    other = encoded([run("x", [*visit(1)[:-1], *visit(2)[-1:]])])[0]
    assert not find_uses(routine, other)
    assert len(find_uses(loosest(routine), other)) == 1
    assert not any(
        isinstance(slot, Reference)
        for step in loosest(routine).steps
        for slot in step.arguments.values()
    )


def test_difference_is_told_in_words_or_not_at_all() -> None:
    step = RoutineStep(tool="get", arguments={"x": Item("xs")}, is_repeated=True)
    given = Parameter(name="xs", type="list[str]")
    filled = Parameter(name="xs", type="list[str]", default=Reference(0, ".orders[*]"))
    find = RoutineStep(tool="find", arguments={"mail": Use("mail")})
    mail = Parameter(name="mail", type="str")
    routine = Routine(steps=(find, step), parameters=(mail, filled))
    form = Routine(steps=(find, step), parameters=(mail, given))
    assert differences(routine, form) == [
        "$2 get: x has to be given; it may not be left out to take all of $1.orders[*]"
    ]
    assert differences(form, routine) == [
        "$2 get: x may be left out, then all of $1.orders[*] are taken"
    ]
    by = Reference(0, ".*", Pick("where", "~", Use("mail")))
    other = Reference(0, ".*", Pick("where", "~", Use("mail")))
    one = Routine(steps=(find, RoutineStep(tool="get", arguments={"x": by})), parameters=(mail,))
    swapped = RoutineStep(tool="find", arguments={"mail": Use("y")})
    two = Routine(steps=(swapped, RoutineStep(tool="get", arguments={"x": other})))
    assert differences(one, two) == []
