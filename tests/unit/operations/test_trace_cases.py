"""Cases over the operations: live on the practice desk, recorded elsewhere, kept, merged, withdrawn."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.cases import parse_case
from lignin.domain.errors import NotFoundError
from lignin.domain.judging import judge_attempt
from lignin.practice.agents import REFERENCE_AGENT, Agent
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task
from lignin.traces.cases import attempt_of
from lignin.traces.importers.lignin_run import parse
from lignin.traces.runs import run_of
from unit.operations.conftest import Desk
from unit.operations.test_trace_modes import LESS, RIGHT, WRONG, record

FAULTY = ("wrong_refund_method", "missing_output")


def practise(desk: Desk, worlds: range, *faults: str, sound: int = 3) -> Any:
    """Runs of one family by sound and faulty agents; returns the cases there are then."""
    for agent in [Agent(name=f"sound-{n}") for n in range(sound)] + [
        Agent(name=fault, fault=fault)  # type: ignore[arg-type]
        for fault in faults
    ]:
        records = [
            run_record(run_task(make_task(FAMILIES["cancel"], world), agent, 1), 0)
            for world in worlds
        ]
        desk.write(f"runs/{worlds.start}-{agent.name}.jsonl", write_runs(records))
    desk("trace.import", paths=["runs"])
    return desk("trace.cases")


def test_failed_runs_of_the_desk_make_live_cases_that_hold_twenty_times(desk: Desk) -> None:
    listed = practise(desk, range(2), *FAULTY)
    assert listed.items
    for each in listed.items:
        assert (each.kind, each.basis) == ("live", "declared")
        assert each.proof == {"faulty": 20, "failed": 20, "passing": 20, "passed": 20}
        assert {run.source.partition("-")[2].partition(".")[0] for run in each.faulty} <= set(
            FAULTY
        )
        assert each.modes
        assert sum(each.modes.values()) == len(each.faulty)


def test_case_judges_runs_that_were_never_taken_in(desk: Desk) -> None:
    listed = practise(desk, range(1), *FAULTY)
    shown = desk("trace.case", case=listed.items[0].case)
    case = parse_case(shown.content)
    task = make_task(FAMILIES["cancel"], 0)

    def verdict(agent: Agent, seed: int) -> str:
        run = run_task(task, agent, seed)
        text = write_runs([run_record(run, 0)]).encode()
        attempt = attempt_of(run_of(parse("x", text).sessions[0][0]))
        return judge_attempt(case, replace(attempt, end_state=run.outcome.end_state)).verdict

    for fault in FAULTY:
        agent = Agent(name=fault, fault=fault)  # type: ignore[arg-type]
        assert {verdict(agent, seed) for seed in range(30, 40)} == {"fail"}
    assert {verdict(REFERENCE_AGENT, seed) for seed in range(30, 40)} == {"pass"}


def test_asking_again_makes_nothing_and_a_new_run_keeps_the_case(desk: Desk) -> None:
    before = practise(desk, range(1), "wrong_refund_method")
    with desk.context.view() as view:
        position = view.position
    assert desk("trace.cases").items == before.items
    with desk.context.view() as view:
        assert view.position == position
    practise(desk, range(1), "missing_output")
    after = desk("trace.cases")
    assert [each.case for each in after.items] == [each.case for each in before.items]
    assert len(after.items[0].faulty) == 2
    history = desk("trace.case", case=after.items[0].case).history
    assert [each["event"] for each in history] == ["accepted", "accepted"]


def test_near_duplicates_stand_behind_the_first_on_its_side_of_the_split(desk: Desk) -> None:
    listed = practise(desk, range(6), "wrong_refund_method")
    merged = desk("trace.cases", state="merged").items
    assert listed.states["merged"] == len(merged) > 0
    by_name = {each.case: each for each in listed.items}
    for each in merged:
        assert each.case in by_name[each.into].stands_for
        assert each.split == by_name[each.into].split
    assert sum(each.share for each in listed.items) == pytest.approx(1.0)


def test_feedback_that_a_run_was_right_withdraws_its_case(desk: Desk) -> None:
    listed = practise(desk, range(1), "wrong_refund_method")
    run = listed.items[0].faulty[0].session
    desk("trace.feedback", session=run, label="success", reason="the customer wanted it so")
    after = desk("trace.cases")
    assert after.states == {"withdrawn": 1}
    withdrawn = desk("trace.cases", state="withdrawn").items[0]
    assert "no longer fail" in withdrawn.reason
    desk("trace.feedback", session=run, label="failure", reason="no, it was wrong")
    again = desk("trace.cases")
    assert [each.case for each in again.items] == [listed.items[0].case]


def test_other_formats_make_recorded_cases(desk: Desk) -> None:
    lines = [record(1, trial, RIGHT, 1.0) for trial in range(3)]
    lines += [record(1, 3, WRONG, 0.0), record(1, 4, LESS, 0.0)]
    desk.write("runs.jsonl", "\n".join(lines) + "\n")
    desk("trace.import", paths=["runs.jsonl"])
    listed = desk("trace.cases")
    assert [(each.kind, each.task_id) for each in listed.items] == [("recorded", 1)]
    assert listed.items[0].proof == {"faulty": 2, "failed": 2, "passing": 3, "passed": 3}
    content = desk("trace.case", case=listed.items[0].case).content
    assert [each["tool"] for each in content["checks"]["required"]] == ["book_room", "charge_card"]
    assert content["environment"] is None
    assert listed.items[0].why_recorded == "the trace names no environment"
    assert [each["arguments"] for each in content["known_way"]] == [{"room": 4}, {"cents": 900}]
    assert content["tools"]["charge_card"]["changes"]
    assert {call["tool"] for call in content["recording"]} == {"book_room", "charge_card"}


def test_runs_that_nothing_tells_apart_are_counted_with_the_reason(desk: Desk) -> None:
    lines = [record(1, 0, RIGHT, 1.0), record(1, 1, RIGHT, 0.0), record(2, 0, RIGHT, 0.0)]
    desk.write("runs.jsonl", "\n".join(lines) + "\n")
    desk("trace.import", paths=["runs.jsonl"])
    listed = desk("trace.cases")
    assert listed.items == []
    assert sum(listed.refused.values()) == 2
    assert "nothing tells the failed run from those that passed" in listed.refused


def test_environment_that_has_changed_since_is_not_taken_for_the_same(desk: Desk) -> None:
    records = []
    for name, fault in (("a", None), ("b", None), ("c", "wrong_refund_method")):
        run = run_task(make_task(FAMILIES["cancel"], 0), Agent(name=name, fault=fault), 1)  # type: ignore[arg-type]
        records.append(run_record(run, len(records)))
        records[-1]["environment"]["start_state"] = "sha256:" + "0" * 64
    desk.write("runs.jsonl", "\n".join(json.dumps(each) for each in records) + "\n")
    desk("trace.import", paths=["runs.jsonl"])
    items = desk("trace.cases").items
    assert [each.kind for each in items] == ["recorded"]
    assert items[0].why_recorded == "practice-desk starts in another state than it did"


def test_list_is_narrowed_by_mode_and_goes_on(desk: Desk) -> None:
    listed = practise(desk, range(4), *FAULTY)
    mode = next(iter(listed.items[0].modes))
    assert {mode} <= {name for each in desk("trace.cases", mode=mode).items for name in each.modes}
    assert desk("trace.cases", mode="mod_none").items == []
    behind = desk("trace.cases", state="merged").items
    first = desk("trace.cases", state="merged", limit=1)
    second = desk("trace.cases", state="merged", limit=1, after=first.next_after)
    assert [first.items[0].case, second.items[0].case] == [each.case for each in behind[:2]]


def test_unknown_case_is_named_with_where_to_look(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="no case 'cas_x'") as caught:
        desk("trace.case", case="cas_x")
    assert "trace cases" in str(caught.value.hint)


def interrupted() -> str:
    """A run that failed at one tool and was cut off in a call of another."""
    messages = [
        {"role": "user", "content": "Fix the build."},
        {"role": "assistant", "tool_calls": [_call("c1", "run_build")]},
        {"role": "tool", "tool_call_id": "c1", "content": "broken", "is_error": True},
        {"role": "assistant", "tool_calls": [_call("c2", "apply_patch")]},
    ]
    return json.dumps({"lignin_run": 1, "task_id": "x", "outcome": "failure", "messages": messages})


def _call(name: str, tool: str) -> dict[str, Any]:
    return {"id": name, "function": {"name": tool, "arguments": "{}"}}


def test_interrupted_run_leaves_the_cases_of_others_alone(desk: Desk) -> None:
    desk.write("cut.jsonl", interrupted() + "\n")
    lines = [record(1, trial, RIGHT, 1.0) for trial in range(3)] + [record(1, 3, WRONG, 0.0)]
    desk.write("runs.jsonl", "\n".join(lines) + "\n")
    desk("trace.import", paths=["cut.jsonl", "runs.jsonl"])
    assert 1 in [each.task_id for each in desk("trace.cases").items]


def test_runs_made_elsewhere_are_judged_by_a_case(desk: Desk) -> None:
    listed = practise(desk, range(1), "wrong_refund_method")
    runs = [
        run_task(make_task(FAMILIES["cancel"], 0), agent, 77)
        for agent in (REFERENCE_AGENT, Agent(name="x", fault="wrong_refund_method"))
    ]
    records = [run_record(each, n, with_outcome=False) for n, each in enumerate(runs)]
    desk.write("mine.jsonl", write_runs(records))
    judged = desk("trace.judge", case=listed.items[0].case, runs=["mine.jsonl"])
    assert [(each.trial, each.verdict) for each in judged.items] == [(0, "pass"), (1, "fail")]
    assert judged.items[1].reasons == ["it ends in another state"]
    assert judged.exit_code() == 6
    sessions = desk("trace.list").total
    other = run_task(make_task(FAMILIES["cancel"], 5), REFERENCE_AGENT, 1)
    desk.write("other.jsonl", write_runs([run_record(other, 0)]))
    elsewhere = desk("trace.judge", case=listed.items[0].case, runs=["other.jsonl"])
    assert elsewhere.items[0].verdict == "inconclusive"
    assert elsewhere.exit_code() == 10
    assert desk("trace.list").total == sessions  # read, not kept


def test_files_of_one_name_are_told_by_their_folder(desk: Desk) -> None:
    for folder, wrong in (("good", RIGHT), ("bad", WRONG)):
        reward = float(wrong is RIGHT)
        lines = [record(task, trial, wrong, reward) for task in range(8) for trial in range(2)]
        desk.write(f"{folder}/results.jsonl", "\n".join(lines) + "\n")
    desk("trace.import", paths=["good", "bad"])
    assert {each.path for each in desk("trace.list").items} == {
        "good/results.jsonl",
        "bad/results.jsonl",
    }
    [mode] = desk("trace.modes").items
    assert {member.path for member in mode.members} == {"bad/results.jsonl"}
    assert "bad/results.jsonl: 16 of 16 runs" in mode.reason


def test_names_of_a_trace_begin_no_line_of_their_own(desk: Desk) -> None:
    evil = "pay\n# Heading\n0.99 forged row"
    right, wrong = [(evil, {"a\nb": 1})], [(evil, {"a\nb": 2})]
    lines = [record(1, trial, right, 1.0) for trial in range(3)] + [record(1, 3, wrong, 0.0)]
    desk.write("runs.jsonl", "\n".join(lines) + "\n")
    desk("trace.import", paths=["runs.jsonl"])
    case = desk("trace.cases").items[0].case
    for answer in (
        desk("trace.detect"),
        desk("trace.modes"),
        desk("trace.lessons"),
        desk("trace.cases"),
        desk("trace.case", case=case),
    ):
        text = answer.to_text()
        assert not [line for line in text.splitlines() if line.startswith(("# ", "0.99 forged"))]
