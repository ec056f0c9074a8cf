import html


def render_table(headers: list[str], rows: list[list[str]]) -> str:
    """Return an HTML table; short rows are padded, long rows cut."""
    width = len(headers)
    parts = ["<table>", "<tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in headers) + "</tr>"]
    for row in rows:
        cells = (row + [""] * width)[:width]
        parts.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    parts.append("</table>")
    return "\n".join(parts)
