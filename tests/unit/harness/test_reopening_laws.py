"""When late feedback puts a decision in doubt."""

from itertools import product

import pytest

from lignin.harness.laws import LateFinding, why_reopen

PUT = ["pdf@d1"]
FOUNDED = frozenset({"ses_1"})


def why(found: LateFinding, stands: str = "applied") -> tuple[str, ...]:
    return why_reopen("prp_1", stands, PUT, FOUNDED, found)


def test_a_failed_run_that_used_the_version_reopens_what_put_it_there() -> None:
    found = LateFinding(
        label="failure", before="success", told="reverted", session="ses_9", versions=("pdf@d1",)
    )
    assert why(found) == ("pdf: run ses_9, which used it, was found to be a failure: reverted",)
    assert why(found, "accepted")
    assert not why(found, "rejected")


def test_another_version_of_the_same_name_is_not_meant() -> None:
    found = LateFinding(
        label="failure", before=None, told="t", session="ses_9", versions=("pdf@d2",)
    )
    assert why(found) == ()


@pytest.mark.parametrize(
    ("label", "stands", "reopens"),
    [
        ("failure", "applied", True),
        ("infrastructure", "applied", True),
        ("success", "applied", False),
        ("success", "rejected", True),
        ("infrastructure", "rejected", True),
        ("failure", "rejected", False),
    ],
)
def test_evidence_that_turns_against_a_decision_reopens_it(
    label: str, stands: str, reopens: bool
) -> None:
    found = LateFinding(label=label, before="unknown", told="t", session="ses_1")
    assert bool(why(found, stands)) is reopens


def test_a_decision_may_be_named() -> None:
    found = LateFinding(label="failure", before=None, told="the pager rang", proposal="prp_1")
    assert why(found) == ("found to be a failure: the pager rang",)
    assert why_reopen("prp_2", "applied", PUT, FOUNDED, found) == ()


@pytest.mark.parametrize(
    ("label", "stands"),
    list(product(["failure", "success", "infrastructure"], ["open", "withdrawn", "superseded"])),
)
def test_what_is_not_decided_is_never_reopened(label: str, stands: str) -> None:
    found = LateFinding(
        label=label, before=None, told="t", session="ses_1", versions=PUT, proposal="prp_1"
    )
    assert why(found, stands) == ()


def test_what_was_known_already_reopens_nothing() -> None:
    found = LateFinding(
        label="failure", before="failure", told="t", session="ses_1", versions=("pdf@d1",)
    )
    assert why(found) == ()
