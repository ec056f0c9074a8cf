"""kill -9 at the commits of a campaign, before and after them: the same call goes on, and pays nothing twice.

Each trial that was paid leaves a line in a file. However often it dies, the campaign comes to the same
heads, and what was committed is never paid again.
"""

import os
import random
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faults.dying import Killing, dies, opened
from lignin.domain.artifacts import File
from lignin.operations.improve_end import run_campaign
from lignin.operations.improve_models import Improve
from lignin.ports.ledger import every_row, require_known
from lignin.ports.proposer import Draft
from lignin.testing.fakes.proposer import ScriptedProposer
from lignin.traces.mined import Evidence

AGENT = """
import hashlib, json, os, random

def work(task, seed, tools):
    told = json.dumps(task.get("harness") or {}, sort_keys=True)
    name = hashlib.sha256(told.encode()).hexdigest()[:8]
    with open(os.environ["PAID"], "a") as file:
        print(name, task["case"], seed, file=file)
    share = 0.95 if task["case"] >= "c4" or "Be careful" in told else 0.1
    return {"resolved": random.Random(f"{name} {task['case']} {seed}").random() < share}
"""
USER = b"the user's own work"


def draft(said: str, slot: str) -> Draft:
    text = f'---\nname: {slot}\ndescription: "A rule."\n---\n\n- {said}\n'
    files: dict[str, File | None] = {f"{slot}/SKILL.md": File(content=text.encode())}
    return Draft(kind=slot, hypothesis=said, files=files)


DRAFTS = [draft("Hurry up.", "hurry"), draft("Be careful.", "care")]


def opening(name: str, evidence: Evidence) -> ScriptedProposer:
    del evidence
    return ScriptedProposer(DRAFTS, name)


def climb(folder: Path, module: str, killed_at: int = 0, *, after: bool = True) -> tuple[Any, int]:
    """What a campaign comes to, or dies of: rounds, end, heads; and how many commits it took."""
    os.environ["PAID"] = str(folder / "paid")
    request = Improve.model_validate(
        {
            "system": f"python:{module}:work",
            "unsandboxed": True,
            "suite": "suite.jsonl",
            "proposer": ["scripted"],
            "bank": 2,
            "measure": 1,
        }
    )
    with opened(folder) as context:
        ledger = Killing(context.ledger, killed_at, after)
        key = run_campaign(replace(context, ledger=ledger), request, opening)  # type: ignore[arg-type]
        with context.view() as view:
            row = require_known(view, f"improve/{key}")
            rounds = [
                (r["hypothesis"], r["outcome"] == "accept")
                for r in row.body["rounds"]
                if "outcome" in r
            ]
            heads = {
                head.key: sorted(context.harness.resolve(view, head.body["stable"]))
                for head in every_row(view, "head")
            }
            assert view.page("improve").total == 1
    return (rounds, row.state, row.body["end"]["outcome"], heads), ledger.commits


def prepared(folder: Path, module: str) -> Path:
    folder.mkdir()
    (folder / f"{module}.py").write_text(AGENT)
    (folder / "mine.txt").write_bytes(USER)
    (folder / "suite.jsonl").write_text("".join(f'{{"case": "c{n}"}}\n' for n in range(9)))
    with opened(folder):
        pass
    return folder


def untouched(folder: Path, module: str) -> bool:
    left = {path.name for path in folder.iterdir()} - {"home", "paid", "__pycache__"}
    is_same = (folder / "mine.txt").read_bytes() == USER
    return is_same and left == {f"{module}.py", "mine.txt", "suite.jsonl"}


@pytest.fixture(params=[pytest.param(5, id="sample"), pytest.param(1, marks=pytest.mark.slow)])
def points(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_campaign_killed_at_any_commit_comes_to_the_same_and_pays_nothing_twice(
    tmp_path: Path, points: int, after: bool
) -> None:
    module = f"climbing_{points}_{after}"
    whole = prepared(tmp_path / "whole", module)
    reached, commits = climb(whole, module)
    assert [accepted for _, accepted in reached[0]] == [False, True]
    assert reached[1:3] == ("ended", "accept")
    assert sorted(reached[3].values()) == [[], ["care"]]  # a person moves the user's own head
    assert set(Counter((whole / "paid").read_text().splitlines()).values()) == {1}
    every = list(range(1, commits + 1))
    chosen = every if points == 1 else sorted(random.Random(points).sample(every, points))
    for killed_at in chosen:
        folder = prepared(tmp_path / str(killed_at), module)
        dies(partial(climb, folder, module, killed_at, after=after))
        again, _ = climb(folder, module)
        assert again == reached, killed_at
        told = Counter((folder / "paid").read_text().splitlines())
        # Killed before the commit, the one trial in flight is paid again; nothing that was filed is.
        assert sum(told.values()) - len(told) <= (0 if after else 1), killed_at
        assert untouched(folder, module)


def test_a_campaign_killed_at_every_few_commits_in_turn_still_ends(tmp_path: Path) -> None:
    module = "climbing_in_turn"
    whole = prepared(tmp_path / "whole", module)
    reached, _ = climb(whole, module)
    folder = prepared(tmp_path / "turns", module)
    kills = 0
    while dies(partial(climb, folder, module, 9, after=True)):
        kills += 1
    assert kills > 5
    assert climb(folder, module)[0] == reached
    assert set(Counter((folder / "paid").read_text().splitlines()).values()) == {1}
