"""What drafts read off a world's state, and the first steps that solvers share."""

import random
from collections.abc import Generator, Mapping

from lignin.domain.codec import Json
from lignin.ports.tools import Observation
from lignin.practice.rules import total_cents
from lignin.practice.tasks import Call, State, ask, write

Row = Mapping[str, Json]


def orders_in(state: State, status: str) -> list[dict[str, Json]]:
    """The orders with a status."""
    return [row for row in state["orders"] if row["status"] == status]


def lines_in(state: State, order_id: str) -> list[dict[str, Json]]:
    """An order's lines."""
    return [row for row in state["order_lines"] if row["order_id"] == order_id]


def total_in(state: State, order: Row) -> int:
    """An order's total in cents."""
    pairs = [
        (row["quantity"], row["unit_price_cents"]) for row in lines_in(state, order["order_id"])
    ]
    return total_cents(pairs, order["discount_percent"])


def row_by(rows: list[dict[str, Json]], key: str, value: Json) -> dict[str, Json]:
    """The one row with a key's value."""
    return next(row for row in rows if row[key] == value)


def caller_of(state: State, order: Row) -> dict[str, Json]:
    """The facts that a caller gives about themselves."""
    customer = row_by(state["customers"], "customer_id", order["customer_id"])
    return {"email": customer["email"], "postcode": customer["postcode"]}


def confirmed(state: State, order: Row) -> Call:
    """The planned confirmation of an order's customer."""
    return write("confirm_identity", customer_id=order["customer_id"], **caller_of(state, order))


def greeting(rng: random.Random, facts: Row) -> str:
    """How a caller introduces themselves."""
    wordings = (
        "Hello, my e-mail is {email} and my postcode is {postcode}.",
        "Hi there. You have me under {email}, postcode {postcode}.",
        "Good morning, {email} here, {postcode}.",
    )
    return rng.choice(wordings).format(**facts)


def identify(facts: Row) -> Generator[Call, Observation, str]:
    """Find the caller, record their identity, return their customer id."""
    found = yield from ask("find_customer", email=facts["email"])
    customer_id: str = found[0]["customer_id"]
    yield from ask(
        "confirm_identity",
        customer_id=customer_id,
        email=facts["email"],
        postcode=facts["postcode"],
    )
    return customer_id


def paid_by(order: Row) -> Row:
    """The payment in an order as the desk shows it."""
    return next(row for row in order["payments"] if row["kind"] == "payment")
