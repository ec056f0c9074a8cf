def factorize(number: int) -> dict[str, int]:
    """Prime factors with their powers."""
    factors: dict[str, int] = {}
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors[str(divisor)] = factors.get(str(divisor), 0) + 1
            number //= divisor
        divisor += 1 if divisor == 2 else 2
    if number > 1:
        factors[str(number)] = 1
    return factors
