"""Tools: what artifacts can call, as their manifests must name it."""

from typing import Any

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.exits import named_tools
from lignin.operations.registry import Request, Response, operation, positional


class ToolList(Request):
    tools: str = positional("desk, desk:SEED, or a server of your grants file")


class ToolView(Response):
    name: str = Field(description="the tool's name")
    digest: str = Field(description="digest of its contract, for capabilities.tools")
    effect: str = Field(description="read, or write where it may change something")
    description: str = Field(description="what it says it does")
    input: dict[str, Any] = Field(description="JSON Schema of its arguments")


class ToolListed(Response):
    items: list[ToolView] = Field(description="every tool, by name")


@operation("tool.list", effect="execute", idempotent=True, remote=False)
def list_(context: Context, request: ToolList) -> ToolListed:
    """List the tools of the practice desk or of a tool server, with the digests to declare.

    A server that is a command is started for it.
    """
    tools = named_tools(context, request.tools)
    return ToolListed(
        items=[
            ToolView(
                name=name,
                digest=spec.digest,
                effect=spec.effect,
                description=spec.description,
                input=dict(spec.input),
            )
            for name, spec in sorted(tools.items())
        ]
    )
