"""A task is served by proven routines, over the command line, and handed over without a repeated effect."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lignin.app import load_settings, open_context
from lignin.domain.codec import Json
from lignin.governance.continued import ALREADY_DONE, UNKNOWN, ContinuedTools
from lignin.operations.artifact import call
from lignin.operations.artifact_models import ArtifactCall
from lignin.operations.context import Context
from lignin.operations.proposal import ProposalApply, ProposalDecide, ProposalRef
from lignin.operations.proposal import apply as apply_proposal
from lignin.operations.proposal import decide as decide_proposal
from lignin.operations.proposal import show as show_proposal
from lignin.operations.routine import RoutineInduce, RoutineShow, induce
from lignin.operations.routine import show as show_routine
from lignin.operations.routine_families import FamilyView, RoutineFamilies, families
from lignin.operations.routine_families import plan as plan_families
from lignin.operations.routine_prove import RoutinePromote, RoutineProve, promote, prove
from lignin.operations.routine_run import RoutineRun, run
from lignin.operations.taskwork import LedgerJournal, made_for
from lignin.operations.trace import TraceImport, import_
from lignin.ports.broker import Binding
from lignin.ports.tools import Observation, ToolSpec
from lignin.practice.agents import REFERENCE_AGENT
from lignin.practice.desk import PracticeDesk
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import Task, make_task

ROOT = Path(__file__).resolve().parents[2]
FAMILY = FAMILIES["late-cancel"]
WORLDS = 50


@dataclass
class Learned:
    """A store in which one family is planned, and what answers its tools."""

    folder: Path
    context: Context
    exits: "Exits"
    before: FamilyView
    routine: str


class Exits:
    """Exits at which one desk answers, through `bend`, and stays there after a run."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.tools: Any = None

    def live(self, _open: Callable[[], Any]) -> Binding:
        made: Binding = self._inner.live(lambda: self.tools)
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Bent:
    """A desk one of whose tools goes wrong."""

    def __init__(self, seed: int, tool: str = "", wrong: Callable[[], Any] = lambda: None) -> None:
        self.desk, self._tool, self._wrong = PracticeDesk(seed), tool, wrong

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return self.desk.tools

    @property
    def start_state(self) -> str:
        return self.desk.start_state

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        if tool != self._tool:
            return self.desk.call(tool, arguments)
        if self._wrong() is None:  # it takes effect, and then something happens
            self.desk.call(tool, arguments)
            raise Crash
        return Observation(error="not_found", message="the desk does not find it")

    def bend(self, tool: str, wrong: Callable[[], Any]) -> None:
        """Let another tool go wrong from now on."""
        self._tool, self._wrong = tool, wrong

    def effects(self) -> list[str]:
        """What was changed at the desk, in order."""
        return [
            made.tool
            for made in self.desk.recording().calls
            if self.tools[made.tool].effect == "write" and not made.observation.is_error
        ]


class Crash(BaseException):
    """The process ends."""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Learned]:
    folder = tmp_path_factory.mktemp("first")
    home = {"LIGNIN_HOME": str(folder / "home"), "HOME": str(folder), "LIGNIN_ACTOR": "user:t"}
    with open_context(load_settings({**os.environ, **home}, folder)) as context:
        records = [
            run_record(run_task(make_task(FAMILY, world), REFERENCE_AGENT, 1), 0)
            for world in range(WORLDS)
        ]
        (folder / "runs.jsonl").write_text(write_runs(records))
        import_(context, TraceImport(paths=["runs.jsonl"]))
        [found, *_] = induce(context, RoutineInduce()).items
        (before,) = families(context, RoutineFamilies()).families
        assert prove(context, RoutineProve(routine=found.routine)).verdict == "pass"
        promote(context, RoutinePromote(routine=found.routine))
        plan_families(context, RoutineFamilies())
        exits = Exits(context.open_exits())
        yield Learned(
            folder=folder,
            context=replace(context, open_exits=lambda: exits),
            exits=exits,
            before=before,
            routine=found.routine,
        )


def lignin(folder: Path, *arguments: str) -> tuple[int, Any]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder),
        "LIGNIN_HOME": str(folder / "home"),
        "LIGNIN_ACTOR": "user:t",
    }
    done = subprocess.run(
        [sys.executable, "-m", "lignin", *arguments, "--json", "--quiet"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def task_of(world: int) -> Task:
    return make_task(FAMILY, world)


def test_family_is_covered_once_its_routine_is_promoted(learned: Learned) -> None:
    assert (learned.before.covered, learned.before.verdict) == (False, "workflow")
    assert "serves no routine" in learned.before.why_not
    code, answer = lignin(learned.folder, "routine", "families")
    assert code == 0
    (family,) = answer["families"]
    assert family["family"] == "late-cancel"
    assert (family["covered"], family["inside"]) == (True, 1.0)
    assert family["plan"]["answers"] is True


def test_task_is_served_from_its_request_to_its_answer(learned: Learned) -> None:
    task = task_of(900)
    code, answer = lignin(learned.folder, "routine", "run", task.instruction, "--tools", "desk:900")
    assert (code, answer["ended"]) == (0, "done")
    assert json.loads(answer["answer"].partition("\n\n")[2]) == dict(task.outputs)
    assert [each["tool"] for each in answer["done"]][-1] == "add_note"


@pytest.mark.parametrize("more", [" Or do not.", " And cancel O-20001 too."])
def test_request_that_says_more_is_for_an_agent(learned: Learned, more: str) -> None:
    code, answer = lignin(
        learned.folder, "routine", "run", task_of(900).instruction + more, "--tools", "desk:900"
    )
    assert (code, answer["ended"], answer["done"]) == (10, "agent", [])


def test_served_task_leaves_the_state_that_solves_it(learned: Learned) -> None:
    learned.exits.tools = Bent(901)
    got = run(learned.context, RoutineRun(request=task_of(901).instruction, tools="desk:901"))
    assert got.ended == "done"
    assert learned.exits.tools.desk.state_digest() == task_of(901).end_state


def test_nothing_is_changed_where_a_tool_tells_what_no_run_was_told(learned: Learned) -> None:
    bent = learned.exits.tools = Bent(905)
    orders = bent.desk.state()["orders"]
    asked = str(task_of(905).facts["order_id"])
    (customer,) = {row["customer_id"] for row in orders if row["order_id"] == asked}
    open_ones = [
        str(row["order_id"])
        for row in orders
        if row["customer_id"] == customer and row["status"] == "pending"
    ]
    request = task_of(905).instruction.replace(asked, open_ones[0])
    got = run(learned.context, RoutineRun(request=request, tools="desk:905"))
    assert got.ended == "handed_over"
    assert "get_order.status is 'pending'" in got.why
    assert bent.effects() == ["confirm_identity"]


def test_who_goes_on_from_the_beginning_repeats_nothing(learned: Learned) -> None:
    bent = learned.exits.tools = Bent(902, "add_note", lambda: "busy")
    got = run(learned.context, RoutineRun(request=task_of(902).instruction, tools="desk:902"))
    assert (got.ended, got.answer) == ("handed_over", None)
    assert "not_found" in got.why
    assert [each["tool"] for each in got.done if each["changes"]] == [
        "confirm_identity",
        "add_note",
    ]
    assert bent.effects() == ["confirm_identity"]
    tools = ContinuedTools(bent.desk, LedgerJournal(learned.context, got.task))
    for write in task_of(902).writes:
        answer = tools.call(write.tool, write.arguments)
        assert answer is not None and not answer.is_error
        assert (answer.message == ALREADY_DONE) is (write.tool == "confirm_identity")
    assert bent.effects() == ["confirm_identity", "add_note"]
    assert bent.desk.state_digest() == task_of(902).end_state


def test_program_that_goes_on_with_the_task_repeats_nothing(learned: Learned) -> None:
    bent = learned.exits.tools = Bent(904, "add_note", lambda: "busy")
    facts = task_of(904).facts
    got = run(learned.context, RoutineRun(request=task_of(904).instruction, tools="desk:904"))
    bent.bend("", lambda: None)
    request = ArtifactCall(name=got.routine, input=dict(facts), tools="desk:904", task=got.task)
    for _ in range(3):
        assert call(learned.context, request).output["handed_over"] == ""
        assert bent.effects() == ["confirm_identity", "add_note"]
    assert call(learned.context, request.model_copy(update={"task": ""})).error is None
    assert bent.effects() == ["confirm_identity", "add_note"] * 2


def test_change_in_flight_at_a_crash_is_known_to_be_unknown(learned: Learned) -> None:
    bent = learned.exits.tools = Bent(903, "add_note")
    with pytest.raises(Crash):
        run(learned.context, RoutineRun(request=task_of(903).instruction, tools="desk:903"))
    with learned.context.view() as view:
        (row,) = view.page("task", state="begun", limit=100).rows
        made = made_for(view, row.key)
    assert [(each.tool, each.observation is None) for each in made if each.changes] == [
        ("confirm_identity", False),
        ("add_note", True),
    ]
    again = RoutineRun(request=task_of(903).instruction, tools="desk:903")
    got = run(learned.context, again)
    assert (got.ended, got.task, len(got.done)) == ("unfinished", row.key, len(made))
    assert f"lignin task show {row.key}" in got.why
    tools = ContinuedTools(bent.desk, LedgerJournal(learned.context, row.key))
    last = task_of(903).writes[-1]
    answer = tools.call(last.tool, last.arguments)
    assert answer is not None and answer.error == UNKNOWN
    assert bent.effects() == ["confirm_identity", "add_note"]


def test_routine_that_keeps_handing_over_is_proposed_to_leave_the_head(learned: Learned) -> None:
    for world in range(920, 930):
        learned.exits.tools = Bent(world, "add_note", lambda: "busy")
        request = RoutineRun(request=task_of(world).instruction, tools=f"desk:{world}")
        run(learned.context, request)
    with learned.context.view() as view:
        assert view.page("proposal", state="open", limit=9).total == 1
    shown = show_routine(learned.context, RoutineShow(routine=learned.routine))
    proposal = show_proposal(learned.context, ProposalRef(proposal=shown.served["proposal"]))
    assert proposal.state == "open"
    assert "go back to an agent" in proposal.hypothesis
    assert shown.served["reasons"]["refused: not_found"] >= 10
    assert sum(shown.served["reasons"].values()) == shown.served["handed_over"]
    learned.exits.tools = Bent(950)
    request = RoutineRun(request=task_of(950).instruction, tools="desk:950")
    assert run(learned.context, request).ended == "done"  # it proposes, and moves nothing


def test_routine_that_was_taken_off_the_head_is_followed_no_more(learned: Learned) -> None:
    shown = show_routine(learned.context, RoutineShow(routine=learned.routine))
    proposal = shown.served["proposal"]
    decide_proposal(learned.context, ProposalDecide(proposal=proposal, approve=True, reject=""))
    apply_proposal(learned.context, ProposalApply(proposal=proposal, token=None))
    bent = learned.exits.tools = Bent(951)
    got = run(learned.context, RoutineRun(request=task_of(951).instruction, tools="desk:951"))
    assert (got.ended, bent.effects()) == ("agent", [])
    assert "does not serve" in got.why
    assert plan_families(learned.context, RoutineFamilies()).plans == 0


def test_store_agrees_with_itself_afterwards(learned: Learned) -> None:
    code, answer = lignin(learned.folder, "store", "verify")
    assert (code, answer["sound"]) == (0, True)
