"""Uses counted once each over transcripts, telemetry and our own receipts."""

from dataclasses import replace
from typing import Any

from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.domain.uses import ArtifactUse, CallReceipt
from lignin.traces.usage import Account, count_uses

MCP = "mcp__lignin__artifact_call"
DIGEST = "sha256:" + "a" * 64


def at(second: float) -> str:
    return f"2026-11-22T10:{int(second) // 60:02d}:{second % 60:09.6f}Z"


def tool(name: str, call_id: str, /, **arguments: Any) -> ToolCall:
    return ToolCall(call_id=call_id, name=name, arguments=arguments, observation="ok")


def said(index: int, second: float, *calls: ToolCall, **more: Any) -> Step:
    return Step(index=index, role="assistant", calls=calls, at=at(second), **more)


def answered(index: int, second: float, parent: int) -> Step:
    return Step(index=index, role="tool", text="ok", at=at(second), parent=parent)


def asked(index: int, second: float, text: str = "go on") -> Step:
    return Step(index=index, role="user", text=text, at=at(second))


def account(
    *steps: Step, session: str = "s", telemetry: bool = False, agent: str = "claude-code"
) -> Account:
    run = Trajectory(
        source="x", format="x", session=session, steps=steps, agent=agent, agent_version="2.1"
    )
    return Account(key=f"{session}{'-otlp' * telemetry}", run=run, is_telemetry=telemetry)


def receipt(second: float, name: str = "pdf", **more: Any) -> CallReceipt:
    return CallReceipt(
        version=f"{name}@{DIGEST}", surface=more.pop("surface", "cli"), by="user:u",
        began_at=at(second), ended_at=at(second + 0.1), **more,
    )  # fmt: skip


def told(uses: tuple[ArtifactUse, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(use.name, use.paths) for use in uses]


LOADED = (asked(1, 0), said(2, 1, tool("Skill", "t1", skill="pdf")), answered(3, 2, 2))
CALLED = said(4, 3, tool(MCP, "t2", name="pdf", input={}))


def test_a_load_that_leads_to_a_call_is_one_use_with_it() -> None:
    uses = count_uses([account(*LOADED, CALLED, answered(5, 4, 4))], [])
    assert told(uses) == [("pdf", ("direct call", "skill tool"))]
    assert (uses[0].client, uses[0].client_version) == ("claude-code", "2.1")


def test_a_load_that_our_surface_saw_too_is_one_use_with_the_transcripts() -> None:
    uri = {"server": "lignin", "uri": "skill://pdf/SKILL.md"}
    read = (asked(1, 0), said(2, 1, tool("ReadMcpResourceTool", "t1", **uri)), answered(3, 2, 2))
    seen = receipt(1.2, surface="mcp", is_load=True, session="s")
    assert told(count_uses([account(*read)], [seen])) == [("pdf", ("skill tool", "mcp"))]
    assert told(count_uses([], [seen])) == [("pdf", ("mcp",))]
    later = receipt(60, surface="mcp", is_load=True, session="s")
    assert len(count_uses([account(*read)], [seen, later])) == 2


def test_a_load_and_the_call_that_it_leads_to_are_one_use_where_our_surface_saw_both() -> None:
    load = receipt(1, surface="mcp", is_load=True, session="s")
    called = receipt(2, surface="mcp", session="s")
    assert len(count_uses([], [load, called])) == 1
    assert len(count_uses([], [load, called, receipt(2.5, surface="mcp", session="s")])) == 2


def test_each_call_is_a_use_and_touching_a_skill_again_under_one_prompt_is_none() -> None:
    again = tool("Bash", "t4", command="python .claude/skills/pdf/scripts/a.py")
    more = said(6, 5, tool(MCP, "t3", name="pdf"), again)
    assert len(count_uses([account(*LOADED, CALLED, more)], [])) == 2
    assert len(count_uses([account(*LOADED, said(4, 3, again))], [])) == 1


def test_a_load_under_the_next_prompt_is_another_use() -> None:
    more = (asked(4, 60), said(5, 61, tool("Skill", "t9", skill="pdf")))
    assert len(count_uses([account(*LOADED, *more)], [])) == 2


def test_telemetry_of_a_session_adds_its_costs_and_no_use() -> None:
    log = "claude_code.skill_activated"
    events = (
        Step(index=1, role="user", at=at(0)),
        said(2, 1.4, cost_microusd=100, input_tokens=10),
        Step(index=3, role="system", label=log, skill="pdf", at=at(1.5)),
        said(4, 1.6, tool("Skill", "t1", skill="pdf")),
        said(5, 2.5, cost_microusd=300, skill="pdf"),
        said(6, 3.5, tool(MCP, "t2", name="pdf")),
    )
    transcript = (*LOADED, replace(CALLED, input_tokens=7, skill="pdf"))
    uses = count_uses([account(*events, telemetry=True), account(*transcript)], [])
    assert told(uses) == [("pdf", ("direct call", "skill tool", "marked by client", "telemetry"))]
    assert (uses[0].cost_microusd, uses[0].input_tokens) == (400, 7)
    assert len(count_uses([account(*events, telemetry=True)], [])) == 1


def test_a_mark_that_a_skill_is_still_at_work_is_no_new_use() -> None:
    still = (said(4, 3, skill="pdf"), answered(5, 4, 4), said(6, 5, skill="pdf"))
    later = (asked(7, 90), said(8, 91, skill="pdf"))
    assert len(count_uses([account(*LOADED, *still, *later)], [])) == 1


def test_a_mark_just_before_the_next_prompt_takes_no_use_from_it() -> None:
    again = (asked(6, 8), said(7, 8.1, tool(MCP, "t3", name="pdf")), answered(8, 9, 7))
    events = (
        Step(index=1, role="user", at=at(0)),
        said(2, 1, tool("Skill", "t1", skill="pdf")),
        said(3, 3.5, tool(MCP, "t2", name="pdf")),
        said(4, 7.5, skill="pdf"),  # at work still, as near to the next prompt as clocks may differ
        Step(index=5, role="user", at=at(8)),
        said(6, 8.9, tool(MCP, "t3", name="pdf")),
    )
    for heard in (events, (*events[:2], *events[3:])):
        runs = [account(*LOADED, CALLED, *again), account(*heard, telemetry=True)]
        assert len(count_uses(runs, [])) == 2


def test_a_sub_agent_uses_by_itself_and_what_its_parent_had_at_work_is_no_use_of_it() -> None:
    own = (said(1, 10, tool("Skill", "t7", skill="pdf"), skill="pdf"), answered(2, 11, 1))
    inherited = (said(1, 20, skill="pdf"), said(2, 21, skill="pdf"))
    runs = [account(*LOADED), account(*own, session="s/agent-1")]
    assert len(count_uses(runs, [])) == 2
    assert len(count_uses([*runs, account(*inherited, session="s/agent-2")], [])) == 2


def test_a_forked_session_repeats_its_past_and_adds_only_what_is_new() -> None:
    new = (asked(10, 60), said(11, 61, tool(MCP, "t8", name="pdf")))
    runs = [account(*LOADED, CALLED), account(*LOADED, CALLED, *new, session="fork")]
    uses = count_uses(runs, [])
    assert [use.run for use in uses][1:] == ["fork"]


def test_telemetry_of_an_original_and_its_fork_adds_no_use_whichever_is_filed_first() -> None:
    new = (asked(10, 60), said(11, 61, tool(MCP, "t8", name="pdf")))
    for original, fork in (("a", "b"), ("b", "a")):
        runs = [
            account(*LOADED, CALLED, session=original),
            account(*LOADED, CALLED, *new, session=fork),
            account(said(1, 3.5, tool(MCP, "t2", name="pdf")), session=original, telemetry=True),
            account(said(1, 61.5, tool(MCP, "t8", name="pdf")), session=fork, telemetry=True),
        ]
        assert [use.run for use in count_uses(runs, [])] == [original, fork]


def test_the_same_call_id_in_another_session_at_another_time_is_another_call() -> None:
    other = account(said(1, 700, tool(MCP, "t2", name="pdf")), session="o", agent="codex")
    assert len(count_uses([account(CALLED), other], [])) == 2


def test_a_receipt_joins_the_call_that_its_id_session_or_time_names() -> None:
    run = account(CALLED, answered(5, 5, 4))
    for given in (
        {"call_id": "t2", "client": "claude-code", "surface": "mcp"},
        {"session": "s", "client": "claude-code"},
        {"client": "claude-code"},
        {},
    ):
        uses = count_uses([run], [receipt(4, **given)])
        assert len(uses) == 1, given
        assert (uses[0].version, uses[0].failed) == (DIGEST, False)


def test_a_receipt_of_another_name_client_or_time_is_a_use_of_its_own() -> None:
    run = account(CALLED, answered(5, 5, 4))
    for given in (
        receipt(4, "pdf2", session="s"),
        receipt(4, client="codex"),
        receipt(4, session="elsewhere", client="claude-code"),
        receipt(300, session="s"),
        receipt(4, call_id="t99", session="s2", client="claude-code"),
    ):
        assert len(count_uses([run], [given])) == 2, given


def test_a_loop_of_a_shell_counts_as_often_as_it_called() -> None:
    loop = tool("Bash", "t2", command="for n in 1 2 3; do lignin artifact call pdf -i $n; done")
    run = account(asked(1, 0), said(2, 1, loop), answered(3, 9, 2))
    uses = count_uses([run], [receipt(second, session="s") for second in (2, 4, 6)])
    assert len(uses) == 3
    assert {use.run for use in uses} == {"s"}


def test_two_calls_in_one_command_are_two_uses() -> None:
    both = tool("Bash", "t2", command="lignin artifact call pdf; lignin artifact call pdf")
    assert len(count_uses([account(said(1, 1, both))], [])) == 2


def test_what_a_script_called_is_the_use_that_its_skill_was_loaded_for() -> None:
    script = tool("Bash", "t2", command="sh .claude/skills/pdf/scripts/all.sh")
    run = account(asked(1, 0), said(2, 1, script), answered(3, 9, 2))
    assert len(count_uses([run], [receipt(4, session="s", client="claude-code")])) == 1


def test_a_call_that_nothing_else_saw_is_a_use_without_a_run() -> None:
    (use,) = count_uses([], [receipt(4, surface="http", client="curl", client_version="8")])
    assert (use.run, use.client, use.paths) == ("", "curl", ("http",))


def test_what_a_step_took_is_shared_by_its_calls_and_never_given_twice() -> None:
    calls = (
        tool(MCP, "a", name="pdf"),
        tool(MCP, "b", name="xlsx"),
        tool("Bash", "c", command="ls"),
    )
    step = said(1, 1, *calls, input_tokens=100, output_tokens=10, cost_microusd=31)
    uses = count_uses([account(step)], [])
    assert {use.name: (use.input_tokens, use.output_tokens, use.cost_microusd) for use in uses} == {
        "pdf": (34, 4, 11),
        "xlsx": (33, 3, 10),
    }
