"""What is named for an outcome goes wherever it stands; what was said, called or answered stays."""

import json
from typing import Any

import pytest

from corpora.spans import (
    GOLD,
    genai_span,
    genai_spans,
    langfuse,
    langfuse_trace,
    openinference,
    otlp,
)
from corpora.traces import jsonl, lignin_run, mini, tau, tau2
from lignin.traces.hiding import hider, names_outcome
from lignin.traces.importer import load_importers
from lignin.traces.intake import take_trace

IMPORTERS = load_importers()
KEY = b"0123456789abcdef"


def _first(rows: list[Any], /, **more: Any) -> bytes:
    return jsonl([{**rows[0], **more}, *rows[1:]])


def _attributes(**more: Any) -> bytes:
    spans = openinference()
    spans[0]["attributes"] |= {key.replace("__", "."): value for key, value in more.items()}
    return jsonl(spans)


def _genai(**more: Any) -> bytes:
    status = more.pop("status", {})
    told = genai_span("s9", "s1", "workflow", 9, **more) | {"status": status}
    return json.dumps(otlp([*genai_spans(), told])).encode()


def _mini(**more: Any) -> bytes:
    return json.dumps({**mini(), **more}).encode()


def _tau2(**more: Any) -> bytes:
    document = tau2()
    document["simulations"][0] |= more
    return json.dumps(document).encode()


JSON_TEXT = json.dumps({"run": 1, "reward": GOLD})
LEFT = {
    "tau success": ("tau_bench", _first(tau(), success=GOLD)),
    "tau pass": ("tau_bench", _first(tau(), **{"pass": GOLD, "score": GOLD})),
    "tau records": ("tau_bench", _first(tau(), records=[{"role": "x", "reward": GOLD}])),
    "tau2 end": ("tau2_bench", _tau2(termination_reason=GOLD)),
    "tau2 metadata": ("tau2_bench", _tau2(metadata={"final_reward": [GOLD]})),
    "mini eval": ("mini_swe_agent", _mini(eval={"resolved": GOLD, "tests": 3})),
    "run expected": ("lignin_run", _first(lignin_run(), expected=GOLD, ground_truth=GOLD)),
    "run resolved": ("lignin_run", _first(lignin_run(), resolved=GOLD, is_correct=GOLD)),
    "run grade": ("lignin_run", _first(lignin_run(), grade=GOLD, metadata={"note": GOLD})),
    "phoenix metadata": ("openinference", _attributes(metadata={"reward": GOLD})),
    "phoenix text": ("openinference", _attributes(metadata=JSON_TEXT, eval__score=GOLD)),
    "phoenix annotations": ("openinference", _first(openinference(), annotations=[GOLD])),
    "phoenix status": ("openinference", _first(openinference(), status_message=GOLD)),
    "otel status": ("otel_genai", _genai(status={"code": 2, "message": GOLD})),
    "otel eval": ("otel_genai", _genai(eval__score=GOLD, gen_ai__evaluation__x=GOLD)),
    "otel metadata": ("otel_genai", _genai(metadata=JSON_TEXT, final_reward=GOLD)),
    "langfuse metadata": ("langfuse", _first(langfuse(), metadata={"score": GOLD})),
    "langfuse text": ("langfuse", _first(langfuse(), metadata=JSON_TEXT)),
    "langfuse tags": ("langfuse", jsonl([{**langfuse_trace(), "tags": [GOLD]}])),
    "langfuse status": ("langfuse", _first(langfuse(), level="ERROR", status_message=GOLD)),
}


@pytest.mark.parametrize("kind", LEFT)
def test_an_outcome_in_a_common_place_is_hidden_and_counted(kind: str) -> None:
    form, data = LEFT[kind]
    assert GOLD.encode() in data
    blind = take_trace(IMPORTERS, "run.json", data, KEY, hide_outcome=True)
    assert {each.trajectory.format for each in blind.sessions} == {form}
    stored = b"".join(content for each in blind.sessions for content in each.contents)
    assert GOLD.encode() not in stored
    assert GOLD not in repr(blind)
    assert blind.hidden > 0
    assert take_trace(IMPORTERS, "run.json", data, KEY).hidden == 0
    importer = next(each for each in IMPORTERS if each.name == form)
    assert importer.hide is not None
    again = importer.hide(stored)
    assert (again.content, again.count) == (stored, 0)


SAID = "the reward is the expected label"


def test_what_agent_and_tools_say_stays_whatever_its_names() -> None:
    call = {"id": "1", "function": {"name": "grade", "arguments": {"score": SAID, "label": 2}}}
    messages = [
        {"role": "user", "content": json.dumps({"reward": SAID})},
        {"role": "assistant", "content": [{"type": "text", "text": SAID}], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": json.dumps({"success": SAID})},
    ]
    tools = [{"name": "grade", "parameters": {"properties": {"score": SAID}}}]
    for form, data in (
        ("tau_bench", jsonl([{"task_id": 1, "reward": 1.0, "traj": messages}])),
        ("lignin_run", jsonl([{"lignin_run": 1, "tools": tools, "messages": messages}])),
    ):
        importer = next(each for each in IMPORTERS if each.name == form)
        assert importer.hide is not None
        hidden = importer.hide(data)
        assert hidden.content == data.replace(b'"reward": 1.0', b'"reward": null')


def test_what_a_span_was_given_and_gave_stays_whatever_its_names() -> None:
    tool = {"openinference.span.kind": "TOOL", "input.value": '{"score": 1}'}
    tool |= {"output.value": '{"success": false}', "tool.parameters": '{"label": 1}'}
    span = {"name": "x", "context": {"trace_id": "t", "span_id": "s"}, "attributes": tool}
    data = jsonl([{**span, "start_time": "2026", "status_message": "no such file"}])
    importer = next(each for each in IMPORTERS if each.name == "openinference")
    assert importer.hide is not None
    assert importer.hide(data).content == data


def test_a_tools_own_error_stays_in_telemetry() -> None:
    named = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": "ls"}
    span = genai_span("s1", "", "execute_tool ls", 0, **named)
    data = json.dumps(otlp([{**span, "status": {"code": 2, "message": "no ls"}}])).encode()
    importer = next(each for each in IMPORTERS if each.name == "otel_genai")
    assert importer.hide is not None
    assert importer.hide(data).content == data


def test_json_in_a_text_is_hidden_whole_where_it_tells() -> None:
    hide = hider({"attributes": {"eval": None}})
    for told in ('{"a": {"reward": 1}}', ' [{"score": 0}]'):
        data = json.dumps({"attributes": told, "metadata": told, "content": told}).encode()
        kept = json.dumps({"attributes": None, "metadata": None, "content": told}).encode()
        assert hide(data).content == kept
    for silent in (
        '{"a": 1}',
        '{"reward": null}',
        '{"content": {"reward": 1}}',
        "{reward",
        "reward",
    ):
        data = json.dumps({"attributes": silent, "metadata": silent}).encode()
        assert hide(data).content == data


def test_every_place_but_what_was_said_is_searched() -> None:
    hide = hider({})
    same = b'{"content": {"reward": 1}, "a": 1}'
    assert hide(same).content == same
    hide = hider({"x": {}, "y": {"z": {"*": {"kept": {}}}}})
    data = b'{"x": {"reward": 1}, "y": {"z": [{"kept": {"score": 1}, "score": 2}], "gold": 3}}'
    hidden = hide(data)
    assert hidden.content == (
        b'{"x": {"reward": 1}, "y": {"z": [{"kept": {"score": 1}, "score": null}], "gold": null}}'
    )
    assert hidden.count == 2


@pytest.mark.parametrize(
    "name",
    ["reward", "final_reward", "reward.info", "isCorrect", "expectedOutput", "gold_patch", "SCORE"]
    + ["ground_truth", "groundTruth", "user-label", "passed", "pass_at_1", "eval.x", "verdict"],
)
def test_a_name_tells_an_outcome(name: str) -> None:
    assert names_outcome(name)


@pytest.mark.parametrize(
    "name",
    ["password", "compass", "scoreboard", "goldfish", "unexpectedly", "status", "evaluator"]
    + ["labelled_by", "role", "index", "passenger", "upgrade", "successor", "annotations"],
)
def test_a_name_tells_no_outcome(name: str) -> None:
    assert not names_outcome(name)
