"""What is kept of hand-overs, and what holds a change back."""

import pytest

from lignin.domain.plans import Plan, Seen
from lignin.operations.program_first import hold_of
from lignin.operations.tally import reason_of
from lignin.ports.journal import Made
from lignin.ports.tools import Observation


@pytest.mark.parametrize(
    ("why", "kept"),
    [
        ("cancel_order needs order.status to be pending", "cancel_order needs order.status"),
        ("ToolError: wrong_status: order O-1 of Ada is shipped", "refused: wrong_status"),
        ("refused: sold out; 1 of 3 of skus were done; go on at LI-9", "refused: refused"),
        (
            "find_customer returned nothing where [0].id was expected; 1 of 2 of ids were done",
            "find_customer returned nothing where [0].id was expected",
        ),
        ("do_it needs one of order.lines by sku, not 2", "do_it needs one of order.lines by sku"),
        ("cancel needs id to be among orders.id", "cancel needs id"),
        ("KeyError: 'secret of somebody'", "KeyError"),
        ("something that a tool said", "other"),
    ],
)
def test_reason_names_the_guard_or_the_kind(why: str, kept: str) -> None:
    assert reason_of(why) == kept


@pytest.mark.parametrize("name", ["look", "mcp__shop__look"])
@pytest.mark.parametrize(("state", "is_held"), [("idle", False), ("sold", True)])
def test_change_is_held_back_by_whatever_name_a_tool_has_in_the_traces(
    name: str, state: str, is_held: bool
) -> None:
    seen = (Seen(tool=name, path=".state", values=("idle",)),)
    plan = Plan(family="f", forms=(), uses=(), answer=None, seen=seen, support=3, proven=3)
    told = Observation(result={"state": state})
    looked = Made(number=1, tool="look", arguments={}, tag="t", changes=False, observation=told)
    assert bool(hold_of(plan)([looked])) is is_held
