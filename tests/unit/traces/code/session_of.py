"""Builders of handmade trajectories."""

from lignin.domain.traces import Snippet, Step, ToolCall, Trajectory
from lignin.traces.code import find_code


def call(name, arguments, observation="", *, is_error=False, exit_code=None):
    return ToolCall(
        call_id="c",
        name=name,
        arguments=arguments,
        observation=observation,
        is_error=is_error,
        exit_code=exit_code,
    )


def bash(command, observation="", **more):
    return call("Bash", {"command": command}, observation, **more)


def write(path, text):
    return call("Write", {"file_path": path, "content": text}, "File created successfully")


def session(*calls, cwd="/project", form="claude_code"):
    steps = tuple(
        Step(index=place, role="assistant", calls=(one,)) for place, one in enumerate(calls, 1)
    )
    return Trajectory(source="s.jsonl", format=form, session="S", cwd=cwd, steps=steps)


def found(*calls, **more) -> dict[str, Snippet]:
    return {snippet.path: snippet for snippet in find_code(session(*calls, **more))}
