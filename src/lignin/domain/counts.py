"""Counts in words, for texts that people read. Pure."""


def counted(number: int, what: str) -> str:
    """Return a number with what there are so many of: `1 use`, `3 uses`, `2 branches`."""
    if number == 1:
        return f"1 {what}"
    if what.endswith("y"):
        return f"{number} {what[:-1]}ies"
    return f"{number} {what}{'es' if what.endswith(('s', 'x', 'ch', 'sh')) else 's'}"
