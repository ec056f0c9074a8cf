def parse_ini(text: str) -> dict[str, dict[str, str]]:
    """Sections of key = value lines; # and ; start comments; keys before a section are refused."""
    sections: dict[str, dict[str, str]] = {}
    current = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1].strip(), {})
        elif "=" in line and current is not None:
            key, _, value = line.partition("=")
            current[key.strip().lower()] = value.strip()
        else:
            raise ValueError(f"line {number}: expected a section or key = value")
    return sections
