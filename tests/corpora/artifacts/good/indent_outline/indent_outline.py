def outline(items: list[dict]) -> str:
    """Render nested {title, children} as an indented list."""
    def lines(nodes: list[dict], depth: int) -> list[str]:
        out = []
        for number, node in enumerate(nodes, 1):
            out.append("  " * depth + f"{number}. {node['title']}")
            out.extend(lines(node.get("children", []), depth + 1))
        return out

    return "\n".join(lines(items, 0))
