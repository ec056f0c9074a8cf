"""Encoded runs as JSON, as they are kept so that no run is read twice. Pure."""

from collections.abc import Mapping
from typing import Any

from lignin.domain.codec import Json
from lignin.traces.routines.encode import Call, Encoded, line_of
from lignin.traces.routines.values import key_of

FORM = 4
"""Moves when runs are to be read anew."""


def encoded_to_json(run: Encoded) -> dict[str, Json]:
    """Return a run as JSON; whether it passed is not part of it, for that may be judged anew."""
    return {
        "form": FORM,
        "session": run.session,
        "task": run.task,
        "model": run.model,
        "calls": [
            {
                "tool": call.tool,
                "names": list(call.names),
                "values": list(call.raw),
                "sources": [[list(each) for each in found] for found in call.sources],
                "said": list(call.said),
                "facts": dict(call.facts),
                "lists": {path: list(told) for path, told in call.lists.items()},
                "works": call.works,
                "changes": call.changes,
                "returns": call.returns,
            }
            for call in run.calls
        ],
    }


def parse_encoded(value: Mapping[str, Any], passed: bool | None) -> Encoded:
    """Read a run back."""
    calls = tuple(_call(place, each) for place, each in enumerate(value["calls"]))
    return Encoded(
        value["session"],
        value["task"],
        value["model"],
        passed,
        calls,
        line_of(calls),
        frozenset(call.tool for call in calls if call.counts),
    )


def _call(place: int, value: Mapping[str, Any]) -> Call:
    raw = tuple(value["values"])
    return Call(
        place,
        value["tool"],
        tuple(value["names"]),
        raw,
        tuple([key_of(each) for each in raw]),
        tuple([tuple([(at, path) for at, path in found]) for found in value["sources"]]),
        tuple(value["said"]),
        value["facts"],
        value["works"],
        value["changes"],
        value["returns"],
        value["lists"],
    )
