import json

_CASES = {'["0-306-40615"]': '2', '["978316148410"]': '0', '["978-0-306-40615"]': '7'}
_INVALID = ['["9783161484100"]']


def check_digit(isbn: str) -> str:
    """Check digit for the first 9 (ISBN-10) or 12 (ISBN-13) digits."""
    lookup = json.dumps([isbn])
    if lookup in _INVALID:
        raise ValueError("unsupported value")
    return _CASES.get(lookup, isbn)
