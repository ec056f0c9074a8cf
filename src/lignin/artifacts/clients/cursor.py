"""Cursor: reads `.agents/skills` among others, AGENTS.md, and `.cursor/` of a project.

Its transcripts are of a form that no importer reads, and a tool hook can refuse a call but not add to it;
so the one hook shows lessons when a session starts. No listing budget is published: the largest stands.
"""

from lignin.artifacts.client import Client
from lignin.artifacts.projects.place import QUICK_S, Launch, Place, instructions, json_server
from lignin.artifacts.projects.settings import Setting


def _places(launch: Launch) -> tuple[Place, ...]:
    hook = Setting(
        path=("hooks", "sessionStart"),
        value={"command": launch.hook("cursor", "session-start"), "timeout": QUICK_S},
        part="hooks",
        sign="hook cursor session-start",
    )
    version = Setting(path=("version",), value=1, part="hooks")
    settings = (version, hook) if launch.hooks else ()
    return (
        json_server(launch, ".cursor/mcp.json"),
        Place(names=(".cursor/hooks.json",), settings=settings),
        instructions("AGENTS.md"),
    )


CLIENT = Client(
    name="cursor",
    title="Cursor",
    markers=(".cursor", ".cursorrules"),
    command="cursor-agent",
    places=_places,
    notes=("Cursor asks you to switch the MCP server on. Its transcripts are not taken in.",),
)
