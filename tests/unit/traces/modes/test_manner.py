"""In what manner a run differs from its reference."""

import pytest

from lignin.domain.modes import Manner
from lignin.traces.modes.account import account_of
from lignin.traces.modes.signature import sign
from lignin.traces.runs import run_of
from unit.traces.modes.runs import Made, account, run

BOOK: Made = ("book_room", {"room": "r-4", "nights": 2})
PAY: Made = ("charge_card", {"cents": 900})
LOOK: Made = ("get_room", {"room": "r-4"})
RIGHT = [account(BOOK, PAY)] * 3


@pytest.mark.parametrize(
    ("made", "manner"),
    [
        ((BOOK, ("charge_card", {"cents": 9})), "other_unit"),
        ((BOOK, ("charge_card", {"cents": 90_000})), "other_unit"),
        ((BOOK, ("charge_card", {"cents": 850})), "other_figure"),
        ((("book_room", {"room": "suite", "nights": 2}), PAY), "other_value"),
        ((("book_room", {"room": "r-7", "nights": 2}), PAY), "other_value"),
        ((BOOK,), "left_out"),
        ((BOOK, ("charge_card", {"cents": 850}, "Error: no")), "refused"),
        ((BOOK, *[LOOK] * 7), "repeated"),
        ((BOOK, PAY, PAY), "twice"),
    ],
)
def test_it_is_told_by_forms_of_values_and_by_what_came_back(
    made: tuple[Made, ...], manner: Manner
) -> None:
    assert sign(account(*made), RIGHT).manner == manner


def test_a_value_that_a_call_told_is_of_something_else_and_one_that_an_error_echoes_is_not() -> (
    None
):
    wrong: Made = ("book_room", {"room": "r-7", "nights": 2})
    told = account(("list_rooms", {}, None, "rooms r-4 and R-7"), wrong, PAY)
    assert sign(told, RIGHT).manner == "of_another"
    refused: Made = ("book_room", {"room": "r-7", "nights": 2}, "Error: no room r-7")
    assert sign(account(refused, PAY), RIGHT).manner == "refused"
    known = account(("list_rooms", {}, None, "rooms r-4 and R-7"), refused, PAY)
    assert sign(known, RIGHT).manner == "refused_of_another"


def test_figures_of_any_size_can_be_compared() -> None:
    huge = [account(("charge_card", {"cents": 1e308}))] * 2
    assert sign(account(("charge_card", {"cents": 1e-308})), huge).manner == "other_unit"


def test_last_words_tell_giving_up_and_what_was_said_otherwise_or_left_unsaid() -> None:
    def said(words: str, *made: Made) -> Manner:
        others = [account_of(run_of(run(BOOK, PAY, said="Paid 9.00, code X17.")))] * 3
        return sign(account_of(run_of(run(*made, said=words))), others).manner

    assert said("I could not do this.", BOOK) == "gave_up"
    assert said("Paid 8.00, code X17.", BOOK, PAY) == "said_otherwise"
    assert said("Your code is X17.", BOOK, PAY) == "left_unsaid"
    assert said("Done.", BOOK, PAY) == "gave_up"
    assert said("Paid 9.00, code X17.", BOOK, PAY) == ""
