"""How a command that proposes a change is confined: the sandbox, walls with a network, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lignin.domain.errors import InvalidRequestError
from lignin.operations.context import Context
from lignin.ports.proposer import ProposerAsked


class AskedFor(Protocol):
    """What every request for a draft says of how its command is run."""

    @property
    def unsandboxed(self) -> bool: ...
    @property
    def network(self) -> bool: ...
    @property
    def share(self) -> Sequence[str]: ...
    @property
    def variable(self) -> Sequence[str]: ...
    @property
    def limit_s(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Confined:
    """How a command is run that proposes; see `AskedFor`."""

    unsandboxed: bool
    network: bool
    share: Sequence[str]
    variable: Sequence[str]
    limit_s: float


def walls_told(asked: AskedFor | ProposerAsked, name: str) -> str:
    """Behind which walls a proposer works: sandbox, network or none; "" of what is no command."""
    walls = "network" if asked.network else "none" if asked.unsandboxed else "sandbox"
    return walls if name.startswith("command:") else ""


def confined(context: Context, request: AskedFor) -> ProposerAsked:
    """How a command is run: in the sandbox, behind walls with a network, or as the user.

    Raises:
        InvalidRequestError: What is asked for does not go together.
    """
    if request.network and request.unsandboxed:
        raise InvalidRequestError("either walls or none", hint="--network or --unsandboxed")
    if (request.share or request.variable) and not request.network:
        raise InvalidRequestError("what is shared is shared with --network", hint="add --network")
    return ProposerAsked(
        spec="",
        folder=context.cwd,
        environment=context.environment,
        unsandboxed=request.unsandboxed,
        network=request.network,
        share=tuple(str(context.path(each)) for each in request.share),
        variables=tuple(request.variable),
        limit_s=request.limit_s,
    )
