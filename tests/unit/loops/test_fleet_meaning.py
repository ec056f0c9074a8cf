"""Semantic conflicts by reading, what a digest says, and which of a line of commits breaks a check."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.fleets import FleetPlan, Piece
from lignin.loops.laws.fleet_bisect import first_failing
from lignin.loops.laws.fleet_digests import (
    MAX_DIGEST_CHARS,
    Notes,
    Returned,
    digest_of,
    prompt_of,
    read_notes,
    tell_digest,
)
from lignin.loops.laws.fleet_meaning import Side, changed_names, find_clashes
from lignin.loops.laws.fleet_names import Call, defined_in, modules_of, read_source

LIB = (
    "def area(w, h):\n    return w * h\n\nLIMIT = 3\n\nclass Box:\n    def __init__(self, w): ...\n"
)


def clashes(
    changed: str | None, used: str, *, at: str = "app.py", lib: str = "lib.py", was: str = ""
) -> list[str]:
    """What is told where one side makes `lib` so, and the other newly uses it so."""
    paths = frozenset({lib, at, "pkg/__init__.py"})
    before: Mapping[str, str | None] = {lib: LIB}
    one = Side(piece="one", before=before, after={lib: changed}, paths=paths)
    two = Side(piece="two", before={at: was or None}, after={at: used}, paths=paths)
    found = find_clashes(one, two, {lib: changed})
    assert all((each.changer, each.user) == ("one", "two") for each in found)
    return [f"{each.name} {each.at}" for each in found]


NEW = LIB.replace("area(w, h)", "area(w, h, unit)").replace("LIMIT", "MOST")


@pytest.mark.parametrize(
    ("used", "told"),
    [
        ("from lib import area\nprint(area(1, 2))\n", ["area app.py:2"]),
        ("import lib\nprint(lib.area(1, h=2))\n", ["area app.py:2"]),
        ("import lib as l\nl.area(1, 2)\n", ["area app.py:2"]),
        ("from lib import area as a\na(1, 2)\n", ["area app.py:2"]),
        ("from lib import LIMIT\n", ["LIMIT app.py:1"]),
        ("import lib\nx = lib.LIMIT\n", ["LIMIT app.py:2"]),
        ("def f():\n    import lib\n    return lib.LIMIT\n", ["LIMIT app.py:3"]),
        ("from lib import area\nprint(area(1, 2, 'm'))\n", []),
        ("from lib import area\nprint(area(1, 2, unit='m'))\n", []),
        ("from lib import area\nprint(area(*x))\n", []),
        ("from lib import area\nf = area\n", []),
        ("from lib import Box\nBox(1)\n", []),
        ("area(1, 2)\n", []),
        ("from other import area\narea(1, 2)\n", []),
        ("def (:", []),
    ],
)
def test_a_use_that_no_longer_fits_is_told_and_one_that_fits_is_not(
    used: str, told: list[str]
) -> None:
    assert clashes(NEW, used) == told


def test_what_was_used_before_is_no_new_use() -> None:
    used = "from lib import area\nprint(area(1, 2))\n"
    assert clashes(NEW, used + "x = 1\n", was=used) == []


def test_a_file_that_is_gone_takes_its_names_along() -> None:
    assert clashes(None, "from lib import area\n") == ["area app.py:1"]


def test_modules_are_found_in_packages_below_src_and_by_relative_imports() -> None:
    paths = ["src/pkg/__init__.py", "src/pkg/mod.py", "tools/run.py", "top.py"]
    known = modules_of(paths)
    assert known["pkg.mod"] == known["src.pkg.mod"] == "src/pkg/mod.py"
    assert known["pkg"] == "src/pkg/__init__.py"
    assert known["run"] == "tools/run.py" and known["top"] == "top.py"
    used = "from .lib import area\narea(1, 2)\n"
    assert clashes(NEW, used, at="pkg/app.py", lib="pkg/lib.py") == ["area pkg/app.py:2"]
    deep = used.replace(".lib", "..lib")
    assert clashes(NEW, deep, at="pkg/in/app.py", lib="pkg/lib.py") == ["area pkg/in/app.py:2"]


def test_what_cannot_be_known_is_no_conflict() -> None:
    used = "from lib import LIMIT\n"
    assert clashes("from elsewhere import *\n", used) == []
    assert clashes("def __getattr__(name): ...\n", used) == []
    assert clashes("def (:", used) == []
    decorated = "import functools\n@functools.cache\n" + NEW
    assert clashes(decorated, "from lib import area\narea(1, 2)\n") == []


def test_a_name_that_the_merged_tree_has_after_all_is_no_conflict() -> None:
    paths = frozenset({"lib.py", "app.py"})
    one = Side(piece="one", before={"lib.py": LIB}, after={"lib.py": NEW}, paths=paths)
    used = "from lib import LIMIT\n"
    two = Side(piece="two", before={"app.py": None}, after={"app.py": used}, paths=paths)
    assert find_clashes(one, two, {"lib.py": NEW + "LIMIT = 4\n"}) == []
    assert find_clashes(one, two, {"lib.py": NEW})[0].told == (
        "'one' and 'two': LIMIT is gone from lib.py by 'one' (was LIMIT), and 'two' newly uses it at "
        "app.py:1"
    )


@pytest.mark.parametrize(
    ("was", "now", "broken"),
    [
        ("a, b", "a, b, c=1", False),
        ("a, b", "a, b, *, c", True),
        ("a, b", "a, *rest", True),
        ("a, b", "b, a", True),
        ("a, b=1", "a, b", True),
        ("a", "a, **more", False),
        ("a, *, k", "a, k", False),
        ("a, *, k=1", "a", True),
        ("a, /", "b, /", True),
        ("*a", "*b", False),
        ("a", "", True),
    ],
)
def test_a_signature_is_changed_where_a_call_that_fitted_fits_no_more(
    was: str, now: str, broken: bool
) -> None:
    told = changed_names({"m.py": f"def f({was}): ..."}, {"m.py": f"def f({now}): ..."})
    assert bool(told) is broken


NAMES = st.sampled_from(["a", "b", "c"])


@st.composite
def parameters(draw: st.DrawFn) -> str:
    names = draw(st.permutations(["a", "b", "c", "d"]))
    cuts = sorted(draw(st.lists(st.integers(0, 4), min_size=2, max_size=2)))
    only, usual, keyed = names[: cuts[0]], names[cuts[0] : cuts[1]], names[cuts[1] :]
    needed = draw(st.integers(0, len(only) + len(usual)))
    places = [n if i < needed else f"{n}=0" for i, n in enumerate([*only, *usual])]
    parts = [*places[: len(only)], *(["/"] if only else []), *places[len(only) :]]
    many = draw(st.booleans())
    if many or keyed:
        parts.append("*rest" if many else "*")
    parts += [n if draw(st.booleans()) else f"{n}=0" for n in keyed]
    if draw(st.booleans()):
        parts.append("**more")
    return ", ".join(parts)


@given(parameters(), st.integers(0, 5), st.lists(st.sampled_from("abcde"), unique=True))
def test_whether_a_call_fits_is_what_python_says(
    written: str, places: int, keywords: list[str]
) -> None:
    space: dict[str, object] = {}
    exec(f"def f({written}): ...", space)
    tree = read_source(f"def f({written}): ...")
    assert tree is not None
    signature = defined_in(tree).names["f"]
    assert signature is not None
    try:
        space["f"](*range(places), **dict.fromkeys(keywords))  # type: ignore[operator]
        fits = True
    except TypeError:
        fits = False
    assert signature.takes(Call(places, tuple(keywords), False)) is fits


@given(
    parameters(), parameters(), st.integers(0, 5), st.lists(st.sampled_from("abcde"), unique=True)
)
def test_a_signature_that_is_said_to_be_as_wide_takes_every_call(
    was: str, now: str, places: int, keywords: list[str]
) -> None:
    call = Call(places, tuple(keywords), False)
    old, new = (
        defined_in(tree).names["f"]
        for tree in map(read_source, (f"def f({was}): ...", f"def f({now}): ..."))
        if tree
    )
    assert old is not None and new is not None
    if new.takes_all_of(old) and old.takes(call):
        assert new.takes(call)


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_first_that_fails_is_found_with_few_asks(count: int, bad: int) -> None:
    asks, asked, found = first_failing(count), 0, None
    try:
        place = next(asks)
        while True:
            asked += 1
            place = asks.send(place < bad)
    except StopIteration as end:
        found = end.value
    assert found == (bad if bad < count else None)
    assert asked <= 1 + max(1, count).bit_length()


def test_a_digest_says_what_changed_why_and_how_interfaces_read() -> None:
    piece = Piece(id="units", what="Give area\na unit", touches=("lib.py",))
    notes = read_notes(
        {"why": "asked", "decisions": ["metres", 3], "open": "no list", "tokens": 7, "cost": 1}
    )
    assert notes == Notes(why="asked", decisions=("metres",), spent={"tokens": 7})
    after = NEW + "def volume(a, *, b=1): ...\ndef _own(): ...\n"
    digest = digest_of(piece, {"lib.py": (3, 2)}, notes, {"lib.py": LIB}, {"lib.py": after})
    told = tell_digest(digest)
    for line in (
        "### units: Give area a unit",
        "- lib.py (+3 -2)",
        "- new in lib.py: volume(a, *, b=1)",
        "- changed in lib.py: area(w, h) is now area(w, h, unit)",
        "- gone from lib.py: LIMIT",
        "Its agent says: asked",
        "- decided: metres",
    ):
        assert line in told.splitlines()
    assert "_own" not in told
    assert digest == digest_of(piece, {"lib.py": (3, 2)}, notes, {"lib.py": LIB}, {"lib.py": after})


def test_digests_are_bounded_and_notes_that_are_none_are_let_go() -> None:
    piece = Piece(id="a", what="w" * 8000)
    notes = read_notes({"why": "x" * 10**6, "decisions": ["d" * 10**5] * 100})
    lines = {f"{n:04}.py": (1, 0) for n in range(1000)}
    assert len(tell_digest(digest_of(piece, lines, notes, {}, {}))) <= MAX_DIGEST_CHARS
    for value in (None, [], "x", {"why": 3, "open": {"a": 1}, "tokens": True}):
        assert read_notes(value) in (Notes(), Notes(spent={}))


def test_a_prompt_has_the_near_digests_whole_and_the_far_ones_by_name() -> None:
    plan = FleetPlan(
        goal="the goal",
        pieces=(
            Piece(id="a", what="first"),
            Piece(id="b", what="second", needs=("a",)),
            Piece(id="c", what="third", needs=("b",), touches=("c.py",), checks=("make c",)),
            Piece(id="x", what="elsewhere"),
        ),
    )
    digests = {
        each.id: digest_of(each, {f"{each.id}.py": (1, 0)}, Notes(why=f"why {each.id}"), {}, {})
        for each in plan.pieces
    }
    told = prompt_of(plan, plan.piece("c"), digests, [Returned(reason="no", patch="+x")])
    assert "the goal" in told and "third" in told and "`c.py`" in told and "    make c" in told
    assert "why b" in told and "- a: first" in told and "why a" not in told
    assert "elsewhere" not in told and "sent back\n\nno" in told and "    +x" in told
