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


@pytest.mark.parametrize(
    "said",
    [
        '{"score": 1, "resolved": false}',
        '{"score": 0.0, "resolved": true}',
        '{"score": 1, "error": "it was not done"}',
        '{"score": 0.3, "error": {"kind": "timeout"}}',
        '{"resolved": true, "error": "infrastructure: no network"}',
    ],
)
def test_score_beside_its_contrary_or_an_error_is_named(said: str) -> None:
    read = read_output(said.encode())
    assert (read.score, read.fault) == (None, "contradicting_scores")


def test_graded_score_beside_its_yes_or_no_and_failure_with_an_error_are_scores() -> None:
    assert read_output(b'{"score": 0.6, "resolved": true}').score == 0.6
    assert read_output(b'{"resolved": false, "error": "it gave up"}').score == 0
    assert read_output(b'{"resolved": true, "error": null}').score == 1


@pytest.mark.parametrize("line", [json.dumps(RUN), '{"score": 1}', '{"resolved": false}'])
def test_two_of_a_kind_are_named(line: str) -> None:
    assert read_output(f"{line}\n{line}".encode()).fault == "several_runs"


@pytest.mark.parametrize("said", [b"", b" \n ", b"\xff\xfe", b"{" * 100_000])
def test_whatever_is_said_can_be_read(said: bytes) -> None:
    read = read_output(said)
    assert (read.run, read.score, read.fault) == (b"", None, None)
    assert read.is_empty is (not said.strip())


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        ('{"resolved": true, "cost_usd": 0.0125, "tokens": 900}', {"cost_microusd": 12500, "tokens": 900}),
        ('{"score": 1, "cost_microusd": 7, "cost_usd": 1, "tokens": null}', {"cost_microusd": 7}),
        ('It is done.\n{"lignin_usage": {"context_tokens": 80}}', {"context_tokens": 80}),
        (
            '{"lignin_usage": {"tokens": 5, "context_tokens": 5}}\n'
            '{"lignin_usage": {"tokens": 7, "context_tokens": 3}}\n{"score": 1}',
            {"tokens": 12, "context_tokens": 5},
        ),
    ],
)  # fmt: skip
def test_cost_is_read_beside_the_score_or_by_itself(said: str, usage: dict[str, int]) -> None:
    read = read_output(said.encode())
    assert (read.usage, read.fault) == (usage, None)
    assert "lignin_usage" not in read.words


@pytest.mark.parametrize("cost", ["NaN", "-1", "true", '"free"', "[1]", "1e300", "Infinity"])
def test_cost_that_is_none_is_named(cost: str) -> None:
    assert read_output(f'{{"score": 1, "cost_usd": {cost}}}'.encode()).fault == "not_a_cost"
    assert read_output(f'{{"lignin_usage": {cost}}}'.encode()).fault == "not_a_cost"
