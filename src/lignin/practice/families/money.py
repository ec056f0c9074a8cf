"""What customers ask for about money: cancelling, exchanging, returning, discounts, totals."""

import random
from collections.abc import Mapping

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
from lignin.practice.rules import CANCEL_REASONS, DISCOUNT_LIMIT_PERCENT, total_cents
from lignin.practice.tasks import Draft, Family, Solver, State, ask, write


def _draft_cancel(state: State, rng: random.Random, _today: str) -> Draft:
    order = rng.choice(orders_in(state, "pending"))
    order_id, reason = order["order_id"], rng.choice(CANCEL_REASONS[:3])
    facts = {**caller_of(state, order), "order_id": order_id, "reason": reason}
    total = total_in(state, order)
    return Draft(
        instruction=f"{greeting(rng, facts)} Please cancel {order_id} ({reason}) and tell me how"
        " much comes back to me.",
        facts=facts,
        writes=(
            confirmed(state, order),
            write("cancel_order", order_id=order_id, reason=reason),
            write(
                "refund_order",
                order_id=order_id,
                amount_cents=total,
                method=order["payment_method"],
            ),
        ),
        outputs={"refunded_cents": total},
    )


def _solve_cancel(facts: Mapping[str, Json]) -> Solver:
    customer_id = yield from identify(facts)
    yield from ask("list_orders", customer_id=customer_id, status="pending")
    order = yield from ask("get_order", order_id=facts["order_id"])
    paid = paid_by(order)
    yield from ask("cancel_order", order_id=facts["order_id"], reason=facts["reason"])
    yield from ask(
        "refund_order",
        order_id=facts["order_id"],
        amount_cents=paid["amount_cents"],
        method=paid["method"],
    )
    return {"refunded_cents": paid["amount_cents"]}


def _draft_exchange(state: State, rng: random.Random, _today: str) -> Draft:
    products = {row["sku"]: row for row in state["products"]}
    choices = [
        (order, line, product)
        for order in orders_in(state, "pending")
        for line in lines_in(state, order["order_id"])
        for product in state["products"]
        if product["category"] == products[line["sku"]]["category"]
        and product["unit_price_cents"] < line["unit_price_cents"]
        and product["sku"] not in [row["sku"] for row in lines_in(state, order["order_id"])]
    ]
    order, line, product = rng.choice(choices)
    order_id = order["order_id"]
    back = line["quantity"] * (line["unit_price_cents"] - product["unit_price_cents"])
    old_name = products[line["sku"]]["name"]
    facts = {
        **caller_of(state, order),
        "order_id": order_id,
        "old": old_name,
        "new": product["name"],
    }
    return Draft(
        instruction=f"{greeting(rng, facts)} In {order_id} I chose the {old_name}, but I want the"
        f" {product['name']} instead, same number. What do I get back?",
        facts=facts,
        writes=(
            confirmed(state, order),
            write("change_order_line", order_id=order_id, line=line["line"], sku=product["sku"]),
            write(
                "refund_order", order_id=order_id, amount_cents=back, method=order["payment_method"]
            ),
        ),
        outputs={"refunded_cents": back},
    )


def _solve_exchange(facts: Mapping[str, Json]) -> Solver:
    yield from identify(facts)
    order = yield from ask("get_order", order_id=facts["order_id"])
    old = yield from ask("find_products", query=facts["old"])
    new = yield from ask("find_products", query=facts["new"])
    line = row_by(order["lines"], "sku", old[0]["sku"])
    back = line["quantity"] * (line["unit_price_cents"] - new[0]["unit_price_cents"])
    yield from ask(
        "change_order_line", order_id=facts["order_id"], line=line["line"], sku=new[0]["sku"]
    )
    yield from ask(
        "refund_order",
        order_id=facts["order_id"],
        amount_cents=back,
        method=order["payment_method"],
    )
    return {"refunded_cents": back}


def _draft_fewer(state: State, rng: random.Random, _today: str) -> Draft:
    names = {row["sku"]: row["name"] for row in state["products"]}
    order, line = rng.choice(
        [
            (order, line)
            for order in orders_in(state, "pending")
            for line in lines_in(state, order["order_id"])
            if line["quantity"] > 1
        ]
    )
    order_id, wanted = order["order_id"], rng.randrange(1, line["quantity"])
    back = (line["quantity"] - wanted) * line["unit_price_cents"]
    facts = {
        **caller_of(state, order),
        "order_id": order_id,
        "name": names[line["sku"]],
        "quantity": wanted,
    }
    return Draft(
        instruction=f"{greeting(rng, facts)} Make it only {wanted} of the {names[line['sku']]} in"
        f" {order_id}, please, and pay back the difference.",
        facts=facts,
        writes=(
            confirmed(state, order),
            write("change_order_line", order_id=order_id, line=line["line"], quantity=wanted),
            write(
                "refund_order", order_id=order_id, amount_cents=back, method=order["payment_method"]
            ),
        ),
        outputs={"refunded_cents": back},
    )


def _solve_fewer(facts: Mapping[str, Json]) -> Solver:
    yield from identify(facts)
    order = yield from ask("get_order", order_id=facts["order_id"])
    product = yield from ask("find_products", query=facts["name"])
    line = row_by(order["lines"], "sku", product[0]["sku"])
    back = (line["quantity"] - facts["quantity"]) * line["unit_price_cents"]
    yield from ask(
        "change_order_line",
        order_id=facts["order_id"],
        line=line["line"],
        quantity=facts["quantity"],
    )
    yield from ask(
        "refund_order",
        order_id=facts["order_id"],
        amount_cents=back,
        method=order["payment_method"],
    )
    return {"refunded_cents": back}


def _draft_return(state: State, rng: random.Random, _today: str) -> Draft:
    order = rng.choice(orders_in(state, "delivered"))
    line = rng.choice(lines_in(state, order["order_id"]))
    name = row_by(state["products"], "sku", line["sku"])["name"]
    amount = line["quantity"] * line["unit_price_cents"]
    facts = {**caller_of(state, order), "order_id": order["order_id"], "name": name}
    return Draft(
        instruction=f"{greeting(rng, facts)} I have sent back the {name} of {order['order_id']},"
        " all of them. Please refund them and tell me the amount in cents.",
        facts=facts,
        writes=(
            confirmed(state, order),
            write(
                "refund_order",
                order_id=order["order_id"],
                amount_cents=amount,
                method=order["payment_method"],
            ),
        ),
        outputs={"refunded_cents": amount},
    )


def _solve_return(facts: Mapping[str, Json]) -> Solver:
    yield from identify(facts)
    order = yield from ask("get_order", order_id=facts["order_id"])
    product = yield from ask("find_products", query=facts["name"])
    line = row_by(order["lines"], "sku", product[0]["sku"])
    amount = line["quantity"] * line["unit_price_cents"]
    yield from ask(
        "refund_order",
        order_id=facts["order_id"],
        amount_cents=amount,
        method=order["payment_method"],
    )
    return {"refunded_cents": amount}


def _draft_loyalty(state: State, rng: random.Random, _today: str) -> Draft:
    tiers = {row["customer_id"]: row["tier"] for row in state["customers"]}
    order = rng.choice(
        [row for row in orders_in(state, "pending") if tiers[row["customer_id"]] != "standard"]
    )
    order_id = order["order_id"]
    percent = DISCOUNT_LIMIT_PERCENT[tiers[order["customer_id"]]]
    pairs = [(row["quantity"], row["unit_price_cents"]) for row in lines_in(state, order_id)]
    facts = {**caller_of(state, order), "order_id": order_id}
    return Draft(
        instruction=f"{greeting(rng, facts)} I buy from you often. Give me the best loyalty"
        f" discount I may have on {order_id}. What does the order come to then?",
        facts=facts,
        writes=(
            confirmed(state, order),
            write("apply_discount", order_id=order_id, percent=percent),
            write("add_note", order_id=order_id, text="loyalty discount"),
        ),
        outputs={"total_cents": total_cents(pairs, percent), "percent": percent},
    )


def _solve_loyalty(facts: Mapping[str, Json]) -> Solver:
    customer_id = yield from identify(facts)
    yield from ask("list_orders", customer_id=customer_id, status="pending")
    customer = yield from ask("get_customer", customer_id=customer_id)
    percent = {"silver": 5, "gold": 10}.get(customer["tier"], 0)
    if percent:
        yield from ask("apply_discount", order_id=facts["order_id"], percent=percent)
        yield from ask("add_note", order_id=facts["order_id"], text="loyalty discount")
    order = yield from ask("get_order", order_id=facts["order_id"])
    return {"total_cents": order["total_cents"], "percent": percent}


def _draft_open_total(state: State, rng: random.Random, _today: str) -> Draft:
    order = rng.choice(orders_in(state, "pending"))
    mine = [
        row for row in orders_in(state, "pending") if row["customer_id"] == order["customer_id"]
    ]
    facts = caller_of(state, order)
    return Draft(
        instruction=f"{greeting(rng, facts)} How many orders of mine are still open, what do they"
        " come to together, and which is the dearest?",
        facts=facts,
        writes=(confirmed(state, order),),
        outputs={
            "open_orders": len(mine),
            "total_cents": sum(total_in(state, row) for row in mine),
            "dearest_cents": max(total_in(state, row) for row in mine),
        },
    )


def _solve_open_total(facts: Mapping[str, Json]) -> Solver:
    customer_id = yield from identify(facts)
    listed = yield from ask("list_orders", customer_id=customer_id, status="pending")
    totals = []
    for row in listed:
        order = yield from ask("get_order", order_id=row["order_id"])
        totals.append(order["total_cents"])
    return {
        "open_orders": len(totals),
        "total_cents": sum(totals),
        "dearest_cents": max(totals, default=0),
    }


MONEY_FAMILIES: tuple[Family, ...] = (
    Family(name="cancel", draft=_draft_cancel, solve=_solve_cancel),
    Family(name="exchange", draft=_draft_exchange, solve=_solve_exchange),
    Family(name="fewer", draft=_draft_fewer, solve=_solve_fewer),
    Family(name="return-refund", draft=_draft_return, solve=_solve_return),
    Family(name="loyalty-discount", draft=_draft_loyalty, solve=_solve_loyalty),
    Family(name="open-total", draft=_draft_open_total, solve=_solve_open_total),
)
