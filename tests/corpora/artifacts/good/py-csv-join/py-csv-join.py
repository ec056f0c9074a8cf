"""csv_join.py LEFT RIGHT KEY: inner join of two CSV files on a column."""
import csv
import sys


def rows(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main() -> int:
    left, right, key = sys.argv[1:4]
    try:
        index: dict[str, list[dict[str, str]]] = {}
        for row in rows(right):
            index.setdefault(row[key], []).append(row)
        joined = [{**a, **b} for a in rows(left) for b in index.get(a[key], [])]
    except (OSError, KeyError) as error:
        print(f"cannot join: {error}", file=sys.stderr)
        return 1
    if joined:
        writer = csv.DictWriter(sys.stdout, list(joined[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(joined)
    return 0


sys.exit(main())
