"""The rules of verification that were added after measuring it, each on a program of its own."""

import json
import runpy
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lignin.artifacts.check import GeneratedInput, InputRun, Observations
from lignin.artifacts.checks import totality
from lignin.artifacts.in_turn import read_in_turn
from lignin.artifacts.inputs import make_call_inputs, make_command_inputs
from lignin.artifacts.kinds.program import KIND as PROGRAM
from lignin.artifacts.kinds.script import KIND as SCRIPT
from lignin.artifacts.overfit import Case, find_signs
from lignin.artifacts.plan import MODERATE, guest_source, plan_in_turn
from lignin.artifacts.undeclared import undeclared
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, make_tree
from lignin.domain.examples import Example
from lignin.ports.sandbox import Effect, Observed

AGE = {"type": "integer", "minimum": 0, "maximum": 130}
SCHEMA = {"type": "object", "properties": {"age": AGE, "name": {"type": "string", "maxLength": 30}}}
CASES = [
    Example(arguments={"age": 3, "name": "Bo"}, result=1),
    Example(arguments={"age": 40, "name": "Li"}, result=2),
    Example(arguments={"age": 41, "name": ""}, result=2),
]


def exited(**fields: object) -> Observed:
    return Observed(status="exited", tier="none", **fields)  # type: ignore[arg-type]


def judged(error: str, errors: Sequence[str] = (), **made: object) -> str:
    manifest = Manifest(
        kind="program",
        entry="a.py:f",
        runtime="python",
        interface=Interface(input=SCHEMA, output={}, errors=list(errors)),
    )
    use = GeneratedInput(use=CASES[0], tier="boundary", what="made up", **made)  # type: ignore[arg-type]
    seen = Observations(
        manifest=manifest,
        tree=make_tree({"lignin.json": manifest.to_file(), "a.py": File(content=b"")}),
        sources={},
        inputs=(InputRun(input=use, observed=exited(error=error, exit_code=1)),),
    )
    return totality.CHECK.judge(seen).verdict


def test_scripts_are_held_to_what_programs_are_held_to() -> None:
    assert SCRIPT.checks == PROGRAM.checks


def test_bounds_that_the_schema_names_are_tried_first() -> None:
    made = make_call_inputs(SCHEMA, CASES, [], seed="s")
    ages = {each.use.arguments["age"] for each in made if each.is_promised and each.use.arguments}
    assert ages == {0, 130}


@pytest.mark.parametrize(
    ("error", "errors", "fields", "verdict"),
    [
        ("ValueError", (), {}, "pass"),
        ("ValueError", (), {"is_promised": True}, "fail"),
        ("ValueError", ("ValueError",), {"is_promised": True}, "pass"),
        ("UnicodeEncodeError", (), {"far": True, "is_text": True}, "fail"),
        ("UnicodeEncodeError", ("ValueError",), {}, "pass"),
        ("KeyError", (), {}, "pass"),
        ("KeyError", ("ValueError",), {}, "fail"),
        ("KeyError", ("LookupError",), {}, "pass"),
    ],
)
def test_an_undeclared_error_is_a_slip_where_the_contract_says_otherwise(
    error: str, errors: Sequence[str], fields: Mapping[str, object], verdict: str
) -> None:
    assert judged(error, errors, **fields) == verdict


def test_texts_that_careless_readers_trip_over_are_tried_within_the_length_allowed() -> None:
    made = make_call_inputs(SCHEMA, CASES, [], seed="s")
    names = {str(each.use.arguments["name"]) for each in made if each.use.arguments}
    assert "1" * 29 + "!" in names
    assert "漢" in names
    assert any("${USER}" in name for name in names)
    assert max(map(len, names)) <= 30


def test_a_command_meets_files_of_the_names_that_are_its_words() -> None:
    recorded = [Example(argv=("old.txt", "--dry"), result={"stdout": "", "exit_code": 0})]
    made = [each.use for each in make_command_inputs(recorded, seed="s") if each.use.files]
    assert [dict(use.files) for use in made] == [{"old.txt": "some text\n"}]
    assert made[0].argv == ("old.txt", "--dry")


def test_mappings_are_exchanged_between_examples() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object"}, "b": {"type": "object"}}}
    cases = [
        Example(arguments={"a": {"x": 1}, "b": {}}),
        Example(arguments={"a": {}, "b": {"y": 2}}),
    ]
    made = [each.use.arguments for each in make_call_inputs(schema, cases, [], seed="s")]
    assert {"a": {"x": 1}, "b": {"y": 2}} in made


@pytest.mark.parametrize(
    "write", [json.dumps, repr, lambda value: zlib.crc32(repr(value).encode())]
)
def test_one_answer_under_a_written_out_input_is_a_sign(write: object) -> None:
    cases = [Case(arguments={"a": n, "b": 7}, result=n * 7) for n in (3, 5, 8)]
    key = write([5, 7])  # type: ignore[operator]
    source = f"KNOWN = {{{key!r}: 35}}\ndef f(a, b):\n    return KNOWN.get(w([a, b]), a + b)\n"
    assert find_signs(source, cases)
    assert not find_signs(source.replace(": 35", ": 36"), cases)


def test_a_table_by_plain_words_is_no_such_sign() -> None:
    cases = [Case(arguments={"unit": unit}, result=n) for unit, n in (("k", 3), ("m", 6), ("x", 0))]
    assert find_signs('P = {"k": 3}\ndef f(unit):\n    return P.get(unit, 0)\n', cases) == ()


@pytest.mark.parametrize(
    ("effects", "fine"),
    [
        ((("write", "/tmp"), ("delete", "/tmp")), True),
        ((("write", "/tmp"), ("delete", "/tmp"), ("write", "/tmp/x1")), False),
        ((("write", "/tmp/d/x"), ("delete", "/tmp/d")), True),
        ((("read", "/work/x"),), False),
        ((("read", "/usr/share/x"),), True),
        ((("overflow", "environment"),), False),
        ((("overflow", "clock"),), False),
        ((("unreadable", "/work/a"),), False),
    ],
)
def test_a_temporary_file_may_pass_and_not_stay(
    effects: Sequence[tuple[str, str]], fine: bool
) -> None:
    seen = exited(effects=tuple(Effect(kind=kind, target=target) for kind, target in effects))
    found = list(undeclared(Capabilities(), Example(arguments={}), seen, is_command=False))
    assert (found == []) is fine


def test_reading_the_work_folder_is_fair_for_commands_and_for_functions_recorded_with_files() -> (
    None
):
    seen = exited(effects=(Effect(kind="read", target="/work/x"),))
    given = Example(arguments={}, files={"x": "1"})
    assert not list(undeclared(Capabilities(), Example(), seen, is_command=True))
    assert not list(undeclared(Capabilities(), given, seen, is_command=False))
    assert not list(
        undeclared(Capabilities(paths=["x"]), Example(arguments={}), seen, is_command=False)
    )


def test_answers_in_turn_are_told_apart_from_the_first() -> None:
    first = [exited(returned=True, result=1, stdout=b"o"), exited(error="ValueError")]
    same = exited(result=[[{"result": 1}, {"result": 1}], [{"error": "ValueError"}] * 2])
    heard = read_in_turn(same, first)
    assert heard is not None
    assert [run and run.result for run in heard] == [1, None]
    kept = exited(result=[[{"result": 1}, {"result": 2}], [{"error": "ValueError"}] * 2])
    changed = read_in_turn(kept, first)
    assert changed is not None
    assert changed[0] is not None
    assert changed[0].result == 2


@pytest.mark.parametrize(
    "seen",
    [
        Observed(status="timeout", tier="none"),
        exited(result=[[{"result": 1}]]),
        exited(result=[[], []]),
        exited(result=[["result"], [{}]]),
        exited(result="whatever", returned=True),
        exited(error="SystemExit"),
    ],
)
def test_answers_of_another_shape_count_as_none(seen: Observed) -> None:
    assert read_in_turn(seen, [exited(result=1), exited(result=2)]) is None


def test_an_answer_that_json_cannot_carry_is_not_compared_in_turn() -> None:
    seen = exited(result=[[{"error": "TypeError"}] * 2])
    assert read_in_turn(seen, [exited(error="UnserialisableResult")]) == (None,)


def test_what_one_process_did_is_kept_once() -> None:
    effect = Effect(kind="write", target="/work/x")
    seen = exited(result=[[{"result": 1}] * 2] * 2, effects=(effect,))
    heard = read_in_turn(seen, [exited(returned=True, result=1)] * 2)
    assert heard is not None
    assert [run.effects for run in heard if run] == [(), (effect,)]


def test_calls_in_turn_can_be_made_in_other_circumstances() -> None:
    manifest = Manifest(kind="program", entry="a.py:f", runtime="python")
    made = plan_in_turn(manifest, {}, CASES, MODERATE)
    assert (made.hash_seed, made.clock_offset_s) == (MODERATE.hash_seed, MODERATE.clock_offset_s)


def test_objects_lie_elsewhere_in_each_call(tmp_path: Path) -> None:
    (tmp_path / "guest.py").write_bytes(guest_source())
    (tmp_path / "where.py").write_text("def f():\n    return id(object()) // 4096\n")
    names = runpy.run_path(str(tmp_path / "guest.py"))
    answers = names["call_in_turn"]("where.py", "f", [{}] * 12)
    assert len({heard["result"] for case in answers for heard in case}) > 1
