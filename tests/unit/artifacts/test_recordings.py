"""The form of recordings: what is read back, what is refused, and what a trace yields."""

import json
from typing import Any

import pytest

from lignin.artifacts import recordings
from lignin.artifacts.recordings import calls_of, parse_recording, write_recording
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.ports.environment import RecordedCall
from lignin.ports.tools import Observation, ToolSpec

GET = ToolSpec(name="get", description="", input={}, effect="read", idempotent=True)
PUT = ToolSpec(name="put", description="", input={}, effect="write", idempotent=False)
TOOLS = {"get": GET, "put": PUT}


def recorded(tool: str, version: int, observation: Observation) -> RecordedCall:
    return RecordedCall(
        tool=tool, arguments={"key": 1}, observation=observation, state_version=version
    )


CALLS = (
    recorded("get", 0, Observation(result={"a": [1, None]})),
    recorded("put", 0, Observation(error="refused", message="no")),
    recorded("put", 0, Observation(result=0)),
    recorded("get", 1, Observation(result="text")),
)


def lines(*rows: Json, header: dict[str, Any] | None = None) -> bytes:
    first = {"lignin_recording": 1, "tools": {"get": {"effect": "read"}}} | (header or {})
    return b"\n".join(json.dumps(row).encode() for row in (first, *rows))


def test_what_is_written_is_read_back_with_its_states() -> None:
    raw = write_recording(TOOLS.values(), CALLS, start="s")
    read = parse_recording(raw)
    assert (read.recording.calls, read.tools) == (CALLS, TOOLS)
    assert parse_recording(write_recording(TOOLS.values(), CALLS, start="t")).digest != read.digest


def test_requests_and_keys_are_read() -> None:
    row = {"request": {"url": "https://a.test/"}, "reply": {"status": 200, "body": "x"}}
    keyed = {"tools": {"get": {"effect": "read", "keys": ["id"]}}}
    read = parse_recording(lines(row, header=keyed))
    assert [each.reply for each in read.exchanges] == [b"x"]
    assert read.keys == {"get": ["id"]}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "empty"),
        (b"no json", "line 1"),
        (b"[]", "line 1: no JSON object"),
        (lines(header={"lignin_recording": 2}), "line 1: lignin_recording"),
        (lines(header={"more": 1}), "line 1: more"),
        (lines(header={"tools": {"a b": {}}}), "line 1: tools"),
        (lines(header={"tools": {"get": {"effect": "both"}}}), "line 1: tools.get.effect"),
        (lines({"tool": "put", "arguments": {}}), "line 2: the header does not name"),
        (lines({"tool": "get", "arguments": []}), "line 2: arguments"),
        (lines({"tool": "get", "arguments": {}, "result": 1, "error": "e"}), "or an error"),
        (lines({"tool": "get", "arguments": {}, "error": "two words"}), "line 2: error"),
        (lines({"tool": "get", "arguments": {}, "other": 1}), "line 2: other"),
        (lines({"request": {"url": "x"}, "reply": {"status": 100}}), "line 2: reply.status"),
        (lines({"request": {"url": "x", "method": "TRACE"}, "reply": {"status": 200}}), "method"),
    ],
)
def test_recording_of_another_form_is_refused_with_its_line(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_recording(raw)
    assert said in caught.value.message


def test_recordings_are_bounded() -> None:
    with pytest.raises(LimitedError, match="lines"):
        parse_recording(b"{}\n" * (recordings.MAX_LINES + 1))
    with pytest.raises(LimitedError, match="line 1"):
        parse_recording(b" " * (recordings.MAX_LINE_BYTES + 1) + b"{}")
    with pytest.raises(LimitedError, match="bytes"):
        parse_recording(b"\n" * (recordings.MAX_BYTES + 1))


def trace(*calls: tuple[str, str | None, bool]) -> Trajectory:
    made = tuple(
        ToolCall(call_id=str(at), name=name, arguments={}, observation=text, is_error=failed)
        for at, (name, text, failed) in enumerate(calls)
    )
    steps = (Step(index=1, role="assistant", calls=made),)
    return Trajectory(source="f", format="x", session="s", steps=steps)


def test_calls_of_a_trace_keep_order_errors_and_state() -> None:
    found = calls_of(
        trace(("get", '{"a": 1}', False), ("other", "x", False), ("put", "no", True)), TOOLS
    )
    assert [call.observation for call in found] == [
        Observation(result={"a": 1}),
        Observation(error="tool_error", message="no"),
    ]
    later = calls_of(trace(("put", "done", False), ("get", "12", False)), TOOLS)
    assert [(call.observation.result, call.state_version) for call in later] == [
        ("done", 0),
        ("12", 1),
    ]


def test_nothing_is_recorded_after_a_write_without_an_observation() -> None:
    asked = trace(
        ("get", None, False), ("get", "a", False), ("put", None, False), ("get", "b", False)
    )
    assert [call.observation.result for call in calls_of(asked, TOOLS)] == ["a"]


def test_recording_of_several_runs_keeps_the_state_that_each_change_led_to() -> None:
    put = ToolSpec(name="put", description="", input={}, effect="write", idempotent=False)
    calls = [
        RecordedCall(
            tool="put",
            arguments={"value": value},
            observation=Observation(result={"done": value}),
            state_version=0,
            next_version=value,
        )
        for value in (1, 2)
    ]
    read = parse_recording(write_recording([put], calls))
    assert list(read.recording.calls) == calls


def test_state_that_is_no_number_from_nought_is_refused() -> None:
    header = b'{"lignin_recording": 1, "tools": {"put": {}}}\n'
    line = b'{"tool": "put", "arguments": {}, "result": 1, "state": -1, "next": 1}\n'
    with pytest.raises(InvalidRequestError, match="line 2: state"):
        parse_recording(header + line)
