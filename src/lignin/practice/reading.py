"""The desk's reading tools. None of them changes anything."""

from collections.abc import Callable
from importlib import resources

from lignin.domain.codec import Json
from lignin.practice.toolkit import (
    Counter,
    Tool,
    ToolRefusalError,
    declare_tool,
    order_view,
    require_order,
)

_TEXT: Json = {"type": "string", "minLength": 1}
_STATUS: Json = {"type": "string", "enum": ["pending", "shipped", "delivered", "cancelled"]}


def read_policy(_counter: Counter) -> Json:
    """The desk's written policy."""
    return {"policy": resources.files(__package__).joinpath("policy.md").read_text()}


def find_customer(counter: Counter, *, email: str = "", name: str = "") -> Json:
    """Customers by e-mail address or by part of the name."""
    if not email and not name:
        raise ToolRefusalError("bad_arguments", "give an e-mail address or a name")
    return counter.rows(
        "SELECT customer_id, name, email FROM customers WHERE (? <> '' AND email = ?)"
        " OR (? <> '' AND instr(lower(name), lower(?))) ORDER BY customer_id",
        email, email, name, name,
    )  # fmt: skip


def get_customer(counter: Counter, *, customer_id: str) -> Json:
    """One customer with address and tier."""
    found = counter.rows("SELECT * FROM customers WHERE customer_id = ?", customer_id)
    if not found:
        raise ToolRefusalError("not_found", f"there is no customer {customer_id}")
    return found[0]


def list_orders(
    counter: Counter, *, customer_id: str = "", status: str = "", promised_before: str = ""
) -> Json:
    """Orders in short form, by customer, status and promised day."""
    return counter.rows(
        "SELECT order_id, customer_id, status, placed_on, promised_on FROM orders"
        " WHERE (? = '' OR customer_id = ?) AND (? = '' OR status = ?)"
        " AND (? = '' OR promised_on < ?) ORDER BY order_id",
        customer_id, customer_id, status, status, promised_before, promised_before,
    )  # fmt: skip


def get_order(counter: Counter, *, order_id: str) -> Json:
    """One order with lines, payments and total in cents."""
    return order_view(counter, require_order(counter, order_id))


def find_products(counter: Counter, *, query: str = "", category: str = "") -> Json:
    """Products by part of the name and by category, cheapest first."""
    return counter.rows(
        "SELECT * FROM products WHERE (? = '' OR instr(name, lower(?)))"
        " AND (? = '' OR category = ?) ORDER BY unit_price_cents, sku",
        query, query, category, category,
    )  # fmt: skip


def get_product(counter: Counter, *, sku: str) -> Json:
    """One product with price and pack size."""
    found = counter.rows("SELECT * FROM products WHERE sku = ?", sku)
    if not found:
        raise ToolRefusalError("not_found", f"there is no product {sku}")
    return found[0]


def check_stock(counter: Counter, *, sku: str = "", category: str = "") -> Json:
    """Stock of one product or of a category, with reorder level and what is on its way."""
    return counter.rows(
        "SELECT stock.*, pack_size FROM stock JOIN products USING (sku)"
        " WHERE (? = '' OR sku = ?) AND (? = '' OR category = ?) ORDER BY sku",
        sku, sku, category, category,
    )  # fmt: skip


def _declare(function: Callable[..., Json], required: Json, optional: Json, *errors: str) -> Tool:
    return declare_tool(
        function,
        effect="read",
        idempotent=True,
        arguments=required,
        optional=optional,
        errors=errors,
    )


READING_TOOLS: tuple[Tool, ...] = (
    _declare(read_policy, {}, {}),
    _declare(find_customer, {}, {"email": _TEXT, "name": _TEXT}),
    _declare(get_customer, {"customer_id": _TEXT}, {}, "not_found"),
    _declare(list_orders, {}, {"customer_id": _TEXT, "status": _STATUS, "promised_before": _TEXT}),
    _declare(get_order, {"order_id": _TEXT}, {}, "not_found"),
    _declare(find_products, {}, {"query": _TEXT, "category": _TEXT}),
    _declare(get_product, {"sku": _TEXT}, {}, "not_found"),
    _declare(check_stock, {}, {"sku": _TEXT, "category": _TEXT}),
)
