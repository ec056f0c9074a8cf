"""Who proposes in a campaign: by name, a model, a command; opened as confined as the campaign was told to."""

import re
from collections.abc import Callable, Iterable

from lignin.domain.errors import InvalidRequestError
from lignin.harness.leave_one_out import NAME as LEAVE_ONE_OUT
from lignin.harness.leave_one_out import LeaveOneOut
from lignin.operations.confining import Confined, confined, walls_told
from lignin.operations.context import Context
from lignin.operations.drafting import Handed, open_proposer
from lignin.operations.improve_models import Improve
from lignin.ports.proposer import Proposer
from lignin.traces.mined import NAME as MINED
from lignin.traces.mined import Evidence, Mined

OpenProposer = Callable[[str, Evidence], Proposer]
_NEXT = re.compile(rf",(?=(?:{MINED}(?:,|$)|model:|command:))")
"""A comma between proposers; others are words of a command."""


def proposers_of(request: Improve) -> list[str]:
    """The names of who proposes, in turn."""
    return [LEAVE_ONE_OUT] if request.prune else named_proposers(request.proposer)


def named_proposers(given: Iterable[str]) -> list[str]:
    """The proposers that are named, each once; several may be told in one word, comma-separated."""
    return list(dict.fromkeys(name.strip() for each in given for name in _NEXT.split(each)))


def opening_for(context: Context, request: Improve) -> OpenProposer:
    """What opens a proposer by name, with what was mined for it.

    It raises:
        InvalidRequestError: There is none of that name.
        UnavailableError: No key for its model, or no sandbox for its command.
    """

    def opening(name: str, evidence: Evidence) -> Proposer:
        if name == MINED:
            return Mined(evidence)
        if name == LEAVE_ONE_OUT and request.prune:
            return LeaveOneOut()
        if not name.startswith(("model:", "command:")):
            raise InvalidRequestError(
                f"no proposer {name!r:.60}",
                hint=f"{MINED}, model:PROVIDER:MODEL or command:WORDS",
            )
        return open_proposer(context, name, {}, Handed(), confined(context, walls_asked(request)))

    return opening


def walls_asked(request: Improve) -> Confined:
    """How a command that proposes is run; the agent's own `--unsandboxed` does not open its walls."""
    return Confined(
        unsandboxed=request.proposer_unsandboxed,
        network=request.proposer_network,
        share=request.proposer_share,
        variable=request.proposer_variable,
        limit_s=request.proposer_limit_s,
    )


def walls_of(request: Improve, name: str) -> str:
    """Behind which walls a proposer works, as it is kept with what it drafts."""
    return walls_told(walls_asked(request), name)
