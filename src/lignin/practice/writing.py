"""The desk's writing tools. Each enforces what `policy.md` says the desk refuses, and no more."""

from collections.abc import Callable

from lignin.domain.codec import Json
from lignin.practice.rules import CANCEL_REASONS
from lignin.practice.toolkit import (
    Counter,
    Tool,
    ToolRefusalError,
    declare_tool,
    lines_of,
    order_view,
    require_order,
)
from lignin.practice.world import METHODS

_TEXT: Json = {"type": "string", "minLength": 1}
_COUNT: Json = {"type": "integer", "minimum": 1}


def confirm_identity(counter: Counter, *, customer_id: str, email: str, postcode: str) -> Json:
    """Record that a customer is who they say, by e-mail address and postcode."""
    found = counter.rows("SELECT email, postcode FROM customers WHERE customer_id = ?", customer_id)
    if not found:
        raise ToolRefusalError("not_found", f"there is no customer {customer_id}")
    if found[0] != {"email": email, "postcode": postcode}:
        raise ToolRefusalError("identity_mismatch", "e-mail address and postcode do not match")
    counter.db.execute(
        "INSERT OR IGNORE INTO confirmations VALUES (?, ?)", (customer_id, counter.today)
    )
    return {"customer_id": customer_id, "confirmed": True}


def change_order_line(
    counter: Counter, *, order_id: str, line: int, sku: str = "", quantity: int = 0
) -> Json:
    """Change the product or the quantity of one line of a pending order."""
    order = require_order(counter, order_id, "pending")
    current = next((row for row in lines_of(counter, order_id) if row["line"] == line), None)
    if current is None:
        raise ToolRefusalError("not_found", f"order {order_id} has no line {line}")
    price = current["unit_price_cents"]
    if sku:
        product = counter.rows("SELECT unit_price_cents FROM products WHERE sku = ?", sku)
        if not product:
            raise ToolRefusalError("not_found", f"there is no product {sku}")
        price = product[0]["unit_price_cents"]
    counter.db.execute(
        "UPDATE order_lines SET sku = ?, quantity = ?, unit_price_cents = ?"
        " WHERE order_id = ? AND line = ?",
        (sku or current["sku"], quantity or current["quantity"], price, order_id, line),
    )
    return order_view(counter, order)


def split_order(counter: Counter, *, order_id: str, lines: list[int]) -> Json:
    """Move some lines of a pending order to a new pending order that is already paid for."""
    order = require_order(counter, order_id, "pending")
    present = [row["line"] for row in lines_of(counter, order_id)]
    if not set(lines) < set(present):
        raise ToolRefusalError("bad_arguments", f"choose some, not all, of the lines {present}")
    new_id = counter.next_id("orders", "order_id", "O")
    row = {**order, "order_id": new_id}
    counter.db.execute(
        f"INSERT INTO orders VALUES ({','.join('?' * len(row))})",  # noqa: S608
        tuple(row.values()),
    )
    for line in sorted(set(lines)):
        counter.db.execute(
            "UPDATE order_lines SET order_id = ? WHERE order_id = ? AND line = ?",
            (new_id, order_id, line),
        )
    return {"order_id": order_id, "new_order_id": new_id, "moved_lines": sorted(set(lines))}


def cancel_order(counter: Counter, *, order_id: str, reason: str) -> Json:
    """Cancel a pending order. Does not refund."""
    require_order(counter, order_id, "pending")
    counter.db.execute(
        "UPDATE orders SET status = 'cancelled', cancel_reason = ? WHERE order_id = ?",
        (reason, order_id),
    )
    return {"order_id": order_id, "status": "cancelled"}


def refund_order(counter: Counter, *, order_id: str, amount_cents: int, method: str) -> Json:
    """Refund an amount in cents of an order's payment to a method."""
    require_order(counter, order_id)
    paid = counter.db.execute(
        "SELECT sum(amount_cents) FROM payments WHERE order_id = ? AND kind = 'payment'",
        (order_id,),
    ).fetchone()[0]
    if amount_cents > (paid or 0):
        raise ToolRefusalError("too_much", f"order {order_id} was paid with {paid or 0} cents")
    payment_id = counter.next_id("payments", "payment_id", "P")
    counter.db.execute(
        "INSERT INTO payments VALUES (?, ?, 'refund', ?, ?, ?)",
        (payment_id, order_id, method, amount_cents, counter.today),
    )
    return {"payment_id": payment_id, "refunded_cents": amount_cents, "method": method}


def ship_order(counter: Counter, *, order_id: str, carrier: str) -> Json:
    """Ship a pending order whose lines are all in stock, and take them out of stock."""
    require_order(counter, order_id, "pending")
    for row in lines_of(counter, order_id):
        taken = counter.db.execute(
            "UPDATE stock SET on_hand = on_hand - ? WHERE sku = ? AND on_hand >= ?",
            (row["quantity"], row["sku"], row["quantity"]),
        )
        if taken.rowcount == 0:
            raise ToolRefusalError(
                "out_of_stock", f"line {row['line']}: not enough of {row['sku']}"
            )
    shipment_id = counter.next_id("shipments", "shipment_id", "S")
    counter.db.execute(
        "INSERT INTO shipments VALUES (?, ?, ?, ?, '')",
        (shipment_id, order_id, carrier, counter.today),
    )
    counter.db.execute("UPDATE orders SET status = 'shipped' WHERE order_id = ?", (order_id,))
    return {"order_id": order_id, "shipment_id": shipment_id, "carrier": carrier}


def update_address(
    counter: Counter, *, order_id: str, street: str, city: str, postcode: str
) -> Json:
    """Change where a pending order goes."""
    require_order(counter, order_id, "pending")
    counter.db.execute(
        "UPDATE orders SET street = ?, city = ?, postcode = ? WHERE order_id = ?",
        (street, city, postcode, order_id),
    )
    return {"order_id": order_id, "street": street, "city": city, "postcode": postcode}


def apply_discount(counter: Counter, *, order_id: str, percent: int) -> Json:
    """Set the discount of a pending order, in percent."""
    require_order(counter, order_id, "pending")
    counter.db.execute(
        "UPDATE orders SET discount_percent = ? WHERE order_id = ?", (percent, order_id)
    )
    return order_view(counter, require_order(counter, order_id))


def restock_product(counter: Counter, *, sku: str, quantity: int) -> Json:
    """Order more of a product from its maker, in pieces."""
    changed = counter.db.execute(
        "UPDATE stock SET incoming = incoming + ? WHERE sku = ?", (quantity, sku)
    )
    if changed.rowcount == 0:
        raise ToolRefusalError("not_found", f"there is no product {sku}")
    return {"sku": sku, "ordered": quantity}


def add_note(counter: Counter, *, order_id: str, text: str) -> Json:
    """Put a note on an order."""
    require_order(counter, order_id)
    note_id = counter.next_id("notes", "note_id", "N")
    counter.db.execute(
        "INSERT INTO notes VALUES (?, ?, ?, ?)", (note_id, order_id, text, counter.today)
    )
    return {"note_id": note_id, "order_id": order_id}


def transfer_to_person(counter: Counter, *, reason: str) -> Json:
    """Hand the conversation over to a person."""
    transfer_id = counter.next_id("transfers", "transfer_id", "T")
    counter.db.execute(
        "INSERT INTO transfers VALUES (?, ?, ?)", (transfer_id, reason, counter.today)
    )
    return {"transfer_id": transfer_id}


def _declare(
    function: Callable[..., Json], idempotent: bool, arguments: Json, *errors: str, **more: Json
) -> Tool:
    return declare_tool(
        function,
        effect="write",
        idempotent=idempotent,
        arguments=arguments,
        optional=more,
        errors=errors,
    )


_ORDER: Json = {"order_id": _TEXT}
WRITING_TOOLS: tuple[Tool, ...] = (
    _declare(
        confirm_identity,
        True,
        {"customer_id": _TEXT, "email": _TEXT, "postcode": _TEXT},
        "not_found",
        "identity_mismatch",
    ),
    _declare(
        change_order_line,
        True,
        {**_ORDER, "line": _COUNT},
        "not_found",
        "wrong_status",
        sku=_TEXT,
        quantity=_COUNT,
    ),
    _declare(
        split_order,
        False,
        {**_ORDER, "lines": {"type": "array", "items": _COUNT, "minLength": 1}},
        "not_found",
        "wrong_status",
    ),
    _declare(
        cancel_order,
        False,
        {**_ORDER, "reason": {"type": "string", "enum": list(CANCEL_REASONS)}},
        "not_found",
        "wrong_status",
    ),
    _declare(
        refund_order,
        False,
        {**_ORDER, "amount_cents": _COUNT, "method": {"type": "string", "enum": list(METHODS)}},
        "not_found",
        "too_much",
    ),
    _declare(
        ship_order,
        False,
        {**_ORDER, "carrier": {"type": "string", "enum": ["parcel", "freight"]}},
        "not_found",
        "wrong_status",
        "out_of_stock",
    ),
    _declare(
        update_address,
        True,
        {**_ORDER, "street": _TEXT, "city": _TEXT, "postcode": _TEXT},
        "not_found",
        "wrong_status",
    ),
    _declare(
        apply_discount,
        True,
        {**_ORDER, "percent": {"type": "integer", "minimum": 0, "maximum": 25}},
        "not_found",
        "wrong_status",
    ),
    _declare(restock_product, False, {"sku": _TEXT, "quantity": _COUNT}, "not_found"),
    _declare(add_note, False, {**_ORDER, "text": _TEXT}, "not_found"),
    _declare(transfer_to_person, False, {"reason": _TEXT}),
)
