"""Planted faults: what they are, which are chosen, and what is told of them."""

import pytest

from lignin.domain.artifacts import File
from lignin.evals.power import (
    Outcome,
    changes_nothing,
    parse_outcome,
    share_caught,
    some_of,
    tell_basis,
    tell_power,
    turned_texts,
)


def text(words: str) -> File:
    return File(content=words.encode())


def test_turned_texts_differ_in_one_place_and_are_the_same_each_time() -> None:
    files = {
        "a.md": text("Never refund before 3 days.\nAlways ask.\n"),
        "b.bin": File(content=b"\xff"),
    }
    faults = turned_texts(files, "seed", each=4)
    assert faults == turned_texts(files, "seed", each=4)
    assert {each.path for each in faults} == {"a.md"}
    turned = [each for each in faults if each.kind == "text_turned"]
    assert len(turned) == 4
    words = {each.file.content.decode() for each in faults if each.file}
    assert "Never refund before 4 days.\nAlways ask.\n" in words
    assert "Always ask.\n" in words
    assert len(words) == len(faults)


def test_program_that_no_longer_parses_is_no_fault() -> None:
    files = {"a.py": text("def f(x):\n    if x == 1:\n        return True\n    return x > 2\n")}
    faults = turned_texts(files, "seed", each=9)
    assert faults
    for each in faults:
        assert each.file
        compile(each.file.content, "a.py", "exec")
    assert "text_cut" not in {each.kind for each in faults}


def test_of_too_many_faults_each_kind_has_its_turn() -> None:
    kinds = [("slot_emptied", f"s{n}") for n in range(50)] + [
        ("text_cut", "t"),
        ("older_version", "o"),
    ]
    chosen = some_of(kinds, 6, "seed")  # type: ignore[arg-type]
    assert {50, 51} < set(chosen)
    assert len(chosen) == 6
    assert some_of(kinds, 99, "seed") == list(range(52))  # type: ignore[arg-type]


def test_power_counts_what_is_caught_and_never_what_is_unclear() -> None:
    found = [
        Outcome(kind="fix_undone", about="a", outcome="caught", broken=("c",), trials=3),
        Outcome(kind="fix_undone", about="b", outcome="unclear", trials=40),
        Outcome(kind="text_cut", about="c", outcome="missed", trials=9),
    ]
    told = tell_power(found)
    assert (told["reverted_fixes"]["caught"], told["reverted_fixes"]["of"]) == (1, 2)
    assert told["reverted_fixes"]["unclear"] == 1
    assert told["planted"]["kinds"]["text_cut"]["of"] == 1
    assert [parse_outcome(each.to_json()) for each in found] == found
    assert share_caught([])["interval"] is None


def test_cases_without_an_oracle_are_told_apart() -> None:
    assert tell_basis({"declared": 3}) == ""
    assert tell_basis({"consensus": 1, "declared": 2, "told": 1}) == (
        "2 of 4 cases have no oracle: 1 by runs that agree, 1 by the system's own word"
    )


@pytest.mark.parametrize(
    ("path", "before", "after", "is_nothing"),
    [
        ("skill/lignin.json", '{"kind": "skill"}', '{"kind": "rule"}', True),
        ("a.py", "# always\nx = 1\n", "# never\nx = 1\n", True),
        (
            "a.py",
            'def f():\n    """Only before."""\n    return 1\n',
            "def f():\n    return 1\n",
            True,
        ),
        ("a.py", "x = 1\n", "x = 2\n", False),
        ("a.json", '{"a": 1}', '{ "a": 1 }', True),
        ("a.json", '{"a": 1}', '{"a": 2}', False),
        ("a.toml", "# 3 days\na = 1\n", "# 4 days\na = 1\n", True),
        ("a.yaml", "# 3 days\na: 1\n", "# 4 days\na: 1\n", True),
        ("a.md", "# 3 days\n", "# 4 days\n", False),
        ("__init__.py", '"""All of it."""\n', "", True),
    ],
)
def test_fault_that_changes_nothing_is_none(
    path: str, before: str, after: str, is_nothing: bool
) -> None:
    assert changes_nothing(path, text(before), text(after)) is is_nothing


def test_no_fault_is_planted_into_a_manifest_or_a_comment() -> None:
    files = {
        "skill/lignin.json": text('{"only": 3, "must": true}\n{"always": 1}\n'),
        "skill/run.py": text("# never before 3 days\n" * 9 + "x = 1\n"),
    }
    faults = turned_texts(files, "seed", each=30)
    assert {each.path for each in faults} <= {"skill/run.py"}
    assert all("x = 1" not in each.file.content.decode() for each in faults if each.file)
