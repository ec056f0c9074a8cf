def parse_status(porcelain: str) -> dict[str, list[str]]:
    """Group `git status --porcelain` by staged, unstaged and untracked paths."""
    out: dict[str, list[str]] = {"staged": [], "unstaged": [], "untracked": []}
    for line in porcelain.split("\n"):
        if len(line) < 4:
            continue
        index, work, path = line[0], line[1], line[3:]
        path = path.split(" -> ")[-1]
        if index == "?":
            out["untracked"].append(path)
            continue
        if index != " ":
            out["staged"].append(path)
        if work != " ":
            out["unstaged"].append(path)
    return out
