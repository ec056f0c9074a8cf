def is_valid(number: str) -> bool:
    """Luhn check of a card number; spaces are allowed."""
    digits = [int(char) for char in number if char in "0123456789"]
    if len(digits) < 2 or any(char not in "0123456789 " for char in number):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        if place % 2:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0
