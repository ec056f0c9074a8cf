"""A repository, a plan and scripted agents for it: simulated, and labelled so."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.fleet import settle, show
from lignin.operations.fleet_models import FleetRef, FleetSettle, FleetShown, PieceView
from lignin.operations.fleet_run import FleetRun, run

AGENT = """
import json, pathlib, re, sys, time
told = sys.stdin.read()
name = re.search(r"# Your piece: (\\S+)", told)[1]
back = "sent back" in told
here = pathlib.Path(__file__).parent
with open(here / "log", "a") as log:
    log.write(name + "\\n")
(here / f"told-{name}").write_text(told)
notes = {"why": f"did {name}", "tokens": 5}
def write(path, text):
    spot = pathlib.Path(path)
    spot.parent.mkdir(parents=True, exist_ok=True)
    spot.write_text(text)
exec(json.loads((here / "pieces.json").read_text())[name])
write(".lignin-piece/notes.json", json.dumps(notes))
"""
WHO = {f"GIT_{r}_{k}": "ann" for r in ("AUTHOR", "COMMITTER") for k in ("NAME", "EMAIL")}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        env={**os.environ, **WHO},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@dataclass(kw_only=True)
class Crew:
    """Where all of it lies."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    def prepare(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / path).write_text(text)
        git(self.repo, "init", "-q", "-b", "trunk"), git(self.repo, "add", ".")
        git(self.repo, "commit", "-q", "-m", "first")
        (self.folder / "agents").mkdir()
        (self.folder / "agents" / "agent.py").write_text(AGENT)

    def plan(self, pieces: Mapping[str, dict[str, Any]]) -> None:
        """Each piece with what its agent does, as `does`; by default it touches `NAME.py`."""
        told: list[dict[str, Any]] = []
        for name, about in pieces.items():
            usual: dict[str, Any] = {"id": name, "what": f"do {name}"}
            if about.get("kind") != "judgement":
                usual |= {"touches": [f"{name}.py"], "checks": ["true"]}
            told.append({**usual, **{k: v for k, v in about.items() if k != "does"}})
        (self.folder / "plan.json").write_text(json.dumps({"goal": "the goal", "pieces": told}))
        scripts = {
            name: about.get("does", f"write('{name}.py', '')") for name, about in pieces.items()
        }
        (self.folder / "agents" / "pieces.json").write_text(json.dumps(scripts))

    @contextmanager
    def opened(self, actor: str = "user:tester", **variables: str) -> Iterator[Context]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LIGNIN_HOME": str(self.folder / "home"),
            "LIGNIN_ACTOR": actor,
            **self.variables,
            **variables,
        }
        with open_context(load_settings(environment, self.folder)) as context:
            yield context

    def run(self, plan: str = "plan.json", **more: Any) -> FleetShown:
        with self.opened() as context:
            return self.run_in(context, plan, **more)

    def run_in(self, context: Context, plan: str = "plan.json", **more: Any) -> FleetShown:
        asked = {
            "plan": plan,
            "worker": f"{sys.executable} agents/agent.py",
            "repo": "repo",
            "unsandboxed": True,
            "simulated": True,
            "unreviewed": 100,
            **more,
        }
        return run(context, FleetRun.model_validate(asked))

    def settle(self, fleet: str, piece: str, how: str, say: str = "", **more: str) -> FleetShown:
        with self.opened(**more) as context:
            return settle(context, FleetSettle(fleet=fleet, piece=piece, how=how, say=say))

    def run_in_order(self, *names: str, **more: Any) -> FleetShown:
        """Run a plan whose pieces are to be approved, and let them into the queue in this order."""
        fleet = self.run(**more).fleet
        for name in names:
            self.settle(fleet, name, "approve")
        return self.run(fleet, **more)

    def show(self, fleet: str) -> FleetShown:
        with self.opened() as context:
            return show(context, FleetRef(fleet=fleet))

    def runs(self) -> list[str]:
        """The agents' runs as they began."""
        log = self.folder / "agents" / "log"
        return log.read_text().split() if log.exists() else []

    def told(self, piece: str) -> str:
        return (self.folder / "agents" / f"told-{piece}").read_text()


def piece_of(shown: FleetShown, name: str) -> PieceView:
    return next(each for each in shown.items if each.piece == name)
