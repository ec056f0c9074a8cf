def check_digit(isbn: str) -> str:
    """Check digit for the first 9 (ISBN-10) or 12 (ISBN-13) digits."""
    digits = [int(c) for c in isbn.replace("-", "")]
    if len(digits) == 9:
        value = -sum(weight * d for weight, d in zip(range(10, 1, -1), digits)) % 11
        return "X" if value == 10 else str(value)
    if len(digits) == 12:
        return str(-sum(d * (3 if k % 2 else 1) for k, d in enumerate(digits)) % 10)
    raise ValueError("9 or 12 digits are needed")
