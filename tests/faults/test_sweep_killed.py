"""kill -9 at every commit of a sweep with its search, and of a measured power, before and after it.

Each trial that was paid leaves a line in a file. What was committed is never paid again, and what it comes
to in the end is that of a run that nobody disturbed: the same breaks, the same accused, one rollback.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from faults.dying import Killing, dies, opened
from lignin.domain.codec import parse_json
from lignin.operations.context import Context
from lignin.operations.eval_power import EvalPower, power
from lignin.operations.eval_sweep import EvalSweep, sweep
from lignin.ports.ledger import every_row
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import open_desk
from unit.operations.heads_with_fixes import AGENT, READS, SUITE, Harnessed

PAYING = READS.replace(
    "    words =",
    "    with open(os.environ['PAID'], 'a') as file:\n"
    "        print(task['case'], seed, sorted(task['harness']), file=file)\n"
    "    words =",
).replace("import random", "import os, random")
ASKED = {"system": AGENT, "head": "main", "unsandboxed": True, "suite": SUITE}
Act = Callable[[Context], Any]


def swept(context: Context) -> Any:
    """What a sweep comes to, without the ids that nobody can foresee."""
    told = sweep(context, EvalSweep(**ASKED))
    with context.view() as view:
        searches = [
            {**parse_json(view.blob(row.body["result"]["told"])), "rollback": ""}
            for row in every_row(view, "backslide")
        ]
        rollbacks = [
            row.body["hypothesis"]
            for row in every_row(view, "proposal", state="open")
            if row.body["claim"] == "restore"
        ]
        sweeps = [
            parse_json(view.blob(row.body["result"]["told"])) for row in every_row(view, "sweep")
        ]
    assert len(rollbacks) == 1
    return told.broken, searches, rollbacks, sweeps


def measured(context: Context) -> Any:
    told = power(context, EvalPower(**ASKED))
    return told.power, told.reverted_fixes, [each.model_dump() for each in told.items]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A head of seven moves, the fourth of which breaks what the first had fixed."""
    folder = tmp_path_factory.mktemp("slid")
    os.environ["PAID"] = str(folder / "paid")
    sandbox = ProcessSandbox()
    try:
        with open_desk(folder, sandbox) as desk:
            made = Harnessed(desk).prepare()
            desk.write("reads.py", PAYING)
            made.six_moves()
    finally:
        sandbox.close()
    return folder


def run(folder: Path, act: Act, killed_at: int = 0, *, after: bool = True) -> tuple[Any, int]:
    """What it comes to with how many commits, or dies of."""
    os.environ["PAID"] = str(folder / "paid")
    environment = {"LIGNIN_HOME": str(folder / "lignin"), "LIGNIN_ACTOR": "user:tester"}
    with opened(folder / "work", environment) as context:
        ledger = Killing(context.ledger, killed_at, after)
        return act(replace(context, ledger=ledger)), ledger.commits  # type: ignore[arg-type]


def paid_in(folder: Path, before: Path) -> Counter[str]:
    """The trials that were paid there and not before."""
    old = len((before / "paid").read_text().splitlines())
    return Counter((folder / "paid").read_text().splitlines()[old:])


@pytest.fixture(params=[pytest.param(16, id="sample"), pytest.param(1, marks=pytest.mark.slow)])
def step(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.mark.parametrize("act", [swept, measured])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_commit_it_comes_to_the_same_and_pays_nothing_twice(
    tmp_path: Path, history: Path, step: int, act: Act, after: bool
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(history, whole)
    reached, commits = run(whole, act)
    paid = paid_in(whole, history)
    assert set(paid.values()) == {1}
    assert commits > 30
    # The last commits are where what was found is filed, so they are always among them.
    for killed_at in sorted({*range(1, commits + 1, step), commits - 1, commits}):
        folder = tmp_path / str(killed_at)
        shutil.copytree(history, folder)
        assert dies(partial(run, folder, act, killed_at, after=after))
        if not (
            after and killed_at == commits and act is swept
        ):  # else it was done, and asked anew
            again, _ = run(folder, act)
            assert again == reached, killed_at
            told = paid_in(folder, history)
            assert set(told) == set(paid)
            # Killed before the commit, the one trial in flight is paid again; nothing that was filed is.
            assert sum(told.values()) - sum(paid.values()) <= (0 if after else 1)
        shutil.rmtree(folder)
