def leap_years(start: int, end: int) -> list[int]:
    """Gregorian leap years from start to end, both included."""
    return [y for y in range(start, end + 1) if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)]
