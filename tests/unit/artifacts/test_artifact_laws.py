from dataclasses import replace

import pytest

from lignin.artifacts.laws import artifact_name, candidate_from_files, sighting_key
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.domain.artifacts import File, Interface, Manifest
from lignin.domain.errors import IntegrityError, InvalidRequestError
from lignin.domain.examples import Example
from unit.artifacts.snippets import KINDS, candidate

FUNCTION = "def total(a: int) -> int:\n    return a + 1\n"


def files(**texts):
    return {path.replace("__", "."): File(content=text.encode()) for path, text in texts.items()}


def handed(given, kind=None, name="", examples=()):
    return candidate_from_files(given, name, kind, examples, KINDS)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("helpers/line_totals.py", "line-totals"),
        ("parseOrders", "parse-orders"),
        ("  Größe 2 ", "grosse-2"),
        ("日本", "unnamed"),
        ("", "unnamed"),
        ("---", "unnamed"),
        ("a" * 99, "a" * 64),
    ],
)
def test_names_are_plain_and_never_empty(text, name):
    assert artifact_name(text) == name


@pytest.mark.parametrize(
    "name", ["../x", "My Total", "a" * 65, "a--b", "-a", "a_b", "a.py", "a/b", " a", "größe"]
)
def test_a_chosen_name_is_taken_as_it_is_or_refused(name):
    with pytest.raises(InvalidRequestError, match="no name of an artifact") as refused:
        handed(files(totals__py=FUNCTION), name=name)
    assert "1 to 64" in refused.value.hint


def test_the_kinds_are_found_by_their_files():
    assert list(load_kinds()) == ["program", "prompt", "script", "skill", "test", "workflow"]


def test_plugins_are_only_looked_for_in_installed_code():
    with pytest.raises(IntegrityError):
        load_plugins("json", "KIND")
    with pytest.raises(IntegrityError):
        load_plugins("lignin.domain", "KIND")


def test_a_file_without_a_manifest_is_read():
    example = Example(arguments={"a": 1}, result=2)
    found = handed(files(totals__py=FUNCTION), examples=(example, example))
    assert (found.name, found.tree.manifest.kind) == ("total", "program")
    assert found.examples == (example,)
    assert handed(files(totals__py=FUNCTION), name="my-total").name == "my-total"


def test_other_files_of_a_folder_are_kept():
    given = {
        "totals.py": File(content=FUNCTION.encode()),
        "tests/test_totals.py": File(content=b"import pytest\n"),
        "data/raw.bin": File(content=b"\xff\x00"),
    }
    assert sorted(handed(given).tree.files) == [
        "data/raw.bin", "lignin.json", "tests/test_totals.py", "totals.py",
    ]  # fmt: skip


def test_a_sound_manifest_is_taken_at_its_word():
    manifest = Manifest(kind="program", entry="t.py:total", runtime="python")
    found = handed({**files(t__py=FUNCTION), "lignin.json": manifest.to_file()})
    assert found.tree.manifest == manifest


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"entry": "x.py:total"}, "no file 'x.py'"),
        ({"entry": "t.py:other"}, "no plain function 'other'"),
        ({"entry": "t.py"}, "file.py:function"),
        ({"kind": "spell"}, "names the kind 'spell'"),
        ({"runtime": "ruby"}, "runtime 'ruby' is not served"),
        ({"kind": "script"}, "only the entry of a program or workflow names a function"),
        ({"interface": Interface(input={"type": "strange"})}, "input schema: it is no JSON Schema"),
        ({"interface": Interface(output={"type": 3})}, "output schema: it is no JSON Schema"),
        ({"interface": Interface(input={"properties": {"z": {}}})}, "has no parameter 'z'"),
    ],
)
def test_a_manifest_that_disagrees_with_its_files_is_refused(change, what):
    fields = {"kind": "program", "entry": "t.py:total", "runtime": "python", **change}
    given = {**files(t__py=FUNCTION), "lignin.json": Manifest(**fields).to_file()}
    with pytest.raises(InvalidRequestError, match=what):
        handed(given)


@pytest.mark.parametrize(
    ("given", "kind", "what"),
    [
        ({"a.py": "x = 1\n", "b.py": "y = 1\n"}, None, "no sign of which is the entry"),
        ({"a.py": "import numpy\n\ndef f(x: int) -> int:\n    return x\n"}, None, "imports numpy"),
        ({"a.py": FUNCTION}, "spell", "there is no kind 'spell'"),
        ({"a.py": "(\n"}, "program", "syntax error at line 1"),
        ({"../a.py": FUNCTION}, None, "unsafe path"),
        ({}, None, "no sign of which is the entry"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(given, kind, what):
    with pytest.raises(InvalidRequestError, match=what):
        handed({path: File(content=text.encode()) for path, text in given.items()}, kind)


BOTH = (
    FUNCTION
    + "\n\nif __name__ == '__main__':\n    import sys\n    print(total(int(sys.argv[1])))\n"
)
CHECKED = "from totals import total\n\n\ndef test_total():\n    assert total(1) == 2\n"
SKILL = "---\nname: sums\ndescription: Sums. Use when asked.\n---\n# Sums\n"
SHELL = 'wc -l "$1"\n'


@pytest.mark.parametrize(
    ("given", "kind", "entry"),
    [
        ({"totals.py": BOTH}, None, "totals.py:total"),
        ({"totals.py": BOTH}, "program", "totals.py:total"),
        ({"totals.py": BOTH}, "script", "totals.py"),
        ({"notes.md": "Be brief.\n"}, "prompt", "notes.md"),
        ({"SKILL.md": SKILL, "count.sh": SHELL}, None, "SKILL.md"),
        ({"SKILL.md": SKILL, "count.sh": SHELL}, "script", "count.sh"),
        ({"totals.py": FUNCTION, "test_totals.py": CHECKED}, None, "totals.py:total"),
        ({"totals.py": FUNCTION, "test_totals.py": CHECKED}, "test", "test_totals.py"),
        ({"totals.py": FUNCTION, "checks.py": CHECKED}, "test", "checks.py"),
        ({"test_total.py": FUNCTION}, "program", "test_total.py:total"),
    ],
)
def test_a_named_kind_decides_what_files_become(given, kind, entry):
    found = handed({path: File(content=text.encode()) for path, text in given.items()}, kind)
    assert found.tree.manifest.entry == entry
    assert kind in {None, found.tree.manifest.kind}
    assert set(found.tree.files) == {*given, "lignin.json"}


@pytest.mark.parametrize(
    ("path", "text", "kind", "what", "hint"),
    [
        ("a.py", "import sys\n\nprint(sys.argv)\n", "program", "acts when it is imported", "a script"),
        ("a.py", "def f(x: int) -> None:\n    print(x)\n", "program", "f returns nothing", "lignin.json"),
        ("a.py", "def f() -> int:\n    return 1\n", "program", "f takes nothing", "lignin.json"),
        ("a.py", "async def f(x: int) -> int:\n    return x\n", "program", "f is asynchronous", "lig"),
        ("a.py", "x = 1\n", "program", "has no public function", "lignin.json"),
        ("a.py", "def f(x: int):\n    return x\n\ndef g(x: int):\n    return x\n", "program",
         "which of f, g it is about is open", "lignin.json"),
        ("a.py", "def f(x):\n    return x\n", "program", "parameter x of f has no annotation", "lig"),
        ("a.sh", SHELL, "program", "not Python", "it is a script"),
        ("a.py", FUNCTION, "script", "never run by itself", "it is a program"),
        ("a.md", "# A\n", "script", "neither Python nor shell", "lignin.json"),
        ("a.py", FUNCTION, "prompt", "not a text of .md, .txt, .prompt", "it is a program"),
        ("a.py", FUNCTION, "skill", "is SKILL.md", "it is a program"),
        ("a.py", FUNCTION, "test", "holds no test function", "it is a program"),
        ("a.sh", SHELL, "test", "not Python", "it is a script"),
    ],
)  # fmt: skip
def test_a_kind_that_cannot_be_is_refused_with_the_reason(path, text, kind, what, hint):
    with pytest.raises(InvalidRequestError, match=f"{path} cannot be a {kind}: .*{what}") as caught:
        handed({path: File(content=text.encode())}, kind)
    assert hint in caught.value.hint


def test_a_kind_that_the_manifest_contradicts_is_refused():
    manifest = Manifest(kind="program", entry="t.py:total", runtime="python")
    given = {**files(t__py=FUNCTION), "lignin.json": manifest.to_file()}
    with pytest.raises(InvalidRequestError, match="says program, not script"):
        handed(given, "script")


SCRIPT = "import sys\n\nif __name__ == '__main__':\n    print(int(sys.argv[1]) * 2)\n"
WORDS = Example(argv=("2",), result={"stdout": "4\n", "exit_code": 0})
CALL = Example(arguments={"a": 1}, result=2)


def test_examples_in_the_form_of_their_kind_are_taken():
    assert handed(files(double__py=SCRIPT), examples=(WORDS,)).examples == (WORDS,)
    assert handed(files(totals__py=FUNCTION), examples=(CALL,)).examples == (CALL,)
    assert handed(files(double__py=SCRIPT), examples=(replace(WORDS, result={"stdout": "4"}),))
    assert handed(files(t__py=FUNCTION), examples=(replace(CALL, result=None, error="ValueError"),))


@pytest.mark.parametrize(
    ("text", "example", "what", "form"),
    [
        (SCRIPT, CALL, "example 2 has 'arguments', which are for functions", '"argv"'),
        (SCRIPT, replace(WORDS, result="4"), "example 2 has no 'result' with the 'stdout'", '"stdout"'),
        (SCRIPT, replace(WORDS, result={"exit_code": 0}), "no 'result' with the 'stdout'", '"stdout"'),
        (SCRIPT, replace(WORDS, result={"stdout": 4}), "no 'result' with the 'stdout'", '"stdout"'),
        (SCRIPT, replace(WORDS, result={"stdout": "", "stderr": "x"}), "'stderr', which is not", '"stdout"'),
        (SCRIPT, replace(WORDS, result={"stdout": "", "exit_code": True}), "no integer", '"exit_code"'),
        (SCRIPT, replace(WORDS, error="ValueError"), "example 2 has 'error'", '"exit_code"'),
        (FUNCTION, WORDS, "example 2 has 'argv', which is for scripts", '"arguments"'),
        (FUNCTION, replace(CALL, stdin="x"), "example 2 has 'stdin', which is for scripts", '"arguments"'),
        (FUNCTION, Example(result=2), "example 2 has no 'arguments'", '"arguments"'),
    ],
)  # fmt: skip
def test_an_example_in_another_form_is_refused_with_the_right_one(text, example, what, form):
    good = WORDS if text == SCRIPT else CALL
    with pytest.raises(InvalidRequestError, match=what) as caught:
        handed(files(code__py=text), examples=(good, example))
    assert form in caught.value.hint


def key(text, **more):
    return sighting_key(candidate(text, **more).tree)


def test_a_derived_again_function_has_the_same_key():
    first = 'import json\n\ndef total(rows: list[int], tax: int = 0) -> str:\n    """Sum."""\n    n = sum(r + tax for r in rows)\n    return json.dumps(n)\n'
    second = "from json import dumps as d\n# again\ndef add_up(xs: list[int],\n           t: int = 0) -> str:\n    result = sum(x + t for x in xs)  # sum\n    return d(result)\n\nif __name__ == '__main__':\n    print(add_up([1]))\n"
    assert key(first) == key(second, path="else/where.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("+ tax", "- tax"),
        ("= 0", "= 1"),
        ("sum(", "max("),
        ("'sum'", "'max'"),
        ("r + tax", "tax + r"),
    ],
)
def test_another_behaviour_has_another_key(old, new):
    text = "def total(rows: list[int], tax: int = 0) -> dict[str, int]:\n    return {'sum': sum(r + tax for r in rows)}\n"
    assert key(text) != key(text.replace(old, new))


def test_shell_keys_ignore_layout_and_comments_only():
    text = '# one\nwc -l   "$1"  # count\n\n\necho $#\n'
    same = 'wc -l "$1"\necho $#\n'
    kwargs = {"path": "a.sh", "language": "shell"}
    assert key(text, **kwargs) == key(same, **kwargs)
    assert key(same, **kwargs) != key(same.replace("$#", "$@"), **kwargs)


def test_annotations_of_variables_do_not_change_the_key():
    text = "def f(a: int) -> int:\n    b = a + 1\n    return b\n"
    assert key(text) == key(text.replace("b = a", "b: int = a"))


def test_code_nested_beyond_reason_still_has_a_key():
    chain = "".join(f"    elif a == {n}:\n        return {n}\n" for n in range(1, 300))
    deep = "def f(a: int) -> int:\n    if a == 0:\n        return 0\n" + chain + "    return a\n"
    long = "def f(a: int) -> int:\n    return " + " + ".join(["a"] * 900) + "\n"
    assert key(deep) != key(deep.replace("a == 0", "a == 9"))
    assert key(long).startswith("sha256:")


def test_odd_escapes_in_found_code_make_no_noise():
    assert key('def f(a: str) -> str:\n    return "\\d" + a\n').startswith("sha256:")


def test_the_function_that_a_file_is_about_may_be_named():
    text = FUNCTION + "\n\ndef twice(a: int) -> int:\n    return 2 * total(a)\n"
    given = files(sums__py=text)
    with pytest.raises(InvalidRequestError, match="several public functions"):
        handed(given)
    for name in ("total", "twice"):
        found = candidate_from_files(given, "", None, (), KINDS, about=name)
        assert (found.name, found.tree.manifest.entry) == (name, f"sums.py:{name}")
    with pytest.raises(InvalidRequestError, match="no public function thrice"):
        candidate_from_files(given, "", None, (), KINDS, about="thrice")
