"""Small loops over a desk, for tests of what loops do."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from unit.operations.conftest import Desk

PYTHON = sys.executable
PRELUDE = "import json, sys, pathlib\ntask = json.load(sys.stdin)\n"


def script(desk: Desk, name: str, text: str) -> str:
    """A program of the user's that reads its task from stdin; returns the words that run it."""
    desk.write(name, PRELUDE + text)
    return f"{PYTHON} {desk.context.cwd / name}"


def command(run: str) -> dict[str, Any]:
    return {"kind": "command", "run": run, "unsandboxed": True}


def definition(action: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "loop": "triage",
        "trigger": {"kind": "message", "overlap": "queue"},
        "context": [{"name": "spaces", "operation": "space.list"}],
        "action": action,
        "gate": {"kind": "nothing"},
        "stop": {"budget": {"time_s": 600}},
        **changed,
    }


def add(desk: Desk, value: Mapping[str, Any]) -> Any:
    return desk("loop.add", file=desk.write("loop.json", json.dumps(value)))


def run(desk: Desk, **request: Any) -> Any:
    return desk("loop.run", name="triage", **request)


def titles(desk: Desk, state: str = "open") -> list[str]:
    return [item.title for item in desk("inbox.list", state=state).items]


CLOSED = {
    "shape": "closed",
    "goal": "count to three",
    "stop": {"iterations": 6, "no_progress": 2, "budget": {"time_s": 600, "tokens": 1000}},
}


def counting(desk: Desk, *, until: int, step: int = 1, spent: int = 10) -> dict[str, Any]:
    """A loop that counts in a file, and a checker of its own that looks at the result."""
    counter = desk.context.cwd / "count"
    act = f"""
p = pathlib.Path({str(counter)!r})
n = int(p.read_text() if p.exists() else 0) + {step}
p.write_text(str(n))
print(json.dumps({{'progress': n, 'spent': {{'tokens': {spent}}}}}))
"""
    judge = f"sys.exit(0 if json.loads(task['result'])['progress'] >= {until} else 1)"
    closed = {
        **CLOSED,
        "stop": {**CLOSED["stop"], "goal": command(script(desk, "judge.py", judge))},
    }  # type: ignore[dict-item]
    return definition(command(script(desk, "act.py", act)), **closed)


def business(desk: Desk) -> dict[str, Any]:
    act = """
if task['heard'] is None:
    print(json.dumps({'ask': 'may I write to them?', 'note': 'drafted'}))
else:
    print(json.dumps({'progress': task['heard']['said'], 'note': 'sent'}))
"""
    judge = "sys.exit('sent' not in task['result'])"
    closed = {**CLOSED, "goal": "they answered"}
    closed["stop"] = {
        **CLOSED["stop"],
        "goal": command(script(desk, "judge.py", judge)),
        "expires_s": 3600,
    }  # type: ignore[dict-item]
    return definition(command(script(desk, "act.py", act)), **closed)
