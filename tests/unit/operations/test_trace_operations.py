"""Taking trace files of every format in, and reading their sessions back from the store."""

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from corpora.spans import GOLD, genai_spans, openinference
from corpora.traces import FILES, jsonl, tau, written
from lignin.domain.errors import NotFoundError
from lignin.operations.intake import end_of_batch, load_trajectory
from lignin.traces.importer import load_importers


def put(desk: Any, kind: str) -> str:
    _, name, _ = FILES[kind]
    path = desk.context.cwd / "runs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(written(kind))
    return "runs"


@pytest.mark.parametrize("kind", FILES)
def test_a_stored_session_reads_as_it_was_taken_in(desk: Any, kind: str) -> None:
    form, name, _ = FILES[kind]
    first = desk("trace.import", paths=[put(desk, kind)])
    assert first.not_read == {}
    again = desk("trace.import", paths=["runs"])
    assert (again.records, again.new_sessions) == (0, 0)
    importer = next(each for each in load_importers() if each.name == form)
    expected = {t.session: t for t, _ in importer.parse(name, written(kind)).sessions}
    rows = desk("trace.list").items
    assert len(rows) == first.new_sessions == len(expected)
    with desk.context.view() as view:
        for row in rows:
            loaded = load_trajectory(desk.context, view, row.session)
            assert loaded.path == f"runs/{name}"
            assert replace(loaded, path="") == expected[loaded.session]
            assert (row.task_id, row.trial, row.outcome) == (
                loaded.task_id,
                loaded.trial,
                loaded.outcome,
            )


@pytest.mark.parametrize("kind", FILES)
def test_a_blind_session_is_another_one_and_shows_no_outcome(desk: Any, kind: str) -> None:
    blind = desk("trace.import", paths=[put(desk, kind)], hide_outcome=True)
    rows = desk("trace.list").items
    assert all(row.outcome is None and row.outcome_hidden for row in rows)
    with desk.context.view() as view:
        for row in rows:
            stored = [c for c in view.contents(f"record/{row.session}") if c is not None]
            assert stored
            assert GOLD.encode() not in b"".join(stored)
            assert load_trajectory(desk.context, view, row.session).outcome is None
    full = desk("trace.import", paths=["runs"])
    assert full.new_sessions == blind.new_sessions
    again = desk("trace.import", paths=["runs"], hide_outcome=True)
    assert (again.records, again.new_sessions) == (0, 0)
    listed = desk("trace.list").items
    assert sum(row.outcome_hidden for row in listed) == len(rows)
    assert len(listed) == 2 * len(rows)


def test_a_packed_file_is_read_as_the_plain_one(desk: Any) -> None:
    path = desk.context.cwd / "runs.jsonl.gz"
    path.write_bytes(gzip.compress(jsonl(tau())))
    assert desk("trace.import", paths=["runs.jsonl.gz"]).new_sessions == 2


def test_a_secret_in_a_span_is_stored_nowhere(desk: Any) -> None:
    secret = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    spans = openinference()
    spans[0]["attributes"]["input.value"] = f"use {secret}"
    (desk.context.cwd / "spans.jsonl").write_bytes(jsonl(spans))
    done = desk("trace.import", paths=["spans.jsonl"])
    assert sum(done.redacted.values()) == 1
    (row,) = desk("trace.list").items
    with desk.context.view() as view:
        assert secret not in repr(load_trajectory(desk.context, view, row.session))


def test_a_growing_file_adds_what_is_new(desk: Any) -> None:
    path = desk.context.cwd / "spans.jsonl"
    spans = genai_spans()[:4]
    flat = [{**span, "attributes": span["attributes"]} for span in spans]
    path.write_bytes(jsonl(flat[:2]))
    assert desk("trace.import", paths=["spans.jsonl"]).records == 2
    path.write_bytes(jsonl(flat))
    grown = desk("trace.import", paths=["spans.jsonl"])
    assert (grown.records, grown.new_sessions) == (2, 0)


@pytest.mark.parametrize(
    ("sizes", "known", "expected"),
    [
        ([], 0, (0, 0)),
        ([3, 3], 0, (2, 6)),
        ([6, 6, 1], 0, (1, 6)),
        ([6, 6, 1], 1, (3, 7)),
        ([50, 1, 50], 0, (1, 50)),
        ([50, 1, 50], 1, (2, 1)),
        ([9, 9, 9], 2, (3, 9)),
    ],
)
def test_a_batch_ends_before_it_grows_over_the_limit(
    sizes: list[int], known: int, expected: tuple[int, int]
) -> None:
    assert end_of_batch([b"x" * size for size in sizes], known, limit=10) == expected


def test_a_session_of_many_batches_is_stored_whole_and_grows(desk: Any) -> None:
    path = desk.context.cwd / "spans.jsonl"
    span = genai_spans()[0]
    spans = [{**span, "spanId": str(n), "note": "x" * 3_000_000} for n in range(5)]
    path.write_bytes(jsonl(spans[:4]))
    assert desk("trace.import", paths=["spans.jsonl"]).records == 4
    path.write_bytes(jsonl(spans))
    assert desk("trace.import", paths=["spans.jsonl"]).records == 1
    again = desk("trace.import", paths=["spans.jsonl"])
    assert (again.records, again.new_sessions) == (0, 0)
    (row,) = desk("trace.list").items
    with desk.context.view() as view:
        stored = [c for c in view.contents(f"record/{row.session}") if c is not None]
    assert b"".join(stored) == jsonl(spans)


def test_a_session_is_shown_by_rows_and_one_step_in_full(desk: Any) -> None:
    desk("trace.import", paths=[put(desk, "openinference")])
    (row,) = desk("trace.list").items
    whole = desk("trace.show", session=row.session)
    assert (whole.steps, whole.tokens, whole.cost_microusd) == (6, 9, 10_000)
    assert "ls" in whole.to_text()
    first = desk("trace.show", session=row.session, limit=2)
    rest = desk("trace.show", session=row.session, after=int(first.next_after))
    assert [each.step for each in (*first.items, *rest.items)] == [
        each.step for each in whole.items
    ]
    full = desk("trace.show", session=row.session, step=3)
    assert [call.observation for call in full.detail[0].calls] == ["a.py"]
    assert "came back" in full.to_text()
    with pytest.raises(NotFoundError, match="no step 99"):
        desk("trace.show", session=row.session, step=99)


def test_a_record_over_the_bound_leaves_a_note_and_the_rest_is_taken(desk: Any) -> None:
    lines = jsonl(genai_spans()[:2]).splitlines(keepends=True)
    path = desk.context.cwd / "spans.jsonl"
    huge = b'{"name": "' + b"x" * (64 * 2**20) + b'"}\n'
    path.write_bytes(lines[0] + huge + lines[1])
    done = desk("trace.import", paths=["spans.jsonl"])
    (file,) = done.files
    assert file.left_out == [f"line 2: {len(huge)} bytes, at most {64 * 2**20} are kept"]
    assert (file.records, file.refused, file.problems, done.exit_code()) == (3, "", [], 8)
    assert file.left_out[0] in done.to_text()
    (row,) = desk("trace.list").items
    with desk.context.view() as view:
        stored = view.contents(f"record/{row.session}")
        assert list(stored) == [
            lines[0],
            b'{"lignin_left_out":{"bytes":%d}}\n' % len(huge),
            lines[1],
        ]
        assert load_trajectory(desk.context, view, row.session).steps
    again = desk("trace.import", paths=["spans.jsonl"])
    assert (again.records, again.exit_code()) == (0, 8)
    assert desk("demo", data="spans.jsonl").unread == {"a record over the size bound": 1}


def test_a_path_that_is_not_there_is_refused_and_the_others_are_taken(desk: Any) -> None:
    (desk.context.cwd / "notes.txt").write_text("nothing of an agent")
    (desk.context.cwd / "none.jsonl").write_bytes(b"")
    named = ["nowhere", "~nobody-of-this-name", "notes.txt", put(desk, "openinference")]
    done = desk("trace.import", paths=named)
    refused = {file.path.rpartition("/")[2]: file.refused for file in done.files if file.refused}
    assert list(refused) == ["nowhere", "~nobody-of-this-name", "notes.txt"]
    assert "does not exist" in refused["nowhere"]
    assert (done.new_sessions, done.exit_code()) == (1, 8)
    assert all(reason in done.to_text() for reason in refused.values())
    for named in (["runs"], ["runs", "none.jsonl"]):  # an empty file holds nothing to refuse
        assert desk("trace.import", paths=named).exit_code() == 0
    with pytest.raises(NotFoundError, match=r"nowhere.*nor-here"):
        desk("trace.import", paths=["nowhere", "nor-here"])


def test_one_complaint_about_many_records_is_told_once_with_its_places(desk: Any) -> None:
    said = [{"role": "user", "content": "hi"}]
    runs = [
        {"lignin_run": 1, "task_id": f"t-{n}", "messages": said, "outcome": "pass"}
        for n in range(32)
    ]
    lines = [*map(json.dumps, runs), "{broken", json.dumps({"lignin_run": 1, "task_id": "x"})]
    (desk.context.cwd / "runs.jsonl").write_text("\n".join(lines) + "\n")
    done = desk("trace.import", paths=["runs.jsonl"])
    told = done.to_text().splitlines()
    [passed] = [line for line in told if "`outcome`" in line]
    assert passed.startswith('  32 records (lines 1, 2, 3, 4, 5 and 27 more): `outcome` is "pass"')
    kept = [line for line in told if "not parsed, kept: " in line]
    assert [line.partition("kept: ")[2][:7] for line in kept] == ["line 33", "line 34"]
    assert len(done.files[0].problems) == 34  # each of them, for who reads it by machine
