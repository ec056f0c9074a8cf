"""A program that proposes by changing files: the user's coding agent, or any other.

It finds the brief, the failing runs and copies of the files in a folder of its own, and nothing else: what
judges, what is hidden and where it is stored are not there. What it leaves different below `files/` is its
draft. How it is run, and behind what, is its runner's business.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lignin.adapters.proposers.command_runs import Left, Runner, last_words
from lignin.adapters.proposers.telling import tell
from lignin.domain.artifacts import File
from lignin.ports.proposer import (
    MAX_DRAFT_BYTES,
    Brief,
    Draft,
    Proposed,
    faults_of,
    outside_surface,
)

FILES = "files/"
RUNS = "runs/"
ANSWER = "draft.json"

LAYOUT = f"""
# How to hand it in

You are in a folder of your own. `{FILES}` has copies of the agent's files, `{RUNS}` the failing runs.
Change, add or delete files below `{FILES}` in place. Then write `{ANSWER}`:

    {{"kind": "prompt", "hypothesis": "why it fails and why this mends it", "predicted": 0.3}}

`kind` is one of prompt, skill, tool, code, setting, removal; `predicted` by how much the share of passed
runs of such tasks will grow. If you will not do this, write `{{"refused": "why"}}` there instead.
"""


class CommandProposer:
    """See `lignin.ports.proposer.Proposer`."""

    def __init__(self, name: str, run: Runner) -> None:
        self._name, self._run = name, run

    @property
    def name(self) -> str:
        return f"command:{self._name}"

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Run the command once on a fresh copy."""
        told = tell(brief, number, with_files=False) + LAYOUT
        return _read(self._run(_laid_out(brief, told), told, (FILES, ANSWER)), brief)


def _laid_out(brief: Brief, told: str) -> dict[str, File]:
    found = {f"{FILES}{path}": file for path, file in brief.files.items()}
    found |= {
        f"{RUNS}{case.case}.txt": File(content=case.run.encode())
        for case in brief.cases
        if case.run
    }
    return {**found, "BRIEF.md": File(content=told.encode())}


def _read(left: Left, brief: Brief) -> Proposed:
    """The draft that a command left; what it changed where it may not is refused by name."""
    if left.why:
        return Proposed(ended="failed", why=left.why)
    answer, fault = _answer(left.files.get(ANSWER, b"{}"))
    if fault:
        return Proposed(ended="failed", why=fault)
    if refused := answer.get("refused"):
        return Proposed(ended="refused", why=last_words(str(refused)))
    if links := _below(left.links):
        return Proposed(ended="failed", why=f"no file of its own: {', '.join(links)}")
    files: dict[str, File | None] = {path.removeprefix(FILES): None for path in _below(left.gone)}
    for path in _below(left.files):
        was = brief.files.get(path.removeprefix(FILES))
        changed = File(content=left.files[path], mode=was.mode if was else "0644")
        if changed != was:
            files[path.removeprefix(FILES)] = changed
    if not files:
        return Proposed(ended="nothing", why=last_words(left.said) or "it changed nothing")
    if outside := outside_surface(files, brief.surface):
        return Proposed(ended="failed", why=f"changed outside the surface: {', '.join(outside)}")
    draft = Draft(
        kind=str(answer.get("kind") or "code")[:40],
        hypothesis=last_words(str(answer.get("hypothesis") or left.said)),
        files=files,
        predicted=_share(answer.get("predicted")),
    )
    if faults := faults_of(draft, brief):
        return Proposed(ended="failed", why="; ".join(faults))
    return Proposed(ended="drafted", draft=draft, model=str(answer.get("model") or "")[:80])


def _share(told: object) -> float | None:
    return float(told) if isinstance(told, int | float) and 0 <= told <= 1 else None


def _below(paths: Iterable[str]) -> list[str]:
    return sorted(path for path in paths if path.startswith(FILES))


def _answer(content: bytes) -> tuple[Mapping[str, Any], str]:
    try:
        told = json.loads(content[:MAX_DRAFT_BYTES])
    except (ValueError, RecursionError):
        return {}, f"its {ANSWER} is no JSON"
    return (told, "") if isinstance(told, dict) else ({}, f"its {ANSWER} is no object")
