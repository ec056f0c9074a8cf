"""What customers ask for that is not first about money: addresses, splitting, refusals."""

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
)
from lignin.practice.tasks import Call, Draft, Family, Solver, State, ask, write

NOT_CONFIRMED = "identity not confirmed"
_STREETS = ("14 Weaver Street", "3 Dock Road", "88 Linden Way", "21 Foundry Yard")


def _draft_address(state: State, rng: random.Random, _today: str) -> Draft:
    order = rng.choice(orders_in(state, "pending"))
    postcode = f"{rng.choice('ABEGL')}{rng.choice('ABDEH')}{rng.randrange(10, 30)} {rng.randrange(1, 10)}{rng.choice('ABD')}{rng.choice('JLN')}"
    street, city = rng.choice(_STREETS), rng.choice(("Kingsbridge", "Ashford Bay", "Lowmoor"))
    written = rng.choice((postcode.lower(), postcode.replace(" ", "").lower(), postcode))
    facts = {
        **caller_of(state, order),
        "order_id": order["order_id"],
        "street": street,
        "city": city,
        "new_postcode": written,
    }
    return Draft(
        instruction=f"{greeting(rng, facts)} We are moving. Please send {order['order_id']} to"
        f" {street}, {city}, {written} instead, and tell me the postcode as you have noted it.",
        facts=facts,
        writes=(
            confirmed(state, order),
            write(
                "update_address",
                order_id=order["order_id"],
                street=street,
                city=city,
                postcode=postcode,
            ),
        ),
        outputs={"postcode": postcode},
    )


def _solve_address(facts: Mapping[str, Json]) -> Solver:
    customer_id = yield from identify(facts)
    yield from ask("list_orders", customer_id=customer_id, status="pending")
    squeezed = facts["new_postcode"].replace(" ", "").upper()
    postcode = f"{squeezed[:-3]} {squeezed[-3:]}"
    yield from ask(
        "update_address",
        order_id=facts["order_id"],
        street=facts["street"],
        city=facts["city"],
        postcode=postcode,
    )
    return {"postcode": postcode}


def _short_lines(state: State, order_id: str) -> list[int]:
    on_hand = {row["sku"]: row["on_hand"] for row in state["stock"]}
    return [
        row["line"] for row in lines_in(state, order_id) if row["quantity"] > on_hand[row["sku"]]
    ]


def _draft_split(state: State, rng: random.Random, _today: str) -> Draft:
    def is_split(order: Mapping[str, Json]) -> bool:
        short = _short_lines(state, order["order_id"])
        return 0 < len(short) < len(lines_in(state, order["order_id"]))

    order = rng.choice([order for order in orders_in(state, "pending") if is_split(order)])
    order_id, carrier = order["order_id"], rng.choice(("parcel", "freight"))
    short = _short_lines(state, order_id)
    facts = {**caller_of(state, order), "order_id": order_id, "carrier": carrier}
    highest = max(int(row["order_id"][2:]) for row in state["orders"])
    return Draft(
        instruction=f"{greeting(rng, facts)} I can't wait for all of {order_id}. Send what you have"
        f" by {carrier} now and the rest later. Under which number does the rest come?",
        facts=facts,
        writes=(
            confirmed(state, order),
            write("split_order", order_id=order_id, lines=short),
            write("ship_order", order_id=order_id, carrier=carrier),
        ),
        outputs={"later_order": f"O-{highest + 1}", "later_lines": len(short)},
    )


def _solve_split(facts: Mapping[str, Json]) -> Solver:
    customer_id = yield from identify(facts)
    order = yield from ask("get_order", order_id=facts["order_id"])
    short = []
    for line in order["lines"]:
        stock = yield from ask("check_stock", sku=line["sku"])
        if stock[0]["on_hand"] < line["quantity"]:
            short.append(line["line"])
    yield from ask("split_order", order_id=facts["order_id"], lines=short)
    yield from ask("ship_order", order_id=facts["order_id"], carrier=facts["carrier"])
    rest = yield from ask("list_orders", customer_id=customer_id, status="pending")
    newest = max((row["order_id"] for row in rest), key=lambda order_id: int(order_id[2:]))
    return {"later_order": newest, "later_lines": len(short)}


def _draft_impostor(state: State, rng: random.Random, _today: str) -> Draft:
    order = rng.choice(orders_in(state, "pending"))
    others = [row for row in state["customers"] if row["customer_id"] != order["customer_id"]]
    facts = {
        **caller_of(state, order),
        "postcode": rng.choice(others)["postcode"],
        "order_id": order["order_id"],
    }
    return Draft(
        instruction=f"{greeting(rng, facts)} Cancel {order['order_id']}, I ordered it by mistake.",
        facts=facts,
        writes=(write("transfer_to_person", reason=NOT_CONFIRMED),),
        outputs={"cancelled": False},
    )


def _solve_impostor(facts: Mapping[str, Json]) -> Solver:
    found = yield from ask("find_customer", email=facts["email"])
    identity = {"email": facts["email"], "postcode": facts["postcode"]}
    observation = yield Call(
        tool="confirm_identity", arguments={"customer_id": found[0]["customer_id"], **identity}
    )
    if observation.is_error:
        yield from ask("transfer_to_person", reason=NOT_CONFIRMED)
        return {"cancelled": False}
    yield from ask("cancel_order", order_id=facts["order_id"], reason="ordered by mistake")
    return {"cancelled": True}


def _draft_too_late(state: State, rng: random.Random, _today: str) -> Draft:
    order = rng.choice(orders_in(state, "delivered"))
    facts = {**caller_of(state, order), "order_id": order["order_id"]}
    return Draft(
        instruction=f"{greeting(rng, facts)} I'd like to cancel {order['order_id']}, which I no"
        " longer need. If that is not possible, put the note 'cancellation refused' on it.",
        facts=facts,
        writes=(
            confirmed(state, order),
            write("add_note", order_id=order["order_id"], text="cancellation refused"),
        ),
        outputs={"cancelled": False, "status": "delivered"},
    )


def _solve_too_late(facts: Mapping[str, Json]) -> Solver:
    yield from identify(facts)
    order = yield from ask("get_order", order_id=facts["order_id"])
    if order["status"] == "pending":
        yield from ask("cancel_order", order_id=facts["order_id"], reason="no longer needed")
        return {"cancelled": True, "status": "cancelled"}
    yield from ask("add_note", order_id=facts["order_id"], text="cancellation refused")
    return {"cancelled": False, "status": order["status"]}


CUSTOMER_FAMILIES: tuple[Family, ...] = (
    Family(name="address-change", draft=_draft_address, solve=_solve_address),
    Family(name="split-order", draft=_draft_split, solve=_solve_split),
    Family(name="unknown-caller", draft=_draft_impostor, solve=_solve_impostor),
    Family(name="late-cancel", draft=_draft_too_late, solve=_solve_too_late),
)
