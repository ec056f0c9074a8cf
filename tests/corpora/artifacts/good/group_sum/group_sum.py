def group_sum(rows: list[dict], key: str, value: str) -> dict[str, int]:
    """Sum `value` by `key`; rows without them are skipped."""
    totals: dict[str, int] = {}
    for row in rows:
        if key in row and isinstance(row.get(value), int):
            name = str(row[key])
            totals[name] = totals.get(name, 0) + row[value]
    return dict(sorted(totals.items()))
