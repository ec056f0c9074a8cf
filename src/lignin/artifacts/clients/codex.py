"""Codex: `.agents/skills` in a project, `~/.agents/skills` for a person.

Other clients read `.agents/skills` too. The listing names each skill's file besides its
description and is cut at about two percent of the context, 5,440 characters.

It reads `.codex/` of a project once a person trusts it, but never its telemetry settings: those count in
the home folder only. A server is not made `required`: the file is often shared, and Codex would refuse
to start for everybody without Lignin. Instead the wait for servers that are not is made as long as our start
may take: without it a turn that begins within a second of ours has none of our tools to its end (0.169).
"""

import json

from lignin.artifacts.client import Client
from lignin.artifacts.projects.place import Launch, Place, hook_settings, instructions
from lignin.artifacts.projects.sections import Section

TOOLS = "Bash|apply_patch|mcp__.*"
STARTUP_S = 60
"""Codex waits 10 s for a server by default; the first start on a busy machine may take longer."""
WAITS = f"mcp_optional_startup_grace_ms = {STARTUP_S * 1000}"
"""How long a first turn waits for servers that still start; one that failed, or is not there, is not waited for."""
PASSED = ["LIGNIN_HOME", "LIGNIN_STORE", "LIGNIN_SPACE"]
"""Codex passes a server only the variables that are named; without these it would work in another store than
the shell and the hooks."""
EVENTS = (
    ("SessionStart", "session-start", ""),
    ("PreToolUse", "before-tool", TOOLS),
    ("Stop", "stop", ""),
)


def _places(launch: Launch) -> tuple[Place, ...]:
    command, args = (json.dumps(value) for value in launch.server().values())
    server = Section(
        form="toml",
        text=(
            f"[mcp_servers.lignin]\ncommand = {command}\nargs = {args}\n"
            f"env_vars = {json.dumps(PASSED)}\nstartup_timeout_sec = {STARTUP_S}"
        ),
        part="MCP server",
        tables=(("mcp_servers", "lignin"),),
    )
    wait = Section(
        form="toml",
        text=WAITS,
        part="wait for MCP servers",
        tables=(("mcp_optional_startup_grace_ms",),),
        at="start",
    )
    found = [
        Place(names=(".codex/config.toml",), section=wait),
        Place(names=(".codex/config.toml",), section=server),
        Place(names=(".codex/hooks.json",), settings=hook_settings(launch, "codex", EVENTS)),
        instructions("AGENTS.md"),
    ]
    if launch.telemetry:
        exporters = [
            f'{name} = {{ otlp-http = {{ endpoint = "{launch.otlp_url}/v1/{signal}", '
            'protocol = "binary" } }'
            for name, signal in (("exporter", "logs"), ("trace_exporter", "traces"))
        ]
        section = Section(
            form="toml",
            text="\n".join(["[otel]", *exporters]),
            part="telemetry",
            tables=(("otel",),),
        )
        found.append(
            Place(
                names=(".codex/config.toml",),
                section=section,
                base="home",
                variable=("CODEX_HOME", ".codex"),
            )
        )
    return tuple(found)


CLIENT = Client(
    name="codex",
    title="Codex",
    listing_chars=5_440,
    entry_format="- {name}: {description} (file: {path})\n",
    markers=(".codex", ".agents", "AGENTS.md"),
    command="codex",
    places=_places,
    notes=(
        "Codex reads .codex/ of a project that you trust (it asks), and runs its hooks once you "
        "reviewed them with /hooks. It asks before artifact_call and artifact_capture; `codex exec` can "
        "ask nobody and refuses them, unless you allow it: -c "
        "'mcp_servers.lignin.default_tools_approval_mode=\"approve\"'.",
    ),
)
