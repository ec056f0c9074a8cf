"""A small MCP server over stdin and stdout: a shelf that can be put back and tells what is on it."""

from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

START = {"a": 1}
SHELF = dict(START)
app = MCPServer("shelf", log_level="CRITICAL")


@app.tool(annotations=ToolAnnotations(read_only_hint=True))
def look(name: str) -> dict[str, Any]:
    """What lies under a name."""
    if name not in SHELF:
        raise ValueError(f"there is no {name}")
    return {"name": name, "value": SHELF[name]}


@app.tool()
def put(name: str, value: int) -> dict[str, Any]:
    """Put something under a name."""
    SHELF[name] = value
    return {"done": True}


@app.tool()
def reset() -> dict[str, Any]:
    """Put everything back."""
    SHELF.clear()
    SHELF.update(START)
    return {"done": True}


@app.tool(annotations=ToolAnnotations(read_only_hint=True))
def dump() -> dict[str, Any]:
    """All there is."""
    return dict(SHELF)


if __name__ == "__main__":
    app.run("stdio")
