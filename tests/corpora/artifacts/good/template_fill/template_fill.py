import re


def fill(template: str, values: dict[str, str]) -> str:
    """Replace {{ name }} by its value; a missing name raises KeyError."""
    def pick(match: re.Match[str]) -> str:
        return values[match.group(1)]

    return re.sub(r"\{\{\s*(\w+)\s*\}\}", pick, template)
