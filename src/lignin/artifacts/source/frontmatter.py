"""Reads the front matter of a SKILL.md."""

import yaml

from lignin.domain.errors import InvalidRequestError

MAX_FRONTMATTER_CHARS = 16_000


def read_frontmatter(text: str) -> tuple[dict[str, str], str]:
    """Return the name and description of a SKILL.md, and its body.

    Raises:
        InvalidRequestError: No front matter, no YAML mapping in it, or a name or description that
            is missing, empty or no text.
    """
    lines = text.split("\n")
    ends = [place for place, line in enumerate(lines) if place and line.rstrip() == "---"]
    if lines[0].rstrip() != "---" or not ends:
        raise InvalidRequestError("SKILL.md has no front matter")
    head = "\n".join(lines[1 : ends[0]])
    if len(head) > MAX_FRONTMATTER_CHARS:
        raise InvalidRequestError(f"front matter of {len(head)} characters is too long")
    try:
        fields = yaml.safe_load(head)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidRequestError("the front matter of SKILL.md is not YAML") from error
    if not isinstance(fields, dict):
        raise InvalidRequestError("the front matter of SKILL.md is no mapping")
    found = {}
    for key in ("name", "description"):
        value = fields.get(key)
        if not isinstance(value, str) or not value.strip():
            raise InvalidRequestError(f"SKILL.md has no {key}")
        found[key] = value.strip()
    return found, "\n".join(lines[ends[0] + 1 :])
