"""Tasks are solvable, runs are deterministic, and faults do what their labels say."""

from functools import cache

import pytest

from lignin.practice import (
    FAMILIES,
    FAULTS,
    REFERENCE_AGENT,
    Agent,
    PracticeDesk,
    make_task,
    make_tasks,
    run_task,
)
from lignin.practice.desk import TOOL_SPECS

HABITS = frozenset(
    {
        "reads_policy_first",
        "looks_up_customer_twice",
        "checks_stock_first",
        "rereads_after_write",
        "searches_by_name",
        "thinks_aloud",
    }
)


@cache
def tasks_of(world):
    return make_tasks(world)


@cache
def sound_run(world, number):
    return run_task(tasks_of(world)[number], REFERENCE_AGENT, world)


def require_solved(task):
    run = run_task(task, REFERENCE_AGENT, 0)
    assert run.outcome.verdict == "success", (task.task_id, run.outputs, task.outputs)
    assert run.planted is None


def test_the_reference_agent_solves_a_rotating_task_of_200_worlds():
    families = list(FAMILIES.values())
    for seed in range(200):
        require_solved(make_task(families[seed % len(families)], seed))


@pytest.mark.slow
def test_the_reference_agent_solves_every_task_of_200_worlds():
    for seed in range(200):
        for task in make_tasks(seed):
            require_solved(task)


def test_there_are_at_least_ten_families_and_twelve_faults():
    assert len(FAMILIES) >= 10
    assert len(FAULTS) >= 12


def test_the_same_task_agent_and_seed_give_the_same_run():
    for kind in FAULTS:
        task = make_task(FAMILIES["cancel"], 3)
        agent = Agent(name="x", habits=HABITS, fault=kind)
        assert run_task(task, agent, 9) == run_task(task, agent, 9)


def test_tasks_are_deterministic_and_worded_with_their_facts():
    for task, again in zip(make_tasks(4), make_tasks(4), strict=True):
        assert task == again
        for fact in task.facts.values():
            words = fact if isinstance(fact, list) else [fact]
            assert all(str(word) in task.instruction for word in words)


def test_habits_cost_calls_and_never_the_outcome():
    quiet = Agent(name="quiet")
    busy = Agent(name="busy", habits=HABITS)
    for task in make_tasks(8):
        plain, habitual = run_task(task, quiet, 1), run_task(task, busy, 1)
        assert habitual.outcome.verdict == plain.outcome.verdict == "success"
        assert habitual.outcome.end_state == plain.outcome.end_state
        assert len(habitual.moves) > len(plain.moves)


@pytest.mark.parametrize("kind", list(FAULTS))
def test_each_fault_leads_to_what_its_label_says(kind):
    fault = FAULTS[kind]
    struck = 0
    for world in range(2):
        for number, task in enumerate(tasks_of(world)):
            run = run_task(task, Agent(name="x", fault=kind), world)
            sound = sound_run(world, number)
            if not fault.applies(task):
                assert run.planted is None
                assert run.outcome == sound.outcome
                continue
            struck += 1
            assert run.planted is not None
            assert run.planted.kind == kind
            assert run.planted.move <= len(run.moves)
            assert (run.moves, run.outputs) != (sound.moves, sound.outputs)
            if fault.leads_to == "waste":
                assert run.outcome.verdict == "success"
                assert run.outcome.wasted_calls > sound.outcome.wasted_calls
            else:
                assert run.outcome.verdict == "failure"
    assert struck >= 2


def test_a_run_is_sound_up_to_the_planted_move():
    for kind in FAULTS:
        task = make_task(FAMILIES["duplicate-clean-up"], 2)
        run = run_task(task, Agent(name="x", fault=kind), 2)
        sound = run_task(task, REFERENCE_AGENT, 2)
        if run.planted is not None:
            before = slice(0, run.planted.move)
            assert [m.call for m in run.moves[before]] == [m.call for m in sound.moves[before]]


def test_messages_alternate_calls_and_observations():
    run = run_task(make_task(FAMILIES["exchange"], 1), REFERENCE_AGENT, 1)
    messages = run.messages()
    assert messages[0].role == "user"
    assert messages[-1].role == "assistant"
    calls = [message for message in messages if message.call]
    assert len(calls) == len([message for message in messages if message.role == "tool"])
    assert all(message.call.tool in TOOL_SPECS for message in calls)
    assert run.simulated


def test_outcomes_see_extra_writes_and_missing_outputs():
    task = make_task(FAMILIES["open-total"], 1)
    extra = run_task(task, Agent(name="x", fault="premature_transfer"), 1)
    assert not extra.outcome.state_matches
    silent = run_task(task, Agent(name="x", fault="missing_output"), 1)
    assert silent.outcome.state_matches
    assert not silent.outcome.outputs_match


def test_a_run_carries_its_recording_and_replaying_it_ends_in_the_same_state():
    for task in tasks_of(1):
        run = run_task(task, Agent(name="x", fault="wrong_argument"), 4)
        assert [call.tool for call in run.recording.calls] == [m.call.tool for m in run.moves]
        desk = PracticeDesk(task.seed)
        assert desk.start_state == run.recording.start_state
        for call in run.recording.calls:
            assert desk.call(call.tool, call.arguments) == call.observation
        assert desk.state_digest() == run.outcome.end_state
        desk.close()
