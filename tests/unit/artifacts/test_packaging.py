"""Skill folders of artifacts: what they say, what they carry, and that the calls they show run."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from lignin.artifacts.packaging import (
    SIMULATED_LINE,
    assign_skill_names,
    package_artifact,
    redescribe,
    skill_name_of,
)
from lignin.artifacts.skill_rules import validate_skill
from lignin.artifacts.skillmd import is_skill_name, parse_skill
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, Tree, make_tree
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example

SOURCE = b"""from tax import rate

def total(lines, country="DE"):
    return {"total": round(sum(lines) * rate(country), 2)}
"""
HELPER = b"def rate(country):\n    return 1.19 if country == 'DE' else 1.0\n"
INPUT = {
    "type": "object",
    "properties": {
        "country": {"type": "string", "default": "DE", "description": "ISO | code"},
        "lines": {"type": "array", "items": {"type": "number"}},
    },
    "required": ["lines"],
}
EXAMPLE = Example(arguments={"lines": [10, 20.5]}, result={"total": 36.3})


def program(capabilities: Capabilities | None = None) -> Tree:
    manifest = Manifest(
        kind="program",
        entry="order.py:total",
        runtime="python",
        interface=Interface(input=INPUT, output={"type": "object"}, errors=["ValueError"]),
        capabilities=capabilities or Capabilities(),
    )
    files = {"order.py": File(content=SOURCE), "tax.py": File(content=HELPER)}
    return make_tree(files | {"lignin.json": manifest.to_file()})


def package(tree: Tree, kind: str, **options: object) -> dict[str, File]:
    arguments: dict[str, object] = {
        "name": "order_total",
        "summary": "Adds up order lines with tax",
        "space": "team",
    }
    return package_artifact(
        tree,
        kind=kind,
        digest=tree.digest,
        **(arguments | options),  # type: ignore[arg-type]
    )


def text_tree(kind: str, entry: str, files: Mapping[str, str], runtime: str = "") -> Tree:
    manifest = Manifest(kind=kind, entry=entry, runtime=runtime)
    raw = {path: File(content=text.encode()) for path, text in files.items()}
    return make_tree(raw | {"lignin.json": manifest.to_file()})


def test_a_program_says_when_and_how_to_call_it() -> None:
    tree = program()
    files = package(tree, "program", examples=(EXAMPLE,), version="rev-7")
    doc = parse_skill(files["SKILL.md"].content)
    assert doc.name == "order-total"
    assert doc.description == (
        "Adds up order lines with tax. Takes lines (list of number) and country (string, optional)."
        ' Returns an object. For example {"lines": [10, 20.5]} gives {"total": 36.3}.'
    )
    assert f"lignin artifact call order_total@{tree.digest} --space team --input -" in doc.body
    assert '{"lines": [10, 20.5]}' in doc.body and '{"total": 36.3}' in doc.body
    assert "| `lines` | list of number | yes |" in doc.body
    assert "ISO \\| code" in doc.body
    assert doc.metadata["lignin-digest"] == tree.digest
    assert doc.metadata["lignin-space"] == "team"
    assert doc.metadata["lignin-version"] == "rev-7"
    assert files["scripts/order.py"].content == SOURCE
    assert "lignin.json" not in files and "scripts/lignin.json" not in files


def test_the_call_that_is_shown_hands_over_the_example(tmp_path: Path) -> None:
    nasty = Example(arguments={"lines": [1], "country": "a'b\n```\nJSON\n$(x) `y` !`z`"}, result=1)
    files = package(program(), "program", examples=(nasty,))
    body = parse_skill(files["SKILL.md"].content).body
    command = re.search(r"(`{3,})sh\n(.*?)\n\1", body, re.DOTALL)
    assert command is not None
    fake = tmp_path / "lignin"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > args\ncat > input\n')
    fake.chmod(0o755)
    subprocess.run(
        ["/bin/sh", "-c", command.group(2)],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
    )
    assert json.loads((tmp_path / "input").read_text()) == nasty.arguments
    assert (tmp_path / "args").read_text().split()[:2] == ["artifact", "call"]


def test_a_program_with_tools_shows_no_direct_run_and_names_them() -> None:
    tree = program(Capabilities(tools={"orders.get": "sha256:x"}, hosts=["api.example.org"]))
    doc = parse_skill(package(tree, "program")["SKILL.md"].content)
    assert "runpy" not in doc.body
    assert "`orders.get`" in doc.body and "`api.example.org`" in doc.body
    assert "orders.get" in doc.compatibility
    assert '{"lines": []}' in doc.body


def test_a_script_is_called_with_argv_and_stdin() -> None:
    tree = text_tree("script", "count.sh", {"count.sh": "wc -l"}, runtime="sh")
    example = Example(argv=("-v",), stdin="a\n", result={"stdout": "1\n", "exit_code": 0})
    files = package(tree, "script", name="count", examples=(example,))
    body = parse_skill(files["SKILL.md"].content).body
    assert '{"argv": ["-v"], "stdin": "a\\n"}' in body
    assert "sh scripts/count.sh" not in body
    assert files["scripts/count.sh"].content == b"wc -l"


def test_a_prompt_becomes_the_body() -> None:
    tree = text_tree("prompt", "p.md", {"p.md": "Be brief.\n---\nReally.", "more.md": "x"})
    files = package(tree, "prompt", name="brief")
    assert "Be brief.\n---\nReally." in parse_skill(files["SKILL.md"].content).body
    assert files["more.md"].content == b"x"


def text_skill(metadata: str = "") -> Tree:
    text = f"---\nname: s\ndescription: Does it.\n{metadata}---\n\nDo it.\n"
    return text_tree("skill", "SKILL.md", {"SKILL.md": text})


@pytest.mark.parametrize(
    ("kind", "tree"),
    [
        ("program", program()),
        ("script", text_tree("script", "s.sh", {"s.sh": "wc -l"}, "sh")),
        ("prompt", text_tree("prompt", "p.md", {"p.md": "Be brief."})),
        ("skill", text_skill()),
    ],
)
def test_what_is_simulated_says_so_in_its_metadata_and_its_first_line(
    kind: str, tree: Tree
) -> None:
    real, made_up = package(tree, kind), package(tree, kind, simulated=True)
    assert validate_skill(made_up) == []
    plain, labelled = (parse_skill(files["SKILL.md"].content) for files in (real, made_up))
    assert labelled.metadata["lignin-simulated"] == "true"
    assert "lignin-simulated" not in plain.metadata
    assert labelled.body == f"{SIMULATED_LINE}\n\n{plain.body}"


def test_no_skill_can_call_itself_simulated() -> None:
    files = package(text_skill('metadata:\n  lignin-simulated: "true"\n'), "skill")
    assert "lignin-simulated" not in parse_skill(files["SKILL.md"].content).metadata


def test_a_captured_skill_keeps_its_files_and_gains_our_fields() -> None:
    skill_md = (
        "---\nname: Old_Name\ndescription: Turns <a> into b -> c.\nlicense: MIT\n"
        "metadata:\n  author: ann\n  lignin-digest: forged\nallowed-tools: Bash(*)\n---\n\nDo it.\n"
    )
    tree = text_tree("skill", "SKILL.md", {"SKILL.md": skill_md, "references/a.md": "x"})
    files = package(tree, "skill", name="new-name")
    doc = parse_skill(files["SKILL.md"].content)
    assert (doc.name, doc.license, doc.body) == ("new-name", "MIT", "Do it.\n")
    assert doc.description == "Turns ‹a› into b → c."
    assert doc.metadata["author"] == "ann"
    assert doc.metadata["lignin-digest"] == tree.digest
    assert doc.allowed_tools == "" and doc.metadata["lignin-asked-tools"] == "Bash(*)"
    assert doc.metadata["lignin-full-description"] == "Turns <a> into b -> c."
    assert files["references/a.md"].content == b"x"


@pytest.mark.parametrize(
    ("kind", "files", "reason"),
    [
        ("skill", {"SKILL.md": "---\nname: a\ndescription: b\n---\n!`id`"}, "runs a command"),
        ("skill", {"x.md": "x"}, "without a SKILL.md"),
        ("prompt", {"x.md": "Hello\n!`id`\n"}, "runs a command"),
        ("prompt", {"x.md": "Hello", ".mcp.json": "{}"}, "hidden"),
        ("test", {"x.md": "x"}, "not served"),
    ],
)
def test_what_no_client_should_load_is_refused(
    kind: str, files: dict[str, str], reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        package(text_tree(kind, "x.md", files), kind)


def test_skill_names_are_valid_and_never_collide() -> None:
    names = ["sum_prices", "sum-prices", "Sum Prices", "日本", "x" * 90, "x" * 91, "é", "e"]
    assigned = assign_skill_names(names)
    assert assigned == assign_skill_names(reversed(names))
    assert len(set(assigned.values())) == len(names)
    assert all(is_skill_name(name) for name in assigned.values())
    assert assigned["sum-prices"] == "sum-prices"
    assert skill_name_of("Sum__Prices!") == "sum-prices"


def test_a_shorter_description_keeps_the_full_one() -> None:
    files = package(program(), "program")
    full = parse_skill(files["SKILL.md"].content)
    shorter = redescribe(redescribe(files, "Adds up."), "Adds.")
    doc = parse_skill(shorter["SKILL.md"].content)
    assert doc.description == "Adds."
    assert doc.metadata["lignin-full-description"] == full.description
    assert doc.body == full.body
    front = shorter["SKILL.md"].content.decode().split("\n---\n")[0].removeprefix("---")
    assert yaml.safe_load(front)["description"] == "Adds."
