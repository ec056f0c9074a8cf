"""Names of jobs, runs, effects and lanes, and what may be asked for."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.jobs import (
    MAX_INPUT_BYTES,
    MAX_NEEDS,
    JobAsked,
    JobLimits,
    effect_key,
    job_of_occurrence,
    job_of_run,
    lacks,
    lane_of,
    parse_lane,
    require_job,
    run_of,
)

ASKED = JobAsked(kind="operation", input={})
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}", fullmatch=True)


@given(st.integers(1, 10_000))
def test_a_run_names_its_job_and_turn(turn: int) -> None:
    assert job_of_run(run_of("job_0123", turn)) == ("job_0123", turn)


@given(NAMES, st.lists(st.tuples(NAMES, NAMES), max_size=5))
def test_a_lane_is_the_same_in_whatever_order_needs_are_told(
    queue: str, parts: list[tuple[str, str]]
) -> None:
    needs = [":".join(part) for part in parts]
    assert lane_of(queue, needs) == lane_of(queue, reversed(needs))
    assert parse_lane(lane_of(queue, needs)) == (queue, tuple(sorted(set(needs))))


def test_an_occurrence_that_is_noticed_again_names_the_same_job() -> None:
    assert job_of_occurrence("loop/a", "t1") == job_of_occurrence("loop/a", "t1")
    assert job_of_occurrence("loop/a", "t1") != job_of_occurrence("loop/a", "t2")
    assert job_of_occurrence("loop/a", "t1") != job_of_occurrence("loop/b", "t1")


def test_every_effect_of_every_step_has_a_key_of_its_own_that_fits_the_ledger() -> None:
    steps = ("job_a/1", "job_a/2", "job_a.2/1")
    assert len({effect_key(step, n) for step in steps for n in (1, 2)}) == 6
    assert len(effect_key("job_" + "0" * 26 + ".10000/100000", 10**9)) <= 200


def test_jobs_with_a_key_wait_in_a_lane_of_their_own() -> None:
    assert ASKED.lane == "default"
    assert replace(ASKED, key="a").lane == replace(ASKED, key="b").lane == "default+per:key"


def test_what_is_lacking_is_named() -> None:
    assert lacks(["client:codex", "sandbox:net"], {"sandbox:net"}) == ("client:codex",)
    assert lacks([], set()) == ()


@pytest.mark.parametrize(
    "asked",
    [
        replace(ASKED, kind="Not A Kind"),
        replace(ASKED, queue=""),
        replace(ASKED, needs=("net",)),
        replace(ASKED, needs=("sandbox:net+x",)),
        replace(ASKED, needs=tuple(f"a:{n}" for n in range(MAX_NEEDS + 1))),
        replace(ASKED, priority=10**9),
        replace(ASKED, priority=-1),
        replace(ASKED, key="k" * 200),
        replace(ASKED, source="loop/a"),
        replace(ASKED, occurrence="t1"),
        replace(ASKED, limits=JobLimits(microusd=-1)),
    ],
)
def test_what_cannot_be_a_job_is_refused(asked: JobAsked) -> None:
    with pytest.raises(InvalidRequestError):
        require_job(asked)


def test_a_job_of_too_large_an_input_is_refused() -> None:
    with pytest.raises(LimitedError):
        require_job(replace(ASKED, input="x" * MAX_INPUT_BYTES))
    assert require_job(replace(ASKED, input="x" * (MAX_INPUT_BYTES - 2)))
