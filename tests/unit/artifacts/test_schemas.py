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
        {"pattern": "^(a+)+$"},
        {"pattern": "(a|a)*b"},
        {"pattern": "a?" * 40 + "a" * 40},
        {"pattern": r"(a)\1"},
        {"patternProperties": {"^(a*)*$": {}}},
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


def test_a_long_text_is_not_matched_with_a_pattern() -> None:
    with pytest.raises(InvalidRequestError, match="at most"):
        schema_faults({"pattern": "^a+$"}, "a" * 10_001)


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
