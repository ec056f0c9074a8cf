def common_prefix(paths: list[str]) -> str:
    """Longest folder that all slash paths share, '' if none."""
    if not paths:
        return ""
    split = [path.split("/") for path in paths]
    shared = []
    for parts in zip(*split):
        if len(set(parts)) != 1:
            break
        shared.append(parts[0])
    return "/".join(shared)
