"""Telemetry that comes in over the network: one request of the OpenTelemetry protocol.

Owns which session a record joins and that a request is taken whole or refused whole. What a request
means is in `traces.otlp`; the server is in `interfaces.otlp`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lignin.domain.codec import Json
from lignin.domain.events import Change
from lignin.domain.ids import derive_id
from lignin.operations.context import Context
from lignin.ports.ledger import View
from lignin.traces.importer import find_importer
from lignin.traces.otlp import Encoding, Signal, read_request
from lignin.traces.redact import redact

SOURCE = "otlp.jsonl"
"""The name of the file that the records of a session would be."""
_FORM = "otel_genai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a request: its sessions, its items, and how many were not taken and why."""

    sessions: tuple[str, ...]
    taken: int
    rejected: int
    why: str
    redacted: dict[str, int] = field(default_factory=dict)


def take_request(context: Context, signal: Signal, encoding: Encoding, body: bytes) -> Taken:
    """Take in one export request: redact, then append to the sessions that its items name.

    An item that names no session joins that of its trace. When this returns, what was taken is
    durable.

    Raises:
        InvalidRequestError: It is no such request; nothing of it was kept.
        ConflictError: Other writers were quicker too often; the sender tries again.
    """
    received = read_request(signal, encoding, body)
    contents, counts = _redacted([item.content for item in received.items], context.redaction_key)
    by_session: dict[str, list[bytes]] = {}
    agents: dict[str, str] = {}
    for item, content in zip(received.items, contents, strict=True):
        by_session.setdefault(item.session, []).append(content)
        agents.setdefault(item.session, item.agent)
    ids = {name: derive_id("ses", ["otlp", name]) for name in by_session}

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        changes: list[Change] = []
        for name, lines in by_session.items():
            if view.row(f"session/{ids[name]}") is None:
                changes.append(_start(context, view, name, agents[name], lines))
            own = view.row(f"record/{ids[name]}")
            known = own.seq if own is not None else 0
            changes.append(
                context.sessions.append(
                    context.scope, ids[name], lines, expect_length=known, type="trace.record"
                )
            )
        return None, changes

    if by_session:
        context.decide_and_commit(decide)
    return Taken(
        sessions=tuple(ids.values()),
        taken=len(received.items),
        rejected=received.rejected,
        why=received.why,
        redacted=dict(counts),
    )


def _start(context: Context, view: View, name: str, agent: str, lines: list[bytes]) -> Change:
    importer = find_importer(context.load_importers(), SOURCE, b"".join(lines[:20]))
    form = importer.name if importer is not None else _FORM
    facts: dict[str, Json] = {"source": SOURCE, "origin": name, "parent": form}
    facts |= {"taken": 0, "tail": "", "task_id": None, "trial": None, "cwd": ""}
    facts |= {"simulated": False, "declared_outcome": None}
    _, started = context.sessions.start(
        view,
        context.scope,
        client=form,
        agent=agent,
        session=derive_id("ses", ["otlp", name]),
        facts=facts,
    )
    return started


def _redacted(contents: list[bytes], key: bytes) -> tuple[list[bytes], Counter[str]]:
    """The lines without secrets: all at once, for that is much faster than one by one."""
    whole = redact(b"".join(contents), key)
    if not whole.counts:
        return contents, Counter()
    lines = whole.content.splitlines(keepends=True)
    if len(lines) == len(contents):
        return lines, Counter(whole.counts)
    each = [redact(content, key) for content in contents]  # one secret reached over a line's end
    return [one.content for one in each], sum((Counter(one.counts) for one in each), Counter())
