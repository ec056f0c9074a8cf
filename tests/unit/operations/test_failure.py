"""What a call answers where there is no answer."""

import pytest

from lignin.operations.artifact_views import failure
from lignin.ports.sandbox import Observed, Status


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("output", "more than 1048576 bytes"),
        ("timeout", "did not end"),
        ("memory", "bytes of memory"),
    ],
)
def test_a_call_that_the_sandbox_ended_says_which_bound_it_met(status: Status, told: str) -> None:
    error, message = failure(Observed(status=status, tier="ns"), is_call=False)
    assert error == status
    assert told in message


def test_a_function_that_ends_without_an_answer_has_not_answered_null() -> None:
    ended = Observed(status="exited", tier="ns", exit_code=0)
    error, message = failure(ended, is_call=True)
    assert (error, message) == ("no_answer", "it ended without an answer (exit code 0)")
    assert failure(ended, is_call=False)[0] is None
    null = Observed(status="exited", tier="ns", exit_code=0, returned=True)
    assert failure(null, is_call=True)[0] is None
