_CODES = {
    "DE": ("Germany", "49"), "FR": ("France", "33"), "GB": ("United Kingdom", "44"),
    "US": ("United States", "1"), "JP": ("Japan", "81"), "IN": ("India", "91"),
    "BR": ("Brazil", "55"), "ZA": ("South Africa", "27"), "AU": ("Australia", "61"),
    "IT": ("Italy", "39"), "ES": ("Spain", "34"), "CH": ("Switzerland", "41"),
}
_KEEPS_ZERO = {"IT"}


def international(country: str, number: str) -> str:
    """National phone number to +CC form; digits only."""
    if country not in _CODES:
        raise KeyError(country)
    digits = "".join(char for char in number if char in "0123456789")
    if country not in _KEEPS_ZERO:
        digits = digits.removeprefix("0")
    if not 4 <= len(digits) <= 12:
        raise ValueError("a number has 4 to 12 digits")
    return f"+{_CODES[country][1]}{digits}"
