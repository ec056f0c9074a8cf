import json
from pathlib import Path

_TABLE = json.loads((Path(__file__).parent / "currencies.json").read_text())


def decimals(currency: str) -> int:
    """Digits after the point of a currency, from the table beside this file."""
    try:
        return _TABLE[currency.upper()]
    except KeyError:
        raise ValueError(f"unknown currency {currency!r}") from None
