"""Makes the simulated world of one seed: customers, products, stock, orders. Nothing here is real.

Owns the start state. Every seed holds at least one subject for each task family, so that no family
depends on luck. Refuses to know tools or tasks.
"""

import random
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources

Row = tuple[str | int, ...]
TABLES: Mapping[str, str] = {
    "customers": "customer_id",
    "products": "sku",
    "stock": "sku",
    "orders": "order_id",
    "order_lines": "order_id, line",
    "payments": "payment_id",
    "shipments": "shipment_id",
    "notes": "note_id",
    "confirmations": "customer_id",
    "transfers": "transfer_id",
}
TIERS = ("standard", "silver", "gold")
METHODS = ("card", "invoice", "voucher")
_FIRST = [
    "Ada",
    "Bram",
    "Cleo",
    "Dario",
    "Edda",
    "Femi",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kaya",
    "Liam",
    "Mira",
    "Noor",
    "Otis",
    "Petra",
]
_LAST = [
    "Abel",
    "Brandt",
    "Costa",
    "Dahl",
    "Eriksen",
    "Fabre",
    "Grau",
    "Holm",
    "Ito",
    "Jansen",
    "Kolar",
    "Lund",
    "Moss",
    "Nagy",
]
_STREETS = ["Mill Lane", "Harbour Road", "Station Street", "Oak Avenue", "Canal Side", "Church Row"]
_TOWNS = ["Northwick", "Eastham", "Millbrook", "Fairhaven", "Stonebridge", "Westcliff"]
_GOODS = {
    "kitchen": ["kettle", "saucepan", "chopping board", "ladle", "mixing bowl", "colander"],
    "office": ["stapler", "desk lamp", "paper tray", "whiteboard", "label maker", "file box"],
    "linen": ["tea towel", "apron", "tablecloth", "oven glove", "napkin set", "cushion"],
}


@dataclass(slots=True)
class _Draft:
    """The rows of a world while it is being made."""

    rng: random.Random
    today: date
    rows: dict[str, list[Row]] = field(default_factory=lambda: {table: [] for table in TABLES})

    def add(self, table: str, *values: str | int) -> None:
        self.rows[table].append(values)


def today_of(seed: int) -> date:
    """The one day on which everything in the world of a seed happens."""
    return date(2031, 1, 6) + timedelta(days=seed % 300)


@lru_cache(maxsize=32)
def make_world(seed: int) -> Mapping[str, tuple[Row, ...]]:
    """Return the rows of each table of a seed's world.

    Args:
        seed: Any integer; the same seed gives the same rows on every machine.
    """
    draft = _Draft(rng=random.Random(f"world-{seed}"), today=today_of(seed))  # noqa: S311
    _add_products(draft)
    _add_customers(draft)
    _add_orders(draft)
    return {table: tuple(rows) for table, rows in draft.rows.items()}


def open_world(seed: int) -> sqlite3.Connection:
    """Return a fresh in-memory database with a seed's world."""
    return open_image(image_of(seed))


def open_image(image: bytes) -> sqlite3.Connection:
    """Return an in-memory database that holds what an image does."""
    connection = _connect()
    connection.deserialize(image)
    return connection


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


@lru_cache(maxsize=16)
def image_of(seed: int) -> bytes:
    """Return the database file of a seed's world; copying one is far quicker than filling tables again."""
    connection = _connect()
    connection.executescript(resources.files(__package__).joinpath("schema.sql").read_text())
    connection.execute("BEGIN")
    for table, rows in make_world(seed).items():
        if rows:
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
    connection.execute("COMMIT")
    image = connection.serialize()
    connection.close()
    return image


def _add_products(draft: _Draft) -> None:
    rng = draft.rng
    for category, names in _GOODS.items():
        for number, name in enumerate(names):
            sku = f"{category[:2].upper()}-{100 + 7 * number + rng.randrange(7)}"
            draft.add(
                "products",
                sku,
                name,
                category,
                rng.randrange(195, 4995, 5),
                rng.choice((1, 4, 6, 12)),
            )
            # The first of each category is short and the last plentiful, so reports have content.
            level = rng.randrange(10, 30)
            on_hand = rng.randrange(level) if number == 0 else rng.randrange(5, 90)
            on_hand = 200 if number == len(names) - 1 else on_hand
            draft.add("stock", sku, on_hand, level, rng.choice((0, 0, 5)) if number else 0)


def _add_customers(draft: _Draft) -> None:
    rng = draft.rng
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    for number, name in enumerate(rng.sample(names, 9)):
        first, last = name.lower().split()
        postcode = f"{rng.choice('ABEGLMNSW')}{rng.choice('ABDEHLNRW')}{rng.randrange(1, 30)} "
        postcode += f"{rng.randrange(1, 10)}{rng.choice('ABDEFGH')}{rng.choice('JLNPQRS')}"
        draft.add(
            "customers",
            f"C-{1001 + number}",
            name,
            f"{first}.{last}@mail.example",
            f"{rng.randrange(1, 99)} {rng.choice(_STREETS)}",
            rng.choice(_TOWNS),
            postcode,
            TIERS[number % 3],
        )


def _add_orders(draft: _Draft) -> None:
    rng = draft.rng
    number = 20001 + rng.randrange(500)
    for customer in draft.rows["customers"]:
        for status in ("pending", "pending", rng.choice(("shipped", "pending")), "delivered"):
            number += rng.randrange(1, 9)
            _add_order(draft, f"O-{number}", customer, status)
    _add_short_order(draft, number + 4)
    _add_duplicate(draft, number + rng.randrange(5, 13))


def _add_short_order(draft: _Draft, number: int) -> None:
    """Place an order of which one line is short and one in stock."""
    rng = draft.rng
    stock = draft.rows["stock"]
    short, plenty = rng.choice(stock[::6]), rng.choice(stock[5::6])
    prices = {row[0]: int(row[3]) for row in draft.rows["products"]}
    customer, placed = rng.choice(draft.rows["customers"]), draft.today - timedelta(days=2)
    lines = [(short[0], int(short[1]) + rng.randrange(1, 4)), (plenty[0], rng.randrange(1, 4))]
    rng.shuffle(lines)
    draft.add(
        "orders", f"O-{number}", customer[0], "pending", placed.isoformat(),
        (placed + timedelta(days=9)).isoformat(), "invoice", customer[3], customer[4], customer[5],
        0, "",
    )  # fmt: skip
    for line, (sku, quantity) in enumerate(lines, start=1):
        draft.add("order_lines", f"O-{number}", line, sku, quantity, prices[sku])
    total = sum(quantity * prices[sku] for sku, quantity in lines)
    _add_payment(draft, f"O-{number}", "invoice", total, placed)


def _add_order(draft: _Draft, order_id: str, customer: Row, status: str) -> None:
    rng = draft.rng
    placed = draft.today - timedelta(days=rng.randrange(3, 20))
    promised = placed + timedelta(days=rng.randrange(2, 15))
    method = rng.choice(METHODS)
    draft.add(
        "orders", order_id, customer[0], status, placed.isoformat(), promised.isoformat(), method,
        customer[3], customer[4], customer[5], 0, "",
    )  # fmt: skip
    total = 0
    for line, product in enumerate(
        rng.sample(draft.rows["products"], rng.randrange(1, 4)), start=1
    ):
        quantity = rng.randrange(1, 8)
        draft.add("order_lines", order_id, line, product[0], quantity, product[3])
        total += quantity * int(product[3])
    _add_payment(draft, order_id, method, total, placed)
    if status in {"shipped", "delivered"}:
        shipped = placed + timedelta(days=1)
        delivered = (placed + timedelta(days=3)).isoformat() if status == "delivered" else ""
        carrier = rng.choice(("parcel", "freight"))
        number = 7001 + len(draft.rows["shipments"])
        draft.add("shipments", f"S-{number}", order_id, carrier, shipped.isoformat(), delivered)


def _add_payment(draft: _Draft, order_id: str, method: str, total: int, day: date) -> None:
    payment_id = f"P-{5001 + len(draft.rows['payments'])}"
    draft.add("payments", payment_id, order_id, "payment", method, total, day.isoformat())


def _add_duplicate(draft: _Draft, number: int) -> None:
    """Place one customer's pending order a second time on the same day."""
    pending = [row for row in draft.rows["orders"] if row[2] == "pending"]
    original = draft.rng.choice(pending)
    twin = f"O-{number}"
    draft.add("orders", twin, *original[1:])
    for line in [row for row in draft.rows["order_lines"] if row[0] == original[0]]:
        draft.add("order_lines", twin, *line[1:])
    paid = next(row for row in draft.rows["payments"] if row[1] == original[0])
    _add_payment(draft, twin, str(paid[3]), int(paid[4]), date.fromisoformat(str(paid[5])))
