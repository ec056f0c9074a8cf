"""The rule on addresses: arguments of it are for tests; in production a connector alone leads inward, one way.

The sandbox, tool servers and all else keep the rule that the proxy has by itself. Read from the code, so that
who opens another way has to change this file.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from architecture.sources import ROOT, python_files

RULE = "why_refused"
INWARD = frozenset({"why_refused_inward", "why_not_here"})
SOURCES = ROOT / "src/lignin"
WAYS = {
    "governance/laws/addresses.py": INWARD,
    "governance/web.py": INWARD | {"outside_of"},
    "operations/connecting.py": frozenset({"outside_of"}),
}
"""Which file may name what of the way inward."""


def _named(tree: ast.AST) -> set[str]:
    """What is named in code: by import, use, definition, or as a text of its own (for `getattr` and `**`)."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.FunctionDef | ast.alias):
            found.add(node.id if isinstance(node, ast.Name) else node.name)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found & (INWARD | {"outside_of"})


def _set(tree: ast.AST) -> Iterator[ast.keyword | ast.Constant]:
    """Where the rule is given as an argument, or named in a text from which one could be made."""
    for node in ast.walk(tree):
        is_given = isinstance(node, ast.keyword) and node.arg == RULE
        is_text = isinstance(node, ast.Constant) and node.value == RULE
        if is_given or is_text:
            assert isinstance(node, ast.keyword | ast.Constant)
            yield node


def _speaking_of(*words: str) -> list[Path]:
    """The files of production in which a word stands at all: the others need no parsing."""
    found = [p for p in python_files("src") if any(word in p.read_text() for word in words)]
    assert found
    return found


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_no_production_code_but_the_connectors_way_sets_the_rule_on_addresses() -> None:
    for path in _speaking_of(RULE):
        assert path == SOURCES / "governance/web.py" or not list(_set(_parsed(path))), path


def test_the_connectors_way_sets_one_of_the_two_rules_in_one_function() -> None:
    tree = _parsed(SOURCES / "governance/web.py")
    [way] = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "outside_of"]
    given = list(_set(way))
    assert len(given) == len(list(_set(tree))) == len(INWARD)
    assert {ast.unparse(n.value) for n in given if isinstance(n, ast.keyword)} == INWARD


def test_only_connectors_go_the_way_inward() -> None:
    for path in _speaking_of(*INWARD, "outside_of"):
        allowed = WAYS.get(str(path.relative_to(SOURCES)), frozenset())
        assert _named(_parsed(path)) <= allowed, path


def test_connectors_go_it_by_what_their_grant_says() -> None:
    tree = _parsed(SOURCES / "operations/connecting.py")
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    ways = [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "outside_of"]
    assert ways
    for call in ways:
        told = {each.arg: ast.unparse(each.value) for each in call.keywords}
        assert told["private"] == "grant.private"
        assert told["is_plain"] in ("url.origin.scheme == 'http'", "grant.tls == 'none'")


@pytest.mark.parametrize(
    "planted",
    ["Outside(why_refused=lambda a: '')", "replace(o, **{'why_refused': f})"],
)
def test_a_planted_exception_is_found(planted: str) -> None:
    assert list(_set(ast.parse(planted)))


@pytest.mark.parametrize(
    "planted",
    [
        "from lignin.governance.laws.addresses import why_refused_inward as safe",
        "addresses.why_not_here",
        "from lignin.governance.web import outside_of",
        "getattr(web, 'outside_of')",
    ],
)
def test_a_planted_way_inward_is_found(planted: str) -> None:
    assert _named(ast.parse(planted))
