def _field(spec: str, value: int, low: int, high: int) -> bool:
    for part in spec.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            a, _, b = span.partition("-")
            first, last = int(a), int(b or a)
        if first <= value <= last and (value - first) % int(step or 1) == 0:
            return True
    return False


def matches(spec: str, minute: int, hour: int) -> bool:
    """Does the minute and hour part of a cron line match?"""
    fields = spec.split()
    if len(fields) != 2:
        raise ValueError("expected a minute and an hour field")
    return _field(fields[0], minute, 0, 59) and _field(fields[1], hour, 0, 23)
