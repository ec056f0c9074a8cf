"""A tool's digest covers what a caller relies on; an observation has one text."""

from dataclasses import replace

import pytest

from lignin.ports.tools import Observation, ToolSpec, served_name

SPEC = ToolSpec(
    name="look_up",
    description="Look something up.",
    input={"type": "object", "properties": {"key": {"type": "string"}}},
    effect="read",
    idempotent=True,
    errors=("not_found", "busy"),
)


def test_rewording_a_description_keeps_the_digest():
    assert replace(SPEC, description="Find something.").digest == SPEC.digest


def test_the_order_of_errors_does_not_matter():
    assert replace(SPEC, errors=("busy", "not_found")).digest == SPEC.digest


def test_whatever_a_caller_relies_on_changes_the_digest():
    changed = [
        replace(SPEC, name="find"),
        replace(SPEC, input={"type": "object"}),
        replace(SPEC, effect="write"),
        replace(SPEC, idempotent=False),
        replace(SPEC, errors=("busy",)),
    ]
    assert len({SPEC.digest, *(spec.digest for spec in changed)}) == 6


def test_an_observation_reads_as_canonical_json():
    assert Observation(result={"b": 1, "a": [None]}).to_text() == '{"a":[null],"b":1}'
    refused = Observation(error="not_found", message="no such key")
    assert refused.is_error
    assert refused.to_text() == '{"error":"not_found","message":"no such key"}'


@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("mcp__shop__get_order", "get_order"),
        ("shop__get_order", "get_order"),
        ("shop.get_order", "get_order"),
        ("mcp__my__shop__do__it", "do__it"),
        ("get_order", "get_order"),
        ("mcp__shop__unknown", "mcp__shop__unknown"),
        ("x_get_order", "x_get_order"),
        ("mcp__a__b", "mcp__a__b"),
    ],
)
def test_prefixed_name_leads_to_the_served_tool(name: str, served: str) -> None:
    assert served_name({"get_order", "do__it", "mcp__a__b", "b"}, name) == served
