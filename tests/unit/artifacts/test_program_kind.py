import pytest

from unit.artifacts.snippets import KINDS, candidate, inline, refusal, run

TOTAL = '''"""Sums."""


def total(prices: list[float], tax: float = 0.0) -> float:
    """Add prices and a tax. Second sentence.

    More.
    """
    if tax < 0:
        raise ValueError("tax is negative")
    return sum(prices) * (1 + tax)
'''
RECORD = """import json
import sys


def count(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in words}


if __name__ == "__main__":
    %s
"""


def test_an_annotated_function_becomes_a_program():
    found = candidate(TOTAL)
    manifest = found.tree.manifest
    assert (found.name, manifest.kind, manifest.runtime) == ("total", "program", "python")
    assert manifest.entry == "totals.py:total"
    assert manifest.interface.input == {
        "type": "object",
        "properties": {
            "prices": {"type": "array", "items": {"type": "number"}},
            "tax": {"type": "number"},
        },
        "required": ["prices"],
        "additionalProperties": False,
    }
    assert manifest.interface.output == {"type": "number"}
    assert manifest.interface.errors == ["ValueError"]
    assert found.sighting_key.startswith("sha256:")
    assert KINDS["program"].summary(found.tree) == "Add prices and a tax. Second sentence."


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("int", {"type": "integer"}),
        ("Optional[str]", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (
            "int | str | None",
            {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
        ),
        ("Literal['a', 'b']", {"enum": ["a", "b"]}),
        (
            "dict[str, list[int]]",
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "integer"}},
            },
        ),
        ("'list[bool]'", {"type": "array", "items": {"type": "boolean"}}),
        ("typing.Sequence[float]", {"type": "array", "items": {"type": "number"}}),
        ("tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        (
            "tuple[int, str]",
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        ("Any", {}),
        ("Row", {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}),
        ("Alias", {"type": "array", "items": {"type": "integer"}}),
    ],
)
def test_annotations_become_json_schema(annotation, schema):
    text = (
        "import typing\nfrom typing import Any, Literal, Optional, TypedDict\n"
        "class Row(TypedDict):\n    id: int\nAlias = list[int]\n"
        f"def f(x: {annotation}) -> int:\n    return 1\n"
    )
    assert candidate(text).tree.manifest.interface.input["properties"]["x"] == schema


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("def f(x) -> int:", "parameter x of f has no annotation"),
        ("def f(*x: int) -> int:", "f takes arguments that cannot be passed by name"),
        ("def f(x: Path) -> int:", "parameter x of f is Path, which JSON cannot carry"),
        ("def f(x: int) -> set[int]:", "f returns set[int], which JSON cannot carry"),
    ],
)
def test_what_json_cannot_carry_is_refused_by_name(head, reason):
    assert refusal(f"{head}\n    return 1\n") == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "import numpy as np\ndef f(x: int) -> int:\n    return np.sum(x)\n",
            "imports numpy, which is not in the standard library",
        ),
        (
            "from . import a\ndef f(x: int) -> int:\n    return x\n",
            "imports from its own package, which is not part of it",
        ),
        (
            "def f(x: int) -> str:\n    return open('/testbed/a.txt').read()\n",
            "reads /testbed/a.txt, which only that machine had",
        ),
        ("def f(x: int) -> int:\n    return (\n", "syntax error at line 2"),
        (
            "KEY = '[redacted:aws:12]'\ndef f(x: int) -> int:\n    return x\n",
            "holds a secret (redacted)",
        ),
    ],
)
def test_refusals_say_why(text, reason):
    assert refusal(text) == reason


def test_an_optional_import_is_no_reason_to_refuse():
    text = "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n\ndef f(x: int) -> int:\n    return x\n"
    assert candidate(text).tree.manifest.kind == "program"


def test_session_files_that_it_imports_come_along_where_imports_find_them():
    text = "from helpers.rates import RATE\n\ndef f(x: float) -> float:\n    return x * RATE\n"
    found = candidate(text, path="helpers/tax.py", siblings={"helpers/rates.py": "RATE = 2\n"})
    assert sorted(found.tree.files) == ["helpers/rates.py", "lignin.json", "tax.py"]


def test_a_fault_in_an_imported_session_file_is_named():
    text = "import rates\n\ndef f(x: float) -> float:\n    return x * rates.R\n"
    assert refusal(text, siblings={"rates.py": "import numpy\nR = 1\n"}).startswith(
        "rates.py: imports numpy"
    )


def test_inline_calls_become_examples():
    found = candidate(
        TOTAL,
        inline("from helpers.totals import total; print(total([1, 2.5]))", "3.5\n"),
        inline("from totals import total as t\nx = [2]\nprint(t(x, tax=0.5))", "3.0"),
        inline("import json, totals\nprint(json.dumps(totals.total(prices=[])))", "0.0"),
        inline("from totals import total\nprint(total([1]))\nprint(total([2]))", "1.0\n2.0"),
    )
    assert [(e.arguments, e.result) for e in found.examples] == [
        ({"prices": [1, 2.5]}, 3.5),
        ({"prices": [2], "tax": 0.5}, 3.0),
        ({"prices": []}, 0.0),
        ({"prices": [1]}, 1.0),
        ({"prices": [2]}, 2.0),
    ]


def test_a_declared_error_becomes_an_example():
    shown = (
        'Traceback (most recent call last):\n  File "<string>", line 1\nValueError: tax is negative'
    )
    found = candidate(TOTAL, inline("from totals import total; print(total([1], -1))", shown, 1))
    assert [(e.arguments, e.error) for e in found.examples] == [
        ({"prices": [1], "tax": -1}, "ValueError")
    ]


@pytest.mark.parametrize(
    ("code", "stdout"),
    [
        ("from totals import total; print(total([1]) + 1)", "2.0"),
        ("from totals import total; print('total', total([1]))", "total 1.0"),
        ("from totals import total; print(total(load()))", "1.0"),
        ("from totals import total; print(total([1]))", "warning\n1.0"),
        ("from totals import total; print(total([1]))", "one"),
        ("from totals import total; print(total('a'))", "1.0"),
        ("from totals import total\nfor n in [1]:\n    print(total([n]))", "1.0"),
        ("from totals import total; print(total([1])); print('done')", "1.0\ndone"),
        ("from other import total; print(total([1]))", "1.0"),
        ("import sys\nfrom totals import total; print(total(sys.argv))", "1.0"),
    ],
)
def test_an_uncertain_call_is_no_example(code, stdout):
    assert candidate(TOTAL, inline(code, stdout)).examples == ()


@pytest.mark.parametrize(
    ("guard", "given"),
    [
        ("print(json.dumps(count(**json.load(sys.stdin))))", {"stdin": '{"words": ["a", "a"]}'}),
        (
            "data = json.loads(sys.stdin.read())\n    print(json.dumps(count(data['words']), indent=2))",
            {"stdin": '{"words": ["a", "a"]}'},
        ),
        ("print(count(sys.argv[1:]))", {"argv": ["a", "a"]}),
        (
            "with open(sys.argv[1]) as h:\n        data = json.load(h)\n    json.dump(count(data), sys.stdout)",
            {"argv": ["in.json"], "files": {"in.json": '["a", "a"]'}},
        ),
        (
            "if len(sys.argv) != 2:\n        sys.exit(2)\n    print(json.dumps(count(sys.argv[1].split(','))))",
            {"argv": ["a,a"]},
        ),
    ],
)
def test_plain_main_guards_give_examples(guard, given):
    given = {"argv": [], "stdin": "", "files": {}, **given}
    seen = run(
        "{'a': 2}" if guard.startswith("print(count") else '{"a": 2}',
        *given["argv"],
        stdin=given["stdin"],
        files=given["files"],
    )
    found = candidate(RECORD % guard, seen)
    assert [(e.arguments, e.result) for e in found.examples] == [({"words": ["a", "a"]}, {"a": 2})]


def test_a_main_function_behind_the_guard_is_followed():
    text = RECORD % "sys.exit(main())"
    text = text.replace(
        "if __name__",
        "def main() -> int:\n    print(json.dumps(count(json.load(sys.stdin))))\n    return 0\n\n\nif __name__",
    )
    assert len(candidate(text, run('{"a": 1}', stdin='["a"]')).examples) == 1


def test_a_text_result_is_only_believed_where_its_edges_are_certain():
    text = "def f(x: str) -> str:\n    return x\n"
    code = "from totals import f; print(f('a'))"
    assert [e.result for e in candidate(text, inline(code, "a\n")).examples] == ["a"]
    for shown in ["a\nb", " a", ""]:
        assert candidate(text, inline(code, shown)).examples == ()
    loose = "def f(x: str) -> str | None:\n    return x\n"
    assert candidate(loose, inline(code, "None")).examples == ()


def test_the_function_the_guard_calls_is_the_program_among_several():
    text = "def a(x: int) -> int:\n    return x\n\ndef b(x: int) -> int:\n    return a(x)\n"
    assert "which one is the program is open" in refusal(text)
    guarded = text + "\nif __name__ == '__main__':\n    print(b(1))\n"
    assert candidate(guarded).tree.manifest.entry == "totals.py:b"


def test_a_function_named_as_its_file_is_told_from_the_module():
    found = candidate(
        TOTAL,
        inline("from helpers.total import total; print(total([1]))", "1.0"),
        inline("from helpers import total; print(total.total([2]))", "2.0"),
        path="helpers/total.py",
    )
    assert [example.result for example in found.examples] == [1.0, 2.0]
