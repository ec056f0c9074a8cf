"""What is kept of hand-overs: which guard, which kind, and nothing that a tool said."""

import pytest

from lignin.operations.tally import reason_of


@pytest.mark.parametrize(
    ("why", "kept"),
    [
        ("cancel_order needs order.status to be pending", "cancel_order needs order.status"),
        ("ToolError: wrong_status: order O-1 of Ada is shipped", "refused: wrong_status"),
        ("KeyError: 'secret of somebody'", "KeyError"),
        ("something that a tool said", "other"),
    ],
)
def test_reason_names_the_guard_or_the_kind(why: str, kept: str) -> None:
    assert reason_of(why) == kept
