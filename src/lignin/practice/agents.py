"""Scripted, simulated agents: habits and at most one fault, as values. No model is involved."""

from dataclasses import dataclass
from typing import Literal

from lignin.practice.advice import NOTHING_READ, Reading
from lignin.practice.faults import FaultKind
from lignin.practice.tasks import Call, write

Habit = Literal[
    "reads_policy_first",
    "looks_up_customer_twice",
    "checks_stock_first",
    "rereads_after_write",
    "searches_by_name",
    "thinks_aloud",
    "writes_helpers",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A scripted agent.

    Args:
        name: For provenance.
        model: The made-up model name that its transcripts carry.
        habits: What it does besides solving; none of it changes the outcome.
        fault: What goes wrong with it, where the task gives an opening; None for a sound agent.
        reading: What it has read, which may keep the fault from striking; `avoids` the tools it leaves
            out because it was told to.
    """

    name: str
    model: str = "scripted-1"
    habits: frozenset[Habit] = frozenset()
    fault: FaultKind | None = None
    reading: Reading = NOTHING_READ
    avoids: frozenset[str] = frozenset()


REFERENCE_AGENT = Agent(name="reference")


def calls_before(agent: Agent, call: Call, first: bool) -> tuple[Call, ...]:
    """Return the extra reads a habit puts before a call. `first` is true for a run's first call."""
    extra: list[Call] = []
    if first and "reads_policy_first" in agent.habits:
        extra.append(write("read_policy"))
    if call.tool == "find_customer" and "looks_up_customer_twice" in agent.habits:
        extra.append(call)
    if call.tool in {"ship_order", "change_order_line"} and "checks_stock_first" in agent.habits:
        extra.append(write("check_stock", **_sku_of(call)))
    if call.tool == "find_customer" and "searches_by_name" in agent.habits:
        first_name = str(call.arguments["email"]).split(".", maxsplit=1)[0]
        extra.append(write("find_customer", name=first_name))
    return tuple(extra)


def calls_after(agent: Agent, call: Call, is_write: bool) -> tuple[Call, ...]:
    """Return the extra reads a habit puts after a call."""
    if is_write and "order_id" in call.arguments and "rereads_after_write" in agent.habits:
        return (write("get_order", order_id=call.arguments["order_id"]),)
    return ()


def _sku_of(call: Call) -> dict[str, str]:
    return {"sku": call.arguments["sku"]} if "sku" in call.arguments else {}


_WORDS: dict[str, str] = {
    "read_policy": "I start with the policy.",
    "find_customer": "First I look up who is asking.",
    "confirm_identity": "I confirm the identity before anything else.",
    "get_customer": "I check the customer's tier.",
    "list_orders": "Let me list the orders concerned.",
    "get_order": "I look at the order itself.",
    "find_products": "I find the product.",
    "check_stock": "I check what is in stock.",
    "change_order_line": "The order is pending, so I change the line.",
    "split_order": "I move what is short to a new order.",
    "cancel_order": "It is still pending, so I cancel it.",
    "refund_order": "Now the refund.",
    "ship_order": "Everything is in stock; I ship it.",
    "update_address": "I change the address.",
    "apply_discount": "I apply the discount the tier allows.",
    "restock_product": "This one has run low; I reorder it.",
    "add_note": "I leave the note.",
    "transfer_to_person": "I hand over to a person.",
}


def words_for(agent: Agent, call: Call) -> str:
    """Return what an agent says as it makes a call; empty for a quiet one."""
    return _WORDS.get(call.tool, "") if "thinks_aloud" in agent.habits else ""
