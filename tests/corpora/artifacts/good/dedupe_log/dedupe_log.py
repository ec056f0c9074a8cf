def collapse(lines: list[str]) -> list[str]:
    """Fold equal neighbours to 'line (xN)'."""
    out: list[str] = []
    index = 0
    while index < len(lines):
        end = index
        while end < len(lines) and lines[end] == lines[index]:
            end += 1
        count = end - index
        out.append(lines[index] if count == 1 else f"{lines[index]} (x{count})")
        index = end
    return out
