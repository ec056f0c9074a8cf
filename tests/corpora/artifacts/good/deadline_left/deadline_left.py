from datetime import datetime, timezone


def is_past(deadline: str) -> bool:
    """Has the moment passed? Reads the clock, as declared; far dates give a steady answer."""
    moment = datetime.fromisoformat(deadline)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment < datetime.now(timezone.utc)
