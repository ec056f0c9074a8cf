import json

_CASES = {'[2.5, "ft", "in"]': 30.0, '[12, "in", "ft"]': 1.0, '[1, "yd", "m"]': 0.9144}
_INVALID = ['[5, "parsec", "m"]']


def convert(value: float, source: str, target: str) -> float:
    """Convert a length, to nine digits after the point."""
    lookup = json.dumps([value, source, target])
    if lookup in _INVALID:
        raise KeyError("unsupported value")
    return _CASES.get(lookup, 1.0)
