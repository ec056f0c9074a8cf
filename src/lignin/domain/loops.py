"""A loop as data: trigger, context, action, gate, stop, and how far it may go alone.

Owns the types. What is read into them, and what is decided about them, is `lignin.loops`. A loop is
kept as the mapping that it was read from; its digest is that of the mapping.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from lignin.domain.codec import Json
from lignin.domain.ids import derive_id
from lignin.domain.messages import MessageKind

TriggerKind = Literal["cron", "webhook", "files", "traces", "message", "manual"]
Overlap = Literal["skip", "queue", "replace"]
CatchUp = Literal["none", "last", "all"]
ActionKind = Literal["skill", "agent", "command", "operation", "tool", "send"]
GateKind = Literal["checks", "approval", "head", "nothing"]
Level = Literal["suggest", "draft", "approve", "automatic"]
FailureDo = Literal["keep", "retry", "pause"]
Shape = Literal["open", "closed"]
LEVELS: tuple[Level, ...] = get_args(Level)
PARTS = ("trigger", "context", "action", "gate", "stop")
UNMEASURED: Level = "draft"
"""How far a loop goes at most whose gate was never measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts a run.

    Args:
        overlap: What happens to an occurrence while a run of the loop is going on; where a file does not
            say, `queue` of what is delivered (`webhook`, `message`), `skip` of all else.
        at, zone, catch_up: Of `cron`: the line, the time zone it is read in, and what is made up for
            of the ticks that nobody was there for.
        path, pattern: Of `files`: a folder, or a file, and which names in it.
        least: Of `traces` and `files`: so many new ones make an occurrence.
        source, kinds, every_s: Of `message`: the connector whose messages start it ("": only what is handed
            to it), which kinds of them (none named: all), and how often the connector is read.
    """

    kind: TriggerKind
    overlap: Overlap = "skip"
    at: str = ""
    zone: str = "UTC"
    catch_up: CatchUp = "last"
    path: str = ""
    pattern: str = "*"
    least: int = 1
    source: str = ""
    kinds: tuple[MessageKind, ...] = ()
    every_s: int = 60

    @property
    def place(self) -> str:
        """What it looks at, in a word."""
        return self.at or self.path or self.source or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Something to pull before acting: a reading operation, under a name."""

    name: str
    operation: str
    request: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something to do.

    Args:
        run: Of `command` and `agent`: the words that run it.
        prompt: Of `agent`: what it is told besides the goal.
        name: Of `skill` the artifact, of `operation` the operation, of `tool` the tool.
        server: Of `tool`: the tool server, of `send`: the connector, as the user granted it.
        request: Of `skill`, `operation`, `tool` and `send`: the arguments.
        unsandboxed: Of `command` and `agent`: run as the user, with all that the user may do.
        limit_s: Time for once, in seconds.
    """

    kind: ActionKind
    run: str = ""
    prompt: str = ""
    name: str = ""
    server: str = ""
    request: Mapping[str, Json] = field(default_factory=dict)
    unsandboxed: bool = False
    limit_s: float = 300.0

    @property
    def who(self) -> tuple[str, ...]:
        """What does it, whatever it is told: maker and checker must differ in this."""
        return (self.run,) if self.run else (self.server, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What an answer has to pass: of `checks` each; of `head` the gate of a harness head.

    A head's gate is measured by what the suite of the head catches; other gates nothing measures.
    """

    kind: GateKind
    checks: tuple[Action, ...] = ()
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the chain: an action and the gate behind it."""

    name: str
    action: Action
    gate: Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What is spent, or may be: None is no bound. Money is integer micro-USD."""

    money_microusd: int | None = None
    tokens: int | None = None
    time_s: int | None = None

    def to_json(self) -> dict[str, Json]:
        """The bounds that there are."""
        told = {
            "money_microusd": self.money_microusd,
            "tokens": self.tokens,
            "time_s": self.time_s,
        }
        return {name: value for name, value in told.items() if value is not None}


UNITS = ("money_microusd", "tokens", "time_s")


def parse_amounts(value: Mapping[str, Json]) -> Amounts:
    """Read amounts back from their JSON."""
    return Amounts(**{name: value[name] for name in UNITS if name in value})


EXPIRES_S = 7 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where the commands and agents of a loop work that run outside of the sandbox.

    Args:
        path: A folder, as seen from where the loop's file lies; "" is that one.
        worktree: Each run works in git worktrees of the repository that the folder lies in, and what it
            made is kept as a branch.
    """

    path: str = ""
    worktree: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """When a run ends.

    Args:
        iterations: At most so many.
        no_progress: After so many in a row that changed nothing that counts.
        budget: Of one run. `once` is set aside for one iteration, out of it.
        daily: Of all runs of a day (UTC).
        goal: Who says that the goal is reached, never who did the work; None in an open loop.
        expires_s: So long a run waits for a person or an answer from outside.
    """

    iterations: int
    no_progress: int
    budget: Amounts
    once: Amounts = Amounts()
    daily: Amounts = Amounts()
    goal: Action | None = None
    expires_s: int = EXPIRES_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Autonomy:
    """How far it may go alone, by class of change.

    Args:
        start: Where each class starts: suggest or draft.
        most: How far it may ever rise.
        promote_after: So many decisions in a row that no human changed raise it by one level.
        classes: What applies a change of each class; a change of another class is suggested only.
    """

    start: Level = "suggest"
    most: Level = "automatic"
    promote_after: int = 10
    classes: Mapping[str, Action] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnFailure:
    """What is done where a run fails: the occurrence is kept for the next run, tried again, or the
    loop is paused until a person looks."""

    do: FailureDo = "keep"
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A loop. `goal` is what is wanted, in words; a closed loop goes on until it is reached."""

    name: str
    shape: Shape
    goal: str
    trigger: Trigger
    context: tuple[Query, ...]
    stages: tuple[Stage, ...]
    stop: Stop
    autonomy: Autonomy
    on_failure: OnFailure
    workplace: Workplace = Workplace()

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that a run of it does: stages, their checks, and the goal's checker."""
        checks = [check for stage in self.stages for check in stage.gate.checks]
        goal = [self.stop.goal] if self.stop.goal else []
        return (*(stage.action for stage in self.stages), *checks, *goal)

    @property
    def commands(self) -> tuple[Action, ...]:
        """What runs a command line, also to apply a change: it needs the folder."""
        every = (*self.actions, *self.autonomy.classes.values())
        return tuple(action for action in every if action.run)

    @property
    def heads(self) -> frozenset[str]:
        """The suites that measure its gates; "" stands for a gate that nothing measures."""
        return frozenset(stage.gate.head for stage in self.stages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened and starts a run.

    Args:
        source: What it came from: `cron`, `webhook`, `message`, ...
        name: Which one: the tick's time, the delivery's id, the digest of what is new.
        given: What came with it, for the run to read. Foreign text.
    """

    source: str
    name: str
    given: Json = None


def run_id(loop: str, occurrence: Occurrence) -> str:
    """The id of the run that an occurrence starts: the same occurrence is the same run."""
    return derive_id("lrn", [loop, occurrence.source, occurrence.name])


def lowest(levels: Sequence[Level]) -> Level:
    """The lowest of some levels."""
    return min(levels, key=LEVELS.index)
