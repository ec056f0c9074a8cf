"""What is an argument only so that tests can have servers of their own stays out of production."""

import ast

from architecture.sources import ROOT, python_files


def _named(tree: ast.AST) -> set[str]:
    return {node.arg or "" for node in ast.walk(tree) if isinstance(node, ast.keyword)}


CONNECTORS = ROOT / "src/lignin/governance/web.py"
"""A user's own connector may lead inward where the grants file says so: code in a sandbox never."""


def test_no_production_code_sets_the_rule_on_addresses() -> None:
    for path in set(python_files("src")) - {CONNECTORS}:
        assert "why_refused" not in _named(ast.parse(path.read_text())), path


def test_a_planted_exception_is_found() -> None:
    assert "why_refused" in _named(ast.parse("Outside(why_refused=lambda a: '')"))
    assert (ROOT / "src/lignin/governance/proxy.py").exists()
