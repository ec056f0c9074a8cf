"""`improve` within what may be paid: it stops by name, and goes on where it was."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.errors import ConflictError
from lignin.domain.trials import paid_microusd
from lignin.operations.improve import told_round
from lignin.operations.improve_judging import OutOfBudgetError, Ration
from lignin.ports.system import SystemRun
from lignin.practice.system import DeskSystem
from unit.operations.conftest import Desk
from unit.operations.improving.conftest import (
    FAULTS,
    GOOD,
    HARMFUL,
    SYSTEM,
    USELESS,
    Scripted,
    _stopped,
    draft,
    outcomes,
)
from unit.operations.suites import with_cases


def test_asked_again_it_answers_and_pays_nothing(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(GOOD)])
    told = run()
    head = desk("head.show", name="practice").revision
    # The practice head moved, so the same words are about another harness: a new campaign.
    again = run()
    assert again.campaign != told.campaign
    count = len(run.proposer.asked)
    assert run() == again
    assert desk("improve.list").total == 2
    assert desk("head.show", name="practice").revision == head
    assert len(run.proposer.asked) == count


def test_ended_by_a_limit_it_goes_on_where_that_is_raised(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(GOOD)])
    told = run(rounds=1)
    assert (told.stop.partition(":")[0], told.outcome, told.held_out) == ("rounds", "", None)
    assert run(rounds=1).rounds == 1
    more = run(rounds=5)
    assert more.campaign == told.campaign
    assert outcomes(more)[0] == outcomes(told)[0]
    assert (more.accepted, more.outcome) == (1, "accept")


def test_goal_that_is_reached_stays_reached(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(HARMFUL)])
    told = run(goal=0.05)
    assert told.stop.startswith("goal")
    assert run(goal=0.05) == told


def test_budget_of_trials_is_not_overdrawn_and_a_larger_one_goes_on(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    run = Scripted(desk, [draft(USELESS), draft(GOOD)])
    told = run(budget_trials=40)
    assert told.stop.startswith("budget")
    broken_off = [each for each in told.items if not each.outcome]
    assert all(
        "broken off by the campaign's end: budget" in (*e.reasons, e.why)[0] for e in broken_off
    )
    assert "under way" not in told.to_text()
    assert told.trials <= 40
    more = run(budget_trials=2000)
    assert more.campaign == told.campaign
    assert more.accepted == 1
    assert more.trials <= 2000


class Priced(DeskSystem):
    """An agent whose runs cost a cent and a tenth of one more for each seed up to nine."""

    def run(self, task: Any, seed: int, tools: Any) -> SystemRun:
        told = json.loads(super().run(task, seed, tools).said)
        last = [each for each in told["messages"] if each["role"] == "assistant"][-1]
        last["cost"] = 0.01 + 0.001 * (seed % 10)
        return SystemRun(ended="done", said=json.dumps(told).encode())


def test_budget_of_money_is_not_overdrawn_by_what_is_known_to_cost_too_much(desk: Desk) -> None:
    with_cases(desk, FAULTS)
    spec = SYSTEM.removeprefix("desk:")
    desk.context = replace(
        desk.context, open_system=lambda asked: Priced(spec, dict(asked.harness))
    )
    run = Scripted(desk, [draft(USELESS), draft(HARMFUL)])
    told = run(system="priced", budget_usd=0.5)
    assert told.stop.startswith("budget")
    assert 0.25 < told.usd <= 0.5
    assert (again := run(system="priced", budget_usd=0.5)).trials == told.trials
    assert again.stop == told.stop


def test_what_a_judge_cost_is_paid_beside_what_the_trial_cost() -> None:
    assert paid_microusd({"cost_microusd": 5, "judge_microusd": 7}) == 12
    assert paid_microusd({"cost_microusd": None, "judge_microusd": 7}) == 7
    assert paid_microusd({"cost_microusd": None}) is None


def test_money_for_what_is_under_way_is_set_aside() -> None:
    ration = Ration(microusd=100, most_microusd=40)
    ration.take()
    ration.take()
    with pytest.raises(OutOfBudgetError, match=r"\$0.0000 of"):
        ration.take()
    ration.settle(10)  # 90 left, of which 40 are aside
    ration.take()
    ration.settle(60)
    ration.settle(None)
    with pytest.raises(OutOfBudgetError, match="a trial of this agent has cost up to"):
        ration.take()


def test_agent_that_changed_is_not_gone_on_with(desk: Desk) -> None:
    suite = desk.write(
        "suite.jsonl", "".join(json.dumps({"case": f"c{n}"}) + "\n" for n in range(8))
    )
    agent = "import json, sys\nprint(json.dumps({'resolved': False}))\n"
    desk.write("agent.py", agent)
    asked = {"system": "python agent.py", "suite": suite, "unsandboxed": True, "bank": 2}
    run = Scripted(desk, [draft(USELESS, slot="a")])
    with pytest.raises(RuntimeError, match="stop"):
        _stopped(run, asked)
    desk.write("agent.py", f"# another\n{agent}")
    with pytest.raises(ConflictError, match="changed"):
        run(**asked)
    assert run(**asked, again=True).state == "ended"


def test_round_that_the_end_broke_off_says_why() -> None:
    aimed: dict[str, Any] = {
        "mode": "m",
        "name": "m",
        "target": ["a"],
        "shown": [],
        "proposer": "p",
        "mean": 0.5,
    }
    drafted = {**aimed, "ended": "drafted", "hypothesis": "h"}
    stop = "budget: 40 trials are spent"
    told = f"broken off by the campaign's end: {stop}"
    assert told_round(5, drafted, stop).reasons == [told]
    assert told_round(5, aimed, stop).why == told
    assert told_round(5, drafted, "").reasons == []
    judged = {**drafted, "outcome": "reject", "reasons": ["it harms"]}
    assert told_round(5, judged, stop).reasons == ["it harms"]
    assert told_round(5, {**aimed, "ended": "nothing", "why": "no idea"}, stop).why == "no idea"
