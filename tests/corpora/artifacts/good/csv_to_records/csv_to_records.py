import csv
import io


def records(text: str) -> list[dict[str, str]]:
    """Rows of CSV as objects by the header; short rows are padded, extra cells dropped."""
    reader = csv.reader(io.StringIO(text))
    header = next(reader, None)
    if header is None:
        return []
    return [
        dict(zip(header, row + [""] * (len(header) - len(row)))) for row in reader if row
    ]
