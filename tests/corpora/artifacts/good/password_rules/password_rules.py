def problems(password: str) -> list[str]:
    """What is wrong with a password, in a fixed order."""
    rules = [
        ("too short", len(password) >= 10),
        ("no digit", any(c.isdigit() for c in password)),
        ("no lower-case letter", any(c.islower() for c in password)),
        ("no upper-case letter", any(c.isupper() for c in password)),
        ("repeats a character three times", not any(password[k] == password[k + 1] == password[k + 2] for k in range(len(password) - 2))),
    ]
    return [name for name, fine in rules if not fine]
