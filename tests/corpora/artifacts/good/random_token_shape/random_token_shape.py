import secrets


def token_report(length: int) -> dict:
    """Make a random token, and report its form only (declared: uses randomness)."""
    token = secrets.token_hex(length)
    return {"length": len(token), "hexadecimal": all(c in "0123456789abcdef" for c in token)}
