"""Claude Code: `.claude/skills` in a project, `~/.claude/skills` for a person.

The listing has one percent of the context, 8,000 characters at 200,000 tokens, over which the
client drops descriptions without a word; a description is shown up to 1,536 characters.

Hooks go into `settings.local.json`, which is this machine's own: in the shared `settings.json` they would
fail for everybody without Lignin. `.mcp.json` is the only place in a project for a server. Telemetry settings of a
project are ignored (by 2.1.329: "project-scoped settings can't set this key"); those of the home folder and of
who runs the machine count, and what these send elsewhere is left alone. It reads AGENTS.md where there is no
CLAUDE.md.
"""

from lignin.artifacts.client import Client
from lignin.artifacts.projects.place import (
    Launch,
    Place,
    hook_settings,
    instructions,
    json_server,
)
from lignin.artifacts.projects.rivals import Rivals
from lignin.artifacts.projects.settings import Setting

TOOLS = "Bash|Edit|Write|NotebookEdit|WebFetch|mcp__.*"
EVENTS = (
    ("SessionStart", "session-start", ""),
    ("PreToolUse", "before-tool", TOOLS),
    ("Stop", "stop", ""),
)

_MANAGED = ("etc/claude-code", "Library/Application Support/ClaudeCode")
RIVALS = Rivals(
    part="telemetry",
    names=(
        *(("machine", f"{folder}/managed-settings.json") for folder in _MANAGED),
        *(("machine", f"{folder}/managed-settings.d/*.json") for folder in _MANAGED),
    ),
    entries=(
        (("env",), r"CLAUDE_CODE_EN\w+_TELEMETRY\w*|OTEL_EXPORTER_\w+|OTEL_[A-Z]+_EXPORTER"),
        ((), "otelHeadersHelper"),
    ),
)


def _telemetry(launch: Launch) -> tuple[Setting, ...]:
    variables = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "CLAUDE_CODE_ENHANCED_TELEMETRY_BETA": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": launch.otlp_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
    }
    return tuple(
        Setting(path=("env", name), value=value, part="telemetry")
        for name, value in variables.items()
    )


def _places(launch: Launch) -> tuple[Place, ...]:
    hooks = hook_settings(launch, "claude-code", EVENTS)
    found = (
        json_server(launch, ".mcp.json"),
        Place(names=(".claude/settings.local.json",), settings=hooks),
        instructions("CLAUDE.md", "AGENTS.md", fresh="AGENTS.md"),
    )
    if not launch.telemetry:
        return found
    at_home = Place(
        names=(".claude/settings.json",),
        settings=_telemetry(launch),
        rivals=RIVALS,
        base="home",
        variable=("CLAUDE_CONFIG_DIR", ".claude"),
    )
    return (*found, at_home)


CLIENT = Client(
    name="claude-code",
    title="Claude Code",
    project_folder=".claude/skills",
    personal_folder=".claude/skills",
    description_chars=1_536,
    markers=(".claude", "CLAUDE.md", ".mcp.json"),
    command="claude",
    places=_places,
    notes=("Claude Code asks you once whether it may use the server of .mcp.json.",),
)
