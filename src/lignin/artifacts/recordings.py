"""Recordings: what tools and hosts answered once, as a file that can be replayed in a verification.

JSON lines. The first is the header: `{"lignin_recording": 1, "start": TEXT, "tools": {NAME: CONTRACT}}`
with each tool's contract (`effect`, `input`, `idempotent`, `errors`, and `keys`, the arguments that
decide a read's answer). Every other line is a call in its order, `{"tool", "arguments", "result"}` or
`{"tool", "arguments", "error", "message"}`; where several runs were recorded, with the `state` it was made
in and the `next` one that it left, both numbers from 0, the start. Or a request, `{"request": {"method", "url", "body"},
"reply": {"status", "headers", "body"}}`. Pure; owns the form and its bounds, not the matching.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, digest_json, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError, LimitedError
from lignin.domain.traces import ToolCall, Trajectory
from lignin.ports.broker import Exchange
from lignin.ports.environment import RecordedCall, Recording
from lignin.ports.tools import Observation, ToolEffect, ToolSpec, result_of_text

VERSION = 1
MAX_BYTES = 8 * 2**20
MAX_LINES = 5000
MAX_LINE_BYTES = 2**20
MAX_TOOLS = 200
TRACE_ERROR = "tool_error"
"""The error's name where a trace says only that a call failed."""

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}"
_Name = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]
_Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,59}$")]


def is_tool_name(name: str) -> bool:
    """True for what a recording, and so a sandbox, can call a tool."""
    return re.fullmatch(_NAME, name) is not None


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


Model = TypeVar("Model", bound=_Line)


class Contract(_Line):
    """A tool's contract as the header states it."""

    description: str = ""
    input: dict[str, Json] = Field(default_factory=lambda: {"type": "object"})
    effect: ToolEffect = "write"
    idempotent: bool = False
    errors: list[_Code] = Field(default_factory=list)
    keys: list[str] | None = None

    def to_spec(self, name: str) -> ToolSpec:
        """The contract as the broker compares it."""
        return ToolSpec(
            name=name,
            description=self.description,
            input=self.input,
            effect=self.effect,
            idempotent=self.idempotent,
            errors=tuple(self.errors),
        )


class _Header(_Line):
    lignin_recording: Literal[1]
    start: str = Field("", max_length=200)
    tools: dict[_Name, Contract] = Field(default_factory=dict, max_length=MAX_TOOLS)


class _Call(_Line):
    tool: _Name
    arguments: dict[str, Json]
    result: Json = None
    error: _Code | None = None
    message: str = ""
    state: int | None = Field(None, ge=0, le=MAX_LINES)
    next: int | None = Field(None, ge=0, le=MAX_LINES)


class _Request(_Line):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    url: str = Field(max_length=8000)
    body: str = ""


class _Reply(_Line):
    status: int = Field(ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    body: str = ""


class _Exchange(_Line):
    request: _Request
    reply: _Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording that was read. `keys` are those that the header declares."""

    digest: Digest
    recording: Recording
    tools: Mapping[str, ToolSpec]
    keys: Mapping[str, Sequence[str]]
    exchanges: tuple[Exchange, ...]


def parse_recording(raw: bytes) -> Recorded:
    """Read an untrusted recording.

    Raises:
        InvalidRequestError: A line that does not fit the form, with its number; a call of a tool
            that the header does not name.
        LimitedError: Too large.
    """
    lines = _lines(raw)
    if not lines:
        raise InvalidRequestError("the recording is empty", hint="its first line is the header")
    header = _read(_Header, 1, lines[0])
    tools = {name: contract.to_spec(name) for name, contract in header.tools.items()}
    calls: list[RecordedCall] = []
    exchanges: list[Exchange] = []
    writes = 0
    for number, line in enumerate(lines[1:], start=2):
        if "request" in line:
            exchanges.append(_exchange(_read(_Exchange, number, line)))
            continue
        call = _read(_Call, number, line)
        if call.tool not in tools:
            raise InvalidRequestError(
                f"the recording, line {number}: the header does not name the tool {call.tool}"
            )
        if call.error is not None and call.result is not None:
            raise InvalidRequestError(
                f"the recording, line {number}: a call has a result or an error"
            )
        observation = Observation(result=call.result, error=call.error, message=call.message)
        calls.append(
            RecordedCall(
                tool=call.tool,
                arguments=call.arguments,
                observation=observation,
                state_version=writes if call.state is None else call.state,
                next_version=call.next,
            )
        )
        writes += tools[call.tool].effect == "write" and not observation.is_error
    keys = {name: each.keys for name, each in header.tools.items() if each.keys is not None}
    return Recorded(
        digest=digest_bytes(raw),
        recording=Recording(start_state=digest_json(header.start), calls=tuple(calls)),
        tools=tools,
        keys=keys,
        exchanges=tuple(exchanges),
    )


def write_recording(
    tools: Iterable[ToolSpec], calls: Iterable[RecordedCall], *, start: str = ""
) -> bytes:
    """Write calls of some tools as a recording; `parse_recording` reads it back."""
    header: dict[str, Json] = {
        "lignin_recording": VERSION,
        "start": start,
        "tools": {
            spec.name: {
                "description": spec.description,
                "input": dict(spec.input),
                "effect": spec.effect,
                "idempotent": spec.idempotent,
                "errors": list(spec.errors),
            }
            for spec in tools
        },
    }
    return b"".join(canonical_bytes(line) + b"\n" for line in [header, *map(_call_line, calls)])


def calls_of(trajectory: Trajectory, tools: Mapping[str, ToolSpec]) -> tuple[RecordedCall, ...]:
    """Return what a trace shows of some tools: their calls in order, as far as the state is known.

    A failed call has the error
    `tool_error`. A read without an observation is left out; after a write without one nobody knows
    the state, so the recording ends there.
    """
    found: list[RecordedCall] = []
    writes = 0
    for call in [each for step in trajectory.steps for each in step.calls if each.name in tools]:
        is_write = tools[call.name].effect == "write"
        if call.observation is None:
            if is_write:
                break
            continue
        observation = _observation(call)
        found.append(
            RecordedCall(
                tool=call.name,
                arguments=dict(call.arguments),
                observation=observation,
                state_version=writes,
            )
        )
        writes += is_write and not observation.is_error
    return tuple(found)


def _observation(call: ToolCall) -> Observation:
    text = call.observation or ""
    if call.is_error or call.exit_code:
        return Observation(error=TRACE_ERROR, message=text)
    return Observation(result=result_of_text(text))


def _call_line(call: RecordedCall) -> Json:
    line: dict[str, Json] = {"tool": call.tool, "arguments": dict(call.arguments)}
    if call.next_version is not None:
        line |= {"state": call.state_version, "next": call.next_version}
    if call.observation.is_error:
        return line | {"error": call.observation.error, "message": call.observation.message}
    return line | {"result": call.observation.result}


def _exchange(line: _Exchange) -> Exchange:
    return Exchange(
        method=line.request.method,
        url=line.request.url,
        body=line.request.body.encode(),
        status=line.reply.status,
        headers=tuple(line.reply.headers.items()),
        reply=line.reply.body.encode(),
    )


def _lines(raw: bytes) -> list[Mapping[str, Json]]:
    if len(raw) > MAX_BYTES:
        raise LimitedError(f"the recording has {len(raw)} bytes; at most {MAX_BYTES} are read")
    rows = [row for row in raw.split(b"\n") if row.strip()]
    if len(rows) > MAX_LINES:
        raise LimitedError(f"the recording has {len(rows)} lines; at most {MAX_LINES} are read")
    return [_object(number, row) for number, row in enumerate(rows, start=1)]


def _object(number: int, row: bytes) -> Mapping[str, Json]:
    if len(row) > MAX_LINE_BYTES:
        raise LimitedError(f"the recording, line {number}: at most {MAX_LINE_BYTES} bytes are read")
    try:
        value = parse_json(row)
    except CodecError as error:
        raise InvalidRequestError(f"the recording, line {number}: {error.message}") from error
    if not isinstance(value, dict):
        raise InvalidRequestError(f"the recording, line {number}: no JSON object")
    return value


def _read(model: type[Model], number: int, line: Mapping[str, Json]) -> Model:
    try:
        return model.model_validate(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "line"
        raise InvalidRequestError(
            f"the recording, line {number}: {where:.80}: {first['msg']}"
        ) from None
