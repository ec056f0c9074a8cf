def flatten(value: dict) -> dict:
    """Nested objects and lists to one level with dotted paths; empty ones stay."""
    flat: dict = {}

    def walk(prefix: str, node: object) -> None:
        if isinstance(node, dict) and node:
            for key, item in node.items():
                walk(f"{prefix}.{key}" if prefix else key, item)
        elif isinstance(node, list) and node:
            for index, item in enumerate(node):
                walk(f"{prefix}[{index}]", item)
        else:
            flat[prefix] = node

    for key, item in value.items():
        walk(key, item)
    return flat
