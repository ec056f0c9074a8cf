"""By which condition a value is chosen of a list: mined, found again, replayed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from lignin.domain.codec import Json
from lignin.domain.routines import (
    Each,
    Item,
    Reference,
    Routine,
    Use,
    parse_reference,
    parse_routine,
)
from lignin.domain.traces import ToolCall, Trajectory
from lignin.traces.routines.apply import find_uses
from lignin.traces.routines.cover import cover, is_equivalent, results_of
from lignin.traces.routines.draw import draw
from lignin.traces.routines.encode import encode
from lignin.traces.routines.induce import Inducer
from unit.traces.routines.desk import call, encoded, run

Part = Mapping[str, Json]
Choice = Callable[[Sequence[Part]], Sequence[Part]]
STATES = ("idle", "busy", "worn", "lost")


def parts_of(number: int, how_many: int = 4) -> list[Part]:
    """Parts of which each state, price and place is another one in each run."""
    return [
        {
            "part": f"P{number}{place}",
            "state": STATES[(place + number) % 4],
            "price": 10 + (7 * place + 3 * number) % 11,
            "made": f"2031-0{1 + (5 * place + number * number) % 9}-11",
            "new": place == (number * number + number // 2) % how_many,
        }
        for place in range(how_many)
    ]


def listed(number: int, parts: Sequence[Part]) -> list[ToolCall]:
    """Look a machine up and list its parts."""
    return [
        call("get_machine", {"machine": f"M{number}"}, {"serial": f"S{number}"}),
        call("list_parts", {"machine": f"M{number}", "serial": f"S{number}"}, list(parts)),
    ]


def fixed(number: int, part: Part, tool: str = "fix_part") -> ToolCall:
    """Fix one part."""
    told = {"part": part["part"], "machine": f"M{number}", "serial": f"S{number}"}
    return call(tool, told)


def take(number: int, choose: Choice, tool: str = "fix_part") -> Trajectory:
    """A run that lists the parts of a machine and fixes those that are chosen."""
    parts = parts_of(number)
    calls = [*listed(number, parts), *(fixed(number, each, tool) for each in choose(parts))]
    return run(f"run-{number}", calls, said=f"see to M{number}")


def worn(parts: Sequence[Part]) -> list[Part]:
    return [each for each in parts if each["state"] == "worn"]


def cheapest(parts: Sequence[Part]) -> list[Part]:
    return [min(parts, key=lambda each: each["price"])]


def mined(runs: Sequence[Trajectory]) -> Routine:
    inducer = Inducer()
    inducer.add(encoded(runs))
    (found,) = inducer.induce().routines
    return found


def shown(routine: Routine) -> str:
    slot = routine.steps[-1].arguments["part"]
    return str(slot.place if isinstance(slot, Each) else slot)


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        (worn, '{state == "worn"}'),
        (lambda parts: [each for each in parts if each["new"]], "{new == true}"),
        (cheapest, "{min price}"),
        (lambda parts: [max(parts, key=lambda each: each["price"])], "{max price}"),
        (lambda parts: [min(parts, key=lambda each: each["made"])], "{min made}"),
    ],
)
def test_condition_is_found_and_holds_on_unseen_runs(choose: Choice, expected: str) -> None:
    tool = "get_part" if expected[1] == "m" else "fix_part"
    routine = mined([take(number, choose, tool) for number in range(12)])
    assert shown(routine) == f"$2[*]{expected}.part"
    assert [each.name for each in routine.parameters] == ["machine"]
    assert parse_routine(routine.to_json()) == routine
    seen = cover([routine], [take(number, choose, tool) for number in range(20, 26)])
    assert (seen.replayed, seen.equivalent, seen.at_once) == (6, 6, 6)


def test_all_of_a_list_is_taken() -> None:
    routine = mined([take(number, lambda parts: parts) for number in range(9)])
    assert routine.steps[-1].arguments["part"] == Each(Reference(1, "[*].part"))
    assert cover([routine], [take(20, lambda parts: parts)]).equivalent == 1
    assert cover([routine], [take(20, lambda parts: parts[1:])]).replayed == 0


def test_last_of_a_list_is_taken() -> None:
    def last(number: int) -> Trajectory:
        parts = parts_of(number, 2 + number % 4)
        return run(f"run-{number}", [*listed(number, parts), fixed(number, parts[-1], "get_part")])

    routine = mined([last(number) for number in range(12)])
    assert shown(routine) == "$2[*]{last}.part"
    assert cover([routine], [last(number) for number in range(20, 26)]).equivalent == 6


def last_of(parts: Sequence[Part]) -> list[Part]:
    return [parts[-1]]


def second_of(parts: Sequence[Part]) -> list[Part]:
    return [parts[1]]


@pytest.mark.parametrize("choose", [last_of, second_of, cheapest])
def test_nothing_is_changed_for_where_it_stands_in_a_list(choose: Choice) -> None:
    routine = mined([take(number, choose) for number in range(12)])
    assert routine.steps[-1].arguments["part"] == Use("part")
    (chosen,) = (each for each in routine.parameters if each.name == "part")
    assert chosen.among == Reference(1, "[*].part")


def test_nothing_is_changed_by_way_of_a_step_that_reads_the_last_one() -> None:
    def last(number: int) -> Trajectory:
        parts = parts_of(number, 2 + number % 4)
        part = parts[-1]
        return run(
            f"run-{number}",
            [*listed(number, parts), fixed(number, part, "get_part"), fixed(number, part)],
        )

    routine = mined([last(number) for number in range(12)])
    assert {str(step.arguments.get("part")) for step in routine.steps[2:]} == {str(Use("part"))}


def test_all_that_fit_are_taken() -> None:
    def fits(number: int) -> Trajectory:
        parts = [
            {**each, "kind": STATES[(place + number) % 2]}
            for place, each in enumerate(parts_of(number, 3 + number % 3))
        ]
        chosen = [each for each in parts if each["kind"] == "busy"]
        calls = [*listed(number, parts), *(fixed(number, each) for each in chosen)]
        return run(f"run-{number}", calls)

    routine = mined([fits(number) for number in range(9)])
    assert isinstance(routine.steps[-1].arguments["part"], Each)
    assert shown(routine) == '$2[*]{kind == "busy"}.part'
    assert cover([routine], [fits(number) for number in range(20, 26)]).equivalent == 6


def test_condition_may_be_a_parameter_or_an_earlier_place() -> None:
    def by(number: int, *, given: bool) -> Trajectory:
        parts, wanted = parts_of(number), STATES[(number * number + number // 3) % 4]
        (one,) = [each for each in parts if each["state"] == wanted]
        wish = call("get_wish", {"machine": f"M{number}"}, {"wish": {"state": wanted}})
        note = call("note", {"state": wanted, "machine": f"M{number}"})
        calls = [*([] if given else [wish]), note, *listed(number, parts), fixed(number, one)]
        return run(f"run-{number}", calls)

    routine = mined([by(number, given=True) for number in range(15)])
    assert shown(routine) == "$3[*]{state == state}.part"
    assert cover([routine], [by(20, given=True)]).equivalent == 1
    routine = mined([by(number, given=False) for number in range(15)])
    assert shown(routine) == "$4[*]{state == $1.wish.state}.part"
    assert cover([routine], [by(20, given=False)]).equivalent == 1


def test_condition_may_be_the_item_of_the_same_call() -> None:
    def pay(number: int) -> Trajectory:
        bills = [{"bill": f"B{number}{n}", "card": f"card {n % 2} of {number}"} for n in range(4)]
        calls = [
            call("get_owner", {"owner": f"owner {number}"}, {"id": f"I{number}"}),
            call("list_bills", {"id": f"I{number}"}, list(bills)),
        ]
        calls += [
            call("pay_bill", {**bills[(number + more) % 4], "id": f"I{number}"})
            for more in range(1 + number % 3)
        ]
        return run(f"run-{number}", calls)

    routine = mined([pay(number) for number in range(12)])
    last = routine.steps[-1].arguments
    assert last["bill"] == Item("bills")
    assert str(last["card"]) == "$2[*]{bill == each of bills}.card"
    assert cover([routine], [pay(number) for number in range(20, 26)]).equivalent == 6


def look(number: int, takes: Sequence[int], *, changes: bool = False) -> Trajectory:
    """A run that lists the parts of a machine, looks at some and reports."""
    parts = parts_of(number)
    tool = "clean_part" if changes else "get_part"
    calls = listed(number, parts)
    calls += [call(tool, {"part": parts[n]["part"], "serial": f"S{number}"}, "fine") for n in takes]
    calls.append(call("send_report", {"machine": f"M{number}", "serial": f"S{number}"}))
    return run(f"run-{number}", calls)


SOME = ((0, 2), (1,), (3, 0), (1, 2, 3))


def test_list_of_which_all_are_often_read_need_not_be_given() -> None:
    every = tuple(range(4))
    runs = [look(n, every if n % 2 else SOME[n // 2 % 4]) for n in range(16)]
    routine = mined(runs)
    (parts,) = [each for each in routine.parameters if each.name == "parts"]
    assert parts.default == parts.among == Reference(1, "[*].part")
    assert routine.steps[2].arguments["part"] == Item("parts")
    assert "else all of them" in "\n".join(draw(routine))
    assert parse_routine(routine.to_json()) == routine
    for takes, at_once in ((every, 1), ((2, 3), 0)):
        seen = cover([routine], [look(30, takes)])
        assert (seen.replayed, seen.equivalent, seen.at_once) == (1, 1, at_once)


def test_list_that_something_is_changed_for_has_to_be_given() -> None:
    every = tuple(range(4))
    runs = [look(n, every if n % 2 else SOME[n // 2 % 4], changes=True) for n in range(16)]
    (parts,) = [each for each in mined(runs).parameters if each.name == "parts"]
    assert parts.default is None


def test_list_of_which_all_are_seldom_read_has_to_be_given() -> None:
    runs = [look(n, tuple(range(4)) if n == 7 else SOME[n % 4]) for n in range(16)]
    (parts,) = [each for each in mined(runs).parameters if each.name == "parts"]
    assert parts.default is None


def test_choice_by_chance_stays_a_parameter() -> None:
    runs = []
    for number in range(12):
        place = (0, 2, 3, 1, 1, 3, 0, 2, 0, 1, 2, 3)[number]
        runs.append(take(number, lambda parts, place=place: [parts[place]]))  # type: ignore[misc]
    assert mined(runs).steps[-1].arguments["part"] == Use("part")


def test_few_choices_or_one_task_show_nothing() -> None:
    few = [take(number, worn) for number in range(3)]
    assert mined(few).steps[-1].arguments["part"] == Use("part")
    lone = [take(number, lambda parts: parts) for number in range(12)]
    single = [
        run(each.session, [*listed(n, parts_of(n, 1)), fixed(n, parts_of(n, 1)[0])])
        for n, each in enumerate(lone)
    ]
    assert shown(mined(single)) == "$2[0].part"


def test_condition_that_means_several_or_none_is_no_use() -> None:
    routine = mined([take(number, worn) for number in range(12)])
    for state in ("worn", "idle"):
        parts = [{**each, "state": state} for each in parts_of(40)]
        calls = [*listed(40, parts), fixed(40, parts[0])]
        assert find_uses(routine, encode(run("new", calls), None)) == ()


def test_replay_sees_a_wrong_condition() -> None:
    runs = [take(number, worn) for number in range(12)]
    routine = mined(runs)
    (use,) = find_uses(routine, encode(runs[3], None))
    assert is_equivalent(routine, use, results_of(runs[3]))
    last = routine.steps[-1]
    for text in ('$2[*]{state == "busy"}.part', "$2[*]{only}.part", "$2[*]{min color}.part"):
        wrong = replace(last, arguments={**last.arguments, "part": parse_reference(text)})
        other = replace(routine, steps=(*routine.steps[:-1], wrong))
        assert not is_equivalent(other, use, results_of(runs[3]))


def test_list_that_is_too_long_is_not_chosen_from() -> None:
    def many(number: int) -> Trajectory:
        parts: list[Part] = [
            {"part": f"P{number}-{n}", "state": STATES[n == number]} for n in range(100)
        ]
        return run(f"run-{number}", [*listed(number, parts), fixed(number, parts[number])])

    assert mined([many(number) for number in range(9)]).steps[-1].arguments["part"] == Use("part")
