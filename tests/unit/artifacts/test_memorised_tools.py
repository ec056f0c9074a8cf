"""Memorising, where answers may come from tools: what tools told is not held against a program."""

from collections.abc import Sequence

from lignin.artifacts.check import ExampleRun, GeneratedInput, InputRun, Observations
from lignin.artifacts.checks.memorised import CHECK
from lignin.domain.artifacts import File, Manifest, make_tree
from lignin.domain.codec import Json
from lignin.domain.examples import Example
from lignin.ports.sandbox import Observed

LOOKUP = "def f(x):\n    return look(x)\n"
TABLE = "T = {'a': 'one red', 'b': 'two blue', 'c': 'six gold', 'd': 'ten grey'}\ndef f(x):\n    return T.get(x)\n"
ANSWERS = {"a": "one red", "b": "two blue", "c": "six gold", "d": "ten grey"}
MANIFEST = Manifest(kind="program", entry="f.py:f", runtime="python")


def exited(result: Json, told: Sequence[str]) -> Observed:
    return Observed(status="exited", tier="ns", returned=True, result=result, told=tuple(told))


def judged(source: str, on_examples: Sequence[str], on_inputs: Sequence[str]) -> str:
    """The verdict on a program that answers nothing to eight inputs that are no examples.

    `on_examples` and `on_inputs` are what its tools told, in turn; empty where it asked nothing.
    """
    runs = []
    for at, (key, answer) in enumerate(ANSWERS.items()):
        told = [on_examples[at % len(on_examples)]] if on_examples else []
        case = Example(arguments={"x": key}, result=answer)
        runs.append(ExampleRun(example=case, observed=exited(answer, told)))
    inputs = []
    for at in range(8):
        told = [on_inputs[at % len(on_inputs)]] if on_inputs else []
        use = GeneratedInput(use=Example(arguments={"x": f"z{at}"}), tier="near", what="made")
        inputs.append(InputRun(input=use, observed=exited(None, told)))
    seen = Observations(
        manifest=MANIFEST,
        tree=make_tree({"lignin.json": MANIFEST.to_file(), "f.py": File(content=source.encode())}),
        sources={"f.py": source},
        visible=tuple(run.example for run in runs),
        visible_runs=tuple(runs),
        inputs=tuple(inputs),
    )
    return CHECK.judge(seen).verdict


DIFFERENT = ("get 1", "get 2", "get 3", "get 4")


def test_program_that_looks_things_up_may_answer_alike_to_what_its_tools_do_not_know() -> None:
    assert judged(LOOKUP, DIFFERENT, ["get not_found"]) == "pass"


def test_program_without_tools_that_answers_alike_to_everything_else_is_refused() -> None:
    assert judged(LOOKUP, (), ()) == "fail"


def test_a_call_that_tells_the_same_every_time_excuses_nothing() -> None:
    assert judged(LOOKUP, ["ping ok"], ["ping ok"]) == "fail"


def test_who_answers_alike_to_different_things_told_is_refused() -> None:
    told = [f"get {at}" for at in range(10, 18)]
    assert judged(LOOKUP, DIFFERENT, told) == "fail"


def test_who_asks_on_the_examples_alone_is_refused() -> None:
    assert judged(LOOKUP, DIFFERENT, ()) == "fail"


def test_a_table_of_the_answers_is_a_sign_whatever_is_called_besides() -> None:
    assert judged(TABLE, DIFFERENT, ["get not_found"]) == "fail"
