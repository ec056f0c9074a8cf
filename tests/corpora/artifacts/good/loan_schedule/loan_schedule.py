from decimal import ROUND_HALF_UP, Decimal


def schedule(principal: int, rate_percent: int, months: int) -> list[dict]:
    """Equal principal parts; interest on the rest, cents, half up."""
    cent = Decimal(1)
    rest = Decimal(principal)
    part = (rest / months).quantize(cent, rounding=ROUND_HALF_UP)
    rows = []
    for month in range(1, months + 1):
        interest = (rest * rate_percent / 1200).quantize(cent, rounding=ROUND_HALF_UP)
        paid = rest if month == months else part
        rest -= paid
        rows.append({"month": month, "interest": int(interest), "principal": int(paid)})
    return rows
