import re

_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(text: str) -> int:
    """'10k', '1.5 MB', '2GiB' -> bytes; with i 1024, otherwise 1000."""
    match = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kmgt]?)(i?)b?\s*", text, re.I | re.A)
    if not match or (match[3] and not match[2]):
        raise ValueError(f"not a size: {text!r}")
    base = 1024 if match[3] else 1000
    return int(float(match[1]) * base ** _POWER[match[2].lower()])
