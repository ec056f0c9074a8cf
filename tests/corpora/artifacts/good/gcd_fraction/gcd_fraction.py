from math import gcd


def reduce(numerator: int, denominator: int) -> str:
    """Lowest terms with the sign in front: 6/-4 -> '-3/2', whole numbers without a slash."""
    if denominator == 0:
        raise ZeroDivisionError("the denominator is zero")
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    divisor = gcd(numerator, denominator)
    top, bottom = numerator // divisor, denominator // divisor
    return str(top) if bottom == 1 else f"{top}/{bottom}"
