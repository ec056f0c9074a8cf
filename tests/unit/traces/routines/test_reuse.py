"""What a use spares: the turns that fall away but the first, told or None, by how near the run is."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lignin.domain.traces import Step, Trajectory
from lignin.traces.routines.encode import Encoded, encode
from lignin.traces.routines.induce import Inducer
from lignin.traces.routines.reuse import Reuse, distance_of, of_one_model, origin_of, reuses, summed
from unit.traces.routines.desk import call, run, visit


def priced(trajectory: Trajectory, tokens: int | None = 100, cost: int | None = 7) -> Trajectory:
    """The run with tokens and cost on each turn of the agent."""
    steps = tuple(
        replace(
            step, input_tokens=tokens, output_tokens=tokens and 10, cost_microusd=cost, model="m"
        )
        if step.role == "assistant"
        else step
        for step in trajectory.steps
    )
    return replace(trajectory, steps=steps)


RUNS = [priced(run(f"s{n}", visit(n, 1 + n % 3), said=f"owner_{n}@example.org")) for n in range(6)]
ENCODED = [encode(each, passed=True) for each in RUNS]


def found(*runs: Trajectory, known: Sequence[Encoded] = ENCODED) -> list[Reuse]:
    inducer = Inducer()
    inducer.add(ENCODED)
    routines = inducer.induce(5).routines
    assert routines
    origins = {each.routine_id: list(known) for each in routines}
    return [use for each in runs for use in reuses(routines, each, each.session, origins)]


def later(number: int = 40, machines: int = 2) -> Trajectory:
    return run(f"new{number}", visit(number, machines), said=f"owner_{number}@example.org")


def test_all_turns_but_that_of_the_first_call_fall_away() -> None:
    [use] = found(priced(later()))
    calls = len(visit(40, 2))
    assert use.saved is not None
    assert (use.saved.calls, use.saved.turns) == (calls - 1, calls - 1)
    assert (use.saved.input_tokens, use.saved.output_tokens) == (
        100 * (calls - 1),
        10 * (calls - 1),
    )
    assert use.saved.cost_microusd == 7 * (calls - 1)


def test_calls_of_one_turn_spare_no_turn_and_no_token() -> None:
    whole = later()
    together = tuple(each for step in whole.steps for each in step.calls)
    one = Step(index=2, role="assistant", calls=together, input_tokens=100, output_tokens=10)
    uses = found(replace(whole, steps=(whole.steps[0], one)))
    for use in uses:
        assert use.saved is not None
        assert (use.saved.turns, use.saved.input_tokens, use.saved.cost_microusd) == (0, 0, 0)


def test_a_turn_with_a_call_outside_the_use_stays() -> None:
    whole = priced(later())
    *steps, last = whole.steps
    outside = call("ring", {"number": "555"})
    mixed = replace(last, calls=(*last.calls, outside))
    [plain], [use] = found(whole), found(replace(whole, steps=(*steps, mixed)))
    assert plain.saved is not None
    assert use.saved is not None
    assert use.saved.turns == plain.saved.turns - 1


@pytest.mark.parametrize(("tokens", "cost"), [(None, None), (None, 7), (100, None), (100, 0)])
def test_what_a_trace_does_not_tell_is_none_and_never_zero(
    tokens: int | None, cost: int | None
) -> None:
    [use] = found(priced(later(), tokens, cost))
    assert use.saved is not None
    assert (use.saved.input_tokens is None) is (tokens is None)
    assert (use.saved.cost_microusd is None) is (not cost)
    total = summed([use])
    assert (total.input_tokens is None, total.tokens_known) == (
        tokens is None,
        int(tokens is not None),
    )


def test_a_total_is_over_what_is_known_and_says_of_how_many() -> None:
    total = summed(found(priced(later(40)), priced(later(41), None, None)))
    assert (total.uses, total.equivalent, total.tokens_known, total.cost_known) == (2, 2, 1, 1)
    assert total.input_tokens == 100 * (len(visit(40, 2)) - 1)


def test_a_use_that_does_not_replay_spares_nothing() -> None:
    broken = Reuse(
        routine="r",
        session="s",
        model="",
        basis="held out",
        distance="other",
        same_model=False,
        at_once=True,
        saved=None,
    )
    assert (summed([broken]).uses, summed([broken]).equivalent, summed([broken]).calls) == (1, 0, 0)


def test_a_run_that_a_routine_stands_on_is_an_upper_bound_and_is_not_compared_with_itself() -> None:
    [use] = found(RUNS[0])
    assert use.basis == "induced from"
    assert use.distance == "same family"  # its own task is no other run's
    [use] = found(priced(later()))
    assert use.basis == "held out"


def test_the_distance_goes_from_the_same_task_to_another_domain() -> None:
    origin = origin_of(ENCODED)
    again = encode(run("again", visit(2, 1), task=ENCODED[2].task), None)
    assert distance_of(again, origin) == "same task"
    assert distance_of(encode(later(), None), origin) == "same family"
    only_read = [each for each in visit(50) if each.name != "order_work"]
    assert distance_of(encode(run("read", only_read), None), origin) == "same domain"
    other = [call("launch", {"rocket": "A"}), call("land", {"rocket": "A"}), *visit(51)[:1]]
    assert distance_of(encode(run("other", other), None), origin) == "other"
    assert distance_of(encode(run("none", []), None), origin) == "other"


def test_models_that_are_not_told_are_unknown_and_not_others() -> None:
    told = [replace(each, model="m") for each in ENCODED]
    run_of = encode(later(), None)
    for origin, model, same in ((told, "m", True), (told, "n", False), (told, "", None)):
        assert of_one_model(origin_of(origin), replace(run_of, model=model)) is same
    silent = [replace(each, model="") for each in ENCODED]
    assert of_one_model(origin_of(silent), replace(run_of, model="m")) is None
