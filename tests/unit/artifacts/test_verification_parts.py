"""The pure parts of verification: answers, errors, inputs, mutants, signs of memorising, effects."""

import ast
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.artifacts.answers import answers_agree, schema_fault, values_agree
from lignin.artifacts.check import MAX_SHOWN_CHARS, shown
from lignin.artifacts.declared import classify_error, raised_names
from lignin.artifacts.guest_tests import call_in_turn, run_tests
from lignin.artifacts.inputs import make_call_inputs, make_command_inputs
from lignin.artifacts.kind import Kind
from lignin.artifacts.mutants import make_mutants
from lignin.artifacts.overfit import Case, find_signs
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.schema_values import is_closed
from lignin.artifacts.undeclared import undeclared
from lignin.artifacts.verify import Verifier
from lignin.domain.artifacts import Capabilities, File, Manifest, make_tree
from lignin.domain.examples import Example
from lignin.ports.sandbox import Effect, Observed
from lignin.testing.fakes.sandbox import ScriptedSandbox
from unit.artifacts.verification_devset import GOOD, INT, STR, arr, obj

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_every_value_agrees_with_itself(value: object) -> None:
    assert values_agree(value, value)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (0.1 + 0.2, 0.3, True),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (1.0, 1.001, False),
        ([1, 2], [1, 2, 3], False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ("a", "a\n", False),
        (None, 0, False),
    ],
)
def test_only_floats_are_compared_with_tolerance(left: object, right: object, same: bool) -> None:
    assert values_agree(left, right) is same


@pytest.mark.parametrize(
    ("stdout", "same"), [(b"x", True), (b"x\n", True), (b"x\n\n", False), (b" x", False)]
)
def test_one_newline_at_the_end_of_stdout_is_forgiven(stdout: bytes, same: bool) -> None:
    example = Example(result={"stdout": "x\n", "exit_code": 0})
    observed = Observed(status="exited", tier="none", exit_code=0, stdout=stdout)
    assert answers_agree(example, observed, is_call=False) is same


def test_float_is_no_integer_and_bool_is_no_number() -> None:
    assert schema_fault({"type": "integer"}, 1.0) is not None
    assert schema_fault({"type": "integer"}, True) is not None
    assert schema_fault({"type": "number"}, 1) is None


@pytest.mark.parametrize(
    ("name", "declared", "expected"),
    [
        ("ValueError", (), "argument"),
        ("KeyError", (), "argument"),
        ("json.decoder.JSONDecodeError", (), "argument"),
        ("TypeError", (), "fault"),
        ("RecursionError", (), "fault"),
        ("TypeError", ("TypeError",), "declared"),
        ("KeyError", ("LookupError",), "declared"),
        ("OwnError", ("OwnError",), "declared"),
        ("OwnError", (), "fault"),
    ],
)
def test_error_is_classified_by_what_it_speaks_of(
    name: str, declared: tuple[str, ...], expected: str
) -> None:
    assert classify_error(name, declared) == expected


def test_generic_errors_are_not_declared_by_raising_them() -> None:
    source = (
        "def f():\n    raise RuntimeError\n    raise BadLine('x')\n    raise ValueError from None\n"
    )
    assert raised_names(source) == {"BadLine", "ValueError"}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_inputs_fit_the_schema_and_are_always_the_same(name: str) -> None:
    spec = GOOD[name]
    made = make_call_inputs(spec.schema, spec.examples(), [spec.source], seed="s")
    again = make_call_inputs(spec.schema, spec.examples(), [spec.source], seed="s")
    assert made == again
    assert all(schema_fault(spec.schema, dict(each.use.arguments or {})) is None for each in made)
    assert len(made) >= (24 if name != "fib" else 10)
    known = [dict(example.arguments or {}) for example in spec.examples()]
    assert not [each for each in made if each.use.arguments in known]


def test_numbers_stay_next_to_what_the_examples_show() -> None:
    spec = GOOD["fib"]
    made = make_call_inputs(spec.schema, spec.examples(), [], seed="s")
    assert all(0 <= each.use.arguments["n"] <= 20 for each in made if each.use.arguments)


def test_command_inputs_keep_the_words_of_the_command() -> None:
    made = make_command_inputs([Example(argv=("--sum",), stdin="1\n2\n", result={})], seed="s")
    assert made
    assert all(len(each.use.argv) == 1 for each in made)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_mutant_parses_and_differs(name: str) -> None:
    source = GOOD[name].source
    mutants = make_mutants(source, count=20, seed="s")
    assert mutants
    texts = {mutant.source for mutant in mutants}
    assert len(texts) == len(mutants)
    for text in texts:
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(source))


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"weekday"}))
def test_good_source_shows_no_strong_sign_of_memorising(name: str) -> None:
    cases = [
        Case(arguments=case.arguments or {}, result=case.result)
        for case in GOOD[name].examples()
        if case.error is None
    ]
    assert [sign for sign in find_signs(GOOD[name].source, cases) if not sign.is_weak] == []


def test_odd_sources_are_read_without_failing() -> None:
    cases = [Case(arguments={"x": 1}, result=2), Case(arguments={"x": 2}, result=3)]
    for source in ("", "def f(:", "x = {**y, (1, {}): 2, b'a': 1, 1j: 2}", "\x00", "a" * 10_000):
        assert find_signs(source, cases) == ()
        make_mutants(source, count=3, seed="s")


@pytest.mark.parametrize(
    ("effect", "capabilities", "fine"),
    [
        (Effect(kind="write", target="/work/out/a.txt"), Capabilities(paths=["out/*.txt"]), True),
        (Effect(kind="write", target="/work/out/a.txt"), Capabilities(paths=["*.csv"]), False),
        (Effect(kind="write", target="/work/../etc/x"), Capabilities(paths=["*"]), False),
        (Effect(kind="write", target="/dev/null"), Capabilities(), True),
        (Effect(kind="connect", target="api.test:443"), Capabilities(hosts=["api.test"]), True),
        (Effect(kind="connect", target="evil.test:443"), Capabilities(hosts=["api.test"]), False),
        (Effect(kind="call", target="get_order"), Capabilities(), True),
        (Effect(kind="http", target="GET https://api.test/"), Capabilities(), True),
        (Effect(kind="unknown", target="get_order"), Capabilities(), True),
        (Effect(kind="denied", target="http: api.test"), Capabilities(hosts=["api.test"]), False),
        (Effect(kind="incident", target="http: a placeholder"), Capabilities(secrets=["s"]), False),
        (Effect(kind="process", target="ls"), Capabilities(), False),
        (Effect(kind="process", target="ls"), Capabilities(processes=True), True),
        (Effect(kind="environment", target="HOME"), Capabilities(), True),
        (Effect(kind="environment", target="CI"), Capabilities(), False),
        (Effect(kind="environment", target="API_KEY"), Capabilities(secrets=["API_KEY"]), True),
        (Effect(kind="clock", target=""), Capabilities(), True),
        (Effect(kind="native", target="libc"), Capabilities(), False),
        (Effect(kind="global", target="sys.path"), Capabilities(), False),
        (Effect(kind="teleport", target="x"), Capabilities(), False),
        (Effect(kind="read", target="/etc/shadow"), Capabilities(), False),
        (Effect(kind="read", target="/usr/share/zoneinfo/UTC"), Capabilities(), True),
    ],
)
def test_effect_is_held_against_the_declared_capabilities(
    effect: Effect, capabilities: Capabilities, fine: bool
) -> None:
    observed = Observed(status="exited", tier="none", effects=(effect,))
    found = list(undeclared(capabilities, Example(arguments={}), observed, is_command=False))
    assert (found == []) is fine


def test_temporary_file_counts_only_where_it_stays() -> None:
    write, delete = (Effect(kind=kind, target="/tmp/x") for kind in ("write", "delete"))
    for effects, count in (((write, delete), 0), ((write,), 1)):
        observed = Observed(status="exited", tier="none", effects=effects)
        use = Example(arguments={})
        assert len(list(undeclared(Capabilities(), use, observed, is_command=False))) == count


def test_open_schemas_are_told_from_closed_ones() -> None:
    assert is_closed(obj(items=arr(INT), name=STR))
    assert not is_closed(obj(items={"type": "array"}))
    assert not is_closed({"type": "object"})


@given(json_values)
def test_shown_values_are_bounded(value: object) -> None:
    assert len(shown([value] * 200)) <= MAX_SHOWN_CHARS


def test_missing_test_file_is_a_failure_not_a_crash() -> None:
    report = run_tests(["no_such_file.py"])
    assert report["failures"]
    with pytest.raises(OSError, match="no_such"):
        call_in_turn("no_such.py", "f", [])


@pytest.mark.parametrize(
    ("written", "is_much"),
    [
        ({"a": b"x" * 2**20}, False),
        ({"a": b"x" * (17 * 2**20)}, True),
        ({str(n): b"" for n in range(501)}, True),
        ({str(n): b"" for n in range(500)}, False),
    ],
)
def test_what_a_run_wrote_is_not_kept_where_it_is_more_than_an_input_explains(
    written: dict[str, bytes], is_much: bool
) -> None:
    seen = Observed(status="exited", tier="ns", returned=True, result=1, written=written)
    sandbox = ScriptedSandbox(lambda _: seen)
    manifest = Manifest(
        kind="program", entry="a.py:f", runtime="python", capabilities=Capabilities(paths=["*"])
    )
    files = {"lignin.json": manifest.to_file(), "a.py": File(content=b"def f(): ...\n")}
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, [checks["effects"]], {"program": only_effects()}, scanners=())
    found = verifier.verify(make_tree(files), [Example(arguments={}, result=1)])
    said = [reason for reason in found.reasons if "more than its input explains" in reason]
    assert bool(said) is is_much


def only_effects() -> Kind:
    return replace(load_kinds()["program"], checks=("effects",))
