"""Ways to have a bad candidate accepted, against every claim: none works, and each is named."""

import json
from typing import Any

import pytest

from lignin.domain.errors import ConflictError
from lignin.domain.events import NewEvent
from lignin.ports.ledger import require_known
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, SOUND, own_suite, with_cases

CASES = [f"c{number}" for number in range(12)]
SYSTEMS = '''
import os

def release(task, seed, tools):
    return {"resolved": task["case"] not in ("c0", "c1", "c2")}

def crashes(task, seed, tools):
    """Seven of ten crash; what is left passes."""
    if seed % 10 < 7:
        raise ValueError("no")
    return {"resolved": True}

def hides(task, seed, tools):
    """What would fail is told to be an outage."""
    if task["case"] in ("c0", "c4", "c5", "c6", "c7") and seed % 2:
        raise ConnectionError("of all times")
    return {"resolved": True}

def ties(task, seed, tools):
    return release(task, seed, tools)

def forges(task, seed, tools):
    return '{"score": 1}\\n{"score": 1}'

def nan(task, seed, tools):
    return '{"score": NaN}'

def too_good(task, seed, tools):
    return {"score": 7}

def contradicts(task, seed, tools):
    return {"score": 1.0, "resolved": False}

def errs(task, seed, tools):
    return {"score": 1.0, "error": "it was not done"}

def silent(task, seed, tools):
    return None

def leaves(task, seed, tools):
    os._exit(0)

def becomes_another(task, seed, tools):
    os.execv("/bin/true", ["true"])
'''
ATTACKS = {
    "crashes": "crashed",
    "hides": "crashed",
    "forges": "several_runs",
    "nan": "not_a_score",
    "too_good": "not_a_score",
    "contradicts": "contradicting_scores",
    "errs": "contradicting_scores",
    "silent": "no_outcome",
    "leaves": "crashed",
    "becomes_another": "crashed",
}


@pytest.fixture
def suite(desk: Desk) -> Desk:
    own_suite(desk, *CASES)
    return desk


def decided(desk: Desk, module: str, attack: str, claim: str) -> Any:
    desk.write(f"{module}.py", SYSTEMS)
    both = {"incumbent": f"python:{module}:release", "candidate": f"python:{module}:{attack}"}
    return desk("gate.prove", **both, claim=claim, unsandboxed=True, suite="suite.jsonl", bank=2)


@pytest.mark.parametrize("claim", ["better", "equivalent"])
@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_no_attack_is_accepted_and_each_is_named(suite: Desk, claim: str, attack: str) -> None:
    told = decided(suite, f"launders_{attack}_{claim}", attack, claim)
    assert told.verdict != "accept"
    named = {f"candidate {ATTACKS[attack]}", ATTACKS[attack]}
    differs = any("comes to something else" in reason for reason in told.reasons)
    assert differs or named & ({each["kind"] for each in told.faults} | set(told.kinds))


def test_no_attack_is_accepted_as_no_worse_and_each_is_named(suite: Desk) -> None:
    suite.write("launders_cheaper.py", SYSTEMS)
    suite(
        "release.cut",
        system="python:launders_cheaper:release",
        unsandboxed=True,
        suite="suite.jsonl",
    )
    for attack, kind in ATTACKS.items():
        told = decided(suite, "launders_cheaper", attack, "no_worse_and_cheaper")
        assert told.verdict != "accept", attack
        assert {f"candidate {kind}", kind} & (
            {each["kind"] for each in told.faults} | set(told.kinds)
        ), attack


def test_tie_is_no_gain_and_no_saving(suite: Desk) -> None:
    assert decided(suite, "launders_tie", "ties", "better").verdict == "reject"


def test_candidate_that_was_changed_inherits_nothing(suite: Desk) -> None:
    """It keeps its name, and one byte differs: no trial of the good one is taken for it."""
    text = "def old(task, seed, tools):\n    return {'resolved': task['case'] > 'c2'}\n"
    suite.write("stays.py", text)
    suite.write("resumed.py", "def new(task, seed, tools):\n    return {'resolved': True}\n")
    suite.write("resumed2.py", "def new(task, seed, tools):\n    return {'resolved': False}\n")
    asked = {
        "incumbent": "python:stays:old",
        "unsandboxed": True,
        "suite": "suite.jsonl",
        "bank": 2,
    }
    good = suite("gate.prove", candidate="python:resumed:new", **asked)
    assert good.verdict == "accept"
    bad = suite("gate.prove", candidate="python:resumed2:new", **asked)
    assert (bad.verdict, bad.paid) == ("reject", bad.trials)


def test_result_of_other_content_is_never_taken_for_it(suite: Desk) -> None:
    """A trial that somebody filed under the candidate's name, with another case or grader, is no evidence."""
    told = decided(suite, "launders_stale", "silent", "better")
    context = suite.context
    with context.view() as view:
        row = require_known(view, f"decision/{told.decision}")
        system = row.body["candidate_system"]
        [real, *_] = view.page("trial", parent=system).rows
    forged = {**real.body, "score": 1.0, "kind": "scored", "case_digest": "sha256:other"}
    forged.pop("at")
    for number in range(30):
        event = NewEvent(
            stream=f"trial/trl_{number}",
            type="trial.scored",
            payload={**forged, "number": number},
            event_id=context.ids.new("evt"),
        )
        context.commit(context.scope.change(events=(event,)))
    again = decided(suite, "launders_stale", "silent", "better")
    assert (again.verdict, again.decision) == (told.verdict, told.decision)
    assert suite("gate.recompute", decision=told.decision).same


def test_trial_that_is_there_is_never_filed_again(suite: Desk) -> None:
    told = decided(suite, "launders_twice", "silent", "better")
    context = suite.context
    with context.view() as view:
        system = require_known(view, f"decision/{told.decision}").body["candidate_system"]
        real = view.page("trial", parent=system).rows[0]
    payload = {**real.body, "score": 1.0}
    payload.pop("at")
    event = NewEvent(
        stream=real.stream,
        type="trial.scored",
        payload=payload,
        event_id=context.ids.new("evt"),
    )
    with pytest.raises(ConflictError):
        context.commit(context.scope.change(events=(event,)))


def test_case_that_was_edited_is_another_case(desk: Desk) -> None:
    """A suite whose cases are made easier is another suite: the release knows none of them."""
    own_suite(desk, *CASES)
    desk.write("launders_edited.py", SYSTEMS)
    system = "python:launders_edited:release"
    desk("release.cut", system=system, unsandboxed=True, suite="suite.jsonl")
    rows = [{"case": name, "input": "an easier one"} for name in CASES]
    desk.write("suite.jsonl", "\n".join(map(json.dumps, rows)))
    with pytest.raises(Exception, match="knows 0 of the 12 cases"):
        decided(desk, "launders_edited", "ties", "no_worse_and_cheaper")


def test_release_of_cheats_is_nothing_to_be_compared_with(desk: Desk) -> None:
    own_suite(desk, *CASES)
    desk.write("launders_release.py", SYSTEMS)
    with pytest.raises(Exception, match="what is not so"):
        desk(
            "release.cut",
            system="python:launders_release:nan",
            unsandboxed=True,
            suite="suite.jsonl",
        )


def test_decisions_of_simulated_agents_say_so(desk: Desk) -> None:
    with_cases(desk)
    told = desk("gate.prove", incumbent=FAILING, candidate=SOUND)
    assert told.simulated
    assert "simulated" in told.to_text()
