"""Environments that can be had again: what a trace says of where it happened, opened anew.

The practice desk, and tool servers that their user says can be put back (`reset_tool` and `state_tool`
in the grants file). Nothing else is ever called again: what a trace did may be real.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lignin.domain.traces import EnvironmentRef, Trajectory
from lignin.evals.replay import ServedEnvironment
from lignin.governance.laws.grants import parse_servers
from lignin.operations.context import Context
from lignin.operations.exits import SERVER, tool_server
from lignin.ports.environment import Environment
from lignin.traces.effects import calls_of

PRACTICE_DESK = "practice-desk"
_CLIENT_PREFIX = "mcp__"


def environment_of(trajectory: Trajectory) -> EnvironmentRef | None:
    """Return where a run happened: as it says, else the one MCP server that it made changes through."""
    if trajectory.environment is not None:
        return trajectory.environment
    changed = {made.call.name for made in calls_of(trajectory) if made.kind != "read"}
    called = {made.call.name for made in calls_of(trajectory)}
    servers = {_server_of(name) for name in changed or called}
    if len(servers) != 1 or (name := servers.pop()) == "":
        return None
    return EnvironmentRef(name=f"{SERVER}{name}")


def _server_of(tool: str) -> str:
    """The server in a client's name of a tool, `mcp__SERVER__TOOL`; "" for the client's own tools."""
    return tool.removeprefix(_CLIENT_PREFIX).partition("__")[0] if _is_served(tool) else ""


def _is_served(tool: str) -> bool:
    return tool.startswith(_CLIENT_PREFIX) and "__" in tool.removeprefix(_CLIENT_PREFIX)


@contextmanager
def open_environment(context: Context, ref: EnvironmentRef | None) -> Iterator[Environment | str]:
    """Open the environment that a trace names, at its start, or say why it cannot be had.

    It is only the same one where its start state and the contracts of its tools are as they were.

    Raises:
        UnavailableError: A granted server does not start or answer.
    """
    if ref is not None and ref.name == PRACTICE_DESK and ref.seed is not None:
        from lignin.practice.desk import PracticeDesk

        desk = PracticeDesk(ref.seed)
        try:
            yield _changed(desk, ref) or desk
        finally:
            desk.close()
        return
    if ref is None:
        yield "the trace names no environment"
        return
    served = _served(context, ref.name.removeprefix(SERVER))
    yield served if isinstance(served, str) else _changed(served, ref) or served


def _served(context: Context, name: str) -> Environment | str:
    """A granted server that can be put back, or why there is none; a dry run reaches none."""
    if context.dry_run:
        return "a dry run calls no server"
    exits = context.open_exits()
    granted = parse_servers(exits.read_grants()).get(name)
    if granted is None:
        return f"your grants file has no server {name!r}"
    if not granted.reset_tool:
        return f"the server {name!r} has no reset_tool and state_tool in your grants file"
    tools = exits.server(tool_server(name, granted), reads_only=False).begin()
    return ServedEnvironment(tools, tools.tools, granted.reset_tool, granted.state_tool)


def _changed(environment: Environment, ref: EnvironmentRef) -> str:
    """What is not as it was when the trace was made; "" where all is."""
    tools = {name: spec.digest for name, spec in environment.tools.items()}
    other = sorted(name for name, digest in ref.tools.items() if tools.get(name) != digest)
    if other:
        return f"{ref.name} has other contracts now of {', '.join(other)[:200]}"
    if ref.start_state not in (None, environment.start_state):
        return f"{ref.name} starts in another state than it did"
    return ""
