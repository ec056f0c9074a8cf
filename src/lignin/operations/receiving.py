"""The log of artifacts' calls: one record for each that came to run, in `record/uses`, by every surface.

Owns the form of those records, and who calls where no server says so: a coding agent names itself in
the variables that its shell has. What they hold of the caller is data, redacted and bounded.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict

from lignin.domain.uses import CallReceipt
from lignin.operations.context import Caller, Context
from lignin.operations.logs import append_record, bounded, read_records
from lignin.ports.ledger import View

STREAM = "uses"
MAX_READ = 50_000
MAX_CHARS = 200
_CLAUDE = re.compile(r"claude-code_(\d+(?:-\d+){0,3})")


def caller_of(context: Context) -> Caller:
    """How a call came: as its server says, else as the surroundings of the command tell it."""
    return context.caller or caller_in(context.environment)


def caller_in(environment: Mapping[str, str]) -> Caller:
    """The agent whose shell a command runs in, as the variables say that it sets."""
    if session := environment.get("CLAUDE_CODE_SESSION_ID", ""):
        told = _CLAUDE.match(environment.get("AI_AGENT", ""))
        version = told[1].replace("-", ".") if told else ""
        return Caller(client="claude-code", client_version=version, session=session)
    if session := environment.get("CODEX_THREAD_ID", environment.get("CODEX_SESSION_ID", "")):
        return Caller(
            client="codex",
            client_version=environment.get("CODEX_VERSION", ""),
            session=session,
            call_id=environment.get("CODEX_TOOL_CALL_ID", ""),
        )
    return Caller()


def note_use(
    context: Context,
    version: str,
    began_at: str,
    ended_at: str,
    *,
    failed: bool = False,
    is_load: bool = False,
) -> None:
    """Append a call of a version, or a load of a skill, to the log; nothing on a dry run."""
    if context.dry_run:
        return
    caller = caller_of(context)
    receipt = CallReceipt(
        version=version,
        surface=caller.surface,
        by=context.scope.actor.sub,
        began_at=began_at,
        ended_at=ended_at,
        failed=failed,
        is_load=is_load,
        client=bounded(caller.client, MAX_CHARS),
        client_version=bounded(caller.client_version, MAX_CHARS),
        session=bounded(caller.session, MAX_CHARS),
        call_id=bounded(caller.call_id, MAX_CHARS),
        model=bounded(caller.model, MAX_CHARS),
    )
    append_record(context, STREAM, asdict(receipt), type_="use.record")


def read_receipts(view: View) -> Iterator[CallReceipt]:
    """The latest receipts of a space, oldest first; purged and odd ones are passed over."""
    for said in read_records(view, STREAM, MAX_READ):
        with suppress(TypeError):
            yield CallReceipt(**said)
