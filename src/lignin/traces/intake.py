"""What a trace file becomes before it is stored: redacted records, and trajectories made of them.

Pure. Secrets are replaced before anything is stored or mined; a keyed digest of each unredacted
record recognises a re-import and a grown file (decision record 1).
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lignin.domain.errors import InvalidRequestError
from lignin.domain.ids import derive_id
from lignin.domain.traces import ImportedTrace, Problem, RawRecord, Step, Trajectory
from lignin.traces.importer import Importer, require_importer
from lignin.traces.lines import INCOMPLETE
from lignin.traces.redact import record_key, redact_all

MAX_RECORD_BYTES = 64 * 2**20
"""Of one record, after redaction: what the ledger takes in one change."""
# A line end, and what closes or goes on with a list: the object's own ends are given by its start.
_ENDS = b" \t\r\n,]}"
_WORLDWIDE = frozenset({"claude_code", "codex"})  # their session ids are unique by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSession:
    """One session ready to be stored.

    `contents` are its records after redaction, in order; `keys` the keyed digests (hex) of the
    records before redaction, and after what tells the outcome was left out where that was asked.
    """

    session_id: str
    trajectory: Trajectory
    contents: tuple[bytes, ...]
    keys: tuple[str, ...]
    outcome_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenTrace:
    """One file ready to be stored.

    `redacted` counts replaced secrets by detector, `hidden` values that told how a run ended;
    `left_out` are records over the size bound: a note of their size stands in their place.
    """

    sessions: tuple[TakenSession, ...]
    problems: tuple[Problem, ...]
    left_out: tuple[Problem, ...]
    skipped: Mapping[str, int]
    redacted: Mapping[str, int]
    hidden: int = 0


def take_trace(
    importers: Sequence[Importer],
    name: str,
    data: bytes,
    key: bytes,
    *,
    hide_outcome: bool = False,
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> TakenTrace:
    """Parse and redact one trace file.

    Args:
        max_record_bytes: A larger record is left out, and a note stands in its place.
        hide_outcome: Leave out what tells how the runs ended. The sessions get ids of their own,
            unless the format has no such thing.

    Raises:
        InvalidRequestError: No importer recognises the file.
    """
    importer = require_importer(importers, name, data)
    hidden_values = 0
    hidden = hide_outcome and importer.hide is not None
    if hidden and importer.hide is not None:
        found = importer.hide(data)
        data, hidden_values = found.content, found.count
    raw = _without_unfinished(importer.parse(name, data))
    counts: Counter[str] = Counter()
    contents, keys = [], []
    for _, records in raw.sessions:
        cleaned = redact_all([record.content for record in records], key)
        for each in cleaned:
            counts.update(each.counts)
        contents.append(tuple(each.content for each in cleaned))
        keys.append(tuple(_key(record, key) for record in records))
    shown = _reparsed(importer, name, raw, contents) if counts else raw
    sessions = tuple(
        TakenSession(
            session_id=_session_id(trajectory, hidden=hidden),
            trajectory=replace(trajectory, outcome=None) if hidden else trajectory,
            contents=tuple(_bounded(content, max_record_bytes) for content in stored),
            keys=known,
            outcome_hidden=hidden,
        )
        for (trajectory, _), stored, known in zip(shown.sessions, contents, keys, strict=True)
    )
    left_out = _left_out(raw, contents, max_record_bytes)
    lines = {problem.line for problem in left_out}
    return TakenTrace(
        sessions=sessions,
        problems=tuple(problem for problem in raw.problems if problem.line not in lines),
        left_out=left_out,
        skipped=raw.skipped,
        redacted=dict(counts),
        hidden=hidden_values,
    )


def _bounded(content: bytes, limit: int) -> bytes:
    """A record, or where it is over the bound the note that stands in its place."""
    return (
        content if len(content) <= limit else b'{"lignin_left_out":{"bytes":%d}}\n' % len(content)
    )


def _left_out(
    raw: ImportedTrace, contents: Sequence[tuple[bytes, ...]], limit: int
) -> tuple[Problem, ...]:
    found = [
        Problem(line=record.line, what=f"{len(content)} bytes, at most {limit} are kept")
        for (_, records), stored in zip(raw.sessions, contents, strict=True)
        for record, content in zip(records, stored, strict=True)
        if len(content) > limit
    ]
    return tuple(sorted(found, key=lambda problem: problem.line))


def what_is_new(
    session: TakenSession, taken: int, tail: str
) -> tuple[Literal["same", "grown", "rewritten"], int]:
    """Compare a session with what was stored of it: (what happened, records to pass over).

    Args:
        taken: Records stored before.
        tail: What `mark_of` says of them; in older stores the key of the last of them.
    """
    if taken > len(session.keys):
        return "rewritten", 0
    if taken and tail not in (mark_of(session.keys[:taken]), session.keys[taken - 1]):
        return "rewritten", 0
    return ("same" if taken == len(session.keys) else "grown"), taken


def mark_of(keys: Sequence[str]) -> str:
    """Return what tells whether any of some records is another than before; "" of none."""
    return hashlib.sha256("".join(keys).encode()).hexdigest() if keys else ""


def goes_on(before: Sequence[Step], now: Sequence[Step]) -> bool:
    """Return whether a run that was seen before is now told again from its start, further or as far.

    A call whose result was not there yet may have one now.
    """
    return len(before) <= len(now) and all(
        old == _as_seen(new, old) for old, new in zip(before, now, strict=False)
    )


def _as_seen(step: Step, before: Step) -> Step:
    """A step without the results that were not there before."""
    if len(step.calls) != len(before.calls):
        return step
    calls = tuple(
        replace(new, observation=None, is_error=old.is_error, exit_code=old.exit_code)
        if old.observation is None
        else new
        for old, new in zip(before.calls, step.calls, strict=True)
    )
    return replace(step, calls=calls)


def _without_unfinished(trace: ImportedTrace) -> ImportedTrace:
    """The trace without a last line that is still being written: it comes whole the next time."""
    unfinished = {p.line for p in trace.problems if p.what.startswith(INCOMPLETE)}
    if not unfinished:
        return trace
    sessions = tuple(
        (trajectory, tuple(record for record in records if record.line not in unfinished))
        for trajectory, records in trace.sessions
    )
    return replace(trace, sessions=sessions)


def _key(record: RawRecord, key: bytes) -> str:
    """The keyed digest of a record; what a file that grows puts after it makes no difference."""
    return record_key(record.content.rstrip(_ENDS), key).hex()


def _reparsed(
    importer: Importer,
    name: str,
    raw: ImportedTrace,
    contents: Sequence[tuple[bytes, ...]],
) -> ImportedTrace:
    """Parse the file anew from its redacted records, so that no trajectory shows a secret."""
    lines = [
        (record.line, number, content)
        for number, ((_, records), stored) in enumerate(zip(raw.sessions, contents, strict=True))
        for record, content in zip(records, stored, strict=True)
    ]
    lines.sort(key=lambda item: item[0])
    again = importer.parse(name, b"".join(content for _, _, content in lines))
    if len(again.sessions) != len(raw.sessions):
        raise InvalidRequestError(
            f"{name} reads differently once its secrets are redacted",
            hint="report the format; nothing of it was stored",
        )
    return again


def _session_id(trajectory: Trajectory, *, hidden: bool) -> str:
    founding: list[str | int | None] = [trajectory.format, trajectory.session]
    if trajectory.format not in _WORLDWIDE:
        founding += [trajectory.source, trajectory.task_id, trajectory.trial]
    if hidden:
        founding.append("outcome hidden")
    return derive_id("ses", founding)
