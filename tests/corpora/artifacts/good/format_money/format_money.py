def format_money(cents: int, symbol: str = "$") -> str:
    """-123456 -> '-$1,234.56'."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return f"{sign}{symbol}{whole:,}.{rest:02d}"
