"""What an agent client needs in one of its files. Pure; the clients' own files say it.

Formats are those of the clients, looked up in their documentation and source; what each reads from a
project differs, and what it does not read there is not written there.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.artifacts.projects.rivals import Rivals
from lignin.artifacts.projects.sections import Section
from lignin.artifacts.projects.settings import Setting
from lignin.domain.codec import Json

HOOK_EVENTS = ("session-start", "before-tool", "stop")
QUICK_S, LONG_S = 20, 120
"""Seconds after which a client gives up on a hook: one that it waits for, and one that takes in a session."""

INSTRUCTIONS = """\
## Lignin

Proven code and lessons of this project's agents are kept in Lignin.

- Before a task, ask for context: tool `lesson_recall`, or `lignin lesson recall "TASK"`.
- Before you write a helper, look for one: `artifact_search`, then `artifact_show` and `artifact_call`.
- After you wrote one that works, hand it over with at least three examples: `artifact_capture`.
- When something turned out wrong, say so: `trace_feedback`. When you learnt something: `lesson_propose`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How clients start Lignin, and what is wanted.

    Args:
        command: The words that start it.
        otlp_url: Where telemetry is taken in.
        telemetry: Whether clients are to send it.
        hooks: Whether clients are to call hooks.
    """

    command: tuple[str, ...] = ("lignin",)
    otlp_url: str = "http://127.0.0.1:4318"
    telemetry: bool = True
    hooks: bool = True

    def hook(self, client: str, event: str) -> str:
        """The shell command of a hook."""
        return shlex.join([*self.command, "hook", client, event])

    def server(self) -> dict[str, Json]:
        """The MCP server as most clients write it."""
        return {"command": self.command[0], "args": [*self.command[1:], "mcp"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file of a client and what goes in.

    Args:
        names: Paths relative to the base; the first that is there is taken, else `fresh`.
        fresh: What is made where none is there; by default the first name.
        settings: Into a file of JSON with comments.
        section: Into a text or TOML file.
        base: The project, or the home folder: then only where the person asked for that.
        variable: Names the folder instead, such as `("CODEX_HOME", ".codex")`.
        rivals: Where else the client reads what a part of the settings is for.
    """

    names: tuple[str, ...]
    fresh: str = ""
    settings: tuple[Setting, ...] = ()
    section: Section | None = None
    base: Literal["project", "home"] = "project"
    variable: tuple[str, str] | None = None
    rivals: Rivals | None = None


def json_server(launch: Launch, name: str) -> Place:
    """A file of MCP servers as Claude Code began it."""
    setting = Setting(path=("mcpServers", "lignin"), value=launch.server(), part="MCP server")
    return Place(names=(name,), settings=(setting,))


def hook_settings(
    launch: Launch, client: str, events: Sequence[tuple[str, str, str]], unit_ms: bool = False
) -> tuple[Setting, ...]:
    """Hooks in the form that Claude Code began: events with groups of commands.

    Args:
        events: The client's name of each event, ours, and the tools it is for ("" for none).
        unit_ms: Timeouts are milliseconds.
    """
    if not launch.hooks:
        return ()
    found = []
    for event, ours, matcher in events:
        seconds = LONG_S if ours == "stop" else QUICK_S
        hook: dict[str, Json] = {
            "type": "command",
            "command": launch.hook(client, ours),
            "timeout": seconds * 1000 if unit_ms else seconds,
        }
        group: dict[str, Json] = {"matcher": matcher} if matcher else {}
        found.append(
            Setting(
                path=("hooks", event),
                value={**group, "hooks": [hook]},
                part="hooks",
                sign=f"hook {client} {ours}",
            )
        )
    return tuple(found)


def instructions(*names: str, fresh: str = "") -> Place:
    """The section that tells the agent what there is."""
    section = Section(form="markdown", text=INSTRUCTIONS, part="instructions")
    return Place(names=names, fresh=fresh, section=section)
