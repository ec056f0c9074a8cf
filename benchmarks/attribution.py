"""How many uses of artifacts are attributed right: to the artifact, client, its version and the model.

Claude Code and Codex themselves, driven by a scripted model of this machine, so that what they did is
known; and callers over HTTP and on the command line. What is taken in are their own transcripts
and telemetry and the store's receipts. A use is right where the report has it once under the right
artifact, client, version and model. Hard cases are among them: skills of like names, a skill that
is only named or listed, files of skills written, calls that are refused, loads that lead to calls, a
loop in a shell, sub-agents, resumed, forked and compacted sessions, transcripts without telemetry and
telemetry without transcripts. It needs the clients: `python tools/real_clients.py`.
"""

import json
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

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
from clients.model_server import Call, Said, Step, Turn, serve_model

BAR_RATIO = 0.99
SESSIONS = 9
NAMES = ("scale", "scale-up", "scale-down", "rescale", "scaled", "upscale")
MCP = "mcp__lignin__artifact_call"
LOAD_TOOLS = Call("ToolSearch", LOADS_TOOLS)
CLAUDE = ("claude-code", "2.1.329", "claude-opus-5-5")
CODEX = ("codex", "0.169.0", "gpt-5.1-codex")
Key = tuple[str, str, str, str]


def call(name: str, number: int = 3) -> Call:
    return Call(MCP, {"name": name, "input": {"number": number}, "rationale": "measuring"})


def load(name: str) -> Call:
    return Call("Skill", {"skill": name})


def read(name: str) -> Call:
    return Call("exec_command", {"cmd": f"cat .agents/skills/{name}/SKILL.md"})


def shell(tool: str, argument: str, text: str) -> Call:
    about = {"description": "run it", "timeout": 300_000} if tool == "Bash" else WAITS
    return Call(tool, {argument: text, **about})


def calls(times: int, names: Sequence[str] = NAMES) -> list[Call]:
    return [call(name, number) for number in range(times) for name in names]


def ended(turn: Turn) -> Said:
    """What was counted on must have been done."""
    assert "".join(turn.results).count('"output":') == 3, turn.results
    return "it ended"


def loop(times: int, name: str) -> str:
    numbers = " ".join(map(str, range(times)))
    given = "'{\"number\": '$n'}'"
    return f"for n in {numbers}; do {LIGNIN} artifact call {name} --input {given}; done"


IN_SHELL = f"{LIGNIN} artifact call scale --input '{{\"number\": 2}}'"
UNUSED: list[Said] = [
    shell("Bash", "command", "ls -R .claude/skills"),
    shell("Bash", "command", "echo the skill scale-up would do, see .claude/skills/scale-up/SKILL.md"),
    Call("Write", {"file_path": "{project}/notes/skills/scale/SKILL.md", "content": "mine"}),
    shell("Bash", "command", "lignin-not-there artifact call rescale"),
    Call(MCP, {"name": "scale-sideways", "input": {"number": 1}, "rationale": "a name there is none of"}),
    Call(MCP, {"name": "scale", "input": {"number": "much"}, "rationale": "an input that does not fit"}),
]  # fmt: skip


def scripts(project: Path) -> dict[str, list[Step]]:
    """What the model does in each run."""
    unused: list[Step] = [
        Call(each.tool, json.loads(json.dumps(each.arguments).replace("{project}", str(project))))
        for each in UNUSED
        if isinstance(each, Call)
    ]
    return {
        "claude-1": [LOAD_TOOLS, [load(n) for n in NAMES], calls(6), *unused, "I did not use rescale"],
        "claude-resumed": [[load(n) for n in NAMES[:4]], calls(2), "done"],
        "claude-forked": [calls(2), "done"],
        "claude-compacted": [calls(1), load("scaled"), "done"],
        "claude-agent": [LOAD_TOOLS, load("upscale"),
                         Call("Agent", {"description": "look", "subagent_type": "general-purpose",
                                        "run_in_background": False, "prompt": "do [[sub]]"}),
                         call("upscale"), "done"],
        "sub": [LOAD_TOOLS, load("scale-up"), calls(3, ("scale-up", "rescale")), "done"],
        "claude-shell": [shell("Bash", "command", IN_SHELL),
                         shell("Bash", "command", loop(3, "scale-up")), "done"],
        "claude-untold": [LOAD_TOOLS, [load(n) for n in NAMES], calls(2), "done"],
        "claude-gone": [LOAD_TOOLS, [load(n) for n in NAMES], calls(2), "done"],
        "codex-1": [*map(read, NAMES), calls(6), shell("exec_command", "cmd", "ls .agents/skills"),
                    call("scale-sideways"), shell("exec_command", "cmd", IN_SHELL), "done"],
        "codex-resumed": [read("scale"), read("rescale"), calls(2), "done"],
        "codex-shell": [shell("exec_command", "cmd", loop(3, "scale-up")), *once_ended(ended)],
        "codex-gone": [*map(read, NAMES), calls(2), "done"],
    }  # fmt: skip


def count(
    truth: Counter[Key], who: tuple[str, str, str], times: int, names: Sequence[str] = NAMES
) -> None:
    for name in names:
        truth[(name, *who)] += times


def drive(shop: Workshop) -> Counter[Key]:
    """Let everybody work; returns what they used."""
    truth: Counter[Key] = Counter()
    first, _ = shop.claude("claude-1")
    count(truth, CLAUDE, 6)
    shop.claude("claude-resumed", "--resume", first)
    count(truth, CLAUDE, 2)
    shop.claude("claude-forked", "--resume", first, "--fork-session")
    count(truth, CLAUDE, 2)
    shop.claude("/compact", "--resume", first)
    shop.claude("claude-compacted", "--resume", first)
    count(truth, CLAUDE, 1)
    shop.claude("/scale-down 7", "--resume", first)
    count(truth, CLAUDE, 1, ["scale-down"])
    shop.claude("claude-agent")
    count(truth, CLAUDE, 1, ["upscale"])
    count(truth, CLAUDE, 3, ["scale-up", "rescale"])
    shop.claude("claude-shell")
    count(truth, CLAUDE, 1, ["scale"])
    count(truth, CLAUDE, 3, ["scale-up"])
    shop.claude("claude-untold", telemetry=False)
    count(truth, CLAUDE, 2)
    session, _ = shop.codex("codex-1")
    count(truth, CODEX, 6)
    count(truth, CODEX, 1, ["scale"])
    shop.codex("codex-resumed", "resume", session)
    count(truth, CODEX, 2)
    shop.codex("codex-shell")
    count(truth, CODEX, 3, ["scale-up"])
    shop.do("trace.import", paths=[str(shop.home)])
    shop.claude("claude-gone")  # what comes now is never taken in but as telemetry
    count(truth, CLAUDE, 2)
    shop.codex("codex-gone")
    count(truth, CODEX, 2)
    for number in range(12):
        for name in NAMES:
            ask(shop, name, number)
            shop.do("artifact.call", name=name, input={"number": number})
    count(truth, ("nightly", "1.2", ""), 12)
    count(truth, ("unknown", "", ""), 12)
    return truth


def ask(shop: Workshop, name: str, number: int) -> None:
    """A call over HTTP by a program of somebody's own."""
    body = json.dumps({"name": name, "input": {"number": number}}).encode()
    headers = {"authorization": f"Bearer {shop.token}", "content-type": "application/json"}
    request = urllib.request.Request(
        f"{shop.url}/api/v1/artifact/call", body, {**headers, "user-agent": "nightly/1.2"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["output"] is not None


def found(shop: Workshop) -> tuple[Counter[Key], dict[str, int], int]:
    """What the report says, by what it is compared by; uses by path, and their cost."""
    told: Counter[Key] = Counter()
    paths: Counter[str] = Counter()
    cost = 0
    for row in shop.do("report.uses", limit=1000).items:
        name = row.version.partition("@")[0]
        told[(name, row.client, row.client_version, row.model)] += row.uses
        paths.update(row.paths)
        cost += row.cost_microusd or 0
    return told, dict(paths), cost


def set_up(shop: Workshop) -> None:
    """Six programs of like names, proven, promoted and served."""
    for place, name in enumerate(NAMES, start=2):
        function = name.replace("-", "_")
        code = f'def {function}(number: int) -> int:\n    """Makes a number {place} times as large."""\n'
        (shop.root / f"{function}.py").write_text(f"{code}    return number * {place}\n")
        given = [{"arguments": {"number": n}, "result": n * place} for n in (1, 3, 5, 8)]
        shop.do("artifact.capture", path=str(shop.root / f"{function}.py"), examples=given)
        shop.do("artifact.promote", name=name, approve=True)
    shop.do("skill.serve", folder=str(shop.project))


def main() -> None:
    """Print the figures."""
    if claude_program() is None or codex_program() is None:
        print("no clients: python tools/real_clients.py", file=sys.stderr)
        return
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_model({}) as model,
        open_workshop(Path(folder), model) as shop,
    ):
        model.scripts.update(scripts(shop.project))
        set_up(shop)
        truth = drive(shop)
        told, paths, cost = found(shop)
    right = (truth & told).total()
    extra = (told - truth).total()
    ratio = right / (truth.total() + extra)
    seen = ", ".join(f"{path} {times}" for path, times in sorted(paths.items()))
    wrong = {" ".join(key): times for key, times in ((truth - told) + (told - truth)).items()}
    note = f"{truth.total()} uses in {SESSIONS} sessions and 2 other callers; seen by {seen}"
    figure("uses attributed right", ratio, "ratio", f"{note}; wrong: {wrong or 'none'}")
    print(f"took {time.monotonic() - began:.0f} s, {cost} micro-USD", file=sys.stderr)


def figure(name: str, value: float, unit: str, note: str) -> None:
    """Print a figure as `benchmarks/README.md` says."""
    told = {
        "subject": "attribution",
        "figure": name,
        "value": round(value, 4),
        "unit": unit,
        "baseline": None,
        "ratio": None,
        "bar": f"at least {BAR_RATIO}",
        "met": value >= BAR_RATIO,
        "note": note,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
