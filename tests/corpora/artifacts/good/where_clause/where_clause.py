_OPS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def where(filters: list[dict]) -> list:
    """[{column, op, value}] to a WHERE clause and parameters; null becomes IS NULL."""
    parts, values = [], []
    for item in filters:
        column = item["column"]
        if not column.isidentifier():
            raise ValueError(f"not a column: {column!r}")
        if item["value"] is None:
            parts.append(f"{column} IS {'NOT ' if item['op'] == 'ne' else ''}NULL")
        else:
            parts.append(f"{column} {_OPS[item['op']]} ?")
            values.append(item["value"])
    return ["WHERE " + " AND ".join(parts) if parts else "", values]
