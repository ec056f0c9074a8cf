"""A request is served by one plan whose routines the head holds, else it is for an agent."""

from collections.abc import Sequence
from typing import Any

from lignin.domain.plans import Form, Plan, PlannedUse, Said, Slot
from lignin.traces.routines.plan_service import file_plans, filed_plans, plan_id
from unit.operations.conftest import Desk


def plan(family: str, name: str = "code", words: Sequence[str] = ("fetch", "it")) -> Plan:
    slot = Slot(name=name, type="str", shapes={"A-9": "as said"})
    return Plan(
        family=family,
        forms=(Form(parts=(*words, slot), support=3),),
        uses=(PlannedUse(routine="rtn_a", arguments={name: Said(name)}),),
        answer=None,
        seen=(),
        support=3,
        proven=3,
    )


def file(desk: Desk, *plans: Plan) -> None:
    context = desk.context
    context.decide_and_commit(
        lambda view: (None, file_plans(context.ids, view, context.scope, plans))
    )


def why(desk: Desk, request: str) -> Any:
    answer = desk("routine.run", request=request, tools="desk")
    assert (answer.ended, answer.done, answer.task) == ("agent", [], "")
    assert answer.exit_code() == 10
    return answer.why


def test_plans_are_filed_once_and_withdrawn_when_they_are_no_more(desk: Desk) -> None:
    file(desk, plan("one"), plan("two"))
    with desk.context.view() as view:
        position = view.position
        assert filed_plans(view) == {plan_id(each): each for each in (plan("one"), plan("two"))}
    file(desk, plan("one"), plan("two"))
    with desk.context.view() as view:
        assert view.position == position
    file(desk, plan("two"))
    with desk.context.view() as view:
        assert list(filed_plans(view).values()) == [plan("two")]
    file(desk, plan("one"), plan("two"))
    with desk.context.view() as view:
        assert len(filed_plans(view)) == 2


def test_request_that_no_plan_explains_is_for_an_agent(desk: Desk) -> None:
    assert why(desk, "fetch it B-1") == "no form of a plan explains the request"
    file(desk, plan("one"))
    assert why(desk, "do not fetch it B-1") == "no form of a plan explains the request"


def test_request_that_two_plans_explain_is_for_an_agent(desk: Desk) -> None:
    file(desk, plan("one"), plan("two"))
    assert why(desk, "Fetch it B-1") == "the request can be read in more than one way"


def test_plan_whose_routine_left_the_head_is_not_followed(desk: Desk) -> None:
    file(desk, plan("one"))
    assert "does not serve rtn_a" in why(desk, "fetch it B-1")


def test_no_plan_is_filed_without_promoted_routines(desk: Desk) -> None:
    assert desk("routine.plan").plans == 0
    assert desk("routine.families").families == []
