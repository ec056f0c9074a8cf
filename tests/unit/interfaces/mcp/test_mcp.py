"""Tools and skills over MCP, with both clients and in both eras."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp.skills import SkillsClientExtension

from lignin.operations.context import Serving
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.interfaces.serving import DOUBLE, EXAMPLES, OPERATIONS, Served, serving_store, with_client

WHY = {"rationale": "a test wants it"}
ERAS = ("2026-07-28", "2025-11-25")


@pytest.fixture
def governed(tmp_path: Path, sandbox: ProcessSandbox) -> Iterator[Served]:
    """A server with every tool."""
    with serving_store(tmp_path, sandbox, Serving(every=True, govern=True)) as made:
        yield made


def call(served: Served, name: str, arguments: dict[str, Any], **options: Any) -> Any:
    """One call of a tool."""

    async def ask(client: Any) -> Any:
        return await client.call_tool(name, {**arguments, **WHY}, raise_on_error=False)

    return with_client(served, ask, **options)


def said(result: Any) -> Any:
    return json.loads(result.content[0].text)


def promote(served: Served) -> str:
    captured = served.post("artifact.capture", **DOUBLE).json
    served.decide("artifact.promote", name="double")
    return str(captured["digest"])


def test_an_agent_captures_and_calls_what_it_wrote_at_once(served: Served) -> None:
    async def work(client: Any) -> Any:
        captured = await client.call_tool("artifact_capture", {**DOUBLE, "examples": None, **WHY})
        called = await client.call_tool(
            "artifact_call", {"name": "double", "input": {"number": 4}, **WHY}
        )
        return captured.structured_content, called.structured_content

    captured, called = with_client(served, work)
    assert (captured["state"], called["output"]) == ("draft", 8)


def test_another_client_does_not_see_that_draft(served: Served) -> None:
    from mcp_types import Implementation

    call(served, "artifact_capture", {**DOUBLE, "examples": None})
    other = Implementation(name="another", version="1")
    refused = call(served, "artifact_show", {"name": "double"}, client_info=other)
    assert refused.is_error and said(refused)["code"] == "not_found"


def test_an_agent_acts_as_an_agent_and_the_person_is_accountable(served: Served) -> None:
    call(served, "artifact_capture", DOUBLE)
    shown = served.get("artifact.show", name="double").json
    assert shown["owner"] == "user:tester"
    assert shown["provenance"][0]["author"].startswith("agent:")


def test_structured_content_is_the_answer_and_so_is_the_text(served: Served) -> None:
    found = call(served, "artifact_search", {"query": "anything"})
    assert found.structured_content == said(found)
    assert found.structured_content["total"] == 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("artifact_capture", {"path": "/etc/passwd"}),
        ("artifact_capture", {**DOUBLE, "recordings": "/etc/passwd"}),
        ("artifact_call", {"name": "a", "tools": "server"}),
    ],
)
def test_files_and_servers_of_the_machine_are_denied(
    served: Served, name: str, arguments: dict[str, Any]
) -> None:
    refused = call(served, name, arguments)
    assert refused.is_error and said(refused)["code"] == "denied"
    assert "root:" not in refused.content[0].text


def test_a_governing_tool_is_not_there_unless_that_is_on(served: Served) -> None:
    refused = call(served, "artifact_promote", {"name": "double"})
    assert refused.is_error and "Unknown tool" in refused.content[0].text


def test_a_governing_tool_refuses_where_nobody_can_be_asked(governed: Served) -> None:
    refused = call(governed, "head_create", {"name": "other"})
    assert refused.is_error and said(refused)["code"] == "denied"
    assert "other" not in governed.get("head.list").text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("agrees", [True, False])
def test_the_person_is_asked_before_a_governing_tool_does_anything(
    governed: Served, era: str, agrees: bool
) -> None:
    asked = []

    async def answer(message: str, response_type: Any, params: Any, context: Any) -> Any:
        asked.append(message)
        name = next(iter(params.requested_schema["properties"]))
        return {name: agrees}

    result = call(
        governed, "head_create", {"name": "other"}, elicitation_handler=answer, mode=_mode(era)
    )
    assert len(asked) == 1 and "head_create" in asked[0]
    assert result.is_error is not agrees
    assert ("other" in governed.get("head.list").text) is agrees


def test_an_answer_to_a_question_that_was_not_asked_counts_for_nothing(governed: Served) -> None:
    async def forge(client: Any) -> Any:
        return await client.session.call_tool(
            "head_create",
            {"name": "other", **WHY},
            input_responses={"confirm": {"action": "accept", "content": {"confirm": True}}},
            request_state="forged",
        )

    with pytest.raises(Exception):  # noqa: B017 - the framework refuses a state that it did not seal
        with_client(governed, forge)
    assert "other" not in governed.get("head.list").text


def test_no_agent_approves_its_own_work(governed: Served) -> None:
    async def yes(message: str, response_type: Any, params: Any, context: Any) -> Any:
        return {"confirm": True}

    call(governed, "artifact_capture", DOUBLE)
    refused = call(
        governed, "artifact_promote", {"name": "double", "approve": True}, elicitation_handler=yes
    )
    assert refused.is_error and said(refused)["code"] == "denied"


def test_the_rationale_is_kept_and_mined_for_what_nothing_served(served: Served) -> None:
    for number in range(3):
        call(served, "artifact_search", {"query": f"convert invoice {number} to euros"})
    needs = served.get("report.needs", least=2).json
    assert needs["calls"] == 3
    (need,) = needs["items"]
    assert (need["count"], need["operation"], need["outcomes"]) == (
        3,
        "artifact.search",
        {"empty": 3},
    )
    assert need["rationales"] == ["a test wants it"] * 3


@pytest.mark.parametrize(
    ("rationale", "told"),
    [
        ("", "says nothing"),
        (" \n\t ", "says nothing"),
        (7, "is a int"),
        (None, "is a NoneType"),
        ("x" * 2001, "has 2001 characters"),
        ("x" * 300_000, "has 300000 characters"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_a_rationale_that_says_nothing_or_too_much_is_refused(
    served: Served, rationale: Any, told: str
) -> None:
    async def ask(client: Any) -> Any:
        asked = {"query": "q", "rationale": rationale}
        return await client.call_tool("artifact_search", asked, raise_on_error=False)

    refused = with_client(served, ask)
    assert refused.is_error
    assert said(refused)["error"] == f"rationale {told}: a text of 1 to 2,000 characters is needed"


def test_a_session_is_of_the_client_that_is_connected_and_of_no_person(governed: Served) -> None:
    from mcp_types import Implementation

    who = Implementation(name="Codex CLI", version="1")
    started = call(governed, "session_start", {"client": "claude-code"}, client_info=who)
    assert started.structured_content["facts"]["client"] == "codex-cli"
    for field in ("client", "agent", "model"):
        refused = call(governed, "session_start", {field: " User:ann"}, client_info=who)
        assert refused.is_error
        assert said(refused)["error"] == f"the {field} of a session is no person: ' User:ann'"


def test_errors_speak_of_arguments_and_not_of_a_command_line(served: Served) -> None:
    lacking = said(call(served, "artifact_capture", {}))
    assert lacking["error"] == "nothing is handed over"
    assert lacking["remediation"].startswith("files with their texts")
    unlabelled = said(call(served, "trace_feedback", {"session": "s", "reason": "r"}))
    assert "label: failure, success or infrastructure" in unlabelled["remediation"]
    assert "--" not in json.dumps([lacking, unlabelled])


def test_a_rationale_holds_no_secret(served: Served) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    arguments = {"query": "nothing like it", "rationale": f"with {secret} " + "x" * 1900}

    async def ask(client: Any) -> Any:
        return await client.call_tool("artifact_search", arguments)

    with_client(served, ask)
    with served.context.view() as view:
        kept = view.contents("record/calls")[0]
    assert kept is not None
    assert secret.encode() not in kept and b"[redacted:" in kept
    assert len(kept) < 3000


def test_what_is_not_there_is_a_need_and_a_dry_run_is_not(served: Served) -> None:
    call(served, "artifact_show", {"name": "pdf-splitter"})
    call(served, "lesson_propose", {"text": "look before you leap", "dry_run": True})
    needs = served.get("report.needs").json
    assert [each["outcomes"] for each in needs["items"]] == [{"not_found": 1}]
    assert served.get("lesson.list").json["total"] == 0


def test_every_hit_says_how_it_is_called_and_what_is_served_comes_first(served: Served) -> None:
    for name, text in [("format_money", "money money"), ("format_euros", "money")]:
        code = f'def {name}(number: int) -> int:\n    """Format {text}."""\n    return number * 2\n'
        assert (
            served.post("artifact.capture", files={f"{name}.py": code}, examples=EXAMPLES).status
            == 200
        )
    served.decide("artifact.promote", name="format-euros")
    hits = call(served, "artifact_search", {"query": "format money"}).structured_content["items"]
    first, second = hits
    assert (first["name"], first["call"]) == ("format-euros", "format-euros")
    assert second["call"] == f"format-money@{second['digest'][7:19]}"
    for hit in hits:
        answer = call(served, "artifact_call", {"name": hit["call"], "input": {"number": 2}})
        assert answer.structured_content["output"] == 4
    refused = said(call(served, "artifact_call", {"name": "format-money", "input": {"number": 2}}))
    assert f"call {second['call']}, which is verified" in refused["remediation"]


def test_of_two_versions_the_hit_is_the_one_that_is_served(served: Served) -> None:
    promoted = promote(served)
    better = DOUBLE["files"]["double.py"].replace("Double a number.", "Double a number, doubled.")  # type: ignore[index]
    assert (
        served.post("artifact.capture", files={"double.py": better}, examples=EXAMPLES).status
        == 200
    )
    (hit,) = served.get("artifact.search", query="number doubled").json["items"]
    assert (hit["digest"], hit["call"]) == (promoted, "double")


@pytest.mark.parametrize(
    ("arguments", "lacking"),
    [({}, "name, rationale"), ({"name": "a"}, "rationale"), (WHY, "name")],
    ids=str,
)
def test_a_required_argument_that_is_missing_is_named(
    served: Served, arguments: dict[str, Any], lacking: str
) -> None:
    async def ask(client: Any) -> Any:
        return await client.call_tool("artifact_call", arguments, raise_on_error=False)

    refused = with_client(served, ask)
    assert refused.is_error
    assert said(refused)["error"] == f"artifact_call lacks {lacking}"
    assert "rationale" in said(refused)["remediation"]


@pytest.mark.parametrize("era", ERAS)
def test_reading_a_skill_is_a_use_of_it_and_listing_it_is_none(served: Served, era: str) -> None:
    digest = promote(served)

    async def look(client: Any) -> Any:
        await client.list_resources()
        await client.read_resource("lignin://guide")

    async def read(client: Any) -> Any:
        return await client.read_resource("skill://double/SKILL.md")

    with_client(served, look, mode=_mode(era))
    assert served.get("report.uses").json["uses"] == 0
    with_client(served, read, mode=_mode(era))
    (row,) = served.get("report.uses").json["items"]
    assert (row["version"], row["uses"], row["paths"]) == (f"double@{digest}", 1, {"mcp": 1})


def test_no_error_of_the_caller_is_a_need(served: Served) -> None:
    for name, arguments in [
        ("artifact_call", {"name": "a", "tools": "server"}),
        ("artifact_search", {"query": "convert money", "limit": 0}),
        ("artifact_capture", {"files": {"a.py": "def ("}, "name": "no name"}),
    ]:
        assert call(served, name, arguments).is_error
    found = served.get("report.needs").json
    assert (found["calls"], found["items"]) == (3, [])


def test_context_is_asked_for_and_lessons_are_recalled(served: Served) -> None:
    text = "Ask for the order number before cancelling, since names repeat"
    call(served, "lesson_propose", {"text": text, "when": "a customer cancels"})
    recalled = call(served, "lesson_recall", {"task": "cancel an order for a customer"})
    assert [each["text"] for each in recalled.structured_content["lessons"]] == [text]
    assert recalled.structured_content["missing"]


@pytest.mark.parametrize("era", ERAS)
def test_both_eras_are_spoken(served: Served, era: str) -> None:
    async def ask(client: Any) -> Any:
        tools = await client.list_tools()
        found = await client.call_tool("artifact_search", {"query": "x y z", **WHY})
        return client.session.protocol_version, len(tools), found.structured_content["total"]

    assert with_client(served, ask, mode=_mode(era))[1:] == (7, 0)


def test_skills_of_the_head_come_with_the_digest_of_every_file(served: Served) -> None:
    promote(served)

    async def read(client: Any) -> Any:
        (skill,) = await client.list_skills()
        return skill, [(each, await client.read_resource(each.uri)) for each in skill.resources]

    skill, files = with_client(served, read, extensions=[SkillsClientExtension()])
    assert skill.uri == "skill://double/SKILL.md"
    assert len(files) >= 2
    for entry, (content,) in files:
        data = content.text.encode()
        assert entry.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert entry.size == len(data)


def test_a_skill_that_is_quarantined_is_gone_at_once(served: Served) -> None:
    promote(served)

    async def names(client: Any) -> Any:
        return [each.uri for each in await client.list_skills()]

    assert with_client(served, names, extensions=[SkillsClientExtension()]) == [
        "skill://double/SKILL.md"
    ]
    served.decide("artifact.quarantine", name="double", reason="a test")
    assert with_client(served, names, extensions=[SkillsClientExtension()]) == []


def test_the_guide_and_the_files_of_an_artifact_are_resources(served: Served) -> None:
    promote(served)

    async def read(client: Any) -> Any:
        guide = await client.read_resource("lignin://guide")
        files = await client.read_resource("artifact://double")
        return guide[0].text, json.loads(files[0].text)

    guide, files = with_client(served, read)
    assert "lesson_recall" in guide
    assert "double.py" in files["files"]


def test_progress_reaches_the_client(governed: Served) -> None:
    heard: list[str | None] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    line = {"type": "user", "message": {"role": "user", "content": "please"}, "sessionId": "s"}
    (governed.context.cwd / "run.jsonl").write_text(json.dumps(line) + "\n")
    importing = OPERATIONS["trace.import"]
    importing.run(governed.context, importing.request(paths=["run.jsonl"]))

    async def ask(client: Any) -> Any:
        return await client.call_tool("trace_lessons", {**WHY}, progress_handler=listen)

    with_client(governed, ask)
    assert "reading runs" in heard


def test_capture_tells_each_step_of_the_check(served: Served) -> None:
    heard: list[str | None] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async def ask(client: Any) -> Any:
        given = {**DOUBLE, **WHY}
        return await client.call_tool("artifact_capture", given, progress_handler=listen)

    with_client(served, ask)
    assert "checking double: examples" in heard
    assert "checking double: held out" in heard


def _mode(era: str) -> str:
    return "auto" if era >= "2026" else "legacy"


def test_a_call_is_received_with_the_client_and_the_id_that_it_names(served: Served) -> None:
    promote(served)
    turn = {"session_id": "s-1", "model": "gpt", "codex_version": "0.169.0"}
    for meta in (
        {"claudecode/toolUseId": "toolu_1"},
        {"callId": "call_1", "x-codex-turn-metadata": turn},
        {"callId": ["odd"], "x-codex-turn-metadata": "odd"},
    ):

        async def ask(client: Any, meta: dict[str, Any] = meta) -> Any:
            values = {"name": "double", "input": {"number": 4}, **WHY}
            return await client.call_tool("artifact_call", values, meta=meta)

        with_client(served, ask)
    with served.context.view() as view:
        told = [json.loads(each) for each in view.contents("record/uses", 1) if each]
    assert [each["surface"] for each in told] == ["mcp"] * 3
    assert [each["call_id"] for each in told] == ["toolu_1", "call_1", ""]
    assert [(each["session"], each["model"]) for each in told] == [
        ("", ""),
        ("s-1", "gpt"),
        ("", ""),
    ]
    assert all(each["client_version"] for each in told)
