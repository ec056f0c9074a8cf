"""Reading trace files and walking folders."""

import gzip
import json
import os
from pathlib import Path

import pytest

from lignin.domain.errors import DeniedError, InvalidRequestError, LimitedError, NotFoundError
from lignin.traces.importer import load_importers
from lignin.traces.read import find_traces, own_trace_roots, read_trace

CLAUDE = json.dumps({"type": "user", "sessionId": "s", "message": {"content": "hi"}}).encode()
CODEX = json.dumps({"type": "session_meta", "payload": {"id": "x"}}).encode()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_plain_and_gzip_files_give_the_same_bytes(tmp_path: Path) -> None:
    content = CLAUDE * 100_000
    plain = write(tmp_path / "a.jsonl", content)
    packed = write(tmp_path / "b.jsonl.gz", gzip.compress(content) + gzip.compress(b"more"))
    assert read_trace(plain) == ("a.jsonl", content)
    assert read_trace(packed) == ("b.jsonl.gz", content + b"more")


def test_a_gzip_file_cut_short_gives_what_it_holds(tmp_path: Path) -> None:
    packed = gzip.compress(os.urandom(5000).hex().encode())
    _, content = read_trace(write(tmp_path / "a.gz", packed[:-2000]))
    assert 0 < len(content) < 10_000


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_trace(tmp_path / "none.jsonl")
    with pytest.raises(NotFoundError, match="no such file or folder"):
        find_traces(tmp_path / "none", load_importers())


def test_a_folder_a_binary_and_damaged_gzip_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="is a folder"):
        read_trace(tmp_path)
    with pytest.raises(InvalidRequestError, match="is binary"):
        read_trace(write(tmp_path / "x.jsonl", b"\x7fELF\0\0\0\1"))
    with pytest.raises(InvalidRequestError, match="damaged gzip"):
        read_trace(write(tmp_path / "x.gz", b"\x1f\x8bnot gzip at all"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_denied(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", CLAUDE)
    path.chmod(0)
    with pytest.raises(DeniedError, match="may not be read"):
        read_trace(path)


def test_a_file_over_the_bound_is_refused_also_when_it_is_packed(tmp_path: Path) -> None:
    bomb = write(tmp_path / "bomb.jsonl.gz", gzip.compress(b" " * 50_000_000))
    for path in (write(tmp_path / "a.jsonl", b" " * 101), bomb):
        with pytest.raises(LimitedError, match="over 100 bytes"):
            read_trace(path, max_bytes=100)


def test_a_run_of_nuls_in_a_transcript_is_no_reason_to_refuse_it(tmp_path: Path) -> None:
    content = b"\0" * 200 + CLAUDE
    assert read_trace(write(tmp_path / "a.jsonl", content))[1] == content


def test_traces_are_found_in_order_and_the_others_have_reasons(tmp_path: Path) -> None:
    projects = tmp_path / "projects" / "-home-user-x"
    wanted = [
        write(projects / "0b9d.jsonl", CLAUDE),
        write(projects / "agent-7.jsonl", CLAUDE),
        write(projects / "deep" / "agent-8.jsonl.gz", gzip.compress(CLAUDE)),
        write(tmp_path / "sessions" / "2026" / "01" / "02" / "rollout-1.jsonl", CODEX),
    ]
    empty = write(projects / "empty.jsonl", b"\n")
    other = write(tmp_path / "package.json", b'{"name": "x"}')
    damaged = write(tmp_path / "x.json.gz", b"\x1f\x8bno")
    write(tmp_path / "notes.txt", CLAUDE)
    write(tmp_path / "node_modules" / "a.jsonl", CLAUDE)
    found = find_traces(tmp_path, load_importers())
    assert found.paths == tuple(sorted(wanted))
    assert set(found.skipped) == {empty, other, damaged}
    assert found.skipped[empty] == "empty"
    assert found.skipped[other] == "no importer recognises it"
    assert "damaged gzip" in found.skipped[damaged]


def test_a_single_file_is_found_whatever_its_name(tmp_path: Path) -> None:
    path = write(tmp_path / "session.log", CLAUDE)
    assert find_traces(path, load_importers()).paths == (path,)


def test_own_roots_are_those_that_exist(tmp_path: Path) -> None:
    claude = tmp_path / ".claude" / "projects"
    claude.mkdir(parents=True)
    assert own_trace_roots(tmp_path, {}) == (claude,)
    codex = tmp_path / "elsewhere" / "sessions"
    codex.mkdir(parents=True)
    environment = {"CODEX_HOME": str(tmp_path / "elsewhere")}
    assert own_trace_roots(tmp_path, environment) == (claude, codex)
