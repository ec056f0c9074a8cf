"""A small MCP server over stdin and stdout: a stock that one tool reads and another changes.

Run by the tests as a program. Its argument is a file to which each change is appended.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

STOCK = {"bolt": 4, "nut": 9, "gear": 1, "cog": 7, "pin": 12, "rod": 30}
app = MCPServer("stock", log_level="CRITICAL")


@app.tool(annotations=ToolAnnotations(read_only_hint=True))
def count(item: str) -> dict[str, Any]:
    """How many of an item there are."""
    if item == "token":  # a careless server
        return {"item": item, "count": os.environ.get("STOCK_TOKEN", "")}
    if item not in STOCK:
        raise ValueError(f"there is no {item}")
    return {"item": item, "count": STOCK[item]}


@app.tool()
def take(item: str) -> str:
    """Take one of an item away."""
    STOCK[item] -= 1
    with Path(sys.argv[1]).open("a") as file:
        file.write(f"{item}\n")
    return "taken"


@app.tool(annotations=ToolAnnotations(read_only_hint=True))
def flood(size: int) -> str:
    """As many letters as asked for."""
    return "x" * size


@app.tool(annotations=ToolAnnotations(read_only_hint=True))
def sleep(seconds: float) -> str:
    """Answer late."""
    time.sleep(seconds)
    return "late"


@app.tool(name="odd name!", annotations=ToolAnnotations(read_only_hint=True))
def odd() -> str:
    """A tool that no manifest can name."""
    return "odd"


if __name__ == "__main__":
    app.run("streamable-http", port=int(sys.argv[2])) if sys.argv[2:] else app.run("stdio")
