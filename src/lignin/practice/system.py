"""A scripted agent of the desk as a system under test. Simulated: what it does is no evidence about
real agents.

`NAME`, `NAME+FAULT`, `NAME+FAULT@SHARE`, `NAME+FAULT@SHARE+FAULT@SHARE`: a fault strikes in that share of
its runs, by the seed. It reads the texts of its harness; `advice` says what it makes of them.
"""

import json
import random
from collections.abc import Mapping
from functools import cached_property, lru_cache

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.ports.system import SystemRun
from lignin.ports.tools import Tools
from lignin.practice.advice import BAN_SHARE, context_tokens, read_texts, tables_digest
from lignin.practice.agents import Agent
from lignin.practice.families import make_tasks
from lignin.practice.faults import FAULTS, FaultKind
from lignin.practice.run_log import ENVIRONMENT, run_record
from lignin.practice.runner import run_task
from lignin.practice.tasks import Task

VERSION = 2
"""To be raised with any change of what the agents do."""


class DeskSystem:
    """See `lignin.ports.system.System`.

    Args:
        spec: The agent, its faults, and how often each strikes.
        harness: The files of the harness revision that it runs with, by path.

    Raises:
        InvalidRequestError: No such form.
        NotFoundError: No such fault.
    """

    simulated = True

    def __init__(self, spec: str, harness: Mapping[str, File] | None = None) -> None:
        name, *faults = spec.split("+")
        self._faults = tuple(_fault(spec, each) for each in faults)
        if not name:
            raise _no_agent(spec)
        self._name, self._spec, self._harness = name, spec, dict(harness or {})
        self._reading = read_texts(self._harness)
        self._tokens = context_tokens(self._harness)

    @property
    def name(self) -> str:
        return f"desk:{self._spec}"

    @cached_property
    def digest(self) -> Digest:
        """Digest of the agent, of its harness, and of what it makes of texts."""
        files = {path: file.sha256 for path, file in sorted(self._harness.items())}
        return digest_json(["desk", VERSION, self._spec, files, tables_digest()])

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:  # noqa: ARG002
        """Play the task at a desk of its own and hand in the run."""
        found = _task_of(task)
        if found is None:
            return SystemRun(ended="infrastructure", why="no task of the practice desk")
        played = run_task(found, self.agent(found, seed), seed)
        record = run_record(played, seed, with_outcome=False, context_tokens=self._tokens)
        return SystemRun(ended="done", said=json.dumps(record).encode())

    def agent(self, task: Task, seed: int) -> Agent:
        """The agent of one run. With other texts all is drawn anew, as it would be of a real agent."""
        reading = self._reading
        told = f" {reading.digest}" if reading.passages else ""
        chance = random.Random(f"desk {self._spec} {task.task_id} {seed}{told}")  # noqa: S311
        strikes: FaultKind | None = None
        for fault, share in self._faults:
            if chance.random() < share and strikes is None and FAULTS[fault].applies(task):
                strikes = fault
        for bad in reading.misleads:
            if chance.random() < bad.share and FAULTS[bad.fault].applies(task):
                strikes = bad.fault
        avoids = frozenset(t for t in sorted(reading.banned) if chance.random() < BAN_SHARE)
        return Agent(name=self._name, fault=strikes, reading=reading, avoids=avoids)


def _fault(spec: str, told: str) -> tuple[FaultKind, float]:
    fault, _, given = told.partition("@")
    if fault not in FAULTS:
        raise NotFoundError(f"no fault {fault!r:.60}", hint=f"one of {', '.join(FAULTS)}")
    try:
        share = float(given or 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise _no_agent(spec)
    return fault, share  # type: ignore[return-value]


def _no_agent(spec: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{spec!r:.80} is no agent of the desk", hint="desk:NAME, or desk:NAME+FAULT@0.5"
    )


def _task_of(task: Mapping[str, Json]) -> Task | None:
    where, asked = task.get("environment"), task.get("input")
    if not where or where["name"] != ENVIRONMENT or where["seed"] is None or not asked:
        return None
    return next((each for each in _tasks(where["seed"]) if each.instruction == asked[0]), None)


@lru_cache(maxsize=64)
def _tasks(seed: int) -> tuple[Task, ...]:
    return make_tasks(seed)
