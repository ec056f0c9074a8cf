"""In what manner a run differs from its reference."""

import pytest

from lignin.domain.modes import Manner
from lignin.traces.modes.account import Account, account_of
from lignin.traces.modes.signature import sign
from lignin.traces.modes.words import other_unit
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
        ((BOOK, ("charge_card", {"cents": 9}, "Error: no")), "other_unit"),
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
    known = sign(account(("list_rooms", {}, None, "rooms r-4 and R-7"), refused, PAY), RIGHT)
    assert (known.difference, known.manner) == ("wrong_arguments", "of_another")
    assert (known.tool, known.arguments) == ("book_room", ("room",))


def test_a_value_told_only_by_the_call_itself_or_as_part_of_another_was_not_seen_before() -> None:
    wrong: Made = ("book_room", {"room": "r-7", "nights": 2}, None, "booked r-7")
    assert sign(account(wrong, PAY), RIGHT).manner == "other_value"
    longer = account(("list_rooms", {}, None, "rooms r-4 and r-77"), wrong, PAY)
    assert sign(longer, RIGHT).manner == "other_value"


def test_another_form_of_the_right_value_is_of_nothing_else() -> None:
    wrong: Made = ("book_room", {"room": "R 4", "nights": 2})
    told = account(("list_rooms", {}, None, "also known as R 4"), wrong, PAY)
    assert sign(told, RIGHT).manner == "other_value"


def test_an_effect_done_twice_in_place_of_another_is_of_something_else() -> None:
    other: Made = ("book_room", {"room": "r-5", "nights": 2})
    found = sign(account(BOOK, BOOK, PAY), [account(BOOK, other, PAY)] * 3)
    assert (found.difference, found.manner) == ("wrong_arguments", "of_another")


def test_the_right_call_refused_is_no_cause_but_what_had_gone_wrong_before() -> None:
    stopped = run(("charge_card", {"cents": 900}, "Error: no room"), said="I could not finish.")
    assert sign(account_of(run_of(stopped)), RIGHT).manner == "left_out"


def test_what_was_handed_over_in_place_of_being_done_is_another_tool() -> None:
    hand: Made = ("transfer_to_person", {"why": "please charge"})
    found = sign(account(BOOK, hand), RIGHT)
    assert (found.difference, found.manner) == ("wrong_tool", "")
    asked = [account(BOOK, PAY, hand)] * 3
    assert sign(account(BOOK, hand), asked).difference == "missing_action"


def test_where_nothing_is_done_but_handing_over_that_is_what_runs_are_compared_by() -> None:
    def said(words: str, *made: Made) -> Account:
        return account_of(run_of(run(LOOK, *made, said=words)))

    hand: Made = ("transfer_to_person", {"why": "not allowed"})
    sound = [said('{"booked": 0}', hand)] * 3
    assert sign(said('{"booked": 0}'), sound).difference == "no_action"
    other: Made = ("transfer_to_person", {"why": "too hard"})
    early = sign(said("I hand this over.", other), sound)
    assert (early.difference, early.manner) == ("premature_handover", "")
    worded = sign(said('{"booked": 0}', other), sound)
    assert (worded.difference, worded.arguments) == ("wrong_arguments", ("why",))
    free = [said('{"booked": 0}', ("transfer_to_person", {"why": f"w{n}"})) for n in range(3)]
    assert sign(said('{"booked": 0}', other), free).difference == "unsaid"
    alone = [said(f"It has {n} beds, as far as is known." * 3) for n in range(3)]
    assert sign(said("I hand this over." * 9, other), alone).difference == "premature_handover"


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
    assert said("Done.", BOOK, PAY) == "left_unsaid"
    assert said("Paid 900, code X17.", BOOK, PAY) == "other_unit"
    assert said("Paid 9.00, code X17.", BOOK, PAY) == ""


@pytest.mark.parametrize(
    ("words", "manner"),
    [
        ('Done.\n{"shipped": [], "free": true}', "said_otherwise"),
        ('Done.\n{"shipped": ["O-2"], "free": false}', "said_otherwise"),
        ('Done.\n{"shipped": ["O-2", "O-3"], "free": true}', "said_otherwise"),
        ('Done.\n{"shipped": ["O-2"]}', "left_unsaid"),
        ("Done.\n{}", "left_unsaid"),
        ('Done.\n{"free": true, "shipped": ["O-2"]}', ""),
    ],
)
def test_a_json_value_that_is_said_is_compared_leaf_by_leaf(words: str, manner: Manner) -> None:
    others = [account_of(run_of(run(PAY, said='Done.\n{"shipped": ["O-2"], "free": true}')))] * 3
    assert sign(account_of(run_of(run(PAY, said=words))), others).manner == manner


@pytest.mark.parametrize(
    ("one", "other", "is_unit"),
    [(9, 900, True), (900, 9, True), (123, 12_345, True), (1, 12, False), (850, 900, False)],
)
def test_another_unit_is_a_power_of_ten_away_maybe_rounded(
    one: float, other: float, is_unit: bool
) -> None:
    assert other_unit(one, other) is is_unit
