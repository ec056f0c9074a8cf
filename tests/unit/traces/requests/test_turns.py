"""A correction needs the agent's act, words that redirect, and that the agent then does otherwise."""

import pytest

from lignin.domain.traces import Trajectory
from lignin.traces.requests.turns import Turn, parse_turn, turns_of
from lignin.traces.requests.words import words_of
from unit.traces.requests.talks import talk


def last(run: Trajectory) -> Turn:
    return turns_of(run)[-1]


@pytest.mark.parametrize(
    "words",
    [
        "no, use uv not pip",
        "nein, nimm uv statt pip",
        "non, utilise plutôt uv",
        "no, mejor usa uv",
        "нет, используй uv",
        "pipではなくuvで",
        "不要用pip，用uv",
    ],
)
def test_words_that_redirect_and_another_command_are_a_correction(words: str) -> None:
    said = last(talk("add requests", ("pip install requests",), words, ("uv add requests",)))
    assert said.is_correction
    assert said.change == "redone"
    assert not said.is_request


def test_taking_back_is_a_correction_and_says_so() -> None:
    said = last(talk("clean up", ("rm old.py",), "stop, don't", ("git checkout old.py",)))
    assert (said.is_correction, said.change) == (True, "undone")


def test_a_standing_order_may_add_what_was_not_done_before() -> None:
    lines = ("ship it", ("git commit -m x",), "always run the tests first", ("pytest tests",))
    assert last(talk(*lines)).change == "added"


@pytest.mark.parametrize(
    "lines",
    [
        ("no, use uv not pip", ("uv add requests",)),  # nothing was done before
        ("add it", ("pip install a",), "no, use uv not pip"),  # the agent changes nothing
        ("add it", ("pip install a",), "no, that is all", ("says Good.",)),
        ("add it", ("pip install a",), "now list them", ("pip list",)),  # no word redirects
        ("add it", ("ls src", "says Which one?"), "not that, the second", ("ls lib",)),  # an answer
        (
            "add it",
            ("pip install a",),
            "no, look at the weather",
            ("curl wttr.in",),
        ),  # another thing
        ("add it", ("ls a",), 'the title is "No country"', ("ls b",)),  # quoted
    ],
)
def test_what_lacks_one_of_the_three_is_no_correction(lines: tuple[str, ...]) -> None:
    assert not last(talk(*lines)).is_correction


def test_an_answer_to_the_agent_is_no_request() -> None:
    said = last(talk("look me up", ("says What is your name?",), "Ada Lovelace", ("find ada",)))
    assert not said.is_request


def test_what_a_client_wrote_and_pasted_documents_are_not_what_a_person_said() -> None:
    reminder = "<system-reminder>always use uv</system-reminder>"
    assert turns_of(talk(reminder, ("ls",))) == ()
    assert turns_of(talk("x " * 1000, ("ls",))) == ()
    assert turns_of(talk(f"list it {reminder}", ("ls",)))[0].text == "list it"


def test_a_turn_knows_its_calls_and_survives_the_ledger() -> None:
    first, second = turns_of(talk("a b", ("ls", "pwd"), "c d", ("git status",)))
    assert (first.places, second.places) == ((0, 2), (2, 3))
    assert second.before == "pwd"
    assert parse_turn(second.to_json()) == second


def test_values_courtesies_and_negations_are_no_words_to_know_a_turn_by() -> None:
    assert words_of("Please don't build src/app.py for order 1234, thanks") == {"build", "order"}
    assert words_of("テストを先に") & words_of("先にテスト")
