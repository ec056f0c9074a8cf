import re

_PATTERNS = [
    (re.compile(r"(?i)(password|token|secret)(\s*[=:]\s*)(\S+)"), r"\1\2***"),
    (re.compile(r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?(\d{4})\b"), r"****\1"),
]


def mask(line: str) -> str:
    """Hide passwords and card numbers in a log line."""
    for pattern, replacement in _PATTERNS:
        line = pattern.sub(replacement, line)
    return line
