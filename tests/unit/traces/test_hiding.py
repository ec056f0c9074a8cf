"""Taking runs in blind: nothing that tells an outcome is left, and nothing else is lost."""

import json
import time
from dataclasses import replace

import pytest

from corpora.spans import GOLD
from corpora.traces import FILES, archive, inspect_members, tau, written
from lignin.traces.hiding import HIDDEN, hider
from lignin.traces.importer import find_importer, load_importers
from lignin.traces.intake import take_trace

IMPORTERS = load_importers()
KEY = b"0123456789abcdef"


@pytest.mark.parametrize("kind", FILES)
def test_no_hidden_value_is_stored_and_the_run_is_otherwise_the_same(kind: str) -> None:
    _, name, _ = FILES[kind]
    data = written(kind)
    full = take_trace(IMPORTERS, name, data, KEY)
    blind = take_trace(IMPORTERS, name, data, KEY, hide_outcome=True)
    stored = b"".join(content for each in blind.sessions for content in each.contents)
    assert GOLD.encode() not in stored
    assert GOLD not in repr(blind)
    for known, hidden in zip(full.sessions, blind.sessions, strict=True):
        assert hidden.trajectory == replace(known.trajectory, outcome=None)
        assert hidden.session_id != known.session_id
        assert hidden.outcome_hidden
        assert not known.outcome_hidden


def test_the_samples_do_hold_what_is_hidden() -> None:
    silent = {"autogen", "claude_logs", "codex_logs"}
    for kind in FILES:
        data = archive(inspect_members(), 0) if kind == "inspect_eval" else written(kind)
        assert (GOLD.encode() in data) == (kind not in silent), kind


@pytest.mark.parametrize("kind", FILES)
def test_hiding_twice_changes_nothing_more(kind: str) -> None:
    importer = next(each for each in IMPORTERS if each.name == FILES[kind][0])
    assert importer.hide is not None
    once = importer.hide(written(kind)).content
    assert importer.hide(once).content == once


def test_a_transcript_without_outcomes_is_the_same_session_either_way() -> None:
    record = {"sessionId": "s", "type": "user", "message": {"role": "user", "content": "hi"}}
    data = json.dumps(record).encode() + b"\n"
    full = take_trace(IMPORTERS, "x.jsonl", data, KEY)
    assert take_trace(IMPORTERS, "x.jsonl", data, KEY, hide_outcome=True) == full


def test_every_byte_but_the_hidden_values_stays() -> None:
    hide = hider({"a": HIDDEN, "in": {"*": {"b*": HIDDEN}}})
    data = b'{ "a" : [1, {"x": "}"}] , "in":[ {"b1":2,"c":3}, 4 ],"z":"\\u00e9"}\r\n{"c":"a"}'
    assert hide(data).content == (
        b'{ "a" : null , "in":[ {"b1":null,"c":3}, 4 ],"z":"\\u00e9"}\r\n{"c":"a"}'
    )


def test_a_broken_line_is_left_out_and_the_others_are_kept() -> None:
    hide = hider({"a": HIDDEN})
    assert (
        hide(b'{"a": 1, "b": 1}\n{"b": "GOLD\n{"a": 2}\n').content
        == b'{"a": null, "b": 1}\n{"a": null}\n'
    )


def test_the_rest_of_a_broken_document_is_left_out() -> None:
    data = json.dumps(tau(), indent=0).encode()
    importer = find_importer(IMPORTERS, "run.json", data)
    assert importer is not None
    assert importer.hide is not None
    for cut in range(len(data)):
        assert GOLD.encode() not in importer.hide(data[:cut]).content


@pytest.mark.parametrize("kind", FILES)
def test_no_cut_of_a_file_shows_what_is_hidden(kind: str) -> None:
    importer = next(each for each in IMPORTERS if each.name == FILES[kind][0])
    assert importer.hide is not None
    data = written(kind)
    for cut in range(0, len(data), 1 + len(data) // 60):
        assert GOLD.encode() not in importer.hide(data[:cut]).content


def test_nested_too_deeply_to_read_is_left_out() -> None:
    hide = hider({"a": {"*": HIDDEN}})
    assert hide(b'{"a":' + b'{"a":' * 100_000).content == b""


def test_time_grows_with_the_size_of_broken_text() -> None:
    hide = hider({"reward": HIDDEN})
    line = b'{"reward": nope}\n'
    start = time.process_time()
    assert hide(line * 100_000).content == b""
    assert time.process_time() - start < 10
