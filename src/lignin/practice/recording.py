"""Records simulated sessions: plans them, observes their scraps, writes both clients' trees.

The planted truths are returned as values and never written beside the transcripts, so that nothing
which reads those can peek.
"""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lignin.practice import claude_code, codex
from lignin.practice.agents import Agent, Habit
from lignin.practice.episodes import helper_path, plan_episode
from lignin.practice.families import FAMILIES
from lignin.practice.faults import FAULTS
from lignin.practice.runner import PracticeRun, run_task
from lignin.practice.scrapbook import SCRAPS, Scrap, Variant
from lignin.practice.steps import (
    CLIENTS,
    Client,
    DeskStep,
    EditStep,
    PlantedHelper,
    SessionScript,
    ShellStep,
    Step,
    WriteStep,
)
from lignin.practice.tasks import make_task
from lignin.practice.workbench import Act, Printed, WriteAct, observe

FIRST_USES = 7
LATER_USES = 4
BAD_USES = 6
FAULTY_SHARE = 0.35
MOST_EPISODES = 2
_HABITS: tuple[Habit, ...] = (
    "reads_policy_first",
    "looks_up_customer_twice",
    "checks_stock_first",
    "rereads_after_write",
    "searches_by_name",
    "thinks_aloud",
)
_START = datetime(2031, 3, 10, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """One written transcript and the truth about it. `path` is the file."""

    session: str
    client: Client
    path: Path
    cwd: str
    run: PracticeRun
    helpers: tuple[PlantedHelper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSessions:
    """What `record_sessions` wrote: Claude Code's tree under `folder/projects`, Codex's under
    `folder/sessions`."""

    folder: Path
    seed: int
    sessions: tuple[RecordedSession, ...]
    simulated: bool = True

    @property
    def helpers(self) -> tuple[PlantedHelper, ...]:
        """All planted helpers in session order."""
        return tuple(helper for each in self.sessions for helper in each.helpers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Episode:
    scrap: Scrap
    variant: Variant
    uses: int


def record_sessions(folder: Path, *, count: int = 60, seed: int = 7) -> RecordedSessions:
    """Write simulated sessions in both clients' own forms and return the truth about them.

    Args:
        folder: Created where missing; files of the same names are overwritten.
        count: How many sessions, at least 1. About 60 hold every helper in every variant.
        seed: Same seed, same bytes (on one machine with one Python).

    Raises:
        UnavailableError: The scraps could not be run to observe them.
    """
    return write_sessions(folder, make_sessions(count=count, seed=seed), seed=seed)


def write_sessions(
    folder: Path, scripts: Sequence[SessionScript], *, seed: int
) -> RecordedSessions:
    """Write made sessions, each in its client's form, and return the truth about them."""
    sessions = []
    for script in scripts:
        writer = claude_code if script.client == "claude_code" else codex
        path = folder / writer.transcript_path(script)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(writer.write_transcript(script), encoding="utf-8")
        sessions.append(
            RecordedSession(
                session=script.session,
                client=script.client,
                path=path,
                cwd=script.cwd,
                run=script.run,
                helpers=script.helpers,
            )
        )
    return RecordedSessions(folder=folder, seed=seed, sessions=tuple(sessions))


def make_sessions(*, count: int = 60, seed: int = 7) -> tuple[SessionScript, ...]:
    """Return simulated sessions with everything observed, not yet written anywhere."""
    rng = random.Random(f"sessions-{seed}")  # noqa: S311
    queue = _episodes(rng)
    share = min(MOST_EPISODES, -(-len(queue) // max(1, (3 * count) // 4)))
    planned = []
    for number in range(count):
        # A quarter of the sessions call tools only, as some agents never write helpers.
        writes = number % 4 != 3
        episodes = [queue.pop() for _ in range(min(share, len(queue)))] if writes else []
        planned.append(_plan(number, seed, episodes, rng))
    printed = observe([(script.cwd, _acts(script.steps)) for script in planned])
    return tuple(
        _observed(script, answers) for script, answers in zip(planned, printed, strict=True)
    )


def _episodes(rng: random.Random) -> list[_Episode]:
    """Every helper once by its first author and, if good, again by others; shuffled."""
    episodes = []
    for scrap in SCRAPS.values():
        uses = FIRST_USES if scrap.quality == "good" else BAD_USES
        episodes.append(_Episode(scrap=scrap, variant="base", uses=uses))
        if scrap.quality == "good":
            later = scrap.variants()[1:]
            episodes += [_Episode(scrap=scrap, variant=each, uses=LATER_USES) for each in later]
    rng.shuffle(episodes)
    return episodes


def _plan(
    number: int, seed: int, episodes: Sequence[_Episode], rng: random.Random
) -> SessionScript:
    client = CLIENTS[number % 2]
    family = FAMILIES[list(FAMILIES)[(number // 2) % len(FAMILIES)]]
    agent = _agent(rng, helpers=bool(episodes))
    run = run_task(make_task(family, 1000 * seed + number), agent, seed)
    session = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    steps: list[Step] = [DeskStep(move=move) for move in run.moves]
    middle = len(steps) // 2
    for episode in episodes:
        steps[middle:middle] = plan_episode(episode.scrap, episode.variant, episode.uses, rng)
    return SessionScript(
        session=session,
        client=client,
        cwd=f"/practice/order-desk-{number % 5 + 1}",
        started_at=_START + timedelta(minutes=47 * number),
        run=run,
        steps=tuple(steps),
        helpers=tuple(
            PlantedHelper(
                name=episode.scrap.name,
                quality=episode.scrap.quality,
                fault=episode.scrap.fault,
                variant=episode.variant,
                path=helper_path(episode.scrap, episode.variant),
                uses=0,
                session=session,
                client=client,
            )
            for episode in episodes
        ),
    )


def _agent(rng: random.Random, *, helpers: bool) -> Agent:
    habits: set[Habit] = set(rng.sample(_HABITS, rng.randrange(1, 4)))
    if helpers:
        habits.add("writes_helpers")
    fault = rng.choice(list(FAULTS)) if rng.random() < FAULTY_SHARE else None
    number = rng.randrange(1, 5)
    name, model = f"desk-agent-{number}", f"scripted-{number}"
    return Agent(name=name, model=model, habits=frozenset(habits), fault=fault)


def _acts(steps: Sequence[Step]) -> list[Act]:
    acts: list[Act] = []
    for step in steps:
        if isinstance(step, WriteStep):
            acts.append(WriteAct(path=step.path, text=step.text))
        elif isinstance(step, EditStep):
            acts.append(WriteAct(path=step.path, text=step.after))
        elif isinstance(step, ShellStep) and step.act is not None:
            acts.append(step.act)
    return acts


def _observed(script: SessionScript, answers: Sequence[Printed | None]) -> SessionScript:
    """Fill in what the runs printed and count each helper's uses."""
    runs = iter([answer for answer in answers if answer is not None])
    steps = tuple(
        replace(step, printed=next(runs))
        if isinstance(step, ShellStep) and step.act is not None
        else step
        for step in script.steps
    )
    helpers = tuple(replace(each, uses=_uses(each, steps)) for each in script.helpers)
    return replace(script, steps=steps, helpers=helpers)


def _uses(helper: PlantedHelper, steps: Sequence[Step]) -> int:
    module = helper.path.removesuffix(".py").replace("/", ".")
    uses = 0
    for step in steps:
        if isinstance(step, EditStep) and step.path == helper.path:
            uses = 0
        if not isinstance(step, ShellStep) or step.act is None or step.printed is None:
            continue
        is_mine = step.act.path == helper.path or f"from {module} import" in step.act.code
        uses += is_mine and step.printed.exit_code == 0
    return uses
