"""Inputs that break an artifact, in the form in which they go back into a call. Pure.

A break is one input of one run that a check faulted. Nothing is run to find more of them: of those
that the verification saw, the smallest are told, one of each way to fail before a second of any.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lignin.artifacts.answers import outcome_of
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import CodecError
from lignin.domain.examples import Example
from lignin.ports.sandbox import Observed

MAX_BREAKS = 8
MAX_BREAK_BYTES = 16_000
RECORDED = "a recorded example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """An input that broke an artifact.

    Args:
        input: As `artifact call --input` takes it.
        expected: `{"result": …}`, `{"error": …}` or a command's answer; None where nothing but
            the rule was expected.
        got: The same of what came.
        fault: What is wrong with it, in words.
        how: Where the input is from: recorded, held out, or how it was made.
    """

    input: Json
    expected: Json
    got: Json
    fault: str
    how: str


def broken(
    use: Example,
    observed: Observed,
    *,
    is_call: bool,
    fault: str,
    expected: Json = None,
    how: str = RECORDED,
) -> Break:
    """Return a run that a check faulted as a break."""
    got = outcome_of(observed, is_call=is_call)
    return Break(input=input_of(use), expected=expected, got=got, fault=fault[:500], how=how)


def input_of(use: Example) -> Json:
    """What went into a run, in the form that a call takes."""
    if use.arguments is not None:
        return dict(use.arguments)
    made: dict[str, Json] = {"argv": list(use.argv)}
    if use.stdin:
        made["stdin"] = use.stdin
    if use.files:
        made["files"] = dict(use.files)
    return made


def measured_breaks(breaks: Iterable[Break]) -> dict[str, Json]:
    """The breaks as a part of what a check measured; empty where there are none."""
    told = [
        {
            "input": each.input,
            "expected": each.expected,
            "got": each.got,
            "fault": each.fault,
            "how": each.how,
        }
        for each in breaks
    ]
    return {"breaks": smallest(told)} if told else {}


def breaks_in(results: Sequence[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """The breaks that a verification's checks told, each with its check."""
    return smallest(
        {"check": result["check"], **each}
        for result in results
        if not result.get("advisory")
        for each in result.get("measured", {}).get("breaks", ())
    )


def smallest(breaks: Iterable[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """At most `MAX_BREAKS`, the smallest inputs first; one of each way to fail before the rest."""
    sized = [(size, dict(each)) for each in breaks if (size := _size(each)) <= MAX_BREAK_BYTES]
    sized.sort(key=lambda pair: pair[0])
    first: dict[str, dict[str, Json]] = {}
    rest: list[dict[str, Json]] = []
    for _, each in sized:
        if first.setdefault(_way(each), each) is not each:
            rest.append(each)
    return [*first.values(), *rest][:MAX_BREAKS]


def _way(each: Mapping[str, Json]) -> str:
    """How a break fails: by which check, and with which error or with an answer."""
    got = each["got"] if isinstance(each["got"], Mapping) else {}
    return f"{each.get('check', '')}:{got.get('error', got.get('status', 'answer'))}"


def _size(each: Mapping[str, Json]) -> int:
    try:
        return len(canonical_bytes([each["input"], each["expected"], each["got"]]))
    except CodecError:
        return MAX_BREAK_BYTES + 1
