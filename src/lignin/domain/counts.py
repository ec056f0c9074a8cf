"""Counts and amounts: in words, for texts that people read, and summed where not all are known. Pure."""

from collections.abc import Iterable


def counted(number: int, what: str) -> str:
    """Return a number with what there are so many of: `1 use`, `3 uses`, `2 branches`."""
    if number == 1:
        return f"1 {what}"
    if what.endswith("y"):
        return f"{number} {what[:-1]}ies"
    return f"{number} {what}{'es' if what.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def known_sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum of those that are known; None where none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def dollars(microusd: int) -> str:
    """Return an amount of money in millionths of a dollar as people read it: `$0.0120`."""
    return f"${microusd / 1e6:.4f}"
