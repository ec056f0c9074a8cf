"""The desk's arithmetic, shared by tools and task drafts: totals and the policy's figures. Pure."""

from collections.abc import Iterable, Mapping

DISCOUNT_LIMIT_PERCENT: Mapping[str, int] = {"standard": 0, "silver": 5, "gold": 10}
CANCEL_REASONS = ("no longer needed", "ordered by mistake", "found cheaper", "duplicate")


def total_cents(lines: Iterable[tuple[int, int]], discount_percent: int) -> int:
    """Return the price of (quantity, unit price in cents) lines less a discount, half up."""
    gross = sum(quantity * price for quantity, price in lines)
    return (gross * (100 - discount_percent) + 50) // 100


def restock_quantity(on_hand: int, incoming: int, reorder_level: int, pack_size: int) -> int:
    """Return how many pieces policy 9 orders: whole packs up to twice the level, or 0."""
    available = on_hand + incoming
    if available > reorder_level:
        return 0
    packs = -(-(2 * reorder_level - available) // pack_size)
    return packs * pack_size
