def free_slots(busy: list[list[int]], opening: int, closing: int, minutes: int) -> list[list[int]]:
    """Gaps of at least `minutes` between busy times within opening hours."""
    gaps = []
    cursor = opening
    for start, end in sorted(busy):
        if min(start, closing) - cursor >= minutes:
            gaps.append([cursor, min(start, closing)])
        cursor = max(cursor, end)
    if closing - cursor >= minutes:
        gaps.append([cursor, closing])
    return gaps
