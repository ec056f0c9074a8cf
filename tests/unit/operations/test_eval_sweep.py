"""Regression memory: what was fixed stays fixed, or the accept that broke it is named."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.codec import canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import ConflictError, DeniedError
from lignin.domain.events import Actor, Blob, NewEvent
from lignin.operations.regressing import report_backslide
from lignin.ports.ledger import every_row, require_known
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import Desk, open_desk
from unit.operations.heads_with_fixes import SUITE, Harnessed
from unit.operations.suites import with_cases


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, sandbox: ProcessSandbox) -> tuple[Path, str]:
    """A head of seven moves, the fourth of which breaks what the first had fixed."""
    folder = tmp_path_factory.mktemp("slid")
    with open_desk(folder, sandbox) as desk:
        return folder, Harnessed(desk).prepare().six_moves()


@pytest.fixture
def slid(
    tmp_path: Path, history: tuple[Path, str], sandbox: ProcessSandbox
) -> Iterator[tuple[Harnessed, str]]:
    folder, guilty = history
    shutil.copytree(folder, tmp_path / "copy")
    with open_desk(tmp_path / "copy", sandbox) as desk:
        yield Harnessed(desk), guilty


def test_planted_backslide_is_found_named_and_rolled_back(slid: tuple[Harnessed, str]) -> None:
    made, guilty = slid
    swept = made.ask("eval.sweep")
    assert (swept.state, swept.exit_code(), swept.broken) == ("backslides", 6, ["c1"])
    assert (swept.fixed, swept.tried, swept.cases) == (5, 8, 8)
    [found] = swept.backslides
    assert (found.state, found.accused, found.case) == ("named", guilty, "c1")
    assert found.likely >= 0.98
    assert guilty in swept.to_text()
    rollback = made.desk("proposal.show", proposal=found.rollback)
    assert (rollback.claim, rollback.state) == ("restore", "open")
    assert set(rollback.slots) == {"haste"}
    assert found.case in rollback.hypothesis
    made.approve(found.rollback)
    [after] = made.desk("eval.backslides").items
    assert after.rollback_state == "applied"
    slots = {each.slot for each in made.desk("head.show", name="main").slots}
    assert slots == {"first", "second", "manners", "style", "tone", "third"}
    again = made.ask("eval.sweep")
    assert (again.state, again.exit_code(), again.backslides) == ("clear", 0, [])


def test_rollback_by_hand_closes_the_one_that_the_sweep_proposed(
    slid: tuple[Harnessed, str],
) -> None:
    made, _ = slid
    [found] = made.ask("eval.sweep").backslides
    moves = made.desk("head.history", name="main").items
    before = next(each.came_from for each in moves if "haste" in each.slots)
    by_hand = made.desk("head.rollback", name="main", to=before, reason="haste breaks c1")
    closed = made.desk("proposal.show", proposal=found.rollback)
    assert (closed.state, closed.superseded_by) == ("superseded", by_hand.proposal)
    assert by_hand.proposal in closed.reason
    [after] = made.desk("eval.backslides").items
    assert (after.rollback_state, after.rollback_by) == ("applied", by_hand.proposal)
    assert f"(applied by {by_hand.proposal})" in made.desk("eval.backslides").to_text()
    assert made.ask("eval.sweep").backslides == []


def test_rollback_by_hand_that_leaves_the_break_leaves_its_rollback_open(
    slid: tuple[Harnessed, str],
) -> None:
    made, _ = slid
    [found] = made.ask("eval.sweep").backslides
    made.desk("head.rollback", name="main", reason="one move, and not the guilty one")
    assert made.desk("proposal.show", proposal=found.rollback).state == "open"
    [after] = made.desk("eval.backslides").items
    assert (after.rollback_state, after.rollback_by) == ("open", "")


def test_what_is_swept_again_is_paid_again_but_searched_once(
    slid: tuple[Harnessed, str],
) -> None:
    made, _ = slid
    first = made.ask("eval.sweep")
    second = made.ask("eval.sweep")
    assert first.sweep != second.sweep
    assert second.broken == ["c1"]
    assert [each.backslide for each in second.backslides] == [
        each.backslide for each in first.backslides
    ]
    assert second.backslides[0].trials == first.backslides[0].trials
    assert made.desk("eval.backslides").total == 1
    assert second.known == [first.backslides[0].backslide]
    assert first.known == []
    assert "still open" in second.to_text()
    assert [each.slid for each in second.items if each.case == "c1"] == [True]
    assert not any(each.flaky for each in second.items if each.case == "c1")
    assert 0 < second.paid < first.paid


def test_open_backslide_is_remembered_whatever_the_head_takes_in_since(
    slid: tuple[Harnessed, str],
) -> None:
    made, guilty = slid
    [first] = made.ask("eval.sweep").backslides
    made.desk("proposal.decide", proposal=first.rollback, reject="not now")
    made.slip_in("calm", "keep calm")
    again = made.ask("eval.sweep")
    assert (again.state, again.broken) == ("backslides", ["c1"])
    assert again.known == [each.backslide for each in again.backslides] == [first.backslide]
    assert [each.accused for each in again.backslides] == [guilty]
    assert made.desk("eval.backslides").total == 1
    open_now = made.desk("proposal.list", state="open").items
    assert [each.proposal for each in open_now if each.claim == "restore"] == []
    assert not any(each.flaky for each in again.items if each.case == "c1")
    with made.desk.context.view() as view:
        reported = report_backslide(made.desk.context, view, case="c1", source="person", why="!")
    assert reported == ([first.backslide], [])


def test_backslide_rate_is_told_beside_the_promise(slid: tuple[Harnessed, str]) -> None:
    made, _ = slid
    before = made.desk("eval.backslides")
    assert before.measured["guarded"] == {"named": 0, "of": 0, "rate": None, "interval": None}
    made.ask("eval.sweep")
    told = made.desk("eval.backslides", head="main", check=True)
    # Two cases with six accepts since, two with five; of these one and then one more by trials.
    assert (told.measured["unguarded"]["named"], told.measured["unguarded"]["of"]) == (1, 16)
    assert (told.measured["guarded"]["named"], told.measured["guarded"]["of"]) == (0, 6)
    assert told.promised["missed"] == 0.03
    assert (told.differs, told.exit_code()) == ([], 0)
    assert "1 of 16 times" in told.to_text()


def test_forged_search_does_not_follow_from_the_trials(slid: tuple[Harnessed, str]) -> None:
    made, _ = slid
    [found] = made.ask("eval.sweep").backslides
    context, stream = made.desk.context, "backslide/bks_forged"
    with context.view() as view:
        row = require_known(view, f"backslide/{found.backslide}")
        plan, told = view.blob(row.body["plan"]), parse_json(view.blob(row.body["result"]["told"]))
    content = canonical_bytes({**told, "revision": 0, "accused": "prp_innocent"})
    shown = {
        key: value
        for key, value in row.body.items()
        if key not in {"result", "opened_at", "reached_at"}
    }
    reached = {"outcome": "named", "told": digest_bytes(content)}
    events = tuple(
        NewEvent(stream=stream, type=type_, payload=payload, event_id=context.ids.new("evt"))
        for type_, payload in (("backslide.shown", shown), ("backslide.reached", reached))
    )
    blobs = tuple(
        Blob(stream=stream, digest=digest_bytes(each), content=each) for each in (plan, content)
    )
    context.commit(context.scope.change(events=events, blobs=blobs))
    told = made.desk("eval.backslides", check=True)
    assert told.exit_code() == 9
    assert told.differs == ["bks_forged: revision"]


def test_rotation_tries_one_of_each_mode_and_all_of_one_in_doubt(
    desk: Desk,
) -> None:
    made = Harnessed(desk).prepare(cases=40, modes=8)
    fixed = [f"c{number}" for number in range(0, 40, 8)]  # one mode
    made.fix("first", *(f"do {case}." for case in fixed), target=fixed)
    made.slip_in("manners", "be kind.")
    swept = made.ask("eval.sweep", rotate=True)
    assert (swept.state, swept.cases) == ("clear", 40)
    assert swept.tried <= 5 + 7
    chosen = {each.case for each in swept.items} - set(fixed)
    again = made.ask("eval.sweep", rotate=True)
    assert len(chosen) == 7
    assert not chosen & ({each.case for each in again.items} - set(fixed))
    assert again.paid <= 3 * 7 + 10
    made.slip_in("haste", *(f"skip {case}." for case in fixed[:4]))
    found = made.ask("eval.sweep", rotate=True)
    assert found.broken
    assert set(found.broken) <= set(fixed[:4])
    assert len({each.accused for each in found.backslides}) == 1
    assert len({each.rollback for each in found.backslides}) == 1
    assert f"{found.tried} of 40 cases tried" in found.to_text()


def test_rotation_goes_through_a_mode_that_no_fix_is_about_once_it_fails(desk: Desk) -> None:
    made = Harnessed(desk).prepare(cases=12, modes=3)
    made.slip_in("all", *(f"do c{number}." for number in range(12)))
    assert made.ask("eval.sweep", rotate=True).tried == 3
    made.slip_in("haste", "skip c1.", "skip c4.", "skip c7.", "skip c10.")
    told = made.ask("eval.sweep", rotate=True)
    assert {each.case for each in told.items if not each.rate} == {"c1", "c4", "c7", "c10"}
    assert told.tried == 6


def test_flaky_cases_are_told_with_an_interval_and_stay(desk: Desk) -> None:
    desk.write(
        "coin.py",
        "import random\n"
        "def run(task, seed, tools):\n"
        "    share = {'c0': 1.0, 'c1': 0.0}.get(task['case'], 0.5)\n"
        "    return {'resolved': random.Random(f\"{task['case']} {seed}\").random() < share}\n",
    )
    desk.write(SUITE, "\n".join(json.dumps({"case": f"c{number}"}) for number in range(4)))
    asked = {"system": "python:coin:run", "unsandboxed": True, "suite": SUITE, "trials": 20}
    told = desk("eval.sweep", **asked)
    by = {each.case: each for each in told.items}
    assert [by[case].flaky for case in ("c0", "c1", "c2", "c3")] == [False, False, True, True]
    assert by["c0"].interval[1] == 1.0
    assert by["c2"].interval[0] < by["c2"].rate < by["c2"].interval[1]
    assert told.state == "clear"
    assert "without --head nobody can say what was fixed" in told.to_text()
    assert "2 are flaky, and stay in the suite" in told.to_text()
    assert desk("eval.sweep", **asked).tried == 4


def test_fixed_case_is_guarded_by_its_own_margin_ever_after(slid: tuple[Harnessed, str]) -> None:
    made, _ = slid
    proposal = made.propose(made.skill("fourth", "do c5.", "skip c3."))
    told = made.prove(proposal, target=["c5"])
    assert (told.verdict, told.broken) == ("reject", ["c3"])
    with made.desk.context.view() as view:
        row = require_known(view, f"decision/{told.decision}")
        plan = parse_json(view.blob(row.body["plan"]))
    assert plan["margins"] == dict.fromkeys(["c0", "c1", "c2", "c3", "c4"], 0.7)
    assert made.desk("gate.recompute", decision=told.decision).same


def test_what_was_reported_is_shown_or_refuted_by_the_next_sweep(
    slid: tuple[Harnessed, str],
) -> None:
    made, guilty = slid
    context = made.desk.context

    def report(case: str) -> list[str]:
        return context.decide_and_commit(
            lambda view: report_backslide(
                context, view, case=case, source="canary", why="its canary failed"
            )
        )

    [true], [false] = report("c1"), report("c2")
    assert report("c1") == [true]  # once
    assert report("c7") == []  # never fixed
    assert {each.state for each in made.desk("eval.backslides").items} == {"suspected"}
    made.ask("eval.sweep")
    by = {each.backslide: each for each in made.desk("eval.backslides").items}
    assert (by[true].state, by[true].source, by[true].accused) == ("named", "canary", guilty)
    assert by[false].state == "refuted"


def test_fix_that_was_taken_back_on_purpose_is_no_backslide(slid: tuple[Harnessed, str]) -> None:
    made, _ = slid
    history = made.desk("head.history", name="main").items
    made.desk("head.rollback", name="main", to=history[-1].came_from)
    swept = made.ask("eval.sweep")
    assert (swept.fixed, swept.state) == (0, "clear")


def test_agent_that_changed_by_itself_accuses_nobody(slid: tuple[Harnessed, str]) -> None:
    """The agent is another one: it never passed, so there is nothing that slid back."""
    made, _ = slid
    made.desk.write("other.py", "def run(task, seed, tools):\n    return {'resolved': False}\n")
    told = made.desk(
        "eval.sweep", system="python:other:run", head="main", unsandboxed=True, suite=SUITE
    )
    assert told.state in {"clear", "unclear"}
    assert told.backslides == []


def test_case_that_was_fixed_is_not_withdrawn_silently(desk: Desk) -> None:
    cases = with_cases(desk)
    told = desk("gate.prove", incumbent="desk:now+wrong_refund_method", candidate="desk:next")
    [shown] = [each for each in desk("trace.cases").items if told.decision in each.fixed_by][:1]
    sessions = desk("trace.case", case=shown.case).faulty
    for run in sessions:
        desk("trace.feedback", session=run.session, label="success", reason="it was fine")
    listed = {each.case: each for each in desk("trace.cases").items}
    assert shown.case in listed
    assert "no longer fail" in listed[shown.case].reason
    assert "kept until a person lets it go" in desk("trace.cases").to_text()
    assert {each.case for each in desk("trace.cases").items} == {
        each.case for each in desk("trace.cases").items
    }
    agent = Desk(
        replace(desk.context, scope=replace(desk.context.scope, actor=Actor(sub="agent:a")))
    )
    with pytest.raises(DeniedError):
        agent("eval.forget", case=shown.case, reason="it is in my way")
    gone = desk("eval.forget", case=shown.case, reason="the policy changed")
    assert (gone.withdrawn, gone.fixed_by) == (True, [told.decision])
    assert shown.case not in {each.case for each in desk("trace.cases").items}
    with pytest.raises(ConflictError, match="let go already"):
        desk("eval.forget", case=shown.case, reason="again")
    assert cases


def test_late_feedback_on_a_task_that_was_fixed_reports_a_backslide(desk: Desk) -> None:
    """Of a case of the desk that a proposal on a head had fixed."""
    with_cases(desk)
    captured = desk.double()
    desk("head.create", name="main")
    made = desk("proposal.create", put=[f"double@{captured.digest}"], claim="better")
    desk.write(
        "reads.py",
        "import json\n"
        "from lignin.practice.system import DeskSystem\n"
        "def run(task, seed, tools):\n"
        "    has_it = any(path.startswith('double/') for path in task['harness'])\n"
        "    spec = 'x' if has_it else 'x+wrong_refund_method'\n"
        "    return json.loads(DeskSystem(spec).run(task, seed, None).said)\n",
    )
    told = desk("gate.prove", proposal=made.proposal, system="python:reads:run", unsandboxed=True)
    assert told.verdict == "accept"
    desk("proposal.decide", proposal=made.proposal)
    desk("proposal.apply", proposal=made.proposal)
    [case] = [each for each in desk("trace.cases").items if each.fixed_by][:1]
    run = case.references[0].session
    given = desk("trace.feedback", session=run, label="failure", reason="the customer complained")
    assert len(given.backslides) == 1
    [found] = desk("eval.backslides", state="suspected").items
    assert (found.case, found.source, found.why) == (
        case.case,
        "feedback",
        "the customer complained",
    )


def test_fixes_of_cases_are_marked_once(slid: tuple[Harnessed, str]) -> None:
    made, _ = slid
    with made.desk.context.view() as view:
        rows = list(every_row(view, "fix", state="kept"))
    assert sorted(row.body["case"] for row in rows) == ["c0", "c1", "c2", "c3", "c4"]
    assert [len(row.body["by"]) for row in rows] == [1] * 5
    assert {row.body["margin"] for row in rows} == {0.7}


def test_margin_is_declared_by_anybody_who_is_stricter_and_loosened_by_a_person(
    slid: tuple[Harnessed, str],
) -> None:
    made, _ = slid
    desk = made.desk
    person = desk.context.scope
    agent = Desk(replace(desk.context, scope=replace(person, actor=Actor(sub="agent:a"))))
    told = agent("eval.keep", case="c3", margin=0.4)
    assert (told.before, told.margin, len(told.fixed_by)) == (0.7, 0.4, 1)
    with pytest.raises(DeniedError):
        agent("eval.keep", case="c3", margin=0.9)
    proposal = made.propose(made.skill("fourth", "do c5.", "skip c3."))
    refused = made.prove(proposal, target=["c5"])
    assert (refused.verdict, refused.broken) == ("reject", ["c3"])
    with desk.context.view() as view:
        row = require_known(view, f"decision/{refused.decision}")
        assert parse_json(view.blob(row.body["plan"]))["margins"]["c3"] == 0.4
    assert desk("eval.keep", case="c3", margin=0.9).before == 0.4


def stopped(made: Harnessed, at: int) -> tuple[Harnessed, list[Any]]:
    """The same desk with a ledger that refuses every commit from the n-th on."""
    context, commits = made.desk.context, list[Any]()

    class Stops:
        def __getattr__(self, name: str) -> Any:
            return getattr(context.ledger, name)

        def commit(self, *changes: Any) -> Any:
            commits.append(changes)
            if len(commits) > at:
                raise ConflictError("the end of it")
            return context.ledger.commit(*changes)

    return Harnessed(Desk(replace(context, ledger=Stops()))), commits  # type: ignore[arg-type]


VARIED = """
import random

def agent(guilty, rate, low, variant):
    def run(task, seed, tools):
        fixed = any(path.startswith("first/") for path in task["harness"])
        spoiled = any(path.startswith(guilty + "/") for path in task["harness"])
        chance = (low if spoiled and task["case"] == "c0" else rate) if fixed else 0.03
        drawn = random.Random(f"{variant} {sorted(task['harness'])} {task['case']} {seed}").random()
        return {"resolved": drawn < chance}
    return run

GUILTY = ("manners", "haste", "style", "tone", "calm", "care")
for number in range(240):
    rate, low = ((0.98, 0.0), (0.95, 0.1), (0.95, 0.25), (0.9, 0.1))[number // 6 % 4]
    globals()[f"run{number}"] = agent(GUILTY[number % 6], rate, low, number)
"""


@pytest.mark.parametrize(
    "count", [pytest.param(6, id="sample"), pytest.param(120, marks=pytest.mark.slow)]
)
def test_right_revision_is_named_whichever_it_is(desk: Desk, count: int) -> None:
    """Live sweeps by agents that each slide back at another of six accepts; all simulated."""
    made = Harnessed(desk).prepare(cases=3)
    desk.write("varied.py", VARIED)
    proposals = {}
    first = made.propose(made.skill("first", "do c0.", "do c1.", "do c2."))
    assert made.prove(first).verdict == "accept"
    made.approve(first)
    for name in ("manners", "haste", "style", "tone", "calm", "care"):
        proposals[name] = made.slip_in(name, f"be {name}.")
    named = wrong = 0
    for number in range(count):
        told = desk(
            "eval.sweep",
            system=f"python:varied:run{number}",
            head="main",
            unsandboxed=True,
            suite=SUITE,
        )
        accused = {each.accused for each in told.backslides if each.case == "c0"}
        right = proposals[list(proposals)[number % 6]]
        named += accused == {right}
        wrong += bool(accused - {right, ""})
    print(f"named {named} of {count}, a wrong one in {wrong}")
    assert named >= 0.9 * count - 1
    assert wrong <= 0.03 * count + 1
