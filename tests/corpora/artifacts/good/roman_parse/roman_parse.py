import re

_VALID = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def from_roman(numeral: str) -> int:
    """Read a well-formed Roman numeral."""
    if not numeral or not _VALID.fullmatch(numeral):
        raise ValueError(f"not a Roman numeral: {numeral!r}")
    total = 0
    for here, after in zip(numeral, numeral[1:] + " "):
        value = _VALUES[here]
        total += -value if value < _VALUES.get(after, 0) else value
    return total
