"""Telemetry that comes in over the network: one request of the OpenTelemetry protocol.

Owns which session a record joins, that a request is taken whole or refused whole, and that a record
which is sent again is not kept twice. What a request means is in `traces.otlp`; the server is in
`interfaces.otlp`.
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
from lignin.traces.resent import WINDOW, Recent, digest_of

SOURCE = "otlp.jsonl"
"""The name of the file that the records of a session would be."""
_FORM = "otel_genai"
_READ_BYTES = 64 * 2**20
_READ_RECORDS = (16, 1024)  # at once: at first, for they may be large, and where they are small


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a request: its sessions, its items, and how many were not taken and why.

    `known` of the items taken were kept before.
    """

    sessions: tuple[str, ...]
    taken: int
    known: int
    rejected: int
    why: str
    redacted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Added:
    """What a request adds to a session, and how many records that has before it."""

    known: int
    lines: list[bytes]
    digests: list[bytes]


def take_request(
    context: Context, signal: Signal, encoding: Encoding, body: bytes, recent: Recent
) -> Taken:
    """Take in one export request: redact, then append to the sessions that its items name.

    An item that names no session joins that of its trace. When this returns, what was taken is
    durable.

    Args:
        recent: What the sessions got lately: a record that is among it byte for byte adds nothing.

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
    if signal == "traces":  # a span has an id: told twice it is one; a log's twin may be another
        by_session = {name: list(dict.fromkeys(lines)) for name, lines in by_session.items()}
    ids = {name: derive_id("ses", ["otlp", name]) for name in by_session}
    digests = {name: [digest_of(line) for line in by_session[name]] for name in by_session}

    def decide(view: View) -> tuple[dict[str, _Added], Sequence[Change]]:
        changes: list[Change] = []
        added: dict[str, _Added] = {}
        for name, lines in by_session.items():
            new = _what_is_new(view, ids[name], lines, digests[name], recent)
            if not new.lines:
                continue
            added[ids[name]] = new
            if view.row(f"session/{ids[name]}") is None:
                changes.append(_start(context, view, name, agents[name], new.lines))
            changes.append(
                context.sessions.append(
                    context.scope,
                    ids[name],
                    new.lines,
                    expect_length=new.known,
                    type="trace.record",
                )
            )
        return added, changes

    added = context.decide_and_commit(decide) if by_session else {}
    for session, new in added.items():
        recent.note(session, new.known + len(new.lines), new.digests, after=new.known)
    return Taken(
        sessions=tuple(ids.values()),
        taken=len(received.items),
        known=len(received.items) - sum(len(new.lines) for new in added.values()),
        rejected=received.rejected,
        why=received.why,
        redacted=dict(counts),
    )


def _what_is_new(
    view: View, session: str, lines: list[bytes], digests: list[bytes], recent: Recent
) -> _Added:
    """Those of some records that a session's last ones are not."""
    own = view.row(f"record/{session}")
    known = own.seq if own is not None else 0
    if (upto := recent.upto(session)) < known:
        recent.note(session, known, _last_digests(view, session, upto, known))
    if not (seen := recent.among(session, digests)):
        return _Added(known, lines, digests)
    fresh = [
        (line, digest) for line, digest in zip(lines, digests, strict=True) if digest not in seen
    ]
    return _Added(known, [line for line, _ in fresh], [digest for _, digest in fresh])


def _last_digests(view: View, session: str, after: int, known: int) -> list[bytes]:
    """The digests of a session's records past one of them: the last, so many as may be read."""
    stop, left, count = known + 1, _READ_BYTES, _READ_RECORDS[0]
    first = max(after, known - WINDOW) + 1
    found: list[bytes] = []
    while stop > first and left > 0:
        start = max(first, stop - count)
        contents = [each for each in view.contents(f"record/{session}", start, stop) if each]
        size = sum(map(len, contents))
        found = [*map(digest_of, contents), *found]
        left -= size
        count = max(_READ_RECORDS[0], min(_READ_RECORDS[1], left * len(contents) // (size or 1)))
        stop = start
    return found


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
