"""OpenCode: reads `.agents/skills` and `.claude/skills`, AGENTS.md, and `opencode.json` or `.jsonc`.

Its hooks are modules of JavaScript, which `init` does not install, and no importer reads its sessions. Server,
skills and instructions were seen to work in 1.18.33.
"""

from lignin.artifacts.client import Client
from lignin.artifacts.projects.place import Launch, Place, instructions
from lignin.artifacts.projects.settings import Setting


def _places(launch: Launch) -> tuple[Place, ...]:
    server = Setting(
        path=("mcp", "lignin"),
        value={"type": "local", "command": [*launch.command, "mcp"], "enabled": True},
        part="MCP server",
    )
    names = ("opencode.json", "opencode.jsonc", ".opencode/opencode.json")
    return (Place(names=names, settings=(server,)), instructions("AGENTS.md"))


CLIENT = Client(
    name="opencode",
    title="OpenCode",
    markers=(".opencode", "opencode.json", "opencode.jsonc"),
    command="opencode",
    places=_places,
    notes=("OpenCode's sessions are not taken in, and it has no hooks that Lignin uses.",),
)
