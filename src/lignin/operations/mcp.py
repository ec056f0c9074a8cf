"""Serve tools and skills to an agent client over MCP, on standard input and output."""

from typing import Literal

from pydantic import Field

from lignin.operations.context import Context, Serving
from lignin.operations.registry import Request, Response, operation


class Mcp(Request):
    tools: Literal["few", "all"] = Field(
        "few", description="the few that agents need mid-task, or every operation"
    )
    govern: bool = Field(
        False, description="also tools that decide what others are served; each asks the person"
    )


class McpEnded(Response):
    ended: bool = Field(description="the client closed the connection")

    def to_text(self) -> str:
        return ""


@operation("mcp", effect="execute", remote=False)
def mcp(context: Context, request: Mcp) -> McpEnded:
    """Serve MCP on the standard streams until the client closes them: what a client starts.

    Tools are the operations under their own names (`artifact.search` is `artifact_search`); skills
    of the head `main` are served with the digest of each file. Over HTTP, `lignin up --http`.
    """
    if context.dry_run:
        return McpEnded(ended=False)
    serving = Serving(govern=request.govern, every=request.tools == "all")
    with context.serve_mcp(context, serving):
        return McpEnded(ended=True)
