"""A world for workflows: a journal that can be killed at any verb, and what answers their steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lignin.artifacts.kinds import workflow
from lignin.artifacts.workflow.answers import failure
from lignin.artifacts.workflow.asks import Ask
from lignin.artifacts.workflow.contract import Ended, Flow
from lignin.artifacts.workflow.interpreter import Interpreter
from lignin.artifacts.workflow.records import Record
from lignin.domain.artifacts import File
from lignin.domain.candidates import Candidate, Provenance
from lignin.domain.codec import Digest, Json
from lignin.domain.errors import LigninError
from lignin.domain.traces import Snippet
from lignin.ports.engine import ONCE, Retry
from lignin.ports.sandbox import Sandbox
from lignin.testing.fakes.guest import InProcessSandbox

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Killed(BaseException):
    """The process that drives the run dies."""


class Journal:
    """The engine's verbs over a list that outlives the process; dies at verb number `dies_at`.

    `when` says whether it dies before the verb is recorded (its effect was made) or after; `then` is told
    the number of each verb that was recorded anew, from 1.
    """

    attempt = 1

    def __init__(
        self,
        world: "World",
        kept: list[Json],
        *,
        dies_at: int | None = None,
        when: str = "after",
        then: Callable[[int], None] = lambda _: None,
        run_id: str = "job_1",
    ) -> None:
        self.id = run_id
        self._then = then
        self._world = world
        self.kept = kept
        self._dies_at = dies_at
        self._when = when
        self._place = 0

    @property
    def step_key(self) -> str:
        return f"{self.id}/{self._place + 1}"

    def step(self, name: str, do: Callable[[], Json], retry: Retry = ONCE) -> Json:
        return self._once(do)

    def sleep(self, seconds: float) -> None:
        self._once(lambda: self._world.pass_time(seconds))

    def wait(self, topic: str, timeout_s: float) -> Json | None:
        return self._once(lambda: self._world.signals.pop(topic, None))

    def publish(self, key: str, value: Json) -> None:
        self._once(lambda: [key, value])

    def stopped(self) -> bool:
        return False

    def _once(self, do: Callable[[], Json]) -> Json:
        if self._place < len(self.kept):
            self._place += 1
            return self.kept[self._place - 1]
        made = do()
        if self._place == self._dies_at and self._when == "before":
            raise Killed
        self.kept.append(made)
        self._place += 1
        self._then(self._place)
        if self._place - 1 == self._dies_at:
            raise Killed
        return made


@dataclass
class World:
    """Answers steps and remembers what was asked of it. What it knows outlives the process."""

    answers: Callable[[Ask], Record] = lambda ask: {"value": ask.given}
    repeatable: frozenset[str] = frozenset()
    why: Callable[[Flow], Mapping[str, Json] | None] = lambda _: None
    versions: dict[Digest, Flow] = field(default_factory=dict)
    missed: list[Json] = field(default_factory=list)
    signals: dict[str, Json] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    time: datetime = START

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self.time

    def begin(self, flow: Flow) -> Mapping[str, Json]:
        return {"seed": "s", "missed": self.missed}

    def guard(self, flow: Flow) -> Mapping[str, Json] | None:
        return self.why(flow)

    def load(self, digest: Digest) -> Flow:
        return self.versions[digest]

    def is_repeatable(self, flow: Flow, ask: Ask) -> bool:
        return ask.target in self.repeatable

    def spend(self, flow: Flow, cost: Mapping[str, Json]) -> None:
        pass

    def answer(self, flow: Flow, ask: Ask, key: str) -> Record:
        self.asked.append(ask.name)
        try:
            return self.answers(ask)
        except LigninError as error:
            return failure("tool", error.code, error.message)


def flow_of(source: str) -> Flow:
    """A workflow of one file, as a capture reads it."""
    snippet = Snippet(
        path="flow.py", text=source, language="python", how="handed over", session="", index=0
    )
    read = workflow.read(snippet, Provenance(source="test"))
    assert isinstance(read, Candidate), read
    tree = read.tree
    files: Mapping[str, File] = tree.files
    return Flow(name="flow", digest=tree.digest, files=files, manifest=tree.manifest)


def drive(
    flow: Flow,
    world: World,
    kept: list[Json] | None = None,
    *,
    sandbox: Sandbox | None = None,
    dies_at: int | None = None,
    when: str = "after",
    life: str = "one",
    **arguments: Json,
) -> Ended:
    """One attempt at a run."""
    journal = Journal(world, [] if kept is None else kept, dies_at=dies_at, when=when)
    return Interpreter(sandbox or InProcessSandbox(), journal, world, life=life).drive(
        flow, arguments
    )
