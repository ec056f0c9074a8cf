"""What to do about a posting, from everything that may be known of it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from lignin.connectors.laws.deliveries import PATIENCE_S, decide_step
from lignin.domain.errors import ConflictError
from lignin.domain.events import format_time
from lignin.domain.states import Row
from lignin.domain.states.connectors import DELIVERY_STEPS
from lignin.ports.connector import Certainty

AT = datetime(2026, 5, 1, tzinfo=UTC)
LATER = AT + timedelta(seconds=PATIENCE_S + 1)
ANY = get_args(Certainty)


def row(state: str, posting: str = "sha256:a") -> Row:
    body = {"posting": posting, "begun_at": format_time(AT)}
    until = format_time(AT + timedelta(seconds=PATIENCE_S)) if state == "begun" else None
    return Row(stream="delivery/d", kind="delivery", seq=1, body=body, state=state, due_at=until)


@pytest.mark.parametrize("certainty", ANY)
def test_what_nobody_began_is_sent(certainty: Certainty) -> None:
    assert decide_step(None, "sha256:a", certainty, AT) == "send"


@pytest.mark.parametrize(
    ("state", "certainty", "step"),
    [
        ("begun", "found", "look"),
        ("begun", "repeatable", "send"),
        ("begun", "none", "doubt"),
        ("unknown", "found", "look"),
        ("unknown", "repeatable", "send"),
        ("unknown", "none", "tell"),
        *(("sent", each, "tell") for each in ANY),
        *(("refused", each, "send") for each in ANY),
    ],
)
def test_each_state_has_its_step(state: str, certainty: Certainty, step: str) -> None:
    assert decide_step(row(state), "sha256:a", certainty, LATER) == step


@pytest.mark.parametrize("certainty", ANY)
def test_somebody_who_just_began_is_left_to_it(certainty: Certainty) -> None:
    with pytest.raises(ConflictError, match="somebody began"):
        decide_step(row("begun"), "sha256:a", certainty, AT)


@pytest.mark.parametrize(("state", "certainty"), list(itertools.product(DELIVERY_STEPS, ANY)))
def test_a_key_never_sends_something_else(state: str, certainty: Certainty) -> None:
    with pytest.raises(ConflictError, match="something else"):
        decide_step(row(state), "sha256:b", certainty, LATER)
