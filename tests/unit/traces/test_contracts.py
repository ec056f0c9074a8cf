"""What a trace's own tool definitions say of its tools."""

import json
from typing import Any

import pytest

from corpora.spans import openinference
from corpora.traces import jsonl
from lignin.domain.traces import Trajectory
from lignin.traces.contracts import MAX_TOOLS, declared_effects
from lignin.traces.effects import calls_of
from lignin.traces.importers import lignin_run, otel_genai
from lignin.traces.importers import openinference as openinference_file

LOCK = {"name": "get_lock", "annotations": {"readOnlyHint": False}}
VIEW = {"name": "update_view", "annotations": {"readOnlyHint": True}}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (VIEW, {"update_view": "read"}),
        (json.dumps(VIEW), {"update_view": "read"}),
        ({"type": "function", "function": VIEW}, {"update_view": "read"}),
        ({"function": {"name": "x"}, "annotations": {"read_only_hint": True}}, {"x": "read"}),
        (LOCK, {"get_lock": "write"}),
        ({"name": "x", "annotations": {"destructiveHint": True}}, {"x": "write"}),
        ({"name": "x", "annotations": {"destructiveHint": False}}, {}),
        ({"name": "x", "annotations": {"readOnlyHint": "yes"}}, {}),
        ({"name": "x"}, {}),
        ("{broken", {}),
        (None, {}),
        ([VIEW], {}),
    ],
)
def test_only_what_a_definition_says_is_declared(definition: Any, expected: dict[str, str]) -> None:
    assert declared_effects([definition]) == expected


def test_where_two_definitions_disagree_the_tool_writes() -> None:
    reads = {"name": "x", "annotations": {"readOnlyHint": True}}
    writes = {"name": "x", "annotations": {"readOnlyHint": False}}
    assert declared_effects([reads, writes]) == declared_effects([writes, reads]) == {"x": "write"}


def test_the_number_of_tools_is_bounded() -> None:
    many = [{"name": f"t{n}", "annotations": {"readOnlyHint": True}} for n in range(MAX_TOOLS + 9)]
    assert len(declared_effects(many)) == MAX_TOOLS


def kinds(run: Trajectory) -> list[tuple[str, str]]:
    return [(made.call.name, made.kind) for made in calls_of(run)]


def genai(definitions: Any) -> Trajectory:
    spans = [
        {
            "traceId": "t1",
            "spanId": f"s{number}",
            "name": name,
            "startTimeUnixNano": str(10**18 + number),
            "attributes": {"gen_ai.operation.name": operation, **more},
        }
        for number, (name, operation, more) in enumerate(
            [
                ("chat", "chat", {"gen_ai.tool.definitions": definitions}),
                ("tool", "execute_tool", {"gen_ai.tool.name": "update_view"}),
                ("tool", "execute_tool", {"gen_ai.tool.name": "get_lock"}),
            ]
        )
    ]
    return otel_genai.parse("spans.jsonl", jsonl(spans)).sessions[0][0]


def test_definitions_in_telemetry_decide_what_its_calls_are() -> None:
    assert kinds(genai(None)) == [("update_view", "write"), ("get_lock", "read")]
    for definitions in ([VIEW, LOCK], json.dumps([VIEW, LOCK])):
        declared = genai(definitions)
        assert kinds(declared) == [("update_view", "read"), ("get_lock", "write")]


def test_definitions_in_openinference_decide_too() -> None:
    spans = openinference()
    plain = openinference_file.parse("s.jsonl", jsonl(spans)).sessions[0][0]
    assert kinds(plain) == [("ls", "read")]
    writes = {"type": "function", "function": {"name": "ls"}, "annotations": LOCK["annotations"]}
    model = next(span for span in spans if span["name"].startswith("llm"))
    model["attributes"]["llm.tools.0.tool.json_schema"] = json.dumps(writes)
    declared = openinference_file.parse("s.jsonl", jsonl(spans)).sessions[0][0]
    assert kinds(declared) == [("ls", "write")]


def test_definitions_in_a_run_of_ones_own_decide_too() -> None:
    call = {"id": "c1", "function": {"name": "get_lock", "arguments": "{}"}}
    run = {"lignin_run": 1, "messages": [{"role": "assistant", "tool_calls": [call]}]}
    for tools, kind in (([], "read"), ([LOCK], "write")):
        trace = lignin_run.parse("r.jsonl", jsonl([{**run, "tools": tools}]))
        assert kinds(trace.sessions[0][0]) == [("get_lock", kind)]
