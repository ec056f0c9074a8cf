def grow(principal: float, rate: float, years: int, per_year: int) -> float:
    """Balance after compounding `per_year` times a year, to cents."""
    return round(principal * (1 + rate / per_year) ** (per_year * years), 2)
