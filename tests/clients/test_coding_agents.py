"""Claude Code and Codex, the real programs, on a scripted model: what one captures the other uses.

One story, told once and looked at from several sides. Nothing leaves this machine.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clients.agents import (
    LIGNIN,
    LOADS_TOOLS,
    WAITS,
    Workshop,
    claude_program,
    codex_program,
    once_ended,
    open_workshop,
)
from clients.conftest import CODE, EXAMPLES, HERE, Clients
from clients.model_server import Call, Step, Turn, serve_model

FRAGILE = '''def initials(name: str) -> str:
    """Initials of a person's name."""
    return "".join(part[0] for part in name.split(" "))
'''
SOUND = FRAGILE.replace('split(" ")', "split()")
CASES = [("Ada Lovelace", "AL"), ("Grace Brewster Hopper", "GBH"), ("Alan Turing", "AT"),
         ("Edsger", "E"), ("  Barbara  Liskov ", "BL"), ("", "")]  # fmt: skip
GIVEN = [{"arguments": {"name": name}, "result": result} for name, result in CASES]
WHY = {"rationale": "initials for a report"}
CAPTURE, CALL, SEARCH = (f"mcp__lignin__artifact_{verb}" for verb in ("capture", "call", "search"))


def capture(text: str) -> Call:
    return Call(CAPTURE, {"files": {"initials.py": text}, "examples": GIVEN, **WHY})


def call(artifact: str, **given: Any) -> Call:
    return Call(CALL, {"name": artifact, "input": given, **WHY})


def heard(into: list[Any], say: Call | str, start: int = -1) -> Callable[[Turn], Call | str]:
    """A step that keeps what the tool answered before it, or from one answer on, and goes on."""

    def step(turn: Turn) -> Call | str:
        into.append("\n".join(turn.results[start:]))
        return say

    return step


@dataclass
class Told:
    """What came of the story."""

    shop: Workshop
    captured: list[Any] = field(default_factory=list)
    second: list[Any] = field(default_factory=list)
    revoked: list[Any] = field(default_factory=list)
    claude: str = ""
    codex: str = ""
    offered: dict[str, str] = field(default_factory=dict)
    before: set[Path] = field(default_factory=set)


def scripts(told: Told) -> dict[str, list[Step]]:
    """What the model does in each run."""
    shell = f"{LIGNIN} artifact call double --input '{{\"number\": 21}}'"
    return {
        "capture": [
            Call("ToolSearch", LOADS_TOOLS),
            Call("Skill", {"skill": "double"}),
            call("double", number=4),
            capture(FRAGILE),
            heard(told.captured, capture(SOUND)),
            heard(told.captured, call("initials", name="Alonzo Church")),
            heard(told.captured, "it holds"),
        ],
        "second": [
            Call("exec_command", {"cmd": "cat .agents/skills/initials/SKILL.md"}),
            heard(told.second, Call(SEARCH, {"query": "initials of a name", **WHY})),
            heard(told.second, call("initials", name="Kurt Goedel")),
            heard(told.second, Call("exec_command", {"cmd": shell, **WAITS})),
            *once_ended(heard(told.second, "used it", 3)),
        ],
        "revoked": [
            Call("exec_command", {"cmd": "cat .agents/skills/initials/SKILL.md"}),
            heard(told.revoked, Call(SEARCH, {"query": "initials of a name", **WHY})),
            heard(told.revoked, call("initials", name="Emmy Noether")),
            heard(told.revoked, "it is gone"),
        ],
    }


def files_of(shop: Workshop) -> set[Path]:
    """The files of project and home."""
    found = (path for top in (shop.project, shop.home) for path in top.rglob("*"))
    return {path.relative_to(shop.root) for path in found if path.is_file()}


@pytest.fixture(scope="module")
def told(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """The story: Claude Code captures, a person promotes, Codex uses, a person revokes."""
    for program, package in (
        (claude_program(), "@anthropic-ai/claude-code"),
        (codex_program(), "@openai/codex"),
    ):
        if program is None:
            pytest.skip(f"npm brought no program of {package} for this machine")
    root = tmp_path_factory.mktemp("workshop")
    with serve_model({}) as model, open_workshop(root, model) as shop:
        told = Told(shop)
        model.scripts.update(scripts(told))
        (root / "double.py").write_text(CODE)
        shop.do("artifact.capture", path=str(root / "double.py"), examples=json.loads(EXAMPLES))
        shop.do("artifact.promote", name="double", approve=True)
        shop.do("skill.serve", folder=str(shop.project))
        told.before = files_of(shop)
        told.claude, _ = shop.claude("capture")
        shop.do("artifact.promote", name="initials", approve=True)
        shop.do("skill.serve", folder=str(shop.project))
        told.codex, _ = shop.codex("second")
        shop.do("trace.import", paths=[str(shop.home)])
        shop.do("artifact.quarantine", name="initials", reason="it was wrong")
        shop.codex("revoked")
        yield told


def read(text: Any) -> Any:
    """The JSON of a tool's answer, below the head that a client writes above it."""
    return json.JSONDecoder().raw_decode(text[text.index("{") :])[0]


def test_an_agent_learns_which_inputs_break_what_it_wrote_and_uses_it_at_once(told: Told) -> None:
    fragile, sound, called = map(read, told.captured)
    assert fragile["state"] == "rejected"
    assert {"name": ""} in [each["input"] for each in fragile["breaks"]]
    assert (sound["state"], sound["breaks"]) == ("verified", [])
    assert (called["output"], called["digest"]) == ("AC", sound["digest"])


def test_the_second_client_finds_and_uses_what_the_first_captured(told: Told) -> None:
    skill, found, called, shell = told.second
    assert "# initials" in skill
    assert [each["name"] for each in read(found)["items"]][:1] == ["initials"]
    assert read(called)["output"] == "KG"
    assert read(shell)["output"] == 42


def test_what_is_revoked_disappears_from_every_place(told: Told) -> None:
    skill, found, called = told.revoked
    assert "quarantined" in skill or "No such file" in skill, skill
    assert "initials" not in [each["name"] for each in read(found)["items"]]
    assert read(called)["code"] == "denied", called
    for folder in (".claude", ".agents"):
        left = told.shop.project / folder / "skills/initials"
        assert not (left / "scripts").exists()
    listed = told.shop.model.requests[-1][1]["input"]
    assert "Initials of a person" not in json.dumps(listed[:3])


def test_each_use_is_attributed_once_to_client_model_and_version(told: Told) -> None:
    rows = {
        (row.version.partition("@")[0], row.client): row
        for row in told.shop.do("report.uses").items
    }
    by_claude, by_codex = rows["double", "claude-code"], rows["double", "codex"]
    assert (by_claude.uses, by_codex.uses) == (1, 1)
    assert set(by_claude.paths) == {
        "skill tool",
        "direct call",
        "mcp",
        "telemetry",
        "marked by client",
    }
    assert {"direct call", "cli"} <= set(by_codex.paths)
    assert (by_claude.model, by_codex.model) == ("claude-opus-5-5", "gpt-5.1-codex")
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert by_claude.client_version == wanted["@anthropic-ai/claude-code"]
    assert by_codex.client_version == wanted["@openai/codex"]
    assert by_claude.cost_microusd is not None
    assert by_claude.cost_microusd > 0
    assert rows["initials", "claude-code"].uses == 1
    assert rows["initials", "codex"].uses == 1
    assert {"mcp", "shell touch"} <= set(rows["initials", "codex"].paths)


def test_transcript_and_telemetry_of_each_client_are_taken_in(told: Told) -> None:
    listed = told.shop.do("trace.list", limit=100).items
    forms = {each.client for each in listed}
    assert {"claude_code", "codex", "otel_genai"} <= forms


def test_nothing_is_written_but_what_was_said_and_nothing_asked_of_others(told: Told) -> None:
    new = {str(path) for path in files_of(told.shop) - told.before}
    own = ("home/.claude", "home/.codex", "home/.cache", "home/.local/share/lignin", "home/.npm")
    served = ("project/.claude/skills/initials/", "project/.agents/skills/initials/")
    odd = {path for path in new if not path.startswith((*own, *served))}
    assert odd == set()
    assert told.shop.model.elsewhere == []
