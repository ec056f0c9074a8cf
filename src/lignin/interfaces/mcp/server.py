"""The MCP server, and the application that speaks it over HTTP in both eras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastmcp import FastMCP
from fastmcp.exceptions import ResourceError
from starlette.types import ASGIApp

from lignin import __version__
from lignin.domain.errors import LigninError
from lignin.interfaces.calls import Call, Calls
from lignin.interfaces.mcp.skills import HeadSkills, SkillsOfHead
from lignin.interfaces.mcp.tasks import Tasks
from lignin.interfaces.mcp.teaching import INSTRUCTIONS, chosen, in_tools, tool_name
from lignin.interfaces.mcp.tools import Written, actor_of, operation_tool
from lignin.operations.artifact import source
from lignin.operations.artifact_models import ArtifactRef
from lignin.operations.context import Serving
from lignin.operations.registry import Operation

PATH = "/mcp"


@dataclass(frozen=True, slots=True)
class Mounted:
    """The application, and the lifespan that whoever mounts it must run."""

    app: ASGIApp
    lifespan: Any


def make_server(
    operations: Mapping[str, Operation], calls: Calls, serving: Serving
) -> "FastMCP[Any]":
    """The server with its tools, skills and resources."""
    skills = HeadSkills(calls)
    server: FastMCP[Any] = FastMCP(
        "lignin", instructions=INSTRUCTIONS, version=__version__, providers=[skills]
    )
    written = Written()
    tools = chosen(operations, serving).values()
    offered, starts = frozenset(map(tool_name, tools)), operations["session.start"]
    for operation in tools:
        server.add_tool(operation_tool(operation, calls, written, starts, offered))
    server.add_extension(SkillsOfHead(skills))
    server.add_extension(Tasks())
    _add_resources(server, calls, offered)
    return server


def _add_resources(server: "FastMCP[Any]", calls: Calls, offered: frozenset[str]) -> None:
    @server.resource("lignin://guide", mime_type="text/markdown")
    def guide() -> str:
        """How to work with Lignin: read it once."""
        return INSTRUCTIONS

    @server.resource("artifact://{name}", mime_type="application/json")
    async def files(name: str) -> str:
        """The files of an artifact, as JSON: text by path. NAME or NAME@DIGEST."""
        context = calls.context_of(Call(actor=actor_of(calls, "reader")))
        try:
            found = await calls.apart(lambda: source(context, ArtifactRef(name=name)))
        except LigninError as error:
            hint = in_tools(error.hint, offered)
            raise ResourceError(f"{error.message}; {hint}") from error
        text: str = found.model_dump_json()
        return text


def http_app(
    operations: Mapping[str, Operation], calls: Calls, serving: Serving, hosts: Sequence[str]
) -> Mounted:
    """The server at `/mcp`, stateless for clients of 2026-07-28 and with sessions for older ones."""
    app = make_server(operations, calls, serving).http_app(
        path=PATH, host_origin_protection=True, allowed_hosts=list(hosts)
    )
    return Mounted(app, app.lifespan)
