import re

_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(text: str) -> int:
    """'1h30m' -> seconds."""
    if not re.fullmatch(r"\s*(\d{1,9}\s*[smhdw]\s*)+", text, re.ASCII):
        raise ValueError(f"not a duration: {text!r}")
    return sum(int(count) * _UNIT[unit] for count, unit in re.findall(r"(\d+)\s*([smhdw])", text))
