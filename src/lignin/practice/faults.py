"""The faults that a scripted agent can have, as declarative values with what they do to a call.

A fault turns the calls a solver wants to make into other calls, or the outputs it reports into
others. Pure: all chance comes from the `random.Random` handed in. A fault states where it applies
and what it leads to: `failure` (end state or outputs are wrong) or `waste` (solved, at a price).
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json
from lignin.ports.tools import Observation
from lignin.practice.tasks import Call, Task, write
from lignin.practice.world import METHODS

FaultKind = Literal[
    "wrong_argument",
    "missing_action",
    "skipped_identity",
    "wrong_tool",
    "refund_twice",
    "ignored_error",
    "loop",
    "gave_up_early",
    "unit_mistake",
    "stale_id",
    "invented_output",
    "missing_output",
    "unauthorised_extra",
    "premature_transfer",
    "wasteful_rereads",
    "wrong_refund_method",
    "discount_above_limit",
]
Trigger = Literal["read", "write", "after_last_write", "outputs"]
LOOP_LENGTH = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """What is done in place of one call.

    Args:
        calls: The calls really made, in order.
        feed: Which of them the solver is told about; None with `forged`.
        forged: What the agent believes it saw where it made no such call.
        stop: True where the agent ends here.
        words: What the agent says with it.
    """

    calls: tuple[Call, ...]
    feed: int | None = 0
    forged: Observation | None = None
    stop: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a fault can see: the call at hand, order and customer ids seen, its own chance."""

    call: Call
    seen_ids: tuple[str, ...]
    rng: random.Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault as a value.

    Args:
        kind: Its name.
        leads_to: What a run with it ends in.
        trigger: When it strikes: at a read, at a write, after the last write, at the outputs.
        tools: Tools it can strike at; empty means any of the trigger's effect.
        every: True where it strikes each time, not once.
        applies: Whether a task gives it an opening.
        bend: What it makes of a call.
        report: What it makes of the outputs.
    """

    kind: FaultKind
    leads_to: Literal["failure", "waste"] = "failure"
    trigger: Trigger = "write"
    tools: frozenset[str] = frozenset()
    every: bool = False
    applies: Callable[[Task], bool] = lambda _task: True
    bend: Callable[[Moment], Detour] = lambda moment: Detour(calls=(moment.call,))
    report: Callable[[Mapping[str, Json]], dict[str, Json]] = dict


_OK = Observation(result={"ok": True})


def _uses(*tools: str) -> Callable[[Task], bool]:
    return lambda task: any(call.tool in tools for call in task.writes)


def _acts(task: Task) -> bool:
    return any(call.tool != "confirm_identity" for call in task.writes)


def _with(call: Call, **changed: Json) -> Call:
    return Call(tool=call.tool, arguments={**call.arguments, **changed})


def _wrong_argument(moment: Moment) -> Detour:
    call, rng = moment.call, moment.rng
    arguments = call.arguments
    if "amount_cents" in arguments:
        changed: Json = {"amount_cents": max(1, arguments["amount_cents"] - rng.randrange(1, 60))}
        if changed["amount_cents"] == arguments["amount_cents"]:
            changed = {"method": _other_method(arguments["method"])}
    elif "percent" in arguments:
        changed = {"percent": arguments["percent"] - rng.randrange(1, 4)}
    elif "quantity" in arguments:
        changed = {"quantity": arguments["quantity"] + rng.randrange(1, 5)}
    elif "postcode" in arguments:
        changed = {"postcode": arguments["postcode"].replace(" ", "").lower()}
    elif "reason" in arguments:
        changed = {
            "reason": "found cheaper" if arguments["reason"] != "found cheaper" else "duplicate"
        }
    elif "text" in arguments:
        changed = {"text": "done"}
    elif "carrier" in arguments:
        changed = {"carrier": "freight" if arguments["carrier"] == "parcel" else "parcel"}
    else:
        changed = {"line": arguments.get("line", 0) + 1}
    return Detour(calls=(_with(call, **changed),), feed=None, forged=_OK)


def _other_method(method: str) -> str:
    return METHODS[(METHODS.index(method) + 1) % len(METHODS)]


def _wrong_tool(moment: Moment) -> Detour:
    call = moment.call
    if "order_id" in call.arguments and call.tool != "add_note":
        other = write("add_note", order_id=call.arguments["order_id"], text=f"to do: {call.tool}")
    else:
        other = write("transfer_to_person", reason=f"please do {call.tool}")
    return Detour(calls=(other,), feed=None, forged=_OK)


def _ignored_error(moment: Moment) -> Detour:
    arguments = dict(moment.call.arguments)
    key = next(key for key in ("order_id", "sku", "reason") if key in arguments)
    arguments[key] = "" if key == "reason" else f"{arguments[key]}0"
    broken = Call(tool=moment.call.tool, arguments=arguments)
    return Detour(calls=(broken,), feed=None, forged=_OK, words="Good, that is done.")


def _stale_id(moment: Moment) -> Detour:
    seen = [each for each in moment.seen_ids if each != moment.call.arguments["order_id"]]
    others = [each for each in seen if each.startswith("O-")] or seen
    bent = _with(moment.call, order_id=moment.rng.choice(others))
    return Detour(calls=(bent,), feed=None, forged=_OK)


def _loop(moment: Moment) -> Detour:
    words = "Let me look at that again."
    return Detour(calls=(moment.call,) * LOOP_LENGTH, stop=True, words=words)


def _extra(moment: Moment) -> Detour:
    arguments = moment.call.arguments
    if "order_id" in arguments:
        order_id = arguments["order_id"]
        extra = write("refund_order", order_id=order_id, amount_cents=100, method="voucher")
    elif "sku" in arguments:
        extra = write("restock_product", sku=arguments["sku"], quantity=12)
    else:
        extra = write("transfer_to_person", reason="customer may want more")
    words = "As a goodwill gesture I add a little extra."
    return Detour(calls=(moment.call, extra), feed=0, words=words)


def _cents_as_euros(value: Json) -> Json:
    return max(1, round(value / 100))


def _wrong_unit_outputs(outputs: Mapping[str, Json]) -> dict[str, Json]:
    return {
        key: _cents_as_euros(value) if key.endswith("_cents") else value
        for key, value in outputs.items()
    }


def _invented(value: Json) -> Json:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1] != "1" else "2")
    if isinstance(value, dict):
        return {**value, "O-29999": 3}
    return [*(value or []), "O-29999"]


def _invent_outputs(outputs: Mapping[str, Json]) -> dict[str, Json]:
    key = min(outputs)
    return {**outputs, key: _invented(outputs[key])}


_ALL: tuple[Fault, ...] = (
    Fault(kind="wrong_argument", applies=_acts, bend=_wrong_argument),
    Fault(
        kind="missing_action",
        applies=_acts,
        bend=lambda _moment: Detour(calls=(), feed=None, forged=_OK),
    ),
    Fault(
        kind="skipped_identity",
        tools=frozenset({"confirm_identity"}),
        applies=lambda task: "postcode" in task.facts,
        bend=lambda _moment: Detour(calls=(), feed=None, forged=_OK),
    ),
    Fault(kind="wrong_tool", applies=_acts, bend=_wrong_tool),
    Fault(
        kind="refund_twice",
        tools=frozenset({"refund_order"}),
        applies=_uses("refund_order"),
        bend=lambda moment: Detour(calls=(moment.call, moment.call)),
    ),
    Fault(kind="ignored_error", applies=_acts, bend=_ignored_error),
    Fault(kind="loop", trigger="read", applies=_acts, bend=_loop),
    Fault(
        kind="gave_up_early",
        applies=_acts,
        bend=lambda _moment: Detour(calls=(), feed=None, stop=True, words="I could not do this."),
    ),
    Fault(
        kind="unit_mistake",
        tools=frozenset({"refund_order"}),
        applies=lambda task: any(key.endswith("_cents") for key in task.outputs),
        bend=lambda moment: Detour(
            calls=(
                _with(
                    moment.call,
                    amount_cents=_cents_as_euros(moment.call.arguments["amount_cents"]),
                ),
            )
        ),
        report=_wrong_unit_outputs,
    ),
    Fault(
        kind="stale_id",
        applies=lambda task: any("order_id" in call.arguments for call in task.writes),
        tools=frozenset(
            {"cancel_order", "update_address", "apply_discount", "add_note", "ship_order"}
            | {"refund_order", "change_order_line", "split_order"}
        ),
        bend=_stale_id,
    ),
    Fault(
        kind="invented_output",
        trigger="outputs",
        applies=lambda task: bool(task.outputs),
        report=_invent_outputs,
    ),
    Fault(
        kind="missing_output",
        trigger="outputs",
        applies=lambda task: bool(task.outputs),
        report=lambda outputs: {key: outputs[key] for key in sorted(outputs)[1:]},
    ),
    Fault(kind="unauthorised_extra", applies=_acts, trigger="after_last_write", bend=_extra),
    Fault(
        kind="premature_transfer",
        trigger="read",
        bend=lambda moment: Detour(
            calls=(moment.call, write("transfer_to_person", reason="this looks difficult")),
            stop=True,
            words="I hand this over to a colleague.",
        ),
    ),
    Fault(
        kind="wasteful_rereads",
        leads_to="waste",
        trigger="read",
        every=True,
        bend=lambda moment: Detour(calls=(moment.call,) * 3, words="To be sure, once more."),
    ),
    Fault(
        kind="wrong_refund_method",
        tools=frozenset({"refund_order"}),
        applies=_uses("refund_order"),
        bend=lambda moment: Detour(
            calls=(_with(moment.call, method=_other_method(moment.call.arguments["method"])),)
        ),
    ),
    Fault(
        kind="discount_above_limit",
        tools=frozenset({"apply_discount"}),
        applies=_uses("apply_discount"),
        bend=lambda moment: Detour(
            calls=(_with(moment.call, percent=moment.call.arguments["percent"] + 10),)
        ),
    ),
)
FAULTS: Mapping[FaultKind, Fault] = {fault.kind: fault for fault in _ALL}
