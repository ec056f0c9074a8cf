"""A tool's digest covers what a caller relies on; an observation has one text."""

from dataclasses import replace

from lignin.ports.tools import Observation, ToolSpec

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
