"""What a suite catches is measured by faults, filed, stated by decisions, and come to again."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.codec import canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import ConflictError, InvalidRequestError, LigninError
from lignin.domain.events import Blob, NewEvent
from lignin.evals.power import parse_outcome, tell_power
from lignin.ports.ledger import require_known
from unit.operations.conftest import Desk
from unit.operations.heads_with_fixes import SUITE, Harnessed
from unit.operations.suites import FAILING, SOUND, with_cases

SCRIPT = """
import json, sys
number = json.load(sys.stdin)["input"]
total = 0
for each in range(number + 1):
    total = total + each
print(json.dumps({"resolved": total == number * (number + 1) / 2}))
"""


@pytest.fixture
def harnessed(desk: Desk) -> Harnessed:
    made = Harnessed(desk).prepare()
    made.fix("first", "do c0.", "do c1.", target=["c0", "c1"])
    made.fix("second", "do c2.", "do c3.", target=["c2", "c3"])
    return made


def test_undone_fixes_are_caught_and_what_no_case_sees_is_missed(harnessed: Harnessed) -> None:
    harnessed.slip_in("manners", "be kind.", "do whatever is asked.")
    told = harnessed.ask("eval.power", alter=True)
    assert (told.reverted_fixes["caught"], told.reverted_fixes["of"]) == (2, 2)
    low, high = told.reverted_fixes["interval"]
    assert (round(low, 3), high) == (0.158, 1.0)
    kinds = told.planted["kinds"]
    assert kinds["admission_undone"]["caught"] == 0
    assert {each.kind for each in told.items if each.outcome == "missed"} >= {"admission_undone"}
    assert kinds["text_cut"]["caught"] > 0
    assert told.planted["caught"] == sum(each["caught"] for each in kinds.values())
    assert "2 of 2" in told.to_text()


def test_measured_once_it_is_stated_and_costs_nothing_again(harnessed: Harnessed) -> None:
    first = harnessed.ask("eval.power")
    again = harnessed.ask("eval.power")
    assert (again.power, again.paid) == (first.power, 0)
    anew = harnessed.ask("eval.power", again=True)
    assert anew.power != first.power
    assert harnessed.desk("power.list", head="main").total == 2
    shown = harnessed.desk("power.show", power=first.power, check=True)
    assert (shown.differs, shown.exit_code()) == ([], 0)
    assert shown.items == first.items


def test_every_decision_states_the_newest_power_of_its_suite(harnessed: Harnessed) -> None:
    [decision, _] = [each.decision for each in harnessed.desk("gate.list").items]
    before = harnessed.desk("gate.explain", decision=decision)
    assert (before.power, before.power_told) == (None, "never measured")
    assert "power of its suite: never measured" in before.to_text()
    assert before.basis == {"told": 8}
    harnessed.ask("eval.power")
    newest = harnessed.ask("eval.power", again=True)
    after = harnessed.desk("gate.explain", decision=decision)
    assert after.power["power"] == newest.power
    assert after.power["reverted_fixes"] == newest.reverted_fixes
    assert set(after.power) >= {"reverted_fixes", "planted", "measured_at"}
    assert "2 of 2" in after.to_text()
    assert "8 of 8 cases have no oracle" in after.to_text()


def test_power_of_another_suite_is_not_stated(harnessed: Harnessed) -> None:
    harnessed.ask("eval.power")
    rows = "\n".join(json.dumps({"case": f"d{number}"}) for number in range(8))
    harnessed.desk.write("other.jsonl", rows)
    harnessed.desk.write(
        "two.py",
        "def old(task, seed, tools):\n    return {'resolved': task['case'] > 'd3'}\n"
        "def new(task, seed, tools):\n    return {'resolved': True}\n",
    )
    told = harnessed.desk(
        "gate.prove",
        incumbent="python:two:old",
        candidate="python:two:new",
        unsandboxed=True,
        suite="other.jsonl",
    )
    assert (told.power, told.power_told) == (None, "never measured")


def forged(desk: Desk, power: str, change: Any) -> str:
    """A copy of a measurement, filed as another, that tells of something else."""
    with desk.context.view() as view:
        row = require_known(view, f"power/{power}")
        plan = view.blob(row.body["plan"])
        told = parse_json(view.blob(row.body["result"]["told"]))
    change(told)
    content, stream = canonical_bytes(told), "power/pow_forged"
    facts = {name: row.body[name] for name in ("head", "system", "name", "simulated", "cases")}
    opened = {**facts, "plan": digest_bytes(plan)}
    reached = {"outcome": "measured", "told": digest_bytes(content)}
    desk.context.commit(
        desk.context.scope.change(
            events=tuple(
                NewEvent(
                    stream=stream, type=type_, payload=payload, event_id=desk.context.ids.new("evt")
                )
                for type_, payload in (("power.opened", opened), ("power.reached", reached))
            ),
            blobs=tuple(
                Blob(stream=stream, digest=digest_bytes(each), content=each)
                for each in (plan, content)
            ),
        )
    )
    return "pow_forged"


def test_forged_counts_are_not_believed_by_any_decision(harnessed: Harnessed) -> None:
    harnessed.slip_in("manners", "be kind.")
    true = harnessed.ask("eval.power")
    assert true.planted["caught"] < true.planted["of"]

    def boast(told: dict[str, Any]) -> None:
        told["planted"] |= {"caught": told["planted"]["of"]}

    made = forged(harnessed.desk, true.power, boast)
    [decision, _] = [each.decision for each in harnessed.desk("gate.list").items]
    explained = harnessed.desk("gate.explain", decision=decision)
    assert explained.power is None
    assert explained.power_told == f"{made} is not believed: its counts are not those of its faults"


def test_forged_outcomes_do_not_follow_from_the_trials(harnessed: Harnessed) -> None:
    harnessed.slip_in("manners", "be kind.")
    true = harnessed.ask("eval.power")

    def boast(told: dict[str, Any]) -> None:
        for each in told["items"]:
            each["outcome"] = "caught"
        told |= tell_power([parse_outcome(each) for each in told["items"]])

    shown = harnessed.desk(
        "power.show", power=forged(harnessed.desk, true.power, boast), check=True
    )
    assert shown.exit_code() == 9
    assert any("'missed' by its trials" in each for each in shown.differs)


def test_unsandboxed_texts_are_altered_only_by_leave(harnessed: Harnessed) -> None:
    careful = harnessed.ask("eval.power")
    assert not {"text_cut", "text_turned"} & {each.kind for each in careful.items}
    with pytest.raises(InvalidRequestError, match="nothing to plant") as caught:
        harnessed.desk("eval.power", system="python:reads:run", unsandboxed=True, suite=SUITE)
    assert "--alter" in caught.value.hint


def test_desk_agents_get_the_faults_of_the_desk(desk: Desk) -> None:
    with_cases(desk)
    told = desk("eval.power", system=SOUND)
    assert told.simulated
    assert set(told.planted["kinds"]) == {"agent_fault"}
    by = {each.about: each.outcome for each in told.items}
    assert (by["wrong_refund_method"], by["gave_up_early"]) == ("caught", "caught")
    assert told.reverted_fixes == {"caught": 0, "of": 0, "unclear": 0, "interval": None}
    decided = desk("gate.prove", incumbent=FAILING, candidate=SOUND)
    assert decided.power["power"] == told.power
    assert ", simulated" in decided.power_told


def test_files_of_a_command_are_altered_in_a_copy(desk: Desk) -> None:
    desk.write(SUITE, "\n".join(json.dumps({"case": f"c{n}"}) for n in range(4)))
    program = "import json, sys\nknown = json.load(sys.stdin)['case'] != 'c9'\nunused = 1 == 2\nprint(json.dumps({'resolved': known and True}))\n"
    desk.write("agent/main.py", program)
    told = desk("eval.power", system="python agent/main.py", suite=SUITE)
    by = {each.about: each.outcome for each in told.items}
    assert (desk.context.cwd / "agent/main.py").read_text() == program
    assert by["agent/main.py is empty"] == "caught"
    assert "missed" in by.values() or told.planted["caught"] == told.planted["of"]
    assert told.planted["of"] >= 2


def test_stored_program_gets_the_mutants_that_verification_uses(desk: Desk) -> None:
    desk.write("answers.py", SCRIPT)
    captured = desk("artifact.capture", path="answers.py", kind="script", verify=False)
    rows = [{"case": f"c{n}", "input": n} for n in range(4)]
    suite = desk.write("numbers.jsonl", "\n".join(map(json.dumps, rows)))
    told = desk("eval.power", system="artifact:answers", suite=suite)
    mutants = told.planted["kinds"]["program_mutated"]
    assert mutants["of"] > 2
    assert mutants["caught"] > 0
    assert {each.kind for each in told.items} >= {"program_mutated"}
    assert all("lignin.json" not in each.about for each in told.items)
    assert desk("eval.power", system="artifact:answers", suite=suite).paid == 0
    assert captured.digest[:19] in told.name


def test_what_works_nowhere_has_no_power(desk: Desk) -> None:
    with_cases(desk)
    desk.write("broken.py", "def run(task, seed, tools):\n    raise ValueError('2 == 2')\n")
    with pytest.raises(InvalidRequestError, match="passes none"):
        desk("eval.power", system="python:broken:run", unsandboxed=True, alter=True)
    assert desk("power.list").total == 0


def test_an_unfinished_measurement_goes_on(harnessed: Harnessed) -> None:
    """What stops in the middle is gone on with, and comes to what it would have come to."""
    context = harnessed.desk.context
    commits: list[Any] = []

    class Stops:
        def __init__(self, at: int) -> None:
            self.at = at

        def __getattr__(self, name: str) -> Any:
            return getattr(context.ledger, name)

        def commit(self, *changes: Any) -> Any:
            commits.append(changes)
            if len(commits) > self.at:
                raise ConflictError("the end of it")
            return context.ledger.commit(*changes)

    stopped = Harnessed(Desk(replace(context, ledger=Stops(35))))  # type: ignore[arg-type]
    with pytest.raises(LigninError):
        stopped.ask("eval.power")
    [open_one] = harnessed.desk("power.list").items
    assert open_one.state == "open"
    told = harnessed.ask("eval.power")
    assert (told.power, told.state) == (open_one.power, "measured")
    assert harnessed.desk("power.show", power=told.power, check=True).differs == []


def test_fix_whose_slot_changed_since_is_undone_as_it_stood_then(desk: Desk) -> None:
    """And what is tried first are the cases that it had mended, so it is cheap."""
    made = Harnessed(desk).prepare(cases=12)
    made.fix("first", "do c0.", "do c1.", target=["c0", "c1"])
    made.fix("first", "do c0.", "do c1.", "do c2.", "do c3.", target=["c2", "c3"])
    told = made.ask("eval.power")
    undone = [each for each in told.items if each.kind == "fix_undone"]
    assert [each.outcome for each in undone] == ["caught", "caught"]
    assert sum("as it stood then" in each.about for each in undone) == 1
    assert max(each.trials for each in undone) <= 12
    assert {tuple(each.broken) for each in undone} <= {
        (), ("c0",), ("c1",), ("c2",), ("c3",), ("c0", "c1"), ("c1", "c0"), ("c2", "c3"), ("c3", "c2"),
    }  # fmt: skip


def test_fix_that_was_rolled_back_is_not_asked_for(harnessed: Harnessed) -> None:
    history = harnessed.desk("head.history", name="main").items
    harnessed.desk("head.rollback", name="main", to=history[0].came_from)
    told = harnessed.ask("eval.power")
    assert told.reverted_fixes["of"] == 1
