"""The scan for importers and the choice among them."""

import json

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.domain.traces import ImportedTrace
from lignin.traces.importer import Importer, find_importer, import_trace, load_importers


def sure(name: str, score: float) -> Importer:
    return Importer(
        name=name, sniff=lambda _n, _h: score, parse=lambda _n, _d: ImportedTrace(sessions=())
    )


def test_every_file_of_the_folder_is_an_importer() -> None:
    names = [each.name for each in load_importers()]
    assert names == sorted(names)
    assert {"claude_code", "codex", "swe_agent", "tau_bench"} <= set(names)
    silent = {each.name for each in load_importers() if each.hide is None}
    assert silent == {"claude_code", "codex"}  # a transcript says nothing of a grade


def test_the_surest_importer_reads_the_file() -> None:
    found = find_importer([sure("a", 0.2), sure("b", 0.7), sure("c", 0.0)], "x", b"{}")
    assert found is not None
    assert found.name == "b"


def test_a_tie_names_both_importers() -> None:
    with pytest.raises(InvalidRequestError, match="a and b both take") as caught:
        find_importer([sure("a", 0.5), sure("b", 0.5)], "x", b"{}")
    assert caught.value.fields["importers"] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x7fELF\0\0\0", "binary"),
        (b'{"a": 1}\n', "known shapes"),
        (json.dumps([{"role": "user", "content": "hi"}]).encode(), "known shapes"),
    ],
)
def test_a_file_that_nobody_knows_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason) as caught:
        import_trace(load_importers(), "x.jsonl", data)
    assert "claude_code" in caught.value.hint


def test_a_first_record_longer_than_the_head_is_still_recognised() -> None:
    message = {"role": "user", "content": "x" * 400_000}
    record = {"parentUuid": None, "sessionId": "s", "type": "user", "message": message}
    trace = import_trace(load_importers(), "x.jsonl", json.dumps(record).encode() + b"\n")
    assert trace.sessions[0][0].format == "claude_code"


def test_a_transcript_that_quotes_another_format_keeps_its_own() -> None:
    quoted = json.dumps({"type": "session_meta", "payload": {"id": "x"}, "traj": [], "task_id": 1})
    record = {"sessionId": "s", "type": "user", "message": {"role": "user", "content": quoted}}
    found = find_importer(load_importers(), "x.jsonl", json.dumps(record).encode())
    assert found is not None
    assert found.name == "claude_code"
