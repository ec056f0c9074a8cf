"""A scripted agent of the desk as a system under test. Simulated: what it does is no evidence about
real agents.

`NAME`, `NAME+FAULT`, or `NAME+FAULT@SHARE`: the fault strikes in that share of its runs, by the seed.
"""

import json
import random
from collections.abc import Mapping
from functools import lru_cache

from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.ports.system import SystemRun
from lignin.ports.tools import Tools
from lignin.practice.agents import Agent
from lignin.practice.families import make_tasks
from lignin.practice.faults import FAULTS
from lignin.practice.run_log import ENVIRONMENT, run_record
from lignin.practice.runner import run_task
from lignin.practice.tasks import Task

VERSION = 1
"""To be raised with any change of what the agents do."""


class DeskSystem:
    """See `lignin.ports.system.System`.

    Args:
        spec: The agent, its fault, and how often that strikes.
        revision: The harness revision it is told to have; a scripted agent makes nothing of it.

    Raises:
        InvalidRequestError: No such form.
        NotFoundError: No such fault.
    """

    simulated = True

    def __init__(self, spec: str, revision: str = "") -> None:
        name, _, rest = spec.partition("+")
        fault, _, share = rest.partition("@")
        if fault and fault not in FAULTS:
            raise NotFoundError(f"no fault {fault!r:.60}", hint=f"one of {', '.join(FAULTS)}")
        try:
            self._share = float(share or 1)
        except ValueError:
            self._share = -1.0
        if not name or not 0 <= self._share <= 1:
            raise InvalidRequestError(
                f"{spec!r:.80} is no agent of the desk", hint="desk:NAME, or desk:NAME+FAULT@0.5"
            )
        self._sound = Agent(name=name)
        self._faulty = Agent(name=name, fault=fault or None)  # type: ignore[arg-type]
        self._spec, self._revision = spec, revision

    @property
    def name(self) -> str:
        return f"desk:{self._spec}"

    @property
    def digest(self) -> Digest:
        return digest_json(["desk", VERSION, self._spec, self._revision])

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:  # noqa: ARG002
        """Play the task at a desk of its own and hand in the run."""
        found = _task_of(task)
        if found is None:
            return SystemRun(ended="infrastructure", why="no task of the practice desk")
        chance = random.Random(f"desk {self._spec} {found.task_id} {seed}").random()  # noqa: S311
        agent = self._faulty if chance < self._share else self._sound
        record = run_record(run_task(found, agent, seed), seed, with_outcome=False)
        return SystemRun(ended="done", said=json.dumps(record).encode())


def _task_of(task: Mapping[str, Json]) -> Task | None:
    where, asked = task.get("environment"), task.get("input")
    if not where or where["name"] != ENVIRONMENT or where["seed"] is None or not asked:
        return None
    return next((each for each in _tasks(where["seed"]) if each.instruction == asked[0]), None)


@lru_cache(maxsize=64)
def _tasks(seed: int) -> tuple[Task, ...]:
    return make_tasks(seed)
