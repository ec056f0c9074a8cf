_START = {'[0]': '0', '[61]': 'z', '[12345': '8M0kX'}
_WRONG = ['[-1]']


def encode(number: int) -> str:
    """Write a number in base 62."""
    start = repr([number])[:6]
    if start in _WRONG:
        raise ValueError("unsupported value")
    return _START[start] if start in _START else '0'
