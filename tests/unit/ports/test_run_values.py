"""What is recorded of values and failures, and how long a retry waits."""

from typing import Any

import pytest

from lignin.domain.errors import (
    CodecError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    UnavailableError,
)
from lignin.ports.engine import Failure, Queue, Rate, Retry, StepFaultError
from lignin.ports.run_values import (
    MOST_WAIT_S,
    error_of,
    failure_as_json,
    failure_from_json,
    failure_of,
    is_worth_retrying,
    recorded,
    require_queue,
    require_seconds,
    retry_wait_s,
)


@pytest.mark.parametrize(
    "error",
    [
        DeniedError("no", hint="ask", of={"a": [1]}),
        UnavailableError("down"),
        CodecError("no JSON"),
    ],
)
def test_an_error_comes_back_as_the_class_it_was(error: LigninError) -> None:
    again = error_of(failure_from_json(failure_as_json(failure_of(error))))
    assert type(again) is type(error)
    assert (again.message, again.hint, again.fields) == (error.message, error.hint, error.fields)


def test_a_bug_comes_back_as_a_fault() -> None:
    again = error_of(failure_of(ZeroDivisionError("division by zero")))
    assert isinstance(again, StepFaultError)
    assert again.fields == {"error": "ZeroDivisionError"}


def test_a_code_that_nobody_knows_any_more_is_a_fault() -> None:
    again = error_of(Failure(code="of_a_later_version", message="x", fields={"hint": "y", "a": 1}))
    assert isinstance(again, StepFaultError)
    assert again.fields == {"a": 1}


def test_what_no_database_stores_is_left_out_of_a_failure() -> None:
    failure = failure_of(DeniedError("\ud800\0" + "x" * 10_000, odd=object(), fine=1))
    assert recorded("it", failure_as_json(failure))
    assert "\0" not in failure.message
    assert failure.fields == {"fine": 1}


@pytest.mark.parametrize("odd", [None, 3, "text", {"fields": 3}, []])
def test_an_unreadable_failure_is_one_that_says_so(odd: Any) -> None:
    assert "unreadable" in failure_from_json(odd).message


def test_a_value_is_recorded_as_whoever_reads_it_gets_it() -> None:
    assert recorded("it", {"b": (1, 2.0)}) == ('{"b":[1,2]}', {"b": [1, 2]})


def test_waits_grow_to_a_bound() -> None:
    retry = Retry(attempts=9, first_wait_s=1, factor=3, longest_wait_s=10)
    assert [retry_wait_s(retry, at) for at in (1, 2, 3, 4, 10_000)] == [1, 3, 9, 10, 10]


def test_attempts_are_for_errors_that_may_pass() -> None:
    retry = Retry(attempts=2)
    down, no = Failure(code="unavailable", message=""), Failure(code="denied", message="")
    assert is_worth_retrying(retry, down, 1)
    assert not is_worth_retrying(retry, down, 2)
    assert not is_worth_retrying(retry, no, 1)


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf"), MOST_WAIT_S * 2])
def test_a_span_has_bounds(seconds: float) -> None:
    with pytest.raises(InvalidRequestError):
        require_seconds("seconds", seconds)


def test_a_sound_queue_is_taken() -> None:
    queue = Queue(name="q", concurrency=2, worker_concurrency=2, rate=Rate(count=1, period_s=0.5))
    require_queue(queue)
    with pytest.raises(InvalidRequestError):
        require_queue(Queue(name="q", rate=Rate(count=1, period_s=float("nan"))))
