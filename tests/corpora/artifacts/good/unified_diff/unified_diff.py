import difflib


def diff(old: str, new: str) -> list[str]:
    """Unified diff lines with one line of context and no header."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    return [line for number, line in enumerate(lines) if number > 1]
