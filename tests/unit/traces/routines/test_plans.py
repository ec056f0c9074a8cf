"""Plans are mined from what runs were asked and did, and hold on other runs or are none."""

from collections.abc import Sequence
from dataclasses import replace

from lignin.domain.plans import Brought, Plan, Said, Seen, parse_plan
from lignin.domain.routines import Reference, Routine
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.routines.answers import answer_of, mine_answer
from lignin.traces.routines.cover import results_of
from lignin.traces.routines.encode import encode
from lignin.traces.routines.induce import Inducer
from lignin.traces.routines.plan_replay import Told, replay_plan, unseen
from lignin.traces.routines.plans import Unplanned, mine_plan
from lignin.traces.routines.requests import parse_request
from unit.traces.routines.desk import call, run, visits


def repair(number: int, *, state: str = "idle", extra: Sequence[ToolCall] = ()) -> Trajectory:
    """Find a machine by its code, then book its repair at its own shop."""
    code = f"M-{100 + number}"
    calls = [
        call("find_machine", {"code": code}, {"machine_id": f"x{number}", "code": code}),
        call("get_machine", {"machine_id": f"x{number}"}, {"shop": f"S{number}", "state": state}),
        call(
            "book_repair",
            {"machine_id": f"x{number}", "shop": f"S{number}", "kind": "repair"},
            {"ticket": 9000 + number},
        ),
        *extra,
    ]
    hello = ("Hello.", "Hi there!")[number % 2]
    made = run(f"repair-{number}", calls, said=f"{hello} Please repair {code} for me.")
    last = Step(index=99, role="assistant", text=f"Booked: ticket {9000 + number}.")
    return replace(made, steps=(*made.steps, last))


def told(trajectory: Trajectory) -> Told:
    return Told(
        run=encode(trajectory, passed=True),
        results=results_of(trajectory),
        request=trajectory.steps[0].text,
        answer=trajectory.steps[-1].text,
    )


def routines(runs: Sequence[Trajectory]) -> dict[str, Routine]:
    inducer = Inducer()
    inducer.add(encode(each, passed=True) for each in runs)
    return {each.routine_id: each for each in inducer.induce().routines}


RUNS = [repair(number) for number in range(20)]
ROUTINES = routines([*RUNS, *visits(20)])


def plan_of(mined: Sequence[Trajectory], others: Sequence[Trajectory]) -> Plan | Unplanned:
    return mine_plan("repair", ROUTINES, [told(e) for e in mined], [told(e) for e in others])


def good() -> Plan:
    plan = plan_of(RUNS[:12], RUNS[12:])
    assert isinstance(plan, Plan), plan
    return plan


def test_plan_leads_from_the_request_to_the_answer() -> None:
    plan = good()
    assert [form.support for form in plan.forms] == [6, 6]
    (use,) = plan.uses
    assert use.arguments == {"code": Said("code")}
    assert plan.answer == ("Booked: ticket ", Brought(0, Reference(2, ".ticket")), ".")
    assert plan.proven == 8
    assert plan.seen == (Seen(tool="get_machine", path=".state", values=("idle",)),)
    assert parse_plan(plan.to_json()) == plan


def test_plan_makes_the_calls_of_a_run_that_it_was_not_mined_from() -> None:
    plan, other = good(), told(repair(77))
    (values,) = parse_request(plan.forms, other.request)
    assert values == {"code": "M-177"}
    replayed = replay_plan(plan, ROUTINES, values, other)
    assert replayed.verdict == "right"
    assert plan.answer is not None
    assert answer_of(plan.answer, values, replayed.results) == "Booked: ticket 9077."


def test_plan_that_does_other_than_one_run_of_its_form_is_none() -> None:
    more = repair(15, extra=[call("pay_bill", {"amount": 3}, {"paid": True})])
    plan = plan_of(RUNS[:12], [*RUNS[12:], more])
    assert isinstance(plan, Unplanned)
    assert "served otherwise" in plan.reason


def test_run_of_any_family_that_asks_alike_has_to_be_served_alike() -> None:
    calls = [call("cancel_repair", {"code": "M-1"}, {"ok": True})]
    other = run("cancel-1", calls, said="Hello. Please repair M-1 for me.")
    plan = plan_of(RUNS[:12], [*RUNS[12:], replace(other, steps=(*other.steps, RUNS[0].steps[-1]))])
    assert isinstance(plan, Unplanned)


def test_plan_needs_runs_that_it_was_not_mined_from() -> None:
    plan = plan_of(RUNS[:12], RUNS[12:14])
    assert isinstance(plan, Unplanned)
    assert "came to the same; 3 are needed" in plan.reason


def test_value_that_nothing_tells_makes_no_plan() -> None:
    runs = [
        replace(each, steps=(replace(each.steps[0], text="Please repair mine."), *each.steps[1:]))
        for each in RUNS
    ]
    plan = plan_of(runs[:12], runs[12:])
    assert isinstance(plan, Unplanned)
    assert "starts, tells code, which it takes" in plan.reason


def test_plan_hands_over_where_a_tool_tells_what_no_run_was_told() -> None:
    plan, other = good(), told(repair(78, state="sold"))
    (values,) = parse_request(plan.forms, other.request)
    assert replay_plan(plan, ROUTINES, values, other).verdict == "unknown"


def test_one_of_several_things_told_is_enough_to_hand_over() -> None:
    seen = (Seen(tool="look", path=".state", values=("idle",)),)
    assert unseen(seen, {("look", ".state"): ["idle"], ("other", ".state"): ["sold"]}) == ""
    assert "'sold'" in unseen(seen, {("look", ".state"): ["sold", "idle"]})


def test_changed_call_is_wrong_and_an_unasked_read_is_unknown() -> None:
    plan, other = good(), repair(79)
    values = {"code": "M-179"}
    booked = other.steps[3].calls[0]
    elsewhere = replace(booked, arguments={**booked.arguments, "kind": "check"})
    changed = replace(other.steps[3], calls=(elsewhere,))
    steps = (*other.steps[:3], changed, *other.steps[4:])
    assert replay_plan(plan, ROUTINES, values, told(replace(other, steps=steps))).verdict == "wrong"
    less = (other.steps[0], other.steps[1], *other.steps[3:])
    replayed = replay_plan(plan, ROUTINES, values, told(replace(other, steps=less)))
    assert replayed.verdict == "unknown"


def test_answer_in_words_of_ones_own_is_left_to_the_agent() -> None:
    runs = [
        replace(each, steps=(*each.steps[:-1], replace(each.steps[-1], text="Fine! " * (n + 1))))
        for n, each in enumerate(RUNS)
    ]
    plan = plan_of(runs[:12], runs[12:])
    assert isinstance(plan, Plan)
    assert plan.answer is None


def test_number_that_nothing_explains_makes_no_answer() -> None:
    ended = [(f"It costs {7 * number}.", {"code": f"M-{number}"}, ()) for number in range(4)]
    assert mine_answer(ended) is None
    said = [(f"I did {values['code']}.", values, got) for _, values, got in ended]
    assert mine_answer(said) == ("I did ", Said("code"), ".")
    assert mine_answer(said[:2]) is None
