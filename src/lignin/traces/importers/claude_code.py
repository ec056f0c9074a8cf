"""Claude Code sessions: JSONL files, and the one-document export with `loglines`.

One step per message of the model (lines that share `message.id` are one message, its usage is
counted once), per user message and per batch of tool results. A sub-agent (a side chain) is a
session of its own, named `<session>/<agent>`. `Step.index` is the line (or entry) number.
Records of types that this file does not know stay records and are counted in `skipped`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from lignin.domain.traces import (
    ImportedTrace,
    Problem,
    RawRecord,
    Role,
    Step,
    ToolCall,
    Trajectory,
)
from lignin.traces.fields import (
    as_arguments,
    as_bool,
    as_count,
    as_list,
    as_microusd,
    as_object,
    as_text,
    content_text,
)
from lignin.traces.importer import Importer
from lignin.traces.lines import Line, read_document, read_head, read_lines

_MESSAGES = frozenset({"user", "assistant", "system"})
# Book-keeping of the client: no step, and nothing missed.
_BOOKKEEPING = frozenset(
    {"summary", "file-history-snapshot", "permission-mode", "progress", "attachment", "mode"}
    | {"queue-operation", "cost-state", "custom-title", "ai-title", "agent-name", "last-prompt"}
    | {"pr-link", "tag"}
)
_INPUT_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_EXPORT = re.compile(rb'^\s*(?:\xef\xbb\xbf)?\s*\{\s*"loglines"\s*:\s*\[')
_EXIT_CODE = re.compile(r"(?:Error: )?Exit code:? (\d{1,9})\b")
_SIMULATED = "practice-desk"


@dataclass(slots=True)
class _Turn:
    """A step while its lines are still coming in."""

    index: int
    role: Role
    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    at: str | None = None
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_microusd: int | None = None
    parent: int | None = None
    label: str = ""
    skill: str = ""


@dataclass(slots=True)
class _Session:
    """A trajectory while it grows."""

    name: str
    turns: list[_Turn] = field(default_factory=list)
    records: list[RawRecord] = field(default_factory=list)
    by_message: dict[str, _Turn] = field(default_factory=dict)
    by_uuid: dict[str, int] = field(default_factory=dict)
    calls: dict[str, tuple[_Turn, int]] = field(default_factory=dict)
    model: str = ""
    cwd: str = ""
    version: str = ""


class _Reading:
    """One pass over a file's records."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sessions: dict[str, _Session] = {}
        self.skipped: Counter[str] = Counter()
        self.early: list[RawRecord] = []
        self.current: _Session | None = None
        self.side_of: dict[str, str] = {}

    def take(self, line: Line) -> None:
        value = line.value
        if value is None:
            self._keep(line.record)
            return
        session = self.enter(value)
        self._keep(line.record)
        if session is not None:
            self.read(session, value, line.record.line)
        elif as_text(value.get("type")) not in _BOOKKEEPING:
            self.skipped[as_text(value.get("type")) or "no type"] += 1

    def _keep(self, record: RawRecord) -> None:
        (self.current.records if self.current else self.early).append(record)

    def enter(self, value: dict[str, Any]) -> _Session | None:
        """Return the session a record belongs to and make it the current one.

        A record without a session id belongs to the session that is running.
        """
        origin = as_text(value.get("sessionId"))
        if not origin:
            if as_text(value.get("type")) not in _MESSAGES:
                return self.current
            origin = self.current.name.partition("/")[0] if self.current else _stem(self.name)
        side = self._side(value)
        key = f"{origin}/{side}" if side else origin
        session = self.sessions.get(key)
        if session is None:
            session = self.sessions[key] = _Session(key)
            session.records, self.early = self.early, []
        self.current = session
        return session

    def _side(self, value: dict[str, Any]) -> str:
        """Return the name of the side chain a record is on, "" for the main chain.

        Where the client names no agent, a chain is named after the record it started with.
        """
        if value.get("isSidechain") is not True:
            return ""
        uuid = as_text(value.get("uuid"))
        agent = as_text(value.get("agentId"))
        side = f"agent-{agent}" if agent else self.side_of.get(as_text(value.get("parentUuid")), "")
        side = side or f"side-{uuid or 'chain'}"
        self.side_of[uuid] = side
        return side

    def read(self, session: _Session, value: dict[str, Any], index: int) -> None:
        session.cwd = session.cwd or as_text(value.get("cwd"))
        session.version = session.version or as_text(value.get("version"))
        kind = as_text(value.get("type"))
        turn: _Turn | None = None
        if kind == "assistant" and isinstance(value.get("message"), dict):
            turn = _read_assistant(session, value, index)
        elif kind == "user" and isinstance(value.get("message"), dict):
            turn = _read_user(session, value, index)
        elif kind == "system":
            turn = _read_system(session, value, index)
        elif kind == "attachment":
            turn = _read_listing(session, value, index)
        elif kind not in _BOOKKEEPING:
            odd = " (odd)" if kind in _MESSAGES else ""
            self.skipped[f"{kind or 'no type'}{odd}"] += 1
        uuid = as_text(value.get("uuid"))
        parent = session.by_uuid.get(as_text(value.get("parentUuid")))
        if turn is not None:
            if turn.parent is None and parent != turn.index:
                turn.parent = parent
            parent = turn.index
        # A record without a step hands its own parent on, so that the chain does not break.
        if uuid and parent is not None:
            session.by_uuid[uuid] = parent


def _stem(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].partition(".")[0] or "session"


def _start(session: _Session, value: dict[str, Any], index: int, role: Role) -> _Turn:
    turn = _Turn(index, role, at=as_text(value.get("timestamp")) or None)
    session.turns.append(turn)
    return turn


def _read_assistant(session: _Session, value: dict[str, Any], index: int) -> _Turn:
    message = as_object(value.get("message"))
    identity = as_text(message.get("id"))
    turn = session.by_message.get(identity) if identity else None
    if turn is None:
        turn = _start(session, value, index, "assistant")
        if identity:
            session.by_message[identity] = turn
    turn.model = turn.model or as_text(message.get("model"))
    turn.skill = turn.skill or as_text(value.get("attributionSkill"))
    # The client writes `<synthetic>` where no model spoke.
    if turn.model and turn.model != "<synthetic>":
        session.model = session.model or turn.model
    _count_tokens(turn, as_object(message.get("usage")))
    turn.cost_microusd = as_microusd(value.get("costUSD")) or turn.cost_microusd
    content = message.get("content")
    for block in content if isinstance(content, list) else [content]:
        _read_block(session, turn, block)
    return turn


def _count_tokens(turn: _Turn, usage: dict[str, Any]) -> None:
    counts = [count for key in _INPUT_TOKENS if (count := as_count(usage.get(key))) is not None]
    # Every line of a message repeats its usage; while it streams the counts grow.
    if counts:
        turn.input_tokens = max(sum(counts), turn.input_tokens or 0)
    if (count := as_count(usage.get("output_tokens"))) is not None:
        turn.output_tokens = max(count, turn.output_tokens or 0)


def _read_block(session: _Session, turn: _Turn, block: Any) -> None:
    if not isinstance(block, dict):
        turn.texts.append(as_text(block))
    elif block.get("type") == "thinking":
        turn.reasoning.append(as_text(block.get("thinking")))
    elif as_text(block.get("type")) in {"tool_use", "server_tool_use"}:
        call_id = as_text(block.get("id")) or f"line-{turn.index}-{len(turn.calls)}"
        if call_id in session.calls:
            return
        session.calls[call_id] = (turn, len(turn.calls))
        turn.calls.append(
            ToolCall(
                call_id=call_id,
                name=as_text(block.get("name")),
                arguments=as_arguments(block.get("input")),
            )
        )
    elif block.get("type") != "redacted_thinking":
        turn.texts.append(content_text(block))


def _read_user(session: _Session, value: dict[str, Any], index: int) -> _Turn:
    content = as_object(value.get("message")).get("content")
    blocks = content if isinstance(content, list) else [content]
    results = [b for b in blocks if isinstance(b, dict) and b.get("type") == "tool_result"]
    # What the client put in the user's mouth is not the user's.
    injected = value.get("isMeta") is True or value.get("isCompactSummary") is True
    role: Role = "tool" if results else "system" if injected else "user"
    turn = _start(session, value, index, role)
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == "tool_result":
            _read_result(session, turn, block, value.get("toolUseResult"), len(results) == 1)
        else:
            turn.texts.append(content_text(block))
    return turn


def _read_result(
    session: _Session, turn: _Turn, block: dict[str, Any], structured: Any, alone: bool
) -> None:
    details = as_object(structured) if alone else {}
    observation = content_text(block.get("content"))
    if not observation:
        parts = (as_text(details.get("stdout")), as_text(details.get("stderr")))
        observation = "\n".join(part for part in parts if part)
    turn.texts.append(observation)
    caller, position = session.calls.get(as_text(block.get("tool_use_id")), (None, 0))
    if caller is None:
        return
    turn.parent = caller.index
    call = caller.calls[position]
    is_error = as_bool(block.get("is_error"))
    interrupted = details.get("interrupted") is True
    caller.calls[position] = replace(
        call,
        observation=observation,
        is_error=True if interrupted else is_error,
        exit_code=None if interrupted else _exit_code(call.name, observation, is_error, details),
    )


def _exit_code(
    name: str, observation: str, is_error: bool | None, details: dict[str, Any]
) -> int | None:
    """Return a shell call's status. The client marks any but 0 as an error and writes it first."""
    if name != "Bash":
        return None
    written = _EXIT_CODE.match(observation)
    if written and is_error:
        return int(written[1])
    background = details.get("backgroundTaskId") or details.get("returnCodeInterpretation")
    if "stdout" in details and not is_error and not background:
        return 0
    return None


def _read_system(session: _Session, value: dict[str, Any], index: int) -> _Turn | None:
    text = content_text(value.get("content"))
    if not text:
        return None
    turn = _start(session, value, index, "system")
    turn.texts.append(text)
    return turn


def _read_listing(session: _Session, value: dict[str, Any], index: int) -> _Turn | None:
    """Read the listing of skills that the client puts in front of the model, no other attachment."""
    attachment = as_object(value.get("attachment"))
    text = content_text(attachment.get("content"))
    if attachment.get("type") != "skill_listing" or not text:
        return None
    turn = _start(session, value, index, "system")
    turn.label = "skill_listing"
    turn.texts.append(text)
    return turn


def _finish_step(turn: _Turn) -> Step:
    return Step(
        index=turn.index,
        role=turn.role,
        text="\n".join(text for text in turn.texts if text),
        reasoning="\n".join(text for text in turn.reasoning if text),
        calls=tuple(turn.calls),
        at=turn.at,
        model=turn.model,
        input_tokens=turn.input_tokens,
        output_tokens=turn.output_tokens,
        cost_microusd=turn.cost_microusd,
        parent=turn.parent,
        label=turn.label,
        skill=turn.skill,
    )


def _finish(name: str, session: _Session) -> tuple[Trajectory, tuple[RawRecord, ...]]:
    trajectory = Trajectory(
        source=name,
        format="claude_code",
        session=session.name,
        steps=tuple(map(_finish_step, session.turns)),
        agent="claude-code",
        agent_version=session.version,
        model=session.model,
        cwd=session.cwd,
        simulated=session.version == _SIMULATED or session.cwd.startswith("/practice/"),
    )
    return trajectory, tuple(session.records)


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return the sessions in a Claude Code file; see the module for what a step is."""
    reading = _Reading(name)
    problems: list[Problem] = []
    if _EXPORT.match(data[:4096]):
        problems += _take_export(reading, data)
    else:
        for line in read_lines(data):
            if line.problem:
                problems.append(line.problem)
            reading.take(line)
    if not reading.sessions:
        reading.sessions[_stem(name)] = _Session(_stem(name), records=reading.early)
    return ImportedTrace(
        sessions=tuple(_finish(name, session) for session in reading.sessions.values()),
        problems=tuple(problems),
        skipped=dict(reading.skipped),
    )


def _take_export(reading: _Reading, data: bytes) -> list[Problem]:
    """Read the export. Its entries have no lines of their own, so the document is one record."""
    reading.early.append(RawRecord(content=data, line=1))
    document, problem = read_document(data)
    problems = [problem] if problem else []
    for index, entry in enumerate(as_list(as_object(document).get("loglines")), start=1):
        if isinstance(entry, dict):
            session = reading.enter(entry)
            if session is not None:
                reading.read(session, entry, index)
        else:
            problems.append(Problem(line=1, what=f"log line {index} is no object"))
    return problems


def sniff(_name: str, head: bytes) -> float:
    """Return the share of a file's first records that look like this client's."""
    if _EXPORT.match(head[:4096]):
        return 1.0
    objects = read_head(head)
    known = sum(map(_is_ours, objects))
    if known:
        return known / len(objects)
    # The first line alone may be longer than the head.
    first = head.partition(b"\n")[0]
    return 0.5 if b'"sessionId"' in first and b'"parentUuid"' in first and not objects else 0.0


def _is_ours(value: dict[str, Any]) -> bool:
    kind = as_text(value.get("type"))
    if kind in {"user", "assistant"}:
        return isinstance(value.get("message"), dict) and "payload" not in value
    if kind == "summary":
        return "leafUuid" in value
    return bool(kind) and "sessionId" in value and "payload" not in value


IMPORTER = Importer(name="claude_code", sniff=sniff, parse=parse)
