"""What is drafted of what was mined: useful, useless and wrong beyond the runs that it comes from."""

import json
from typing import Any

from lignin.domain.modes import Signature
from lignin.ports.proposer import Brief, TriedBefore
from lignin.traces.importer import import_trace, load_importers
from lignin.traces.lessons import contrasted
from lignin.traces.mined import Evidence, Mined, Source, find_sources
from lignin.traces.runs import Run, run_of

TWICE = Signature(difference="extra_action", manner="twice", tool="refund_order", votes=3)
METHOD = Signature(
    difference="wrong_arguments", tool="refund_order", arguments=("method",), votes=3
)
BRIEF = Brief(mode="mod_a", told="t", cases=(), files={}, surface=("*/*",))


def run(paid_with: str, refunded_by: str) -> Run:
    messages: list[Any] = [{"role": "user", "content": "Please cancel O-1."}]
    calls = [
        ("get_order", {"order_id": "O-1"}, {"payment": {"method": paid_with, "cents": 3}}),
        ("refund_order", {"order_id": "O-1", "method": refunded_by}, {"ok": True}),
    ]
    for number, (tool, arguments, answer) in enumerate(calls):
        function = {"name": tool, "arguments": json.dumps(arguments)}
        made = {"id": f"c{number}", "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": "", "tool_calls": [made]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": json.dumps(answer)},
        ]
    record = json.dumps({"lignin_run": 1, "messages": messages}).encode()
    return run_of(import_trace(load_importers(), "r.jsonl", record).sessions[0][0])


def drafts(signature: Signature, **more: Any) -> list[Any]:
    lesson = contrasted("ses_a", signature, ["ses_b"])
    assert lesson is not None
    proposer = Mined(Evidence(signatures=(signature,), lessons=(lesson,), **more))
    found = [proposer.propose(BRIEF, number) for number in range(10)]
    return [each.draft for each in found if each.draft is not None]


def test_a_lesson_becomes_several_texts_and_one_of_them_goes_too_far() -> None:
    kinds = {each.kind: each.hypothesis for each in drafts(TWICE)}
    assert list(kinds) == ["lesson", "ban", "rule", "reminder"]
    assert kinds["ban"] == "Do not call `refund_order`."
    assert "once" in kinds["rule"]


def test_each_text_is_a_skill_in_a_slot_of_its_own() -> None:
    slots = [next(iter(each.files)) for each in drafts(METHOD)]
    assert len(set(slots)) == len(slots)
    assert all(path.endswith("/SKILL.md") for path in slots)


def test_where_every_passing_run_took_an_argument_from_becomes_a_rule() -> None:
    passing = [run("card", "card"), run("voucher", "voucher")]
    found = find_sources(passing, [METHOD])
    assert found == [
        Source(
            tool="refund_order",
            argument="method",
            answered_by="get_order",
            key="method",
            runs=2,
        )
    ]
    told = [each.hypothesis for each in drafts(METHOD, sources=found) if each.kind == "source"]
    assert told == [
        "Take `method` of `refund_order` from `method` of what `get_order` answered: "
        "so it was in all 2 runs that passed."
    ]


def test_what_held_in_some_runs_only_or_in_a_single_one_is_no_source() -> None:
    assert find_sources([run("card", "card"), run("card", "voucher")], [METHOD]) == []
    assert find_sources([run("card", "card")], [METHOD]) == []


def test_what_was_tried_is_not_proposed_again() -> None:
    lesson = contrasted("ses_a", TWICE, ["ses_b"])
    assert lesson is not None
    proposer = Mined(Evidence(signatures=(TWICE,), lessons=(lesson,)))
    first = proposer.propose(BRIEF, 0).draft
    assert first is not None
    tried = TriedBefore(kind=first.kind, hypothesis=first.hypothesis, outcome="reject")
    brief = Brief(mode="m", told="t", cases=(), files={}, surface=(), tried=(tried,))
    second = proposer.propose(brief, 1).draft
    assert second is not None
    assert second.hypothesis != first.hypothesis
