"""Artifacts are near by their words and by the shape of their code, and an outline tells no text."""

from lignin.artifacts.laws import candidate_from_files
from lignin.artifacts.nearest import Outline, nearest, outline_of, parse_outline, words_of
from lignin.artifacts.registry import load_kinds
from lignin.domain.artifacts import File, Tree
from lignin.domain.codec import canonical_bytes

MEAN = '''def mean(numbers: list[float]) -> float:
    """The arithmetic mean of numbers."""
    total = 0.0
    for number in numbers:
        total += number
    return round(total / len(numbers), 4)
'''
SLUG = '''def slug(title: str) -> str:
    """A web address of a title."""
    words = "".join(c if c.isalnum() else " " for c in title.lower()).split()
    return "-".join(words)
'''


def tree_of(text: str, name: str) -> Tree:
    files = {f"{name}.py": File(content=text.encode())}
    return candidate_from_files(files, name, None, (), load_kinds()).tree


def known(name: str, text: str) -> Outline:
    tree = tree_of(text, name)
    return outline_of(tree, words_of(name, load_kinds()["program"].summary(tree)))


BOTH = {"mean": known("mean", MEAN), "slug": known("slug", SLUG)}


def test_renamed_code_is_near_by_its_shape_and_other_code_is_not() -> None:
    renamed = MEAN.replace("numbers", "values").replace("total", "so_far").replace("mean", "middle")
    outline = known("middle", renamed.replace("The arithmetic mean of values.", "Whatever."))
    found = nearest(outline, words_of("middle"), BOTH)
    assert [each.key for each in found] == ["mean"]
    assert found[0].shape > 0.9


def test_the_words_that_both_have_are_told() -> None:
    other = "def centre(data: list[float]) -> float:\n    return sum(data) / len(data)\n"
    said = words_of("the arithmetic mean of some numbers")
    found = nearest(outline_of(tree_of(other, "centre"), said), said, BOTH)
    assert [each.key for each in found] == ["mean"]
    assert {"arithmetic", "mean", "number"} <= set(found[0].shared)


def test_what_takes_the_same_input_is_told_after_what_is_near() -> None:
    other = "def top(numbers: list[float]) -> str:\n    return 'x' if numbers else 'y'\n"
    found = nearest(known("top", other), {}, BOTH)
    assert [(each.key, each.is_same_call) for each in found] == [("mean", True)]


def test_an_outline_survives_the_ledger_and_holds_no_text() -> None:
    outline = known("slug", SLUG)
    assert parse_outline(outline.to_json()) == outline
    assert b"address" not in canonical_bytes(outline.to_json())
