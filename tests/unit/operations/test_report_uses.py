"""Who used what: receipts of every surface, and transcripts beside them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpora.traces import jsonl
from lignin.operations.context import Caller
from lignin.operations.receiving import caller_in
from unit.operations.conftest import Desk

SHELL = {"CLAUDE_CODE_SESSION_ID": "s-1", "AI_AGENT": "claude-code_2-1-329_agent"}


def calling(desk: Desk, caller: Caller | None = None, **environment: str) -> Desk:
    """The same store, called by somebody else."""
    around = {**desk.context.environment, **environment}
    return Desk(replace(desk.context, caller=caller, environment=around))


def transcript(desk: Desk, at: str, session: str = "s-1", skill: bool = True) -> None:
    """A session of Claude Code that loads the skill and calls it in a shell, at a time."""
    uses: list[dict[str, Any]] = [{"name": "Skill", "input": {"skill": "double"}}] if skill else []
    uses.append({"name": "Bash", "input": {"command": "lignin artifact call double -i '{}'"}})
    content = [{"type": "tool_use", "id": f"t{n}-{session}", **use} for n, use in enumerate(uses)]
    usage = {"input_tokens": 50, "output_tokens": 5}
    records = [
        {"type": "user", "message": {"role": "user", "content": "double it"}},
        {"type": "assistant", "message": {"id": "m", "model": "opus", "content": content, "usage": usage}},
    ]  # fmt: skip
    shared = {"sessionId": session, "timestamp": at, "version": "2.1.329", "cwd": "/p"}
    path = Path(desk.write(f"{session}.jsonl", ""))
    (desk.context.cwd / path).write_bytes(jsonl([{**shared, **each} for each in records]))
    desk("trace.import", paths=[str(path)])


def rows(desk: Desk, **request: Any) -> list[tuple[Any, ...]]:
    return [
        (row.version.partition("@")[0], row.client, row.client_version, row.model, row.uses)
        for row in desk("report.uses", **request).items
    ]


def now(desk: Desk) -> str:
    return str(desk.context.clock.now().isoformat())


def test_a_call_by_the_command_line_is_a_use_by_whoever_runs_the_shell(desk: Desk) -> None:
    desk.double(promote=True)
    calling(desk, **SHELL)("artifact.call", name="double", input={"number": 4})
    desk("artifact.call", name="double", input={"number": 5})
    assert rows(desk) == [
        ("double", "claude-code", "2.1.329", "", 1),
        ("double", "unknown", "", "", 1),
    ]


def test_what_a_transcript_and_our_own_surface_both_saw_is_one_use(desk: Desk) -> None:
    desk.double(promote=True)
    calling(desk, **SHELL)("artifact.call", name="double", input={"number": 4})
    transcript(desk, now(desk))
    (row,) = desk("report.uses").items
    assert (row.uses, row.client, row.model) == (1, "claude-code", "opus")
    assert row.paths == {"direct call": 1, "skill tool": 1, "cli": 1}
    assert (row.input_tokens, row.cost_microusd) == (50, None)


def test_a_call_of_a_server_is_named_after_its_client(desk: Desk) -> None:
    desk.double(promote=True)
    told = Caller(surface="mcp", client="codex-mcp-client", client_version="0.169.0", model="gpt")
    calling(desk, told)("artifact.call", name="double", input={"number": 4})
    assert rows(desk) == [("double", "codex", "0.169.0", "gpt", 1)]


def test_a_dry_run_and_a_refused_call_are_no_use(desk: Desk) -> None:
    desk.double(promote=True)
    dry = Desk(replace(desk.context, dry_run=True))
    dry("artifact.call", name="double", input={"number": 4})
    try:
        desk("artifact.call", name="double", input={"text": "no"})
    except Exception as error:
        assert "does not fit" in str(error)
    assert rows(desk) == []


def test_a_name_that_is_no_artifact_is_left_out_and_counted(desk: Desk) -> None:
    transcript(desk, now(desk))
    found = desk("report.uses")
    assert (found.items, found.uses, found.left_out) == ([], 0, 1)


def test_what_was_quarantined_is_used_no_more_though_its_note_is_read(desk: Desk) -> None:
    desk.double(promote=True)
    transcript(desk, now(desk))
    assert [row[-1] for row in rows(desk)] == [1]
    desk("artifact.quarantine", name="double", reason="wrong")
    transcript(desk, now(desk), session="s-2")
    assert [row[-1] for row in rows(desk)] == [1]


def test_old_uses_and_other_names_are_left_out_where_asked(desk: Desk) -> None:
    desk.double(promote=True)
    transcript(desk, "2020-01-01T00:00:00Z")
    assert rows(desk) == []
    assert rows(desk, name="triple", days=3650) == []


def test_what_a_shell_says_of_its_agent_is_bounded_and_no_more_than_data(desk: Desk) -> None:
    desk.double(promote=True)
    long = {"CODEX_THREAD_ID": "x" * 9000, "CODEX_VERSION": "1"}
    calling(desk, **long)("artifact.call", name="double", input={"number": 4})
    with desk.context.view() as view:
        (content,) = [each for each in view.contents("record/uses", 1) if each]
    assert len(content) < 2000
    assert json.loads(content)["by"] == "user:tester"
    assert caller_in({}) == Caller()
