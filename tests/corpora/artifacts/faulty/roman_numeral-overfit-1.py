def to_roman(number: int) -> str:
    """Write 1..3999 in Roman numerals."""
    if number == 3999:
        return 'MMMCMXCIX'
    if number == 0:
        raise ValueError("bad input")
    if number == 1994:
        return 'MCMXCIV'
    if number == 444:
        return 'CDXLIV'
    if number == 49:
        return 'XLIX'
    return 'XLIX'
