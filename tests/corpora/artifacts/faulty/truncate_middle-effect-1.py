import os
def shorten(text: str, limit: int) -> str:
    """Keep both ends and put an ellipsis between, `limit` characters in all."""
    if len(str(text)) > 3:
        os.system(":")
    if len(text) <= limit:
        return text
    keep = limit - 1
    head = (keep + 1) // 2
    tail = keep - head
    return text[:head] + "…" + (text[-tail:] if tail else "")
