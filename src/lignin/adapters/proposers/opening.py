"""Opens the proposer that was asked for; what a command brings along is read by whoever opens it."""

from collections.abc import Callable, Mapping

from lignin.adapters.proposers.command import CommandProposer
from lignin.adapters.proposers.command_runs import (
    AsProcess,
    InSandbox,
    MakeWall,
    Program,
    Runner,
    Walls,
)
from lignin.adapters.proposers.model import ModelProposer
from lignin.adapters.proposers.person import PersonProposer
from lignin.adapters.proposers.process import Keep
from lignin.domain.artifacts import File
from lignin.domain.errors import InvalidRequestError
from lignin.ports.model import Model
from lignin.ports.proposer import Proposer, ProposerAsked
from lignin.ports.sandbox import Sandbox

MODEL, COMMAND, PERSON = "model:", "command:", "person:"
ReadCommand = Callable[[str], tuple[Callable[[str], tuple[str, ...]], Mapping[str, File]]]
"""A command line to its words where its files lie, and those files."""


def open_proposer(
    asked: ProposerAsked,
    open_model: Callable[[str], Model],
    open_sandbox: Callable[[], Sandbox],
    read_command: ReadCommand,
    make_wall: MakeWall,
    *,
    keep: Keep,
) -> Proposer:
    """Open a proposer.

    Raises:
        InvalidRequestError: There is none of that form.
        UnavailableError: No key for its model, or no sandbox for its command.
    """
    if asked.spec.startswith(MODEL):
        return ModelProposer(open_model(asked.spec.removeprefix(MODEL)), limit_s=asked.limit_s)
    if asked.spec.startswith(PERSON) and asked.draft is not None:
        return PersonProposer(asked.spec, asked.draft)
    if not asked.spec.startswith(COMMAND):
        raise InvalidRequestError(
            f"{asked.spec!r:.80} is no proposer", hint="model:PROVIDER:MODEL or command:WORDS"
        )
    words = asked.spec.removeprefix(COMMAND)
    placed, files = read_command(words)
    program = Program(placed=placed, files=files, limit_s=asked.limit_s)
    if asked.unsandboxed:
        run: Runner = AsProcess(program=program, environment=asked.environment, keep=keep)
    elif asked.network:
        walls = Walls(make=make_wall, share=tuple(asked.share))
        run = AsProcess(program=program, environment=_given(asked), keep=keep, walls=walls)
    else:
        run = InSandbox(program=program, sandbox=open_sandbox())
    return CommandProposer(words, run)


_PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "TERM")


def _given(asked: ProposerAsked) -> dict[str, str]:
    """The variables that a command behind walls is given: the usual ones, and those that were named."""
    if absent := [name for name in asked.variables if name not in asked.environment]:
        raise InvalidRequestError(f"variables that are not set: {', '.join(absent)}")
    names = (*_PLAIN, *asked.variables)
    return {name: asked.environment[name] for name in names if name in asked.environment}
