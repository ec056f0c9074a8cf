def totals(numstat: str) -> dict:
    """Sum `git diff --numstat`: files, added, removed, and the binary files by name."""
    added = removed = files = 0
    binary = []
    for line in numstat.splitlines():
        plus, minus, path = line.split("\t", 2)
        files += 1
        if plus == "-":
            binary.append(path)
        else:
            added += int(plus)
            removed += int(minus)
    return {"files": files, "added": added, "removed": removed, "binary": binary}
