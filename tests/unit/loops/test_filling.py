"""What a run has, put into a request."""

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.loops.laws.filling import filled, said_value

TASK: dict[str, Json] = {
    "goal": "all is well",
    "given": {"ticket": "7", "labels": ["a", "b"], "text": "$goal ${goal}", "n": 3, "none": None},
    "stages": {"fix": {"data": {"commit": "abc"}}},
}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("$goal", "all is well"),
        ("$given.ticket", "7"),
        ("$given.labels", ["a", "b"]),
        ("$given.labels.1", "b"),
        ("$given.n", 3),
        ("$stages.fix.data.commit", "abc"),
        ("Fixes #${given.ticket}: ${goal}", "Fixes #7: all is well"),
        ("${given.n}, ${given.none}, ${given.labels}", '3, , ["a","b"]'),
        ("$given.text", "$goal ${goal}"),
        ("${given.text}", "$goal ${goal}"),
        ("it costs $5 and $goals, ${PATH}", "it costs $5 and $goals, ${PATH}"),
        ("$unknown", "$unknown"),
        ([{"a": "$given.ticket"}], [{"a": "7"}]),
    ],
)
def test_a_place_holds_what_the_run_has_and_nothing_is_put_into_that(
    value: Json, wanted: Json
) -> None:
    assert filled({"it": value}, TASK) == {"it": wanted}


@pytest.mark.parametrize(
    "value", ["$given.nobody", "${given.ticket.x}", "$given.labels.2", "$given.labels.-1"]
)
def test_a_part_that_is_not_there_is_named(value: str) -> None:
    with pytest.raises(InvalidRequestError, match="there is no"):
        filled({"it": value}, TASK)


@pytest.mark.parametrize(
    ("said", "value"),
    [('{"note": "n"}\n', {"note": "n"}), (" text\n", "text"), ("{broken", "{broken"), ("", "")],
)
def test_what_a_stage_said_is_an_object_or_its_text(said: str, value: Json) -> None:
    assert said_value(said) == value
