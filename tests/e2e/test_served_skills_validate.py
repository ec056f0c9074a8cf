"""Fifty varied artifacts, served into both clients' folders: every validator accepts every one."""

import random
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import skills_ref.validator
import yaml

from lignin.artifacts.clients import claude_code, codex
from lignin.artifacts.folder import read_tree, resolve_skills_folder
from lignin.artifacts.listing import ListedSkill, plan_listing
from lignin.artifacts.packaging import assign_skill_names, package_artifact, redescribe
from lignin.artifacts.serve import serve_folder
from lignin.artifacts.serving_plan import Retirement, Served
from lignin.artifacts.skill_rules import advise_skill, validate_skill
from lignin.artifacts.skillmd import SkillDocument, parse_skill, render_skill
from lignin.domain.artifacts import Capabilities, File, Interface, Manifest, Tree, make_tree
from lignin.domain.examples import Example

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SUMMARIES = (
    "Parses <xml> & returns a -> b mapping",
    "Sums prices.\nThen: rounds --- half up",
    'Says "hi" \\ to everyone # not a comment',
    "Erklärt Größen: über 1 000 €, 日本語 und 🪵",
    "- looks like a list {and: flow} [x] &a *b !c %d @e `f`",
    "Does one thing. " * 120,
    "null",
    "Tidies \u202e text with \u200b hidden\u2028signs\x00",
)
NAMES = ("sum_prices", "Größe", "a" * 80, "日本", "x--y", "CamelCase", "-edge-", "tab\tname")
SCHEMAS = (
    {"type": "object"},
    {
        "type": "object",
        "properties": {
            "mode": {"enum": ["a|b", "c"]},
            "n": {"type": ["integer", "null"], "minimum": 1},
            "rows": {"type": "array", "items": {"type": "object", "properties": {"id": {}}}},
        },
        "required": ["rows"],
    },
)


def artifact(seed: int) -> tuple[str, str, str, Tree, tuple[Example, ...]]:
    pick = random.Random(seed)
    kind = ("program", "script", "prompt", "skill")[seed % 4]
    name = f"{NAMES[seed % len(NAMES)]}{seed}"
    summary = SUMMARIES[pick.randrange(len(SUMMARIES))]
    entries = {"program": "f.py:f", "script": "f.sh", "prompt": "p.md", "skill": "SKILL.md"}
    texts = {
        "program": {"f.py": "def f(**k):\n    return k\n", "lib/g.py": "x = 1\n"},
        "script": {"f.sh": "echo hi\n"},
        "prompt": {"p.md": f"# Prompt\n\n---\n{summary}\n```\nx\n```\n"},
        "skill": {"references/a.md": "x", "skill.md": ""},
    }
    files = {path: File(content=text.encode()) for path, text in texts[kind].items()}
    if kind == "skill":
        plain = re.sub("[<>]", "", summary)[:1024]
        doc = SkillDocument(
            name="other", description=plain, metadata={"yes": "no"}, allowed_tools="Read", body="x"
        )
        files["skill.md"] = File(content=render_skill(doc), mode="0755")
    tools = {"orders.get": "sha256:0"} if pick.random() < 0.3 else {}
    manifest = Manifest(
        kind=kind,
        entry=entries[kind],
        runtime={"program": "python", "script": "bash"}.get(kind, ""),
        interface=Interface(input=SCHEMAS[pick.randrange(2)], output={"type": "object"}),
        capabilities=Capabilities(tools=tools, clock=pick.random() < 0.2),
    )
    examples = (
        Example(arguments={"rows": ["```", "---", "!`id`", "JSON"]}, result={"ok": summary}),
        Example(argv=("--x", "<y>"), stdin="line\n", result={"stdout": "", "exit_code": 0}),
        Example(arguments={"rows": ["z" * 5000]}, error="ValueError"),
    )[: pick.randrange(4)]
    return name, kind, summary, make_tree(files | {"lignin.json": manifest.to_file()}), examples


def packages() -> dict[str, Served]:
    made = [artifact(seed) for seed in range(50)]
    folders = assign_skill_names(name for name, *_ in made)
    served = {}
    for name, kind, summary, tree, examples in made:
        files = package_artifact(
            tree,
            name=name,
            kind=kind,
            summary=summary,
            digest=tree.digest,
            space="team",
            examples=examples,
            skill_name=folders[name],
            simulated=kind in {"script", "skill"},
        )
        served[folders[name]] = Served(digest=tree.digest, files=files)
    return served


def require_strict(folder: Path) -> None:
    """The rules of the second known validator, applied with a reader that resolves YAML types."""
    text = (folder / "SKILL.md").read_text(encoding="utf-8")
    front = re.match(r"^---\n(.*?)\n---", text, re.DOTALL)
    assert front is not None
    values = yaml.safe_load(front.group(1))
    known = {"name", "description", "license", "allowed-tools", "metadata", "compatibility"}
    assert set(values) <= known
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", values["name"])
    assert isinstance(values["description"], str) and 0 < len(values["description"]) <= 1024
    assert not set("<>") & set(values["description"])
    assert 0 < len(values.get("compatibility", "x")) <= 500
    assert all(isinstance(value, str) for value in values.get("metadata", {}).values())


def test_fifty_served_artifacts_pass_every_validator_and_fit_both_listings(tmp_path: Path) -> None:
    served = packages()
    assert len(served) == 50
    for client in (claude_code.CLIENT, codex.CLIENT):
        descriptions = {
            name: parse_skill(one.files["SKILL.md"].content).description
            for name, one in served.items()
        }
        listing = plan_listing(
            (ListedSkill(name=name, description=text) for name, text in descriptions.items()),
            client,
        )
        assert listing.chars <= client.listing_chars
        assert len(listing.entries) + len(listing.left_out) == 50
        desired = {
            entry.name: Served(
                digest=served[entry.name].digest,
                files=redescribe(served[entry.name].files, entry.description),
            )
            for entry in listing.entries
        }
        folder = resolve_skills_folder(tmp_path, client.project_folder)
        serve_folder(folder, desired, now=NOW)
        require_valid(folder, set(desired))
        gone = dict.fromkeys(desired, Retirement(revision="rev", reason="<wrong>", successor="b"))
        assert len(serve_folder(folder, {}, now=NOW, retired=gone).plan.names("forward")) == len(
            desired
        )
        require_valid(folder, set(desired))


def require_valid(folder: Path, names: set[str]) -> None:
    assert {path.name for path in folder.iterdir() if path.is_dir()} == names
    for name in sorted(names):
        assert skills_ref.validator.validate(folder / name) == []
        require_strict(folder / name)
        files = read_tree(folder / name)
        assert validate_skill(files, folder=name) == []
        assert render_skill(parse_skill(files["SKILL.md"].content)) == files["SKILL.md"].content
        assert all("link" not in advice for advice in advise_skill(files))


def test_the_reference_command_line_accepts_an_emitted_skill(tmp_path: Path) -> None:
    name, one = sorted(packages().items())[0]
    serve_folder(tmp_path, {name: one}, now=NOW)
    command = Path(sys.executable).parent / "agentskills"
    done = subprocess.run([command, "validate", tmp_path / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
