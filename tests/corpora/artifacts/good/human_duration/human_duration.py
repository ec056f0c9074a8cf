def human_duration(seconds: int) -> str:
    """3661 -> '1h 1m 1s'."""
    if seconds < 0:
        return "-" + human_duration(-seconds)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts) or "0s"
