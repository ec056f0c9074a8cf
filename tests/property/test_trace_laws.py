"""Laws of importing and redacting, over mutated and random input."""

import json
import random
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.traces import FILES, jsonl, written
from lignin.domain.codec import canonical_bytes
from lignin.traces.archive import is_archive, unpack_lines
from lignin.traces.importer import load_importers
from lignin.traces.intake import take_trace
from lignin.traces.lines import read_lines
from lignin.traces.redact import redact, redact_all
from lignin.traces.units import read_units

IMPORTERS = load_importers()
KEY = b"0123456789abcdef"
KINDS = ["claude_code", "loglines", "codex", *FILES]
JUNK = (None, True, -1, 2**70, 1.5, "", "\ud800", "{'a':", [], [[]], {}, {"type": 3}, [{"text": 5}])


def _claude() -> list[Any]:
    common = {"sessionId": "s", "uuid": "u", "parentUuid": "p", "cwd": "/x", "version": "2"}
    use = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}
    blocks = [{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "b"}, use]
    usage = {"input_tokens": 1, "output_tokens": 2}
    back = [{"type": "tool_result", "tool_use_id": "t", "content": "x", "is_error": False}]
    structured = {"stdout": "x", "stderr": "", "interrupted": False}
    return [
        {**common, "type": "user", "isMeta": False, "message": {"content": "hi"}},
        {**common, "type": "assistant", "costUSD": 0.1, "isSidechain": True, "agentId": "a"}
        | {"message": {"id": "m", "model": "x", "content": blocks, "usage": usage}},
        {**common, "type": "user", "message": {"content": back}, "toolUseResult": structured},
        {**common, "type": "system", "content": "note"},
        {"type": "summary", "leafUuid": "u", "summary": "s"},
    ]


def _codex() -> list[Any]:
    def item(**payload: Any) -> dict[str, Any]:
        return {"timestamp": "t", "type": "response_item", "payload": payload}

    info = {"last_token_usage": {"input_tokens": 1}, "total_token_usage": {"input_tokens": 1}}
    return [
        {"type": "session_meta", "payload": {"id": "i", "cwd": "/", "originator": "o"}},
        {"type": "turn_context", "payload": {"model": "m", "cwd": "/"}},
        item(type="message", role="user", content=[{"type": "input_text", "text": "hi"}]),
        item(type="reasoning", summary=[{"text": "r"}], content=None),
        item(type="function_call", name="shell", call_id="c", arguments='{"cmd":"ls"}'),
        item(type="function_call_output", call_id="c", output="Exit code: 1\nOutput:\nx"),
        item(type="local_shell_call", call_id="d", action={"command": ["ls"]}),
        {"type": "event_msg", "payload": {"type": "token_count", "info": info}},
        {
            "type": "event_msg",
            "payload": {"type": "exec_command_end", "call_id": "c", "exit_code": 1},
        },
    ]


def _sample(kind: str) -> Any:
    if kind in {"claude_code", "loglines"}:
        return _claude() * 2 if kind == "claude_code" else {"loglines": _claude()}
    return _codex() * 2 if kind == "codex" else FILES[kind][2]()


def _written(kind: str, value: Any) -> bytes:
    if kind in FILES:
        return written(kind, value)
    return json.dumps(value).encode() if kind == "loglines" else jsonl(value)


def _swapped(value: Any, rng: random.Random, rate: float) -> Any:
    if rng.random() < rate:
        return rng.choice(JUNK)
    if isinstance(value, dict):
        return {key: _swapped(each, rng, rate) for key, each in value.items()}
    if isinstance(value, list):
        return [_swapped(each, rng, rate) for each in value]
    return value


def _document(kind: str, rng: random.Random, rate: float) -> bytes:
    value = _swapped(_sample(kind), rng, rate)
    return _written(kind, value if isinstance(value, dict | list) else [value])


def _damaged(data: bytes, rng: random.Random) -> bytes:
    way = rng.randrange(6)
    place = rng.randrange(len(data) + 1)
    if way == 0:
        return data[:place]
    if way == 1:
        return data[:place] + rng.randbytes(rng.randrange(20)) + data[place:]
    if way == 2:
        lines = data.splitlines(keepends=True)
        rng.shuffle(lines)
        return b"".join(lines)
    if way == 3:
        return data.replace(b"\n", b"\r\n\0\n")
    if way == 4:
        return data[place:] + data[:place]
    return data


def _check(data: bytes) -> None:
    """What every importer owes every file."""
    for importer in IMPORTERS:
        assert 0 <= importer.sniff("x", data) <= 1
        trace = importer.parse("x.jsonl", data)
        records = sorted((r for _, own in trace.sessions for r in own), key=lambda r: r.line)
        unpacked = unpack_lines(data) if importer.name == "inspect" and is_archive(data) else data
        assert b"".join(record.content for record in records) == unpacked
        assert len({t.session for t, _ in trace.sessions}) == len(trace.sessions)
        for trajectory, _ in trace.sessions:
            for step in trajectory.steps:
                step.text.encode()
                for call in step.calls:
                    canonical_bytes(dict(call.arguments))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.0, 0.02, 0.1, 0.4]))
def test_no_damage_crashes_an_importer_or_costs_a_byte(kind: str, seed: int, rate: float) -> None:
    rng = random.Random(seed)
    _check(_damaged(_document(kind, rng, rate), rng))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=600, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.0, 0.02, 0.1, 0.4]))
def test_no_damage_of_many_crashes_an_importer(kind: str, seed: int, rate: float) -> None:
    rng = random.Random(seed)
    _check(_damaged(_document(kind, rng, rate), rng))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=3))
def test_files_run_into_each_other_cost_no_byte(seed: int, kinds: list[str]) -> None:
    rng = random.Random(seed)
    lines = [line for kind in kinds for line in _document(kind, rng, 0.0).splitlines(keepends=True)]
    rng.shuffle(lines)
    _check(b"".join(lines))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"loglines"}))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), rate=st.sampled_from([0.0, 0.05]))
def test_hiding_never_fails_and_leaves_what_can_be_read(kind: str, seed: int, rate: float) -> None:
    rng = random.Random(seed)
    data = _damaged(_document(kind, rng, rate), rng)
    for importer in IMPORTERS:
        if importer.hide is not None:
            hidden = importer.hide(data).content
            assert importer.hide(hidden).content == hidden
            importer.parse("x", hidden)


@pytest.mark.parametrize("kind", [k for k in KINDS if k in FILES and FILES[k][1].endswith("l")])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_growing_file_is_followed(kind: str, data: st.DataObject) -> None:
    form, name, _ = FILES[kind]
    if name.endswith(".eval"):
        return
    whole = written(kind)
    importer = next(each for each in IMPORTERS if each.name == form)
    cut = data.draw(st.integers(1, len(whole)))
    later = {each.session_id: each for each in _taken(importer.name, name, whole)}
    for session in _taken(importer.name, name, whole[:cut]):
        if not session.keys or not session.trajectory.steps:
            continue
        grown = later[session.session_id]
        assert grown.keys[: len(session.keys)] == session.keys


def _taken(form: str, name: str, data: bytes) -> Any:
    importers = [replace(each, sniff=lambda _n, _h: 1.0) for each in IMPORTERS if each.name == form]
    return take_trace(importers, name, data, KEY).sessions


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=400))
def test_lines_and_elements_joined_are_the_input(data: bytes) -> None:
    assert b"".join(line.record.content for line in read_lines(data)) == data
    units = read_units(b"[" + data)
    assert b"".join(line.record.content for line in units) == b"[" + data


@pytest.mark.parametrize("bound", [4, 7])
def test_a_line_over_the_bound_is_kept_and_reported(bound: int) -> None:
    lines = read_lines(b'{"a":1}\n{}\n', max_line_bytes=bound)
    assert [line.value for line in lines] == [None, {}]
    assert lines[0].problem is not None
    assert f"at most {bound}" in lines[0].problem.what


def test_deep_nesting_is_reported_and_not_a_crash() -> None:
    for data in (b'{"a":' + b"[" * 200_000 + b"\n{}\n", b"[" * 200_000):
        for importer in IMPORTERS:
            trace = importer.parse("x", data)
            assert sum(len(r.content) for _, own in trace.sessions for r in own) == len(data)


@st.composite
def texts_with_secrets(draw: st.DrawFn) -> str:
    rng = draw(st.randoms(use_true_random=False))
    letters = "abcXYZ0123456789qrsTUV"

    def rand(size: int) -> str:
        return "".join(rng.choice(letters) for _ in range(size))

    secrets = [
        "sk-" + "ant-api03-" + rand(40),
        "gh" + "p_" + rand(36),
        "np" + "m_" + rand(36),
        f"password={rand(12)}",
        f'"api_key": "{rand(20)}"',
        f"token='{rand(12)}/{rand(8)}'",
        f"Authorization: Bearer {rand(30)}",
        f"http://u:{rand(9)}@h/x",
        "card 4111111111" + "111111",
        "[redacted:jwt:0123456789ab]",
    ]
    noise = st.text(alphabet='"\\\n\t\u00e9/nu0041:= []{},\u2028abc', max_size=6)
    parts: list[str] = []
    for _ in range(draw(st.integers(0, 6))):
        parts += [draw(noise), rng.choice(secrets)]
    return "".join((*parts, draw(noise)))


def _escaped(written: str, chars: str) -> str:
    """JSON with some characters of its strings as a writer for HTML gives them."""
    return re.sub(
        r'"(?:[^"\\]|\\.)*"',
        lambda string: re.sub(
            r"\\.|.",
            lambda c: f"\\u{ord(c[0]):04x}" if c[0] in chars else c[0],
            string[0],
            flags=re.DOTALL,
        ),
        written,
    )


@settings(max_examples=400, deadline=None)
@given(
    text=texts_with_secrets(),
    depth=st.integers(0, 3),
    ascii_only=st.booleans(),
    escaped=st.sampled_from(("", "&'<=>", ":-gs= ")),
)
def test_redaction_keeps_json_valid_and_a_second_pass_changes_nothing(
    text: str, depth: int, ascii_only: bool, escaped: str
) -> None:
    value: Any = {"text": text, text: [text, 4111111111111111, 7], "card": 4111111111111111}
    for _ in range(depth):
        value = {"inner": _escaped(json.dumps(value, ensure_ascii=ascii_only), escaped)}
    raw = _escaped(json.dumps(value, ensure_ascii=ascii_only), escaped).encode()
    json.loads(raw)
    once = redact(raw, KEY)
    json.loads(once.content)
    again = redact(once.content, KEY)
    assert (again.content, again.counts) == (once.content, {})


@settings(max_examples=200, deadline=None)
@given(text=texts_with_secrets(), noise=st.binary(max_size=30))
def test_bytes_outside_the_spans_stay_in_order(text: str, noise: bytes) -> None:
    raw = noise + text.encode() + noise
    redacted = redact(raw, KEY).content
    position = 0
    # Every piece between tags stands in the input, in order.
    for piece in re.split(rb"\[redacted:[a-z0-9-]+:[0-9a-f]{12}\]", redacted):
        found = raw.find(piece, position)
        assert found >= position
        position = found + len(piece)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.one_of(texts_with_secrets().map(str.encode), st.binary(max_size=40))))
def test_many_records_are_redacted_as_each_alone(texts: list[bytes]) -> None:
    assert redact_all(texts, KEY) == [redact(text, KEY) for text in texts]


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes_can_be_redacted(raw: bytes) -> None:
    once = redact(raw, KEY).content
    assert redact(once, KEY).content == once
