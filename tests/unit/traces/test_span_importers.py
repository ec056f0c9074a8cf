"""The OpenInference, OpenTelemetry and Langfuse importers, on spans written here."""

import json
from typing import Any

import pytest

from corpora.spans import (
    attribute,
    claude_logs,
    codex_logs,
    genai_span,
    genai_spans,
    langfuse,
    openinference,
    otlp,
)
from corpora.traces import FILES, jsonl, written
from lignin.domain.traces import Step, Trajectory
from lignin.traces.importer import find_importer, load_importers
from lignin.traces.importers import langfuse as langfuse_file
from lignin.traces.importers import openinference as openinference_file
from lignin.traces.importers import otel_genai
from lignin.traces.spans import as_time_ns, steps_of

IMPORTERS = load_importers()
LISTING = [
    ("system", "List the files"),
    ("user", "List the files"),
    ("assistant", ""),
    ("tool", "a.py"),
    ("assistant", "There is a.py"),
]


def first(trace: Any) -> Trajectory:
    trajectory: Trajectory = trace.sessions[0][0]
    return trajectory


def said(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    return [(step.role, step.text) for step in steps]


@pytest.mark.parametrize("kind", FILES)
def test_every_format_is_recognised_by_its_content(kind: str) -> None:
    found = find_importer(IMPORTERS, "x", written(kind))
    assert found is not None
    assert found.name == FILES[kind][0]


@pytest.mark.parametrize("kind", FILES)
def test_a_session_is_read_again_from_its_own_records(kind: str) -> None:
    form, name, _ = FILES[kind]
    importer = next(each for each in IMPORTERS if each.name == form)
    trace = importer.parse(name, written(kind))
    for trajectory, records in trace.sessions:
        data = b"".join(record.content.rstrip(b"\n") + b"\n" for record in records)
        again = importer.parse(name, data).sessions
        alike = [t for t, _ in again if t.session == trajectory.session or len(again) == 1]
        assert [t.steps for t in alike] == [trajectory.steps]


def check_listing(steps: tuple[Step, ...]) -> None:
    """One conversation, told once, with its call answered by the tool's span."""
    (call,) = [call for step in steps for call in step.calls]
    assert (call.name, call.arguments, call.observation) == ("ls", {"p": "."}, "a.py")
    assert [step.index for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.parent is None or step.parent < step.index for step in steps)
    asked = next(step for step in steps if step.calls)
    assert (asked.model, asked.input_tokens, asked.output_tokens) == ("model-a", 7, 2)


def test_openinference_tells_a_conversation_once() -> None:
    trace = openinference_file.parse("spans.jsonl", written("openinference"))
    run = first(trace)
    assert said(run.steps)[:5] == LISTING
    check_listing(run.steps)
    assert (run.session, run.agent, run.steps[2].cost_microusd) == ("t1", "lister", 10_000)
    assert [step.parent for step in run.steps[:5]] == [None, 1, 1, 1, 1]
    assert (run.steps[2].duration_s, run.steps[2].label) == (1.0, "llm s2")
    assert trace.skipped == {"evaluator s5": 1, "llm j1": 1}


def test_rows_of_a_table_export_are_spans() -> None:
    rows = []
    for span in openinference()[:4]:
        row = {key: span[key] for key in ("name", "parent_id", "start_time", "end_time")}
        row |= {f"context.{key}": each for key, each in span["context"].items()}
        row |= {f"attributes.{key}": each for key, each in span["attributes"].items()}
        row["span_kind"] = row.pop("attributes.openinference.span.kind")
        rows.append(row)
    data = json.dumps(rows).encode()
    found = find_importer(IMPORTERS, "table.json", data)
    assert found is not None
    assert found.name == "openinference"
    run = first(openinference_file.parse("table.json", data))
    assert said(run.steps) == LISTING


def test_otlp_gives_one_session_per_trace_and_each_conversation_once() -> None:
    trace = otel_genai.parse("spans.json", written("otlp"))
    assert [t.session for t, _ in trace.sessions] == ["t1", "t2"]
    for trajectory, _ in trace.sessions:
        steps = trajectory.steps
        assert said(steps)[1:5] == LISTING[1:]
        check_listing(steps)
        assert (steps[0].agent, steps[0].label) == ("lister", "invoke_agent lister")
        assert steps[2].at == "2026-01-01T00:00:01.000000Z"


def test_a_conversation_id_joins_traces() -> None:
    spans = [genai_span(n, "", "chat", 1, n, gen_ai__conversation__id="talk") for n in "ab"]
    trace = otel_genai.parse("x.json", json.dumps(otlp(spans)).encode())
    assert [t.session for t, _ in trace.sessions] == ["talk"]


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai__prompt__0__role": "user",
            "gen_ai__prompt__0__content": "hi",
            "gen_ai__completion__0__role": "assistant",
            "gen_ai__completion__0__tool_calls__0__name": "ls",
            "gen_ai__completion__0__tool_calls__0__arguments": '{"p": 1}',
        },
        {
            "ai__prompt__messages": json.dumps([{"role": "user", "content": "hi"}]),
            "ai__response__toolCalls": json.dumps(
                [{"toolCallId": "c", "toolName": "ls", "args": '{"p": 1}'}]
            ),
        },
    ],
)
def test_older_names_of_messages_are_read(attributes: dict[str, str]) -> None:
    span = genai_span("s", "", "chat", 1, **attributes)
    steps = first(otel_genai.parse("x.json", json.dumps(otlp([span])).encode())).steps
    assert said(steps) == [("user", "hi"), ("assistant", "")]
    (call,) = steps[1].calls
    assert (call.name, call.arguments) == ("ls", {"p": 1})


def test_messages_in_events_are_read() -> None:
    span = genai_span("s", "", "chat", 1, gen_ai__operation__name="chat")
    message = json.dumps({"role": "assistant", "content": "yes"})
    span["events"] = [
        {"name": "gen_ai.user.message", "attributes": [attribute("content", "hi")]},
        {"name": "gen_ai.choice", "attributes": [attribute("message", message)]},
    ]
    steps = first(otel_genai.parse("x.json", json.dumps(otlp([span])).encode())).steps
    assert said(steps) == [("user", "hi"), ("assistant", "yes")]


def test_the_logs_of_claude_code_give_skill_cost_and_failed_calls() -> None:
    run = first(otel_genai.parse("logs.jsonl", jsonl([claude_logs()])))
    assert (run.session, run.agent, run.model) == ("ses-1", "claude-code", "model-a")
    prompt, skill, request, result = run.steps
    assert (prompt.role, prompt.text) == ("user", "List the files")
    assert (skill.skill, request.skill) == ("lister", "lister")
    assert (request.input_tokens, request.output_tokens, request.cost_microusd) == (15, 3, 20_000)
    (call,) = result.calls
    assert (call.name, call.arguments, call.is_error) == ("Bash", {"command": "ls"}, True)
    assert (call.observation, result.duration_s) == ("no ls", 0.25)


def test_the_logs_of_codex_give_prompts_tokens_and_calls() -> None:
    trace = otel_genai.parse("logs.json", json.dumps(codex_logs()).encode())
    prompt, counted, result = first(trace).steps
    assert (prompt.text, counted.input_tokens, counted.output_tokens) == ("List the files", 9, 4)
    (call,) = result.calls
    assert (call.call_id, call.arguments, call.observation) == ("c1", {"command": ["ls"]}, "a.py")
    assert trace.skipped == {"codex.sse_event": 1}


def test_inner_spans_of_codex_are_kept_and_are_no_steps() -> None:
    spans = [genai_span("a", "", "handle_event", 1), genai_spans()[1]]
    data = json.dumps(otlp(spans, service="codex_cli_rs")).encode()
    trace = otel_genai.parse("x.json", data)
    assert trace.skipped == {"handle_event": 1}
    assert b"".join(r.content for _, own in trace.sessions for r in own) == data


def test_a_log_that_repeats_a_span_counts_no_tokens_twice() -> None:
    span = genai_span("s", "", "claude_code.llm_request", 1, session__id="ses-1", input_tokens=5)
    data = jsonl([otlp([span], service="claude-code"), claude_logs()])
    steps = first(otel_genai.parse("x.jsonl", data)).steps
    assert [step.input_tokens for step in steps if step.input_tokens is not None] == [5]
    assert [step.cost_microusd for step in steps if step.cost_microusd] == [20_000]


def test_spans_in_python_console_form_are_read() -> None:
    span = {
        "name": "chat",
        "context": {"trace_id": "0xab", "span_id": "0x01", "trace_state": "[]"},
        "parent_id": None,
        "start_time": "2026-01-01T00:00:00.5Z",
        "end_time": "2026-01-01T00:00:02.0Z",
        "status": {"status_code": "ERROR", "description": "refused"},
        "attributes": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
    }
    data = b"\n".join(json.dumps(span, indent=4).encode() for _ in range(2))
    run = first(otel_genai.parse("x.json", data))
    assert (run.session, len(run.steps)) == ("ab", 1)
    assert (run.steps[0].error, run.steps[0].duration_s) == ("refused", 1.5)


@pytest.mark.parametrize("kind", ["langfuse", "langfuse_trace"])
def test_langfuse_observations_tell_a_conversation_once(kind: str) -> None:
    _, name, _ = FILES[kind]
    run = first(langfuse_file.parse(name, written(kind)))
    assert said(run.steps) == LISTING
    check_listing(run.steps)
    assert (run.session, run.steps[2].cost_microusd) == ("t1", 10_000)


def test_a_failed_observation_says_what_went_wrong() -> None:
    row = {**langfuse()[2], "level": "ERROR", "status_message": "gone", "output": None}
    (step,) = first(langfuse_file.parse("x.jsonl", jsonl([row]))).steps
    assert (step.error, step.calls[0].observation, step.calls[0].is_error) == ("gone", "gone", True)


def test_spans_in_a_circle_are_all_steps() -> None:
    spans = [genai_span(n, m, "x", 1) for n, m in (("a", "b"), ("b", "a"), ("c", "c"))]
    steps = first(otel_genai.parse("x.json", json.dumps(otlp(spans)).encode())).steps
    assert len(steps) == 3
    assert steps_of([]) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1767225600000000000", 1767225600000000000),
        (1767225600000, 1767225600000000000),
        ("2026-01-01 00:00:00.000001", 1767225600000001000),
        ("2026-01-01T01:00:00+01:00", 1767225600000000000),
        ("soon", None),
        (True, None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_times_are_read_in_every_unit(value: Any, expected: int | None) -> None:
    assert as_time_ns(value) == expected
