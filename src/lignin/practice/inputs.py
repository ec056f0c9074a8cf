"""Seeded inputs for the scraps, one function per shape of arguments. Pure."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from lignin.domain.codec import Json

Inputs = Callable[[random.Random], dict[str, Json]]
_STATUSES = ("pending", "shipped", "delivered", "cancelled")
_TODAY = date(2031, 3, 10)


def _sku(rng: random.Random) -> str:
    return f"{rng.choice(('KI', 'OF', 'LI'))}-{rng.randrange(100, 130)}"


def _order_id(rng: random.Random) -> str:
    return f"O-{rng.randrange(20001, 20999)}"


def _day(rng: random.Random, back: int = 20) -> str:
    return (_TODAY - timedelta(days=rng.randrange(-5, back))).isoformat()


def _lines(rng: random.Random, most: int = 4) -> list[Json]:
    return [
        {
            "line": line,
            "sku": _sku(rng),
            "quantity": rng.randrange(1, 9),
            "unit_price_cents": rng.randrange(195, 4995, 5),
        }
        for line in range(1, rng.randrange(1, most + 1) + 1)
    ]


def _postcode(rng: random.Random) -> str:
    code = f"{rng.choice('abegl')}{rng.choice('abdeh')}{rng.randrange(1, 30)}"
    code += (
        f"{rng.choice(('', ' ', '  '))}{rng.randrange(1, 10)}{rng.choice('abd')}{rng.choice('jln')}"
    )
    return rng.choice((code, code.upper(), f" {code}"))


def _listed(rng: random.Random, count: int) -> list[Json]:
    return [
        {
            "order_id": f"O-{20001 + 7 * index + rng.randrange(7)}",
            "status": rng.choice(_STATUSES),
            "promised_on": _day(rng),
            "total_cents": rng.randrange(500, 40000, 5),
        }
        for index in range(count)
    ]


def _duplicates(rng: random.Random) -> dict[str, Json]:
    orders = [
        {
            "order_id": f"O-{20001 + index}",
            "customer_id": f"C-{rng.randrange(1001, 1004)}",
            "placed_on": _day(rng, 3),
            "lines": [{"sku": _sku(rng), "quantity": rng.randrange(1, 4)}],
        }
        for index in range(rng.randrange(2, 5))
    ]
    if rng.random() < 0.7:
        orders.append({**rng.choice(orders), "order_id": "O-20044"})
    return {"orders": orders}


def _stock(rng: random.Random) -> dict[str, Json]:
    return {
        "stock": [
            {
                "sku": _sku(rng),
                "on_hand": rng.randrange(0, 40),
                "incoming": rng.choice((0, 0, 5)),
                "reorder_level": rng.randrange(8, 25),
                "pack_size": rng.choice((1, 4, 6, 12)),
            }
            for _ in range(rng.randrange(1, 5))
        ]
    }


def _split(rng: random.Random) -> dict[str, Json]:
    lines = _lines(rng)
    on_hand = {line["sku"]: rng.randrange(0, 12) for line in lines}
    return {"lines": lines, "on_hand": on_hand}


def _refund(rng: random.Random) -> dict[str, Json]:
    returned = _lines(rng, 2)
    worth = sum(line["quantity"] * line["unit_price_cents"] for line in returned)
    return {
        "paid_cents": worth + rng.randrange(-500, 4000, 5),
        "refunded_cents": rng.choice((0, 0, 250, worth)),
        "returned": returned,
    }


def _address(rng: random.Random) -> dict[str, Json]:
    street = f"{rng.randrange(1, 99)} {rng.choice(('Mill Lane', 'Oak  Avenue', 'Dock Road'))}"
    town = rng.choice(("northwick", "EASTHAM", "Fairhaven"))
    return {"line": rng.choice((f"{street}, {town}, {_postcode(rng)}", f"{street},{town}", street))}


def _breaks(rng: random.Random) -> dict[str, Json]:
    price, breaks = rng.randrange(900, 2000), []
    for start in sorted(rng.sample((1, 5, 10, 25, 50), 3)):
        breaks.append({"from_quantity": start, "unit_price_cents": price})
        price -= rng.randrange(20, 90)
    return {"quantity": rng.randrange(1, 60), "breaks": breaks}


def _pick(rng: random.Random) -> dict[str, Json]:
    return {
        "orders": [
            {"order_id": f"O-{20001 + index}", "lines": [{"sku": _sku(rng), "quantity": 2 + index}]}
            for index in range(rng.randrange(1, 5))
        ]
    }


def _choose(**choices: Sequence[Json]) -> Inputs:
    return lambda rng: {name: rng.choice(values) for name, values in choices.items()}


INPUTS: Mapping[str, Inputs] = {
    "order_total": lambda rng: {"lines": _lines(rng), "discount_percent": rng.choice((0, 5, 10))},
    "refund_due": _refund,
    "late_orders": lambda rng: {
        "orders": _listed(rng, rng.randrange(1, 6)),
        "today": _TODAY.isoformat(),
    },
    "restock_plan": _stock,
    "duplicate_orders": _duplicates,
    "loyalty_percent": _choose(tier=("standard", "silver", "gold"), wanted_percent=range(0, 20)),
    "normalise_postcode": lambda rng: {"text": _postcode(rng)},
    "parse_address": _address,
    "format_money": lambda rng: {
        "cents": rng.randrange(-90000, 4000000),
        "currency": rng.choice(("EUR", "GBP")),
    },
    "split_by_stock": _split,
    "customer_summary": lambda rng: {"orders": _listed(rng, rng.randrange(1, 5))},
    "parse_sku": lambda rng: {"sku": rng.choice((_sku(rng), f" {_sku(rng).lower()}"))},
    "delivery_day": lambda rng: {"ordered_on": _day(rng), "working_days": rng.randrange(0, 12)},
    "pick_list": _pick,
    "price_break": _breaks,
    "share_cents": lambda rng: {
        "amount_cents": rng.randrange(100, 9999),
        "weights": [rng.randrange(0, 6) for _ in range(rng.randrange(1, 5))],
    },
    "open_age": lambda rng: {
        "placed_on": [_day(rng) for _ in range(rng.randrange(1, 7))],
        "today": _TODAY.isoformat(),
    },
    "estimate_total": lambda rng: {"totals": [rng.randrange(500, 9000) for _ in range(6)]},
    "days_open": lambda rng: {"placed_on": _day(rng)},
    "categories_of": lambda rng: {"skus": [_sku(rng) for _ in range(rng.randrange(2, 5))]},
    "log_refund": lambda rng: {"amount_cents": rng.randrange(500, 9000), "fee_percent": 5},
    "convert_currency": lambda rng: {
        "cents": rng.randrange(500, 9000),
        "currency": rng.choice(("EUR", "GBP", "USD")),
    },
    "regional_price": lambda rng: {"cents": rng.randrange(500, 9000)},
    "shipping_cost": _choose(grams=(400, 1200, 2600, 5100)),
    "average_order": lambda rng: {"orders": _listed(rng, rng.randrange(1, 5))},
    "fill_boxes": lambda rng: {"pieces": rng.randrange(0, 60), "box_size": rng.choice((4, 6, 12))},
    "discounted": lambda rng: {
        "cents": rng.randrange(200, 9000, 100),
        "percent": rng.choice((5, 10)),
    },
    "sign_order": lambda rng: {"order_id": _order_id(rng)},
    "next_reference": lambda rng: {"prefix": rng.choice(("RET", "EXC", "CLM", "DMG", "INV"))},
    "merge_lines": lambda rng: {"lines": [{"sku": "KI-104", "quantity": 1}, *_lines(rng)]},
    "count_words": lambda rng: {
        "text": " ".join(rng.sample(["call", "the", "customer", "back", "soon"], 3))
    },
    "eval_formula": lambda rng: {
        "formula": rng.choice(("price * quantity", "price * quantity - 50")),
        "values": {"price": rng.randrange(100, 900), "quantity": rng.randrange(1, 9)},
    },
    "host_prefix": lambda rng: {"order_id": _order_id(rng)},
}


def make_export(rng: random.Random) -> str:
    """Return an order export as CSV: order_id,customer_id,status,promised_on,total_cents."""
    rows = [
        f"{row['order_id']},C-{rng.randrange(1001, 1010)},{row['status']},{row['promised_on']},{row['total_cents']}"
        for row in _listed(rng, rng.randrange(3, 9))
    ]
    return "\n".join(["order_id,customer_id,status,promised_on,total_cents", *rows]) + "\n"


SCRIPT_ARGUMENTS: Mapping[str, Callable[[random.Random], tuple[str, ...]]] = {
    "sum_column": lambda _rng: ("total_cents",),
    "count_status": lambda _rng: (),
    "late_rows": lambda rng: (_day(rng),),
    "lot_number": lambda _rng: (),
    "tidy_export": lambda _rng: (),
}
