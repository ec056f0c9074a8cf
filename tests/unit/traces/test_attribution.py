"""Use and exposure of artifacts, in the shapes of each client."""

import json
from dataclasses import replace
from typing import Any

import pytest

from corpora.spans import claude_logs
from corpora.traces import jsonl
from lignin.domain.traces import Role, Step, ToolCall, Trajectory
from lignin.traces.attribution import find_exposures, find_uses, skill_of_path
from lignin.traces.importers import claude_code, codex, otel_genai


def call(tool: str, /, **arguments: Any) -> ToolCall:
    failed = arguments.pop("is_error", None)
    seen = arguments.pop("observation", "ok")
    return ToolCall(call_id="c", name=tool, arguments=arguments, observation=seen, is_error=failed)


def run(*calls: ToolCall, text: str = "", role: Role = "assistant") -> Trajectory:
    step = Step(index=4, role=role, text=text, calls=calls)
    return Trajectory(source="x", format="x", session="s", steps=(step,))


def uses(trajectory: Trajectory) -> list[tuple[str, str]]:
    return [(use.name, use.how) for use in find_uses(trajectory)]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call("Skill", skill="pdf"), ("pdf", "skill tool")),
        (call("Skill", skill="office:pdf"), ("pdf", "skill tool")),
        (call("Skill", command="pdf --fast"), ("pdf", "skill tool")),
        (call("activate_skill", name="pdf"), ("pdf", "skill tool")),
        (call("Read", file_path="/home/u/.claude/skills/pdf/SKILL.md"), ("pdf", "file read")),
        (call("view", path="skills/pdf/references/forms.md"), ("pdf", "file read")),
        (call("Bash", command="cat .claude/skills/pdf/SKILL.md"), ("pdf", "shell touch")),
        (call("Bash", command="cd /x && python ~/.agents/skills/pdf/scripts/a.py 3"),)
        + (("pdf", "shell touch"),),
        (
            call(
                "shell", command=["bash", "-lc", "sed -n 1,9p ~/.codex/skills/.system/pdf/SKILL.md"]
            ),
        )
        + (("pdf", "shell touch"),),
        (call("exec_command", cmd="head .agents/skills/pdf/SKILL.md"), ("pdf", "shell touch")),
        (call("Bash", command="cp -r .claude/skills/pdf/scripts ."), ("pdf", "shell touch")),
        (call("Bash", command="lignin artifact call pdf '{}' --json"), ("pdf", "direct call")),
        (call("Bash", command="x=1; uvx lignin artifact call pdf@abc123"), ("pdf", "direct call")),
        (call("Bash", command="python -m lignin artifact call pdf"), ("pdf", "direct call")),
        (call("mcp__lignin__artifact_call", name="pdf@abc123"), ("pdf", "direct call")),
        (call("lignin.artifact.call", name="pdf@abc123"), ("pdf", "direct call")),
    ],
)
def test_each_way_of_using_an_artifact_is_seen(made: ToolCall, expected: tuple[str, str]) -> None:
    assert uses(run(made)) == [expected]
    assert find_uses(run(made))[0].step == 4


@pytest.mark.parametrize(
    "made",
    [
        call("Write", file_path=".claude/skills/pdf/SKILL.md", content="x"),
        call("Edit", file_path=".claude/skills/pdf/SKILL.md", old_string="a", new_string="b"),
        call(
            "mcp__lignin__artifact_call",
            name="pdf",
            observation="unsupported call: mcp__lignin__artifact_call",
        ),
        *(
            call("Bash", command=command, is_error=True, observation=refusal)
            for command in ("lignin artifact call pdf", "cat .claude/skills/pdf/SKILL.md")
            for refusal in (
                "The user doesn't want to proceed with this tool use. The tool use was rejected.",
                "Claude requested permissions to use Bash, but you haven't granted it yet.",
                "This command requires approval",
                f"Permission to use Bash with command {command} has been denied.",
                "PreToolUse:Bash hook error: [guard.sh]: not here",
            )
        ),
        call(
            "shell",
            command=["lignin", "artifact", "call", "pdf"],
            observation="exec command rejected by user",
        ),
        call("Bash", command="mkdir -p .claude/skills/pdf"),
        call("Bash", command="cat > .claude/skills/pdf/SKILL.md <<'E'\ntext\nE"),
        call("Bash", command="cp -r mine .claude/skills/pdf"),
        call("Bash", command="rm -rf .claude/skills/pdf"),
        call("Bash", command="echo .claude/skills/pdf/SKILL.md"),
        call("Bash", command="ls .claude/skills"),
        call("Bash", command="cat src/skills/pdf.py"),
        call("Bash", command="lignin artifact list"),
        call("Read", file_path="/repo/src/skills/model.py"),
        call("Read", file_path=".claude/skills/README.md"),
        call("Skill", skill="pdf", is_error=True),
        call("Read", file_path=".claude/skills/pdf/SKILL.md", is_error=True),
        call(
            "Bash",
            command="cat .claude/skills/pdf/SKILL.md",
            is_error=True,
            observation="cat: .claude/skills/pdf/SKILL.md: No such file or directory",
        ),
    ],
)
def test_writing_listing_and_failing_are_no_use(made: ToolCall) -> None:
    assert uses(run(made)) == []


def test_the_version_that_a_name_was_pinned_to_is_told_apart_from_it() -> None:
    pinned = [
        call("Skill", skill="office:pdf@1.2"),
        call("Skill", skill="pdf@sha256:abc"),
        call("Bash", command="lignin artifact call pdf@sha256:abc --input -"),
        call("Skill", skill="pdf"),
    ]
    found = find_uses(run(*pinned))
    assert {use.name for use in found} == {"pdf"}
    assert [use.version for use in found] == ["1.2", "sha256:abc", "sha256:abc", ""]


def test_a_script_of_a_skill_that_fails_was_used() -> None:
    made = call(
        "Bash",
        command="python .claude/skills/pdf/scripts/a.py",
        is_error=True,
        observation="ValueError: bad page",
    )
    assert uses(run(made)) == [("pdf", "shell touch")]


def test_a_mark_of_the_client_counts_where_a_skill_begins() -> None:
    steps = tuple(
        Step(index=number, role="assistant", skill=skill)
        for number, skill in enumerate(["", "pdf", "pdf", "", "office:pdf", "xlsx"], start=1)
    )
    found = find_uses(Trajectory(source="x", format="x", session="s", steps=steps))
    assert [(use.step, use.name, use.how) for use in found] == [
        (2, "pdf", "marked by client"),
        (5, "pdf", "marked by client"),
        (6, "xlsx", "marked by client"),
    ]


def test_telemetry_of_claude_code_names_the_skill() -> None:
    trajectory = otel_genai.parse("logs.jsonl", jsonl([claude_logs()])).sessions[0][0]
    assert uses(trajectory) == [("lister", "marked by client")]


LISTINGS = [
    "<available_skills>\n<skill>\n<name>pdf</name>\n<description>x</description></skill>\n"
    "<skill><name>xlsx</name></skill></available_skills>",
    "The following skills are available for use with the Skill tool:\n\n- pdf: Forms\n- xlsx: y\n",
    "Hello\n## Skills\nSome words.\n### Available skills\n- pdf: Forms (file: /s/pdf/SKILL.md)\n"
    "- office:xlsx: y\n### How to use skills\n- discovery: read it\n",
]


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_offers_and_is_no_use(listing: str) -> None:
    trajectory = run(text=listing, role="system")
    assert [(each.step, each.name) for each in find_exposures(trajectory)] == [
        (4, "pdf"),
        (4, "xlsx"),
    ]
    assert find_uses(trajectory) == ()


def test_what_the_agent_says_itself_offers_nothing() -> None:
    assert find_exposures(run(text=LISTINGS[0], role="assistant")) == ()
    assert find_exposures(run(text="- pdf: a list of my own", role="user")) == ()


def test_a_session_of_claude_code_shows_offer_and_use() -> None:
    listing = {"type": "skill_listing", "content": "- pdf: Forms\n- xlsx: Tables"}
    use = {"type": "tool_use", "id": "t", "name": "Skill", "input": {"skill": "pdf"}}
    message = {"id": "m", "model": "x", "content": [{"type": "text", "text": "ok"}]}
    records = [
        {"type": "attachment", "sessionId": "s", "uuid": "a", "attachment": listing},
        {"type": "assistant", "sessionId": "s", "message": {**message, "content": [use]}},
        {"type": "assistant", "sessionId": "s", "attributionSkill": "pdf"}
        | {"message": {**message, "id": "n"}},
    ]
    trajectory = claude_code.parse("x.jsonl", jsonl(records)).sessions[0][0]
    assert [each.name for each in find_exposures(trajectory)] == ["pdf", "xlsx"]
    assert uses(trajectory) == [("pdf", "skill tool"), ("pdf", "marked by client")]


def test_a_session_of_codex_shows_the_read_of_a_skill() -> None:
    text = "## Skills\n- pdf: Forms (file: /home/u/.agents/skills/pdf/SKILL.md)\n"
    listing = {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": text}],
    }
    command = {"command": ["bash", "-lc", "cat /home/u/.agents/skills/pdf/SKILL.md"]}
    made = {
        "type": "function_call",
        "name": "shell",
        "call_id": "c",
        "arguments": json.dumps(command),
    }
    records = [
        {"type": "session_meta", "payload": {"id": "i", "cwd": "/"}},
        {"type": "response_item", "payload": listing},
        {"type": "response_item", "payload": made},
    ]
    trajectory = codex.parse("x.jsonl", jsonl(records)).sessions[0][0]
    assert [each.name for each in find_exposures(trajectory)] == ["pdf"]
    assert uses(trajectory) == [("pdf", "shell touch")]


@pytest.mark.parametrize("path", ["", "/", "skills", ".claude/skills", ".claude/skills/*/SKILL.md"])
def test_paths_of_no_skill_name_none(path: str) -> None:
    assert skill_of_path(path) == ""


@pytest.mark.parametrize("code", [2, 3, 4, 127])
def test_a_direct_call_that_never_ran_is_no_use(code: int) -> None:
    made = call("Bash", command="lignin artifact call pdf", is_error=True, observation="said")
    assert uses(run(replace(made, exit_code=code))) == []
    assert uses(run(replace(made, exit_code=6))) == [("pdf", "direct call")]


def test_a_command_of_the_person_is_a_use_of_the_skill_that_it_names() -> None:
    text = "<command-message>pdf is running</command-message>\n<command-name>/pdf</command-name>"
    assert uses(run(text=text, role="user")) == [("pdf", "skill tool")]


def test_what_tools_answer_does_not_end_a_skill_at_work() -> None:
    steps = (
        Step(index=1, role="assistant", skill="pdf"),
        Step(index=2, role="tool", text="ok"),
        Step(index=3, role="assistant", skill="pdf"),
    )
    assert len(find_uses(Trajectory(source="x", format="x", session="s", steps=steps))) == 1


def test_codex_names_a_tool_of_a_server_in_a_namespace_and_tells_that_it_failed() -> None:
    given = json.dumps({"name": "pdf", "input": {}})
    made = {"type": "function_call", "name": "artifact_call", "namespace": "mcp__lignin"}
    records = [
        {"type": "session_meta", "payload": {"id": "i", "cwd": "/", "cli_version": "0.169.0"}},
        {"type": "response_item", "payload": {**made, "call_id": "c", "arguments": given}},
        {"type": "response_item", "payload": {**made, "call_id": "d", "arguments": given}},
        {"type": "event_msg", "payload": {"type": "item_completed"}
         | {"item": {"type": "McpToolCall", "id": "d", "status": "failed"}}},
    ]  # fmt: skip
    trajectory = codex.parse("x.jsonl", jsonl(records)).sessions[0][0]
    assert [use.call_id for use in find_uses(trajectory)] == ["c"]
    assert trajectory.agent_version == "0.169.0"


def log(service: str, name: str, **attributes: str) -> dict[str, Any]:
    pairs = {"event.name": name, "session.id": "s", **attributes}
    record = {
        "timeUnixNano": "1763000000000000000",
        "eventName": "event otel/src/events.rs:703",
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in pairs.items()],
    }
    resource = {"service.name": service, "service.version": "9"}
    named = [{"key": k, "value": {"stringValue": v}} for k, v in resource.items()]
    scopes = [{"logRecords": [record]}]
    return {"resourceLogs": [{"resource": {"attributes": named}, "scopeLogs": scopes}]}


@pytest.mark.parametrize(
    "said",
    [
        log("codex_exec", "codex.tool_result", tool_name="artifact_call", call_id="c")
        | {"more": {"tool_namespace": "mcp__lignin", "arguments": '{"name": "pdf"}'}},
        log("claude-code", "tool_result", tool_name="mcp_tool", tool_use_id="c")
        | {"more": {"tool_input": '{"name": "pdf"}'}
           | {"tool_parameters": '{"mcp_server_name": "lignin", "mcp_tool_name": "artifact_call"}'}},
    ],
)  # fmt: skip
def test_telemetry_alone_shows_a_direct_call(said: dict[str, Any]) -> None:
    record = said["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    record["attributes"] += [
        {"key": k, "value": {"stringValue": v}} for k, v in said.pop("more").items()
    ]
    trajectory = otel_genai.parse("otlp.jsonl", jsonl([said])).sessions[0][0]
    assert [(use.name, use.how, use.call_id) for use in find_uses(trajectory)] == [
        ("pdf", "direct call", "c")
    ]
    assert trajectory.agent_version == "9"
