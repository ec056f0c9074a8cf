"""Whether callers of one version can go on with another."""

from typing import Any

import pytest

from lignin.artifacts.compatible import contract_breaks
from lignin.domain.artifacts import Interface, Manifest

INTEGER, NUMBER, TEXT = {"type": "integer"}, {"type": "number"}, {"type": "string"}
MAYBE = {"anyOf": [INTEGER, {"type": "null"}]}
LIST = {"type": "array", "items": INTEGER}


def contract(
    properties: dict[str, Any], *required: str, output: Any = INTEGER, **more: Any
) -> Manifest:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    schema["additionalProperties"] = more.get("additional", False)
    return Manifest(
        kind=more.get("kind", "program"),
        entry="a.py:f",
        interface=Interface(input=schema, output=output),
    )


SERVED = contract({"x": INTEGER, "way": TEXT}, "x")


@pytest.mark.parametrize(
    "new",
    [
        SERVED,
        contract({"x": NUMBER, "way": TEXT}, "x"),
        contract({"x": MAYBE, "way": TEXT}),
        contract({"x": {"type": ["integer", "string"]}, "way": TEXT}, "x"),
        contract({"x": {}, "way": TEXT, "new": TEXT}, "x"),
        contract({"x": {**INTEGER, "description": "how many"}}, "x", additional=True),
    ],
)
def test_a_version_that_takes_as_much_or_more_breaks_nobody(new: Manifest) -> None:
    assert contract_breaks(SERVED, new) == ()


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (contract({"x": INTEGER}, "x"), "'way' would be gone"),
        (contract({"y": INTEGER, "way": TEXT}, "y"), "'y' would be required, and is new"),
        (contract({"x": INTEGER, "way": TEXT}, "x", "way"), "'way' would be required"),
        (contract({"x": TEXT, "way": TEXT}, "x"), "'x' would no longer take"),
        (contract({"x": {**INTEGER, "minimum": 0}, "way": TEXT}, "x"), "'x' would no longer take"),
        (contract({"x": INTEGER, "way": {"enum": ["up"]}}, "x"), "'way' would no longer take"),
        (contract({"x": INTEGER, "way": TEXT}, "x", output=TEXT), "may answer"),
        (contract({"x": INTEGER, "way": TEXT}, "x", output=NUMBER), "may answer"),
        (contract({"x": INTEGER, "way": TEXT}, "x", output={}), "may answer"),
        (contract({"x": INTEGER, "way": TEXT}, "x", kind="script"), "was a program"),
    ],
)
def test_what_callers_would_find_changed_is_told(new: Manifest, told: str) -> None:
    assert any(told in reason for reason in contract_breaks(SERVED, new))


def test_lists_are_compared_by_what_they_hold() -> None:
    old, wide = contract({"x": LIST}, "x"), contract({"x": {**LIST, "items": NUMBER}}, "x")
    assert contract_breaks(old, wide) == ()
    assert contract_breaks(wide, old)
