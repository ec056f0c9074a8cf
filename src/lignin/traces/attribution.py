"""Which artifacts a run was offered, and which it used.

Pure. Use is told by what the agent did (a skill tool, a file of the skill read, a shell command that
touched its folder, a direct call) or by the client, which marks steps as done under a skill. Exposure, that a listing
offered the artifact, is kept apart and is never use. Writing a skill is authorship and neither. A
call that failed because nothing was there is no use.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.code.shell import Command, parse_shell
from lignin.traces.code.tools import Read, Shell, read_actions

How = Literal["skill tool", "file read", "shell touch", "direct call", "marked by client"]

_SKILL_TOOLS = frozenset({"skill", "activate_skill", "use_skill", "load_skill", "read_skill"})
_SKILL_URI = re.compile(r"skill://([\w.-]+)/SKILL\.md\Z")
"""What clients read a skill by that an MCP server offers."""
_SKILL_ARGUMENTS = ("skill", "skill_name", "name", "command")
_CALL_TOOL = re.compile(
    r"(?:mcp__[\w-]*lignin[\w-]*__(?:artifact[._]call|call|call_artifact)|lignin\.artifact\.call)\Z",
    re.I,
)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}\Z")
_INNER = frozenset({"scripts", "references", "assets", "SKILL.md"})
_WRITERS = frozenset(
    ["mkdir", "rm", "rmdir", "touch", "ln", "git", "chmod", "chown", "tee", "echo", "printf"]
)
_COPIERS = frozenset(["cp", "mv", "rsync", "install"])
_WRAPPERS = frozenset(["uvx", "uv", "run", "python", "python3", "-m", "env", "sudo", "npx", "pipx"])
_NOT_RUN = frozenset({2, 3, 4, 5, 7, 126, 127})
"""Exit codes of a call that never came to run: refused, or no such command."""
_NEVER_RAN = re.compile(
    r"\s*(?:<tool_use_error>\s*)?(?:unsupported call|unknown tool|no such tool"
    r"|the user doesn't want to proceed with this tool use|claude requested permissions to"
    r"|this command requires approval|permission to use .{1,2000}? has been denied"
    r"|permission for this action has been denied|pretooluse:\S{1,100} hook error"
    r"|exec command rejected by user|user cancelled mcp tool call)\b",
    re.IGNORECASE | re.DOTALL,
)
"""How clients answer a call of a tool that they do not have (yet), or that a person or a rule refused."""
_COMMAND = re.compile(r"<command-name>/?([A-Za-z0-9][\w:.-]{0,63})</command-name>")
_MISSING = re.compile(r"No such file or directory|cannot access|not found", re.IGNORECASE)
_XML_NAME = re.compile(r"<skill>\s*<name>\s*([^<\s]{1,64})\s*</name>")
_HEADER = re.compile(
    r"^.{0,200}(?:skills are available|#+ (?:available )?skills\b|available skills:).*$",
    re.IGNORECASE | re.MULTILINE,
)
_ENTRY = re.compile(r"^\s{0,4}[-*] \**`?([A-Za-z0-9][\w:.-]{0,63})`?\**:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of an artifact; `step` is the index of the step that used it.

    `version` is what the name was pinned to, "" where it was not. `call_id` is the tool call that
    shows it, "" where none does; `times` how often that call does it.
    """

    step: int
    name: str
    how: How
    version: str = ""
    call_id: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One listing's offer of an artifact; `step` is the index of the step that lists it."""

    step: int
    name: str


def find_uses(trajectory: Trajectory) -> tuple[Use, ...]:
    """Return what a run used, in order; per step each artifact once for each way.

    A skill that the client marks step after step with counts where it begins.
    """
    uses: list[Use] = []
    running = ""
    for step in trajectory.steps:
        if short_name(step.skill) and step.skill != running:
            uses.append(_use(step, step.skill, "marked by client"))
        # What the tools answer says nothing of the skill at work; what somebody asks ends it.
        if step.skill or step.role in {"assistant", "user"}:
            running = step.skill
        if step.role == "user" and (command := _COMMAND.search(step.text)):
            uses.append(_use(step, command[1], "skill tool"))
        for call in step.calls:
            seen = Counter(_uses_of(call))
            uses += [_use(step, *use, call.call_id, times) for use, times in seen.items()]
    return tuple(dict.fromkeys(uses))


def find_exposures(trajectory: Trajectory) -> tuple[Exposure, ...]:
    """Return what the listings in a run's prompts offered, in order."""
    found: dict[Exposure, None] = {}
    for step in trajectory.steps:
        if step.role in {"system", "user"}:
            for name in _listed(step):
                found[Exposure(step=step.index, name=short_name(name))] = None
    return tuple(found)


def _listed(step: Step) -> Iterator[str]:
    if "<available_skills>" in step.text:
        yield from (match[1] for match in _XML_NAME.finditer(step.text))
    start = 0 if step.label == "skill_listing" else None
    if start is None and (header := _HEADER.search(step.text)):
        start = header.end()
    if start is None:
        return
    begun = False
    for line in step.text[start:].splitlines():
        if entry := _ENTRY.match(line):
            begun = True
            yield entry[1]
        elif begun and line.startswith(("#", "<")):
            return


def _use(step: Step, name: str, how: How, call_id: str = "", times: int = 1) -> Use:
    version = name.strip().partition("@")[2]
    return Use(
        step=step.index,
        name=short_name(name),
        how=how,
        version=version,
        call_id=call_id,
        times=times if how == "direct call" else 1,
    )


def short_name(name: str) -> str:
    """A name without the plugin in front of it and the version or digest after it."""
    return name.strip().lstrip("/").partition("@")[0].rpartition(":")[2]


def _uses_of(call: ToolCall) -> Iterator[tuple[str, How]]:
    if (loaded := _SKILL_URI.match(str(call.arguments.get("uri", "")))) and not call.is_error:
        yield loaded[1], "skill tool"
        return
    tool = call.name.rsplit("__", 1)[-1].casefold()
    if _CALL_TOOL.match(call.name) or tool in _SKILL_TOOLS:
        how: How = "direct call" if _CALL_TOOL.match(call.name) else "skill tool"
        names = (call.arguments.get(key) for key in _SKILL_ARGUMENTS)
        name = next((each for each in names if isinstance(each, str) and each.strip()), "")
        if name and not call.is_error and not _NEVER_RAN.match(call.observation or ""):
            yield name.split()[0], how
        return
    for action in read_actions(call):
        if isinstance(action, Read) and (name := skill_of_path(action.path)):
            yield name, "file read"
        elif isinstance(action, Shell):
            yield from _uses_of_shell(action, call)


def _uses_of_shell(action: Shell, call: ToolCall) -> Iterator[tuple[str, How]]:
    if call.exit_code is None and _NEVER_RAN.match(call.observation or ""):
        return
    if name := skill_of_path(f"{action.cwd}/"):
        yield name, "shell touch"
    missing = bool(call.is_error) and bool(_MISSING.search(call.observation or ""))
    for command in parse_shell(action.text).commands:
        if name := _called(command):
            if call.exit_code not in _NOT_RUN and not _is_unknown(call):
                yield name, "direct call"
        elif not missing:
            for touched in _touched(command):
                yield touched, "shell touch"


def _is_unknown(call: ToolCall) -> bool:
    return bool(call.is_error) and "command not found" in (call.observation or "")


def _called(command: Command) -> str:
    """The artifact that a command calls, as it names it: `lignin artifact call NAME`."""
    words = [word.text for word in command.words]
    while words and words[0].rpartition("/")[2] in _WRAPPERS:
        words = words[1:]
    if len(words) < 4 or words[0].rpartition("/")[2] != "lignin":
        return ""
    rest = [word for word in words[1:] if not word.startswith("-")]
    is_call = rest[:2] == ["artifact", "call"] and len(rest) > 2
    return rest[2] if is_call else ""


def _touched(command: Command) -> Iterator[str]:
    words = [word.text for word in command.words]
    if not words or words[0].rpartition("/")[2] in _WRITERS:
        return
    if words[0].rpartition("/")[2] in _COPIERS:
        words = words[:-1]
    sources = [r.target.text for r in command.redirects if r.operator == "<"]
    for word in (*words, *sources):
        if name := skill_of_path(word):
            yield name


def skill_of_path(path: str) -> str:
    """Return the skill whose folder a path is in, "" where it is in none.

    A folder `skills/NAME` counts below a client's dot folder; elsewhere only where the rest of the
    path is that of a skill (`SKILL.md`, `scripts/`, `references/`, `assets/`).
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    for place, part in enumerate(parts[:-1]):
        if part != "skills":
            continue
        rest = parts[place + 1 :]
        if rest[0].startswith("."):  # a client's own, as `.system`
            rest = rest[1:]
        if not rest or not _NAME.match(rest[0]) or (len(rest) == 1 and rest[0].endswith(".md")):
            continue
        below_client = place > 0 and parts[place - 1].startswith(".")
        if below_client or (len(rest) > 1 and rest[1] in _INNER):
            return rest[0]
    return ""
