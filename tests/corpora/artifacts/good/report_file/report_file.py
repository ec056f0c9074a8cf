from pathlib import Path


def write_report(title: str, rows: list[str]) -> dict:
    """Write reports/report.txt in the work folder (declared) and say how long it is."""
    folder = Path("reports")
    folder.mkdir(exist_ok=True)
    text = "\n".join([title, "=" * len(title), *rows]) + "\n"
    path = folder / "report.txt"
    path.write_text(text, encoding="utf-8", newline="\n")
    return {"path": path.as_posix(), "bytes": len(text.encode())}
