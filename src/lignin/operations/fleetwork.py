"""What the parts of a fleet's run share: its settings, its yard and programs, and verdicts on trees."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.evidence import Verdict
from lignin.domain.fleets import FleetPlan
from lignin.loops.fleets import Fleets, check_stream
from lignin.operations.context import Context
from lignin.ports.worker import Worker, WorkerAsked
from lignin.ports.yard import Yard
from lignin.traces.redact import redact

CHECK_LIMIT_S = 900.0
TOLD_CHARS = 4000
FLEETS = "fleets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a fleet is run, as its row keeps it.

    Args:
        workers: At most so many agents at once; `batch` so many results merged together.
        unreviewed: The bound on unreviewed results that a person chose, None to measure it.
        simulated: The agents are scripted; what comes of it is labelled so.
    """

    worker: str
    workers: int = 3
    batch: int = 4
    unreviewed: int | None = None
    simulated: bool = False
    unsandboxed: bool = False
    network: bool = False
    share: Sequence[str] = ()
    variable: Sequence[str] = ()
    folder: str = ""
    check_s: float = CHECK_LIMIT_S

    def to_json(self) -> dict[str, Json]:
        told = {name: getattr(self, name) for name in self.__slots__}
        return {**told, "share": list(self.share), "variable": list(self.variable)}


def read_settings(kept: Mapping[str, Any]) -> Settings:
    """Settings as a row keeps them."""
    return Settings(**{name: kept[name] for name in Settings.__slots__ if name in kept})


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A command's verdict on a tree, and the end of what it said."""

    check: str
    verdict: Verdict
    told: str = ""


@dataclass(slots=True, kw_only=True)
class Work:
    """A fleet in hand: what its threads share. `ended` says that they are to stop, `stop` is asked why."""

    context: Context
    fleets: Fleets
    fleet: str
    plan: FleetPlan
    settings: Settings
    base: str
    yard: Yard
    worker: Worker
    stop: Callable[[], bool] = lambda: False
    ended: threading.Event = field(default_factory=threading.Event)

    def masked(self, text: str) -> str:
        """A text without secrets, as it may be kept."""
        kept = redact(text.encode(errors="replace"), self.context.redaction_key)
        return kept.content.decode(errors="replace")

    def verdicts(self, commit: str, checks: Sequence[str]) -> list[Judged]:
        """Run commands, each in a fresh tree at a commit, until one does not pass.

        The same command on the same files is asked once and then known; what could not be run is not.
        """
        found: list[Judged] = []
        for check in dict.fromkeys(checks):
            found.append(self._verdict(commit, check))
            if found[-1].verdict != "pass":
                break
        return found

    def _verdict(self, commit: str, check: str) -> Judged:
        context = self.context
        tree_id = self.yard.tree_id(commit)
        runner = context.open_worker(worker_asked(context, self.settings, check))
        stream = check_stream(self.fleet, tree_id, check, runner.walls)
        with context.view() as view:
            known = view.row(stream)
            if known is not None and known.state != "inconclusive":
                told = view.blob(known.body["told"]).decode()
                return Judged(check=check, verdict=known.state, told=told)  # type: ignore[arg-type]
        tree = self.yard.add(commit, "check")
        try:
            ran = runner.run(tree, "", self.settings.check_s, self.ended.is_set)
        finally:
            self.yard.remove(tree)
        verdict: Verdict = "pass" if ran.ended == "done" else "fail"
        if ran.ended in ("infrastructure", "stopped"):
            verdict = "inconclusive"
        told = self.masked(f"{ran.why}\n{ran.said}"[-TOLD_CHARS:].strip())
        facts: dict[str, Json] = {"fleet": self.fleet, "tree": tree_id, "check": check}
        if ran.ended != "stopped":
            context.commit(
                self.fleets.checked(context.scope, stream, facts, verdict, told.encode())
            )
        return Judged(check=check, verdict=verdict, told=told)


def worker_asked(context: Context, settings: Settings, check: str = "") -> WorkerAsked:
    """Which program is run: the settings' agent, or a check behind the same walls."""
    return WorkerAsked(
        spec="" if check else settings.worker,
        argv=("sh", "-c", check) if check else (),
        folder=Path(settings.folder or context.cwd),
        environment=context.environment,
        unsandboxed=settings.unsandboxed,
        network=settings.network,
        share=tuple(settings.share),
        variables=tuple(settings.variable),
    )


def yard_place(context: Context, fleet: str) -> Path:
    """Where a fleet's yard lies."""
    return context.home / FLEETS / fleet


def failed(judged: Sequence[Judged]) -> Judged | None:
    """The check that did not pass, None where all did."""
    return next((each for each in judged if each.verdict != "pass"), None)
