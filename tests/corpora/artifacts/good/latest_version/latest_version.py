def latest(versions: list[str]) -> str:
    """Highest of dotted numeric versions, whatever their length; names without numbers are skipped."""
    known = []
    for version in versions:
        parts = version.removeprefix("v").split(".")
        if all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
            known.append(([int(part) for part in parts], version))
    if not known:
        raise ValueError("no version among the names")
    return max(known, key=lambda item: item[0])[1]
