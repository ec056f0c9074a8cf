from datetime import date


def age_on(born: str, today: str) -> int:
    """Completed years of life."""
    birth, now = date.fromisoformat(born), date.fromisoformat(today)
    if now < birth:
        raise ValueError("not born yet")
    return now.year - birth.year - ((now.month, now.day) < (birth.month, birth.day))
