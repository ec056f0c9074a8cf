"""Schemas of strangers reach nothing and hold up nobody."""

from typing import Any

import pytest

from lignin.artifacts.schemas import require_safe_schema, schema_faults
from lignin.domain.errors import InvalidRequestError


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/x"},
        {"$ref": "file:///etc/hostname"},
        {"properties": {"a": {"$dynamicRef": "#a"}}},
        {"$id": "http://example.org/"},
        {"items": {"$schema": "http://json-schema.org/draft-04/schema#"}},
        {"pattern": r"(a)\1"},
        {"pattern": "(?=a)a"},
        {"pattern": "(?:[a-z]{1,999}[0-9]{1,999}x{1,999}y{1,999}){2}" * 4},
        {"patternProperties": {"(": {}}},
        {"patternProperties": {"^a": {}}, "unevaluatedProperties": False},
        {"pattern": "a" * 201},
        {"type": "nonsense"},
    ],
)
def test_an_unsafe_schema_is_refused_before_and_at_use(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        require_safe_schema(schema)
    with pytest.raises(InvalidRequestError):
        schema_faults(schema, "a" * 40)


def test_a_deep_schema_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(InvalidRequestError, match="too large"):
        require_safe_schema(schema)


def test_references_that_double_are_cut_short() -> None:
    pair = [{"$ref": f"#/$defs/d{n}"} for n in range(1, 41) for _ in range(2)]
    names = {f"d{n}": {"allOf": pair[2 * n : 2 * n + 2]} for n in range(40)} | {"d40": {}}
    names = {key: value if value.get("allOf") else {} for key, value in names.items()}
    with pytest.raises(InvalidRequestError, match="references"):
        schema_faults({"$defs": names, "$ref": "#/$defs/d0"}, 1)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*b", "a?" * 40 + "a" * 40 + "b"])
@pytest.mark.parametrize("keyword", ["pattern", "patternProperties", "additionalProperties"])
def test_no_pattern_takes_more_than_linear_time(pattern: str, keyword: str) -> None:
    text = "a" * 100_000 + "!"
    if keyword == "pattern":
        assert schema_faults({keyword: pattern}, text)
    else:  # an engine that goes back over its steps does not come to an end here
        schema = {"patternProperties": {pattern: False}, "additionalProperties": keyword[0] == "a"}
        assert bool(schema_faults(schema, {text: 1})) is (keyword == "patternProperties")


def test_texts_are_matched_up_to_a_bound() -> None:
    with pytest.raises(InvalidRequestError, match="more than 1000000 characters"):
        schema_faults({"items": {"pattern": "^a+$"}}, ["a" * 250_001] * 4)


def test_repeats_of_repeats_and_odd_texts_are_matched() -> None:
    lines = {"pattern": r"^(([0-9]{1,6}\t[0-9]{1,6}|-\t-)\t[a-z./]{1,20}\n)*$"}
    assert schema_faults(lines, "1\t2\ta/b.c\n-\t-\tx\n") == []
    assert schema_faults(lines, "1\t2\n")
    assert schema_faults({"pattern": "^a$"}, "\ud800")
    named = {
        "properties": {"n": {"type": "integer"}},
        "patternProperties": {"^x-": {"type": "string"}},
        "additionalProperties": {"type": "boolean"},
    }
    assert schema_faults(named, {"n": 1, "x-a": "b", "other": True}) == []
    assert len(schema_faults(named, {"n": "1", "x-a": 2, "other": 3})) == 3
    closed = named | {"additionalProperties": False}
    assert "other" in schema_faults(closed, {"x-a": "b", "other": 3})[0].message


def test_local_references_and_plain_patterns_still_hold() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"day": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}},
        "$ref": "#/$defs/day",
    }
    assert schema_faults(schema, "2024-01-31") == []
    assert schema_faults(schema, "soon")
    assert schema_faults({"type": "integer"}, 1.0, strict_integers=True)
    assert schema_faults({"type": "integer"}, 1.0) == []
