"""What a fleet asks lies in the inbox, and a fleet goes on as a job when it was said there. Simulated agents."""

from dataclasses import replace
from pathlib import Path

import pytest

from e2e.fleets.crew import Crew, git, piece_of
from lignin.domain.errors import InvalidRequestError
from lignin.domain.jobs import JobAsked
from lignin.operations.feeding import Feeder
from lignin.operations.fleet import cancel
from lignin.operations.fleet_models import FleetCancel
from lignin.operations.fleetdrive import advance
from lignin.operations.inbox import list_, settle
from lignin.operations.job import show
from lignin.operations.job_models import JobShow
from lignin.operations.jobkind import load_job_kinds
from lignin.operations.jobwork import ask_job, bodies_of
from lignin.operations.loop_models import InboxAsked, ItemSettle
from lignin.testing.fakes.engine import FakeEngine, FakeStore


@pytest.fixture
def crew(tmp_path: Path) -> Crew:
    made = Crew(folder=tmp_path)
    made.prepare({"lib.py": "RATE = 2\n"})
    made.plan(
        {
            "p": {"gate": "approval", "does": "write('p.py', told.split('anew: ')[-1][:3])"},
            "which": {"kind": "judgement", "what": "Which?"},
            "q": {"needs": ["which"]},
            "r": {"does": "sys.exit('broken')", "budget": {"attempts": 1}},
        }
    )
    return made


def items(crew: Crew, fleet: str, state: str = "open") -> dict[str, str]:
    """The inbox's items of a fleet: each title's piece with its id."""
    with crew.opened() as context:
        found = list_(context, InboxAsked(loop=fleet, state=state)).items
    return {each.title.partition(":")[0]: each.item for each in found}


def say(crew: Crew, item: str, how: str, text: str = "", actor: str = "user:ann") -> None:
    with crew.opened(actor=actor) as context:
        settle(context, ItemSettle.model_validate({"item": item, "how": how, "say": text}))


def test_what_pieces_ask_is_answered_in_the_inbox(crew: Crew) -> None:
    shown = crew.run()
    fleet = shown.fleet
    asked = items(crew, fleet)
    assert set(asked) == {"p", "which", "r"}
    crew.run(fleet)
    assert items(crew, fleet) == asked  # asked once, however often it is looked
    say(crew, asked["p"], "answer", "anew: two")
    say(crew, asked["which"], "answer", "the blue one")
    say(crew, asked["r"], "dismiss")
    shown = crew.run(fleet)
    assert [piece_of(shown, name).state for name in ("p", "which", "q", "r")] == [
        "asked",
        "settled",
        "merged",
        "dropped",
    ]
    assert "A person answered: the blue one" in crew.told("q")
    assert "anew: two" in crew.told("p")
    again = items(crew, fleet)
    assert set(again) == {"p"} and again["p"] != asked["p"]
    say(crew, again["p"], "accept")
    shown = crew.run(fleet)
    assert shown.state == "finished"
    log = git(crew.repo, "log", "--format=%B", f"trunk..{shown.branch}")
    assert "Lignin-Approved-By: user:ann" in log
    assert git(crew.repo, "show", f"{shown.branch}:p.py") == "two"


def test_what_is_said_to_the_fleet_is_settled_in_the_inbox(crew: Crew) -> None:
    fleet = crew.run().fleet
    crew.settle(fleet, "p", "approve")
    crew.settle(fleet, "which", "answer", "this")
    assert set(items(crew, fleet)) == {"r"}
    assert set(items(crew, fleet, "accepted")) == {"p"}
    with crew.opened() as context:
        cancel(context, FleetCancel(fleet=fleet))
    assert items(crew, fleet) == {}


def test_a_fleet_goes_on_as_a_job_when_people_have_said_what_it_waits_for(crew: Crew) -> None:
    fleet = crew.run().fleet
    engine = FakeEngine(FakeStore(), "wrk_1")
    with crew.opened() as opened:
        context = replace(opened, open_engine=lambda: engine)
        with pytest.raises(InvalidRequestError):
            ask_job(context, JobAsked(kind="fleet", input={"goal": "x"}))
        job, _ = ask_job(context, JobAsked(kind="fleet", input={"fleet": fleet}))
        feeder = Feeder(context, engine, None)
        engine.launch(bodies_of(context, load_job_kinds()), [])
        feeder.reconcile()
        engine.listen(feeder.lanes)
        engine.wait(job, 30)
        assert show(context, JobShow(job=job)).state == "open"
        for name, item in items(crew, fleet).items():
            say(
                crew,
                item,
                {"p": "accept", "which": "answer", "r": "dismiss"}[name],
                "x" * (name == "which"),
            )
        engine.wait(job, 300)
        told = show(context, JobShow(job=job))
    assert told.state == "succeeded"
    assert told.output["state"] == "finished"
    assert told.output["branch"] == crew.show(fleet).branch
    assert [step.name for step in told.steps if step.name.startswith("advance")] == [
        "advance 1",
        "advance 2",
    ]
    assert crew.runs().count("p") == crew.runs().count("q") == 1


def test_a_fleet_that_is_left_has_its_agent_ended_and_run_once_more(crew: Crew) -> None:
    began = crew.folder / "began"
    does = f"import os; first = not os.path.exists({str(began)!r}); open({str(began)!r}, 'w').close()\n"
    does += "if first: time.sleep(600)\nwrite('p.py', '')"
    crew.plan({"ask": {"kind": "judgement"}, "p": {"needs": ["ask"], "does": does}})
    fleet = crew.run().fleet
    crew.settle(fleet, "ask", "answer", "yes")
    with crew.opened() as context:
        assert advance(context, fleet, began.exists)["state"] == "open"
        assert crew.runs() == ["p"]
        assert advance(context, fleet)["state"] == "finished"
    assert crew.runs() == ["p", "p"]
