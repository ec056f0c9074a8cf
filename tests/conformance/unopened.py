"""What opens nothing: for proposers that need it not."""

from lignin.adapters.proposers.command_runs import Wall
from lignin.ports.model import Model
from lignin.ports.proposer import Proposed
from lignin.ports.sandbox import Sandbox


def no_model(name: str) -> Model:
    raise AssertionError(name)


def no_sandbox() -> Sandbox:
    raise AssertionError("a sandbox was opened")


def no_wall(read: object, write: object) -> Wall:
    raise AssertionError(read)


def no_content(command: str) -> Proposed:  # type: ignore[misc]
    raise AssertionError(command)
