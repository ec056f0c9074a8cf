import csv
import io


def to_csv(rows: list[dict[str, str]]) -> str:
    """CSV with the sorted union of all keys as header."""
    header = sorted({key for row in rows for key in row})
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
