def insert(table: str, row: dict) -> list:
    """Statement with placeholders and its values, columns sorted."""
    if not row:
        raise ValueError("no columns")
    columns = sorted(row)
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    marks = ", ".join("?" for _ in columns)
    quoted = '"' + table.replace('"', '""') + '"'
    return [f"INSERT INTO {quoted} ({names}) VALUES ({marks})", [row[name] for name in columns]]
