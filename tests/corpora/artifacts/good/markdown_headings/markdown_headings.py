import re


def headings(markdown: str) -> list[dict]:
    """List ATX headings outside fenced code as {level, text, line}."""
    found = []
    fenced = False
    for number, line in enumerate(markdown.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        match = re.match(r"(#{1,6})\s+(.*?)\s*#*\s*$", line)
        if match and not fenced:
            found.append({"level": len(match[1]), "text": match[2], "line": number})
    return found
