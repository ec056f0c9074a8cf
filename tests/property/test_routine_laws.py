"""Induction does not depend on the order of runs or on batches, and what it finds holds where it was found."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from lignin.domain.routines import parse_routine
from lignin.domain.traces import Trajectory
from lignin.traces.routines.apply import find_uses
from lignin.traces.routines.cover import cover, is_equivalent, results_of
from lignin.traces.routines.encode import encode
from lignin.traces.routines.induce import Induced, Inducer
from unit.traces.routines.desk import call, encoded, run, visit

TOOLS = ("ping", "get_part", "order_part", "check_part")


def make_runs(seed: int, how_many: int) -> list[Trajectory]:
    """Return runs with visits, other calls in, between and around them, and some failures."""
    chance = random.Random(seed)
    runs = []
    for number in range(how_many):
        calls = []
        for _ in range(chance.randint(0, 3)):
            owner = chance.randrange(20)
            calls += visit(owner, chance.randint(1, 3), state=chance.choice(["idle", "running"]))
        for _ in range(chance.randint(0, 6)):
            part = f"part_{chance.randrange(5)}"
            other = call(
                chance.choice(TOOLS), {"part": part}, chance.choice([part, "", {"p": [part]}])
            )
            calls.insert(chance.randint(0, len(calls)), other)
        outcome = chance.choice(["success", "success", "failure", None])
        runs.append(run(f"run-{number:03}", calls, outcome=outcome, task=str(number % 7)))
    return runs


def induced(*batches: list[Trajectory]) -> Induced:
    inducer = Inducer()
    for batch in batches:
        inducer.add(encoded(batch))
        inducer.induce()
    return inducer.induce()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), how_many=st.integers(0, 30))
def test_order_of_runs_does_not_matter(seed: int, how_many: int) -> None:
    runs = make_runs(seed, how_many)
    mixed = random.Random(seed + 1).sample(runs, len(runs))
    assert induced(mixed) == induced(runs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), how_many=st.integers(2, 30), cut=st.floats(0, 1))
def test_runs_in_batches_come_to_the_same(seed: int, how_many: int, cut: float) -> None:
    runs = make_runs(seed, how_many)
    place = round(cut * how_many)
    assert induced(runs[:place], runs[place:]) == induced(runs)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), how_many=st.integers(3, 40))
def test_every_use_is_equivalent_and_supported(seed: int, how_many: int) -> None:
    runs = make_runs(seed, how_many)
    routines = induced(runs).routines
    for routine in routines:
        assert parse_routine(routine.to_json()) == routine
        sessions = set()
        for each in runs:
            for use in find_uses(routine, encode(each, None)):
                assert is_equivalent(routine, use, results_of(each))
                if each.outcome == "success":
                    sessions.add(each.session)
        assert sessions == set(routine.support.sessions)
        assert len(sessions) >= 3
    seen = cover(routines, runs)
    assert seen.equivalent == seen.replayed
    assert seen.covered <= seen.steps
    assert seen.units == seen.steps - seen.covered + seen.replayed
