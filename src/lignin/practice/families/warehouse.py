"""What the warehouse and the office ask for: restocking, late orders, duplicates, shipping."""

import random
from collections.abc import Mapping
from datetime import date, timedelta

from lignin.domain.codec import Json
from lignin.practice.families.lookups import (
    caller_of,
    confirmed,
    greeting,
    identify,
    lines_in,
    orders_in,
    paid_by,
    row_by,
    total_in,
)
from lignin.practice.rules import restock_quantity
from lignin.practice.tasks import Draft, Family, Solver, State, ask, write

LATE_NOTE = "late, customer to be told"


def _draft_restock(state: State, rng: random.Random, _today: str) -> Draft:
    category = rng.choice(sorted({row["category"] for row in state["products"]}))
    products = {row["sku"]: row for row in state["products"] if row["category"] == category}
    ordered = {}
    for row in state["stock"]:
        if row["sku"] in products:
            pack = products[row["sku"]]["pack_size"]
            quantity = restock_quantity(row["on_hand"], row["incoming"], row["reorder_level"], pack)
            if quantity:
                ordered[row["sku"]] = quantity
    return Draft(
        instruction=f"Warehouse here. Go through the stock of the {category} goods, reorder by the"
        " policy what has run low, and report how many pieces of what you ordered.",
        facts={"category": category},
        writes=tuple(
            write("restock_product", sku=sku, quantity=quantity)
            for sku, quantity in ordered.items()
        ),
        outputs={"ordered": ordered},
    )


def _solve_restock(facts: Mapping[str, Json]) -> Solver:
    stock = yield from ask("check_stock", category=facts["category"])
    ordered = {}
    for row in stock:
        available = row["on_hand"] + row["incoming"]
        if available > row["reorder_level"]:
            continue
        missing = 2 * row["reorder_level"] - available
        while missing % row["pack_size"]:
            missing += 1
        ordered[row["sku"]] = missing
        yield from ask("restock_product", sku=row["sku"], quantity=missing)
    return {"ordered": ordered}


def _draft_late(state: State, rng: random.Random, today: str) -> Draft:
    late = sorted(
        (row for row in orders_in(state, "pending") if row["promised_on"] < today),
        key=lambda row: row["promised_on"],
    )
    last = date.fromisoformat(late[min(rng.randrange(1, 4), len(late) - 1)]["promised_on"])
    before = (last + timedelta(days=1)).isoformat()
    chosen = sorted(
        (row for row in late if row["promised_on"] < before), key=lambda row: row["order_id"]
    )
    days = {
        row["order_id"]: (date.fromisoformat(today) - date.fromisoformat(row["promised_on"])).days
        for row in chosen
    }
    return Draft(
        instruction=f"Office here, today is {today}. Which open orders promised for before {before}"
        " are late, and by how many days? Mark each as the policy says.",
        facts={"today": today, "before": before},
        writes=tuple(write("add_note", order_id=order_id, text=LATE_NOTE) for order_id in days),
        outputs={"days_late": days},
    )


def _solve_late(facts: Mapping[str, Json]) -> Solver:
    listed = yield from ask("list_orders", status="pending", promised_before=facts["before"])
    days = {}
    for row in listed:
        late = date.fromisoformat(facts["today"]) - date.fromisoformat(row["promised_on"])
        if late.days > 0:
            days[row["order_id"]] = late.days
            yield from ask("add_note", order_id=row["order_id"], text=LATE_NOTE)
    return {"days_late": days}


def _basket(state: State, order: Mapping[str, Json]) -> tuple[Json, ...]:
    lines = sorted((row["sku"], row["quantity"]) for row in lines_in(state, order["order_id"]))
    return (order["customer_id"], order["placed_on"], *lines)


def _draft_duplicates(state: State, rng: random.Random, _today: str) -> Draft:
    pending = orders_in(state, "pending")
    twin = pending[-1]
    kept = next(row for row in pending if _basket(state, row) == _basket(state, twin))
    order_id, total = twin["order_id"], total_in(state, twin)
    facts = caller_of(state, twin)
    return Draft(
        instruction=f"{greeting(rng, facts)} I think I sent one order twice. Please look, keep one"
        " and tell me which one you cancelled and what I get back.",
        facts=facts,
        writes=(
            confirmed(state, twin),
            write("cancel_order", order_id=order_id, reason="duplicate"),
            write(
                "refund_order", order_id=order_id, amount_cents=total, method=twin["payment_method"]
            ),
            write("add_note", order_id=order_id, text=f"duplicate of {kept['order_id']}"),
        ),
        outputs={"cancelled": order_id, "refunded_cents": total},
    )


def _solve_duplicates(facts: Mapping[str, Json]) -> Solver:
    customer_id = yield from identify(facts)
    listed = yield from ask("list_orders", customer_id=customer_id, status="pending")
    seen: dict[Json, str] = {}
    for row in listed:
        order = yield from ask("get_order", order_id=row["order_id"])
        basket = tuple(sorted((line["sku"], line["quantity"]) for line in order["lines"]))
        kept = seen.setdefault((order["placed_on"], basket), order["order_id"])
        if kept == order["order_id"]:
            continue
        paid = paid_by(order)
        order_id, amount = order["order_id"], paid["amount_cents"]
        yield from ask("cancel_order", order_id=order_id, reason="duplicate")
        yield from ask(
            "refund_order", order_id=order_id, amount_cents=amount, method=paid["method"]
        )
        yield from ask("add_note", order_id=order_id, text=f"duplicate of {kept}")
        return {"cancelled": order_id, "refunded_cents": amount}
    return {"cancelled": None, "refunded_cents": 0}


def _draft_ship(state: State, rng: random.Random, _today: str) -> Draft:
    plenty = next(
        row["order_id"] for row in orders_in(state, "pending") if _fits(state, {}, row["order_id"])
    )
    others = [row["order_id"] for row in orders_in(state, "pending") if row["order_id"] != plenty]
    wanted = sorted([plenty, *rng.sample(others, 2)])
    taken: dict[str, int] = {}
    shipped = []
    for order_id in wanted:
        if _fits(state, taken, order_id):
            shipped.append(order_id)
            for line in lines_in(state, order_id):
                taken[line["sku"]] = taken.get(line["sku"], 0) + line["quantity"]
    return Draft(
        instruction=f"Warehouse here. Of {', '.join(wanted)}, in this order, ship by parcel each"
        " that is wholly in stock and leave the others. Which went out?",
        facts={"orders": wanted},
        writes=tuple(write("ship_order", order_id=each, carrier="parcel") for each in shipped),
        outputs={"shipped": shipped},
    )


def _fits(state: State, taken: Mapping[str, int], order_id: str) -> bool:
    return all(
        row_by(state["stock"], "sku", line["sku"])["on_hand"] - taken.get(line["sku"], 0)
        >= line["quantity"]
        for line in lines_in(state, order_id)
    )


def _solve_ship(facts: Mapping[str, Json]) -> Solver:
    shipped = []
    for order_id in facts["orders"]:
        order = yield from ask("get_order", order_id=order_id)
        ready = True
        for line in order["lines"]:
            stock = yield from ask("check_stock", sku=line["sku"])
            ready = ready and stock[0]["on_hand"] >= line["quantity"]
        if ready:
            yield from ask("ship_order", order_id=order_id, carrier="parcel")
            shipped.append(order_id)
    return {"shipped": shipped}


WAREHOUSE_FAMILIES: tuple[Family, ...] = (
    Family(name="restock-report", draft=_draft_restock, solve=_solve_restock),
    Family(name="late-report", draft=_draft_late, solve=_solve_late),
    Family(name="duplicate-clean-up", draft=_draft_duplicates, solve=_solve_duplicates),
    Family(name="ship-ready", draft=_draft_ship, solve=_solve_ship),
)
