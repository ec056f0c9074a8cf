"""How a tool of the desk is declared: its contract beside the function that carries it out.

A tool function takes the desk's database, the day, and the arguments already judged by schema; it
returns JSON or raises `ToolRefusalError`. Registries are plain mappings, built where they are declared.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.ports.tools import ToolEffect, ToolSpec
from lignin.practice.rules import total_cents


class ToolRefusalError(Exception):
    """A tool's proper refusal; `code` is one of its declared errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What a tool function works on: the open database and the day."""

    db: sqlite3.Connection
    today: str

    def rows(self, query: str, *values: str | int) -> list[dict[str, Json]]:
        """Return rows as JSON objects."""
        return [dict(row) for row in self.db.execute(query, values)]

    def next_id(self, table: str, column: str, prefix: str) -> str:
        """Return the id that follows the highest one of a table."""
        query = f"SELECT max(CAST(substr({column}, {len(prefix) + 2}) AS INTEGER)) FROM {table}"  # noqa: S608
        highest = self.db.execute(query).fetchone()[0]
        return f"{prefix}-{(highest or 3000) + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A contract and the function behind it."""

    spec: ToolSpec
    run: Callable[..., Json]


def declare_tool(
    function: Callable[..., Json],
    *,
    effect: ToolEffect,
    idempotent: bool,
    arguments: Mapping[str, Json],
    optional: Mapping[str, Json] | None = None,
    errors: tuple[str, ...] = (),
) -> Tool:
    """Return a tool named and described by its function.

    Args:
        function: Its docstring's first line is the description.
        effect: `read` or `write`.
        idempotent: As `ToolSpec` says.
        arguments: Schemas of the required arguments by name.
        optional: Schemas of the others.
        errors: Codes of its refusals, besides `bad_arguments`.
    """
    schema = {
        "type": "object",
        "properties": {**arguments, **(optional or {})},
        "required": sorted(arguments),
        "additionalProperties": False,
    }
    spec = ToolSpec(
        name=function.__name__,
        description=(function.__doc__ or "").strip().splitlines()[0],
        input=schema,
        effect=effect,
        idempotent=idempotent,
        errors=("bad_arguments", *errors),
    )
    return Tool(spec=spec, run=function)


def require_order(counter: Counter, order_id: str, *statuses: str) -> dict[str, Json]:
    """Return an order's row, refusing an unknown one or one in another status."""
    found = counter.rows("SELECT * FROM orders WHERE order_id = ?", order_id)
    if not found:
        raise ToolRefusalError("not_found", f"there is no order {order_id}")
    if statuses and found[0]["status"] not in statuses:
        raise ToolRefusalError(
            "wrong_status", f"order {order_id} is {found[0]['status']}, not {' or '.join(statuses)}"
        )
    return found[0]


def lines_of(counter: Counter, order_id: str) -> list[dict[str, Json]]:
    """Return an order's lines in order."""
    return counter.rows(
        "SELECT line, sku, quantity, unit_price_cents FROM order_lines"
        " WHERE order_id = ? ORDER BY line",
        order_id,
    )


def order_view(counter: Counter, order: Mapping[str, Json]) -> dict[str, Json]:
    """Return an order as agents see it: its row, lines, payments and total."""
    order_id = order["order_id"]
    lines = lines_of(counter, order_id)
    pairs = [(line["quantity"], line["unit_price_cents"]) for line in lines]
    payments = counter.rows(
        "SELECT payment_id, kind, method, amount_cents FROM payments"
        " WHERE order_id = ? ORDER BY payment_id",
        order_id,
    )
    return {
        **order,
        "lines": lines,
        "payments": payments,
        "total_cents": total_cents(pairs, order["discount_percent"]),
    }
