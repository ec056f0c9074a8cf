_FACTORS = {
    "mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0,
    "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344,
}


def convert(value: float, source: str, target: str) -> float:
    """Convert a length, to nine digits after the point."""
    if source not in _FACTORS or target not in _FACTORS:
        raise KeyError(source if source not in _FACTORS else target)
    return round(value * _FACTORS[source] / _FACTORS[target], 9)
