"""Gemini CLI: reads `.agents/skills`, GEMINI.md, and `.gemini/settings.json` of a project.

A hook before a tool can refuse or change the call but not add to it, so lessons are shown when a session
starts. Its telemetry brings the sessions in; no importer reads its transcripts. All of this was seen to work in
0.61.0.
"""

from lignin.artifacts.client import Client
from lignin.artifacts.projects.place import Launch, Place, hook_settings, instructions
from lignin.artifacts.projects.rivals import Rivals
from lignin.artifacts.projects.settings import Setting

EVENTS = (("SessionStart", "session-start", ""),)

_SYSTEM = ("etc/gemini-cli", "Library/Application Support/GeminiCli")
RIVALS = Rivals(
    part="telemetry",
    names=(
        ("home", ".gemini/settings.json"),
        *(("machine", f"{folder}/settings.json") for folder in _SYSTEM),
        *(("machine", f"{folder}/system-defaults.json") for folder in _SYSTEM),
    ),
    entries=((("telemetry",), r"enabled|target|otlp\w+|outfile|useCollector"),),
)


def _telemetry(launch: Launch) -> tuple[Setting, ...]:
    if not launch.telemetry:
        return ()
    wanted = {
        "enabled": True,
        "target": "local",
        "otlpEndpoint": launch.otlp_url,
        "otlpProtocol": "http",
    }
    return tuple(
        Setting(path=("telemetry", name), value=value, part="telemetry")
        for name, value in wanted.items()
    )


def _places(launch: Launch) -> tuple[Place, ...]:
    server = Setting(path=("mcpServers", "lignin"), value=launch.server(), part="MCP server")
    hooks = hook_settings(launch, "gemini-cli", EVENTS, unit_ms=True)
    settings = (server, *hooks, *_telemetry(launch))
    return (
        Place(names=(".gemini/settings.json",), settings=settings, rivals=RIVALS),
        instructions("GEMINI.md"),
    )


CLIENT = Client(
    name="gemini-cli",
    title="Gemini CLI",
    markers=(".gemini", "GEMINI.md"),
    command="gemini",
    places=_places,
    notes=(
        "Gemini CLI reads .gemini/ of a project, and runs its hook, once you trust the folder.",
    ),
)
