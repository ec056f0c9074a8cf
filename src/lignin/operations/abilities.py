"""What a worker has, found out by doing: a sandbox that opens, agent clients that answer."""

import os
import platform
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from lignin import __version__
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.domain.jobs import PER_KEY
from lignin.domain.names import require_name
from lignin.operations.context import Context
from lignin.operations.handing import host_need

RESERVED = frozenset({"sandbox", "tier", "client", "host", "per"})
"""What is found out by doing; nobody says of himself that he has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a worker tells of itself.

    Args:
        has: What jobs may need, such as `sandbox:net` or `client:codex`.
        facts: Host, process, versions; and why there is no sandbox, where there is none.
    """

    has: frozenset[str]
    facts: dict[str, Json]


def find_abilities(context: Context, labels: Sequence[str] = ()) -> Abilities:
    """Find out what is here. Opens the sandbox, which must be done before there are threads.

    Raises:
        InvalidRequestError: A label is malformed, or one of those that are found out.
    """
    has = {PER_KEY, host_need(), *map(_label, labels)}
    clients = context.find_clients()
    has |= {f"client:{name}" for name in clients}
    tier, why_not = "", ""
    try:
        sandbox = context.open_sandbox()
    except UnavailableError as error:
        why_not = error.message
    else:
        tier = sandbox.tier
        has |= {"sandbox:any", f"tier:{tier}", *(f"sandbox:{c}" for c in sandbox.capabilities)}
    facts: dict[str, Json] = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "tier": tier,
        "why_no_sandbox": why_not,
        "versions": {"lignin": __version__, "python": platform.python_version(), **clients},
    }
    return Abilities(has=frozenset(has), facts=facts)


def _label(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind in RESERVED:
        raise InvalidRequestError(
            f"{text!r:.80} is found out and not claimed", hint="take another word, as in gpu:a100"
        )
    return f"{require_name('label', kind)}:{require_name('label', name)}"
