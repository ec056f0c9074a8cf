"""Requests become forms, and a form explains a request entirely or not at all."""

import pytest

from lignin.domain.plans import Form
from lignin.traces.routines.requests import (
    Request,
    mine_forms,
    parse_request,
    read_slot,
    said,
    shape_of,
)


def asked(number: int, why: str = "too loud") -> Request:
    """Somebody asks for a machine to be fetched."""
    text = f"Hello, M-{number} here at {number % 3 + 1} Dock Road. Fetch it ({why}), please!"
    return Request(
        text=text,
        values={"machine": f"M-{number}", "place": f"{number % 3 + 1} Dock Road", "why": why},
    )


def forms() -> tuple[Form, ...]:
    return mine_forms([asked(n, "too loud" if n % 2 else "worn out") for n in range(100, 108)])


def test_shape_is_how_a_value_is_built() -> None:
    assert shape_of("O-20145") == "A-9"
    assert shape_of("ada.abel@mail.example") == "a.a@a.a"
    assert shape_of("14  Weaver Street") == "9 Aa Aa"


def test_value_is_said_word_for_word_but_for_case_and_space() -> None:
    assert said("to AB1  2CD, please", "ab1 2cd") == "AB1  2CD"
    assert said("to AB12CD, please", "AB1 2CD") is None
    assert said("order 14", 1) is None
    assert said("order 14", True) is None


def test_request_of_a_form_gives_the_values() -> None:
    (form,) = forms()
    assert form.support == 8
    assert parse_request([form], asked(977, "worn out").text) == [asked(977, "worn out").values]


def test_other_wording_is_another_form() -> None:
    others = [Request(text=f"M-{n}: fetch it.", values={"machine": f"M-{n}"}) for n in range(3)]
    made = mine_forms([*[asked(n) for n in range(4)], *others])
    assert [form.support for form in made] == [4, 3]


@pytest.mark.parametrize(
    "text",
    [
        "Hello, M-100 here at 1 Dock Road. Fetch it (too loud), please! And M-101 too.",
        "Hello, M-100 here at 1 Dock Road. Do not fetch it (too loud), please!",
        "Hello, M-100 here at 1 Dock Road. Fetch it (only if broken), please!",
        "Hello, M-100 or M-101 here at 1 Dock Road. Fetch it (too loud), please!",
        "Hello, MM here at 1 Dock Road. Fetch it (too loud), please!",
        "Hello, M-100 here at 1 Dock Road. Fetch it (too loud), please",
        "",
        "fetch " * 5000,
    ],
)
def test_request_that_no_form_explains_entirely_is_not_read(text: str) -> None:
    assert parse_request(forms(), text) == []


def test_two_ways_to_read_a_request_are_both_told() -> None:
    pairs = [("A1 B2", "C3 D4"), ("E5 F6", "G7"), ("H8", "I9 J1"), ("K2", "L3 M4")]
    made = mine_forms(
        [
            Request(text=f"from {one} {other} now", values={"one": one, "other": other})
            for one, other in pairs * 3
        ]
    )
    assert len(parse_request(made, "from A1 B2 C3 now")) == 2


def test_plain_words_are_taken_only_as_they_were_seen() -> None:
    (form,) = forms()
    (slot,) = [part for part in form.parts if not isinstance(part, str) and part.name == "why"]
    assert read_slot(slot, "worn out") == "worn out"
    assert read_slot(slot, "worn in") is None


def test_names_are_taken_only_as_they_were_seen() -> None:
    towns = ["Ash Bay", "Elm Row"] * 3
    made = mine_forms([Request(text=f"to {town} now", values={"town": town}) for town in towns])
    assert parse_request(made, "to Elm Row now") == [{"town": "Elm Row"}]
    assert parse_request(made, "to Not Elm now") == []


def test_case_is_learned_for_each_way_of_writing() -> None:
    codes = ["AB1", "CD2", "EF3", "GH4", "IJ5", "KL6"]
    made = mine_forms(
        [
            Request(text=f"code {code.lower() if number % 2 else code}.", values={"code": code})
            for number, code in enumerate(codes)
        ]
    )
    assert parse_request(made, "Code zz9.") == [{"code": "ZZ9"}]
    assert parse_request(made, "Code ZZ9.") == [{"code": "ZZ9"}]
    assert parse_request(made, "Code Zz9.") == []


def test_numbers_are_given_as_numbers() -> None:
    made = mine_forms([Request(text=f"take {n} of it", values={"count": n}) for n in (1, 2, 3)])
    assert parse_request(made, "take 40 of it") == [{"count": 40}]


def test_what_two_runs_ask_is_no_form() -> None:
    assert mine_forms([asked(1), asked(2)]) == ()
    assert mine_forms([Request(text="nothing of it", values={"a": "B-1"})] * 5) == ()


def test_value_said_twice_has_to_be_the_same() -> None:
    made = mine_forms(
        [Request(text=f"swap M-{n} for M-{n}", values={"m": f"M-{n}"}) for n in range(4)]
    )
    assert parse_request(made, "swap M-9 for M-9") == [{"m": "M-9"}]
    assert parse_request(made, "swap M-9 for M-8") == []
