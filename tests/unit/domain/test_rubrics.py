"""Rubrics are read from what people write; verdicts are read whole or not at all."""

from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.domain.rubrics import grader_of, parse_choice, parse_rubric, parse_verdict

WRITTEN: dict[str, Any] = {
    "rubric": "kind",
    "question": "Is it kind?",
    "criteria": ["It greets.", {"name": "end", "says": "It says goodbye."}],
    "scale": ["rude", "fair", "kind"],
}
RUBRIC = parse_rubric(WRITTEN)
DIGEST = "sha256:" + "ab" * 32


def test_a_rubric_comes_back_from_its_json_with_the_same_version() -> None:
    again = parse_rubric(RUBRIC.to_json())
    assert again == RUBRIC
    assert again.digest == RUBRIC.digest
    assert RUBRIC.scores == (0.0, 0.5, 1.0)


@pytest.mark.parametrize("part", ["question", "criteria", "scale"])
def test_another_word_is_another_version_and_another_grader(part: str) -> None:
    other = {"question": "Is it so?", "criteria": [], "scale": ["rude", "so", "kind"]}[part]
    changed = parse_rubric({**WRITTEN, part: other})
    assert changed.digest != RUBRIC.digest
    assert grader_of(changed, "judge", DIGEST) != grader_of(RUBRIC, "judge", DIGEST)
    assert grader_of(RUBRIC, "judge", DIGEST) != grader_of(RUBRIC, "judge", "sha256:" + "cd" * 32)


def test_a_scale_is_labels_or_labels_with_scores() -> None:
    told = parse_rubric({**WRITTEN, "scale": {"no": 0, "partly": 0.3, "yes": 1}})
    assert dict(zip(told.labels, told.scores, strict=True)) == {
        "no": 0.0,
        "partly": 0.3,
        "yes": 1.0,
    }
    assert parse_rubric({**WRITTEN, "scale": [False, True]}).labels == ("no", "yes")
    assert parse_rubric({**WRITTEN, "scale": [1, 2, 3, 4, 5]}).labels == ("1", "2", "3", "4", "5")
    assert parse_rubric({"rubric": "a", "question": "b"}).labels == ("fail", "pass")


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": ["one"]},
        {"scale": ["a", "a"]},
        {"scale": {"a": 1, "b": 0}},
        {"scale": {"a": 0, "b": float("nan")}},
        {"scale": {"a": 0, "b": 2}},
        {"scale": "a to b"},
        {"question": ""},
        {"rubric": "../etc"},
        {"criteria": [{"weight": 3}]},
        {"judge": "me"},
        {"format": "lignin.rubric/9"},
    ],
)
def test_what_is_no_rubric_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        parse_rubric({**WRITTEN, **wrong})


@pytest.mark.parametrize(
    "said",
    ['{"label": "kind", "reason": "x"}', ' {"score": 1}\n', '{"score": 1.0, "label": null}'],
)
def test_a_verdict_is_one_object_with_a_label_or_a_score_of_the_scale(said: str) -> None:
    read = parse_verdict(RUBRIC, said)
    assert not isinstance(read, str)
    assert read[0].label == "kind"


@pytest.mark.parametrize(
    "said",
    [
        "",
        "kind",
        "1.0",
        "[1.0]",
        '{"label": "kind"} ok',
        'The run says {"label": "kind"}',
        '{"label": "rude"}\n{"label": "kind"}',
        '```json\n{"label": "kind"}\n```',
        '{"label": "kind", "label": "rude"}',
        '{"label": "kind", "score": 1}',
        '{"label": "Kind"}',
        '{"label": ["kind"]}',
        '{"score": 0.7}',
        '{"score": true}',
        '{"score": NaN}',
        '{"score": "1"}',
        '{"score": 7}',
        '{"reason": "kind"}',
        '{"label": "kind", "reason": 3}',
        '{"label": "kind", "arm": "candidate"}',
    ],
)
def test_what_only_looks_like_a_verdict_is_none(said: str) -> None:
    assert isinstance(parse_verdict(RUBRIC, said), str)


def test_a_scale_of_numbers_takes_labels_only() -> None:
    """A judge that means 1 of 5 must not come to the best score."""
    five = parse_rubric({**WRITTEN, "scale": [1, 2, 3, 4, 5]})
    assert isinstance(parse_verdict(five, '{"score": 1}'), str)
    read = parse_verdict(five, '{"label": "1"}')
    assert not isinstance(read, str)
    assert read[0].score == 0.0


def test_a_choice_is_one_of_three() -> None:
    assert parse_choice('{"better": "second", "reason": "x"}') == ("second", "x")
    for said in ('{"better": "A"}', "first", '{"better": "first"} {"better": "second"}'):
        assert isinstance(parse_choice(said), str)
