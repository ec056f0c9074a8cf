"""What a system leaves is read, and nothing of it believed."""

import json

import pytest

from lignin.evals.output import Output, read_output

RUN = {"lignin_run": 1, "messages": [{"role": "assistant", "content": "done"}]}


def test_run_words_and_score_are_told_apart() -> None:
    said = f"first\n{json.dumps(RUN)}\n\n{json.dumps({'score': 0.5})}\nlast"
    read = read_output(said.encode())
    assert (json.loads(read.run), read.words, read.score) == (RUN, "first\nlast", 0.5)


def test_one_object_over_several_lines_is_read_whole() -> None:
    assert json.loads(read_output(json.dumps(RUN, indent=2).encode()).run) == RUN


def test_json_that_is_neither_is_what_it_said() -> None:
    assert read_output(b'{"answer": 42}') == Output(words='{"answer": 42}')


@pytest.mark.parametrize(
    "said",
    [
        '{"score": NaN}',
        '{"score": Infinity}',
        '{"score": -0.1}',
        '{"score": 1.01}',
        '{"score": "1"}',
        '{"score": null}',
        '{"resolved": [true]}',
        '{"score": 1, "resolved": "yes"}',
    ],
)
def test_score_that_is_none_is_named(said: str) -> None:
    assert read_output(said.encode()).fault == "not_a_score"


@pytest.mark.parametrize("line", [json.dumps(RUN), '{"score": 1}', '{"resolved": false}'])
def test_two_of_a_kind_are_named(line: str) -> None:
    assert read_output(f"{line}\n{line}".encode()).fault == "several_runs"


@pytest.mark.parametrize("said", [b"", b" \n ", b"\xff\xfe", b"{" * 100_000])
def test_whatever_is_said_can_be_read(said: bytes) -> None:
    read = read_output(said)
    assert (read.run, read.score, read.fault) == (b"", None, None)
    assert read.is_empty is (not said.strip())
