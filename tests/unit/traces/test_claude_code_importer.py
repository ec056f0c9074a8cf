"""The Claude Code importer, on sessions written here."""

import json
from typing import Any

import pytest

from lignin.domain.traces import ImportedTrace
from lignin.traces.importers.claude_code import parse, sniff

COMMON = {"sessionId": "s1", "cwd": "/project", "version": "2.1.0", "isSidechain": False}


def session(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {**COMMON, "type": "user", "message": {"role": "user", "content": content}, **more}


def assistant(*blocks: Any, message_id: str = "m1", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 5}
    message = {"id": message_id, "role": "assistant", "model": "model-a", "usage": usage}
    return {**COMMON, "type": "assistant", "message": {**message, "content": [*blocks]}, **more}


def call(call_id: str, name: str = "Bash", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def assert_lossless(trace: ImportedTrace, data: bytes) -> None:
    records = [record for _, own in trace.sessions for record in own]
    assert b"".join(r.content for r in sorted(records, key=lambda r: r.line)) == data


def test_lines_that_share_a_message_id_are_one_step_whose_tokens_count_once() -> None:
    data = session(
        user("add numbers"),
        assistant({"type": "thinking", "thinking": "plan"}),
        assistant({"type": "text", "text": "I will."}),
        assistant(call("t1", command="ls")),
    )
    trace = parse("a.jsonl", data)
    trajectory, _ = trace.sessions[0]
    asked, answered = trajectory.steps
    assert (asked.role, asked.text, asked.index) == ("user", "add numbers", 1)
    assert (answered.text, answered.reasoning, answered.index) == ("I will.", "plan", 2)
    assert (answered.input_tokens, answered.output_tokens) == (100, 5)
    assert answered.calls[0].arguments == {"command": "ls"}
    assert (trajectory.session, trajectory.cwd, trajectory.model) == ("s1", "/project", "model-a")
    assert_lossless(trace, data)


def test_results_of_parallel_calls_find_their_calls_in_later_lines() -> None:
    data = session(
        assistant(call("t1", command="a")),
        assistant(call("t2", command="b")),
        user([result("t2", [{"type": "text", "text": "two"}])]),
        user([result("t1", "one")]),
    )
    steps = parse("a.jsonl", data).sessions[0][0].steps
    assert [(c.call_id, c.observation) for c in steps[0].calls] == [("t1", "one"), ("t2", "two")]
    assert [(s.role, s.text, s.parent) for s in steps[1:]] == [
        ("tool", "two", 1),
        ("tool", "one", 1),
    ]


@pytest.mark.parametrize(
    ("content", "is_error", "structured", "expected"),
    [
        ("done", False, {"stdout": "done", "stderr": "", "interrupted": False}, (0, False)),
        ("Exit code 3\nboom", True, "Error: Exit code 3\nboom", (3, True)),
        ("partial", False, {"stdout": "partial", "interrupted": True}, (None, True)),
        ("no", False, {"stdout": "no", "returnCodeInterpretation": "No matches"}, (None, False)),
        ("quiet", None, None, (None, None)),
    ],
)
def test_exit_code_is_read_where_the_trace_tells_it(
    content: str, is_error: Any, structured: Any, expected: Any
) -> None:
    data = session(
        assistant(call("t1", command="x")),
        user([result("t1", content, is_error=is_error)], toolUseResult=structured),
    )
    found = parse("a.jsonl", data).sessions[0][0].steps[0].calls[0]
    assert (found.exit_code, found.is_error) == expected
    assert found.observation == content


def test_output_is_taken_from_the_structured_result_where_the_text_is_empty() -> None:
    structured = {"stdout": "out", "stderr": "err", "interrupted": False}
    data = session(
        assistant(call("t1", command="x")), user([result("t1", "")], toolUseResult=structured)
    )
    assert parse("a", data).sessions[0][0].steps[0].calls[0].observation == "out\nerr"


def test_sub_agents_are_sessions_of_their_own() -> None:
    side = {"isSidechain": True}
    data = session(
        user("main", uuid="u1"),
        user("task", uuid="a1", parentUuid=None, **side),
        assistant(
            {"type": "text", "text": "sub"}, message_id="m9", uuid="a2", parentUuid="a1", **side
        ),
        assistant({"type": "text", "text": "back"}, uuid="u2", parentUuid="u1"),
        user("other", uuid="b1", agentId="x7", **side),
    )
    trace = parse("a.jsonl", data)
    texts = {t.session: [step.text for step in t.steps] for t, _ in trace.sessions}
    assert texts == {
        "s1": ["main", "back"],
        "s1/side-a1": ["task", "sub"],
        "s1/agent-x7": ["other"],
    }
    assert trace.sessions[0][0].steps[1].parent == 1
    assert_lossless(trace, data)


def test_unknown_records_stay_records_and_are_counted() -> None:
    data = session(
        user("hi"),
        {"type": "hologram", "sessionId": "s1"},
        {"type": "summary", "leafUuid": "x", "summary": "s"},
        {"type": "user", "sessionId": "s1", "message": "odd"},
    )
    trace = parse("a.jsonl", data)
    assert trace.skipped == {"hologram": 1, "user (odd)": 1}
    assert trace.problems == ()
    assert len(trace.sessions[0][1]) == 4


def test_broken_lines_are_reported_with_their_number_and_the_rest_is_read() -> None:
    good = session(user("hi"))
    data = (
        b"\xef\xbb\xbf" + good.replace(b"\n", b"\r\n") + b"{broken\n\0\0\n[1]\n\xff\xfe\n\n" + good
    )
    trace = parse("a.jsonl", data)
    assert [(p.line, p.what.split(":")[0].split(" at")[0]) for p in trace.problems] == [
        (2, "not JSON"),
        (3, "not JSON"),
        (4, "not a JSON object but list"),
        (5, "not UTF-8"),
    ]
    assert [step.index for step in trace.sessions[0][0].steps] == [1, 7]
    assert_lossless(trace, data)


def test_an_unfinished_last_line_is_reported_as_incomplete() -> None:
    data = session(user("hi")) + b'{"type":"user","mess'
    trace = parse("a.jsonl", data)
    assert trace.problems[0].what.startswith("incomplete last line")
    assert trace.sessions[0][1][-1].content == b'{"type":"user","mess'


def test_a_file_of_which_nothing_can_be_read_keeps_its_bytes() -> None:
    data = b"{\n{\n"
    trace = parse("x/broken.jsonl", data)
    assert trace.sessions[0][0].session == "broken"
    assert trace.sessions[0][0].steps == ()
    assert_lossless(trace, data)


def test_an_export_with_log_lines_is_read_like_a_session() -> None:
    entries = [user("hi"), assistant(call("t1", command="ls")), 5, user([result("t1", "a")])]
    data = json.dumps({"loglines": entries}, indent=2).encode()
    assert sniff("a.json", data) == 1.0
    trace = parse("a.json", data)
    assert [step.index for step in trace.sessions[0][0].steps] == [1, 2, 4]
    assert trace.sessions[0][0].steps[1].calls[0].observation == "a"
    assert [problem.what for problem in trace.problems] == ["log line 3 is no object"]
    assert_lossless(trace, data)


@pytest.mark.parametrize("more", [{"version": "practice-desk"}, {"cwd": "/practice/desk"}])
def test_practice_sessions_are_marked_as_simulated(more: dict[str, str]) -> None:
    assert parse("a", session(user("hi", **more))).sessions[0][0].simulated
    assert not parse("a", session(user("hi"))).sessions[0][0].simulated


def test_what_the_client_injects_is_not_the_users_word() -> None:
    trace = parse("a", session(user("Caveat", isMeta=True), user("real")))
    assert [step.role for step in trace.sessions[0][0].steps] == ["system", "user"]


def test_lone_surrogates_and_huge_integers_get_a_canonical_form() -> None:
    data = session(assistant(call("t1", text="\ud800x", number=2**60)))
    assert b"\\ud800" in data
    arguments = parse("a", data).sessions[0][0].steps[0].calls[0].arguments
    assert arguments == {"text": "?x", "number": str(2**60)}
