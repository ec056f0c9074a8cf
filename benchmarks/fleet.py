"""What joining lets through: a fleet, the same pieces one after the other, and a merge of all that is not verified.

All agents are scripted and simulated. Each round makes a small Python package and pieces that are right on
their own; planted among them are pairs that merge without a textual conflict and break each other: a changed
signature that is newly called, a removed name that is newly imported, a changed value that another's check
rests on. Each agent works a fixed time and reads what lies in its tree, so that one that is sent back does it
right. A tree is broken where any piece's check fails on it.

    python benchmarks/fleet.py
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _tell import teller

from lignin.app import load_settings, open_context
from lignin.operations.fleet import settle
from lignin.operations.fleet_models import FleetSettle, FleetShown
from lignin.operations.fleet_run import FleetRun, run

tell = teller("fleet")
ROUNDS = 4
PAIRS = 3
QUIET = 2
WORK_S = 0.5
LONG_S = 15.0
"""Of the one round whose time is told: what a real agent takes is minutes."""
WORKERS = 4
AGENT = """
import json, pathlib, re, sys, time
told = sys.stdin.read()
name = re.search(r"# Your piece: (\\S+)", told)[1]
time.sleep(float(pathlib.Path(__file__).with_name("work_s").read_text()))
exec(json.loads(pathlib.Path(__file__).with_name("pieces.json").read_text())[name])
"""
LIB = "def value(n):\n    return n\n\n\ndef old(n):\n    return n\n\n\nRATE = 2\n"
WHO = {f"GIT_{r}_{k}": "bench" for r in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, **WHO},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def pair(kind: str, number: int) -> list[dict[str, Any]]:
    """Two pieces that are right alone and wrong together, unless one begins with the other in sight."""
    lib, user = f"lib{number}", f"user{number}"
    # a careful agent keeps what it sees another use; one kind cannot: the value itself is to change
    seen = f"if pathlib.Path('{user}.py').exists(): "
    softer = ""
    read = f"lib = pathlib.Path('{lib}.py').read_text()\n"
    if kind == "signature":
        change = LIB.replace("value(n)", "value(n, unit)")
        softer = f"{seen}text = text.replace('unit)', 'unit=1)')\n"
        call = f"call = 'value(1, 2)' if 'unit' in lib else 'value(1)'\ntext = f'from {lib} import value\\nX = {{call}}\\n'\n"
    elif kind == "removed":
        change = LIB.replace("def old(n)", "def fresh(n)")
        softer = f"{seen}text += 'old = fresh\\n'\n"
        call = f"call = 'old' if 'old' in lib else 'fresh'\ntext = f'from {lib} import {{call}}\\nX = {{call}}(1)\\n'\n"
    else:
        change = LIB.replace("RATE = 2", "RATE = 3")
        call = f"rate = 2 if 'RATE = 2' in lib else 3\ntext = f'from {lib} import RATE\\nassert RATE == {{rate}}\\n'\n"
    return [
        {
            "id": f"{kind}-changer{number}",
            "touches": [f"{lib}.py"],
            "checks": [f"python3 -c 'import {lib}'"],
            "does": f"text = {change!r}\n{softer}pathlib.Path('{lib}.py').write_text(text)",
        },
        {
            "id": f"{kind}-user{number}",
            "touches": [f"{user}.py"],
            "checks": [f"python3 {user}.py"],
            "does": f"{read}{call}pathlib.Path('{user}.py').write_text(text)",
        },
    ]


def pieces_of(round_: int) -> list[dict[str, Any]]:
    kinds = ("signature", "removed", "value")
    made = [each for number in range(PAIRS) for each in pair(kinds[number % 3], number)]
    for number in range(QUIET):
        name = f"quiet{number}"
        made.append(
            {
                "id": name,
                "touches": [f"{name}.py"],
                "checks": [f"python3 {name}.py"],
                "does": f"pathlib.Path('{name}.py').write_text('Y = 1\\n')",
            }
        )
    random.Random(round_).shuffle(made)
    return made


def prepared(folder: Path, pieces: Sequence[Mapping[str, Any]], work_s: float) -> Path:
    repo = folder / "repo"
    repo.mkdir()
    for number in range(PAIRS):
        (repo / f"lib{number}.py").write_text(LIB)
    git(repo, "init", "-q", "-b", "main"), git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "first")
    (folder / "agents").mkdir()
    (folder / "agents" / "agent.py").write_text(AGENT)
    (folder / "agents" / "work_s").write_text(str(work_s))
    scripts = {each["id"]: each["does"] for each in pieces}
    (folder / "agents" / "pieces.json").write_text(json.dumps(scripts))
    return repo


def broken(repo: Path, revision: str, pieces: Sequence[Mapping[str, Any]]) -> int:
    """How many pieces' checks fail on a tree."""
    with tempfile.TemporaryDirectory() as place:
        git(repo, "worktree", "add", "-q", "--detach", f"{place}/tree", revision)
        failing = 0
        for each in pieces:
            done = [
                subprocess.run(
                    ["sh", "-c", c], cwd=f"{place}/tree", capture_output=True, check=False
                )
                for c in each["checks"]
            ]
            failing += any(one.returncode for one in done)
        git(repo, "worktree", "remove", "--force", f"{place}/tree")
    return failing


def by_fleet(
    folder: Path, pieces: Sequence[Mapping[str, Any]], work_s: float = WORK_S
) -> tuple[int, float, FleetShown, int]:
    repo = prepared(folder, pieces, work_s)
    plan = [
        {"what": each["id"], **{k: v for k, v in each.items() if k != "does"}} for each in pieces
    ]
    (folder / "plan.json").write_text(json.dumps({"goal": "bench", "pieces": plan}))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LIGNIN_HOME": str(folder / "home"),
    }
    began = time.monotonic()
    with open_context(
        load_settings({**environment, "LIGNIN_ACTOR": "user:bench"}, folder)
    ) as context:
        shown = run(
            context,
            FleetRun(
                plan="plan.json", repo="repo", worker=f"{sys.executable} agents/agent.py",
                workers=WORKERS, unreviewed=1000, unsandboxed=True, simulated=True,
            ),
        )  # fmt: skip
        took, asked = time.monotonic() - began, 0
        for each in [each.piece for each in shown.items if each.state == "asked"]:
            settle(context, FleetSettle(fleet=shown.fleet, piece=each, how="drop"))
            asked += 1
        if asked:
            shown = run(context, FleetRun(plan=shown.fleet, repo="repo"))
    assert shown.state == "finished", shown
    return broken(repo, shown.branch, pieces), took, shown, asked


def agent(folder: Path, tree: Path, name: str) -> None:
    subprocess.run(
        [sys.executable, str(folder / "agents" / "agent.py")],
        cwd=tree, input=f"# Your piece: {name}", text=True, check=True,
    )  # fmt: skip


def one_by_one(
    folder: Path, pieces: Sequence[Mapping[str, Any]], work_s: float = WORK_S
) -> tuple[int, float]:
    """Each agent begins where the one before it ended; its own check only."""
    repo = prepared(folder, pieces, work_s)
    began = time.monotonic()
    for each in pieces:
        agent(folder, repo, each["id"])
        git(repo, "add", "-A"), git(repo, "commit", "-q", "-m", each["id"])
    return broken(repo, "HEAD", pieces), time.monotonic() - began


def naive(
    folder: Path, pieces: Sequence[Mapping[str, Any]], work_s: float = WORK_S
) -> tuple[int, float]:
    """All at once from one commit; whatever git merges is merged."""
    repo = prepared(folder, pieces, work_s)
    base = git(repo, "rev-parse", "HEAD")
    began = time.monotonic()
    left = list(pieces)
    while left:
        now, left = left[:WORKERS], left[WORKERS:]
        started = []
        for each in now:
            tree = folder / each["id"]
            git(repo, "worktree", "add", "-q", "-b", each["id"], str(tree), base)
            process = subprocess.Popen(
                [sys.executable, str(folder / "agents" / "agent.py")],
                cwd=tree, stdin=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert process.stdin is not None
            process.stdin.write(f"# Your piece: {each['id']}")
            process.stdin.close()
            started.append((process, tree, each["id"]))
        for process, tree, name in started:
            assert process.wait() == 0
            git(tree, "add", "-A"), git(tree, "commit", "-q", "-m", name)
    for each in pieces:
        git(repo, "merge", "-q", "--no-edit", each["id"])
    return broken(repo, "HEAD", pieces), time.monotonic() - began


def main() -> None:
    count = 2 * PAIRS + QUIET
    let = {"fleet": 0, "one by one": 0, "naive": 0}
    times: dict[str, list[float]] = {name: [] for name in let}
    back, judged, attempts, persons = 0, 0, 0, 0
    for round_ in range(ROUNDS):
        pieces = pieces_of(round_)
        with (
            tempfile.TemporaryDirectory() as a,
            tempfile.TemporaryDirectory() as b,
            tempfile.TemporaryDirectory() as c,
        ):
            wrong, took, shown, asked = by_fleet(Path(a), pieces)
            let["fleet"] += wrong
            persons += asked
            times["fleet"].append(took)
            back += sum(len(each.returned) for each in shown.items)
            attempts += sum(each.attempts for each in shown.items)
            judged += sum(each.judged for each in shown.merges)
            for name, way in (("one by one", one_by_one), ("naive", naive)):
                wrong, took = way(Path(b if way is one_by_one else c), pieces)
                let[name] += wrong
                times[name].append(took)
        print(f"round {round_}: broken so far {let}", file=sys.stderr)
    note = (
        f"{ROUNDS} rounds of {count} pieces, {PAIRS} planted pairs each, agents of {WORK_S:g} s, {WORKERS} at once; "
        "simulated agents that do it right when they see the other's result, but for a value that is to change"
    )
    tell(
        "broken pieces let through",
        let["fleet"],
        "pieces",
        baseline=let["naive"],
        bar="0",
        met=let["fleet"] == 0,
        note=f"{note}; baseline: merge of all, not verified",
    )
    tell("broken pieces let through, one by one", let["one by one"], "pieces", note=note)
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        pieces = pieces_of(0)
        _, took, _, _ = by_fleet(Path(a), pieces, LONG_S)
        _, alone = one_by_one(Path(b), pieces, LONG_S)
    long = f"one round of {count} pieces, agents of {LONG_S:g} s, {WORKERS} at once, what is sent back included"
    tell(
        "time of a round", took, "s", baseline=alone, note=f"{long}; baseline: one after the other"
    )
    cost = sorted(times["fleet"])[len(times["fleet"]) // 2]
    told = f"{note}; median; baseline: merge of all, not verified"
    base = sorted(times["naive"])[len(times["naive"]) // 2]
    tell("time of a round of quick agents", cost, "s", baseline=base, note=told)
    tell(
        "results sent back",
        back,
        "results",
        note=f"{note}; {attempts} runs for {ROUNDS * count} pieces",
    )
    tell("pieces put before a person, who drops them", persons, "pieces", note=note)
    tell(
        "verdicts per piece in the merge queue",
        round(judged / (ROUNDS * count), 2),
        "verdicts",
        note=note,
    )


if __name__ == "__main__":
    main()
