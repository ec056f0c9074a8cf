"""Trials that are paid once: those that stand are read, the others tried here or by workers."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol, runtime_checkable

from lignin.domain.codec import Json
from lignin.domain.errors import LigninError, UnavailableError
from lignin.domain.events import Change
from lignin.domain.jobs import JobAsked, job_of_occurrence
from lignin.jobs.laws.fitting import any_takes
from lignin.jobs.service import Jobs
from lignin.operations.context import Context
from lignin.operations.handing import hand
from lignin.operations.presence import alive
from lignin.operations.trialwork import SuiteCase, try_and_file
from lignin.ports.ledger import View
from lignin.ports.system import System

OUTAGE = 6
"""After so many trials in a row that tell nothing, something is wrong that more trials do not mend."""
LOOK_S = 0.1
PRESENCE_S = 2.0
Wanted = tuple[System, SuiteCase, int]


@runtime_checkable
class Reserving(Protocol):
    """A system whose runs are rationed, also where others run them."""

    def reserve(self) -> None:
        """Take one run off the ration.

        Raises:
            LigninError: There is none left.
        """
        ...


def with_workers(context: Context, asked: bool) -> Context:
    """The surroundings in which trials are handed to workers, where that is asked for.

    Raises:
        UnavailableError: There is no engine here.
    """
    if not asked or context.dry_run:
        return context
    context.open_engine()
    return replace(context, workers=True)


class Tries:
    """Trials of a caller, each paid once; stops where nothing holds any more.

    Where the context says so, those that do not stand are handed to workers first; what comes back
    from nobody is tried here.
    """

    def __init__(self, context: Context, parallel: int = 1) -> None:
        self._context, self._parallel = context, parallel
        self._lock = threading.Lock()
        self.paid = self._lost = 0
        self._lost_case = ""

    def trials(self, wanted: Sequence[Wanted]) -> list[Mapping[str, Json]]:
        """Return some trials in their order, so many at a time as the caller allows.

        Raises:
            UnavailableError: As `trial`; those that were under way are filed all the same.
        """
        if self._context.workers:
            self._hand_out(wanted)
        if self._parallel == 1 or len(wanted) < 2:
            return [self.trial(*each) for each in wanted]
        with ThreadPoolExecutor(self._parallel) as pool:
            under_way = [pool.submit(self.trial, *each) for each in wanted]
        return [each.result() for each in under_way]

    def trial(self, system: System, case: SuiteCase, number: int) -> Mapping[str, Json]:
        """Return a trial as it is filed; it is tried, and filed at once, only where it never was.

        Raises:
            UnavailableError: `OUTAGE` new trials in a row told nothing.
        """
        with self._context.view() as view:
            row = view.row(f"trial/{case.key(system.digest, number).trial}")
        if row is not None:
            return row.body
        if self._lost >= OUTAGE:
            raise UnavailableError(
                f"{OUTAGE} trials in a row told nothing, the last of {self._lost_case}",
                hint=f"`lignin eval show {system.digest[:19]} --case {self._lost_case}` says why; "
                "the same command goes on",
            )
        body = try_and_file(self._context, system, case, number)
        self._count(case, body)
        return body

    def _count(self, case: SuiteCase, body: Mapping[str, Json]) -> None:
        with self._lock:
            self.paid += 1
            is_lost = body["kind"] == "infrastructure"
            self._lost = self._lost + 1 if is_lost else 0
            self._lost_case = case.name if is_lost else ""

    def _hand_out(self, wanted: Sequence[Wanted]) -> None:
        """Have workers make what does not stand yet, as far as they can."""
        context, cases = self._context, dict[str, SuiteCase]()
        asked, kept = dict[str, JobAsked](), dict[str, Change]()
        with context.view() as view:
            able = alive(context, view)
            for system, case, number in wanted:
                trial = case.key(system.digest, number).trial
                if trial in cases or view.row(f"trial/{trial}") is not None:
                    continue
                handed = hand(context, view, system, case, number)
                if handed is None or not any_takes(handed[0].lane, able):
                    continue
                if isinstance(system, Reserving):
                    try:
                        system.reserve()
                    except LigninError:
                        break  # whoever tries the next one here hears of it
                cases[trial], asked[trial] = case, handed[0]
                kept |= {change.events[0].stream: change for change in handed[1]}
        if not asked:
            return
        _open(context, asked, tuple(kept.values()))
        filed = _wait(context, asked)
        for trial, body in filed.items():
            self._count(cases[trial], body)


def _open(context: Context, asked: Mapping[str, JobAsked], kept: Sequence[Change]) -> None:
    """Open the jobs; what came to nothing before is opened once more."""
    jobs = Jobs(context.ids)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        changes = []
        for each in asked.values():
            name, change = jobs.open(view, context.scope, each)
            if change is None and _state(view, name) not in ("open", "succeeded"):
                change = jobs.retry(view, context.scope, name, "the trial is asked for again")
            if change is not None:
                changes.append(change)
        return None, [*kept, *changes] if changes else []

    context.decide_and_commit(decide)


def _wait(context: Context, asked: Mapping[str, JobAsked]) -> dict[str, Mapping[str, Json]]:
    """Wait until each trial is filed or its job came to nothing; return what was filed."""
    filed = dict[str, Mapping[str, Json]]()
    left, looked_at = dict(asked), time.monotonic()
    while left:
        context.progress("trials by workers", len(filed), len(asked))
        with context.view() as view:
            for trial, row in view.rows([f"trial/{each}" for each in left]).items():
                filed[trial.partition("/")[2]] = row.body
            jobs = view.rows([f"job/{_job_of(each)}" for each in left.values()])
            over = {row.key for row in jobs.values() if row.state != "open"}
            left = {t: a for t, a in left.items() if t not in filed and _job_of(a) not in over}
            if left and time.monotonic() - looked_at >= PRESENCE_S:
                looked_at = time.monotonic()
                able = alive(context, view)
                gone = [each for each in left.values() if not any_takes(each.lane, able)]
            else:
                gone = []
        if gone:
            _take_back(context, gone)
        elif left:
            time.sleep(LOOK_S)
    with context.view() as view:  # a job ends after its trial is filed
        rows = view.rows([f"trial/{each}" for each in asked])
    return {each: rows[f"trial/{each}"].body for each in asked if f"trial/{each}" in rows}


def _take_back(context: Context, gone: Sequence[JobAsked]) -> None:
    """Cancel jobs that no living worker takes any more, so that they are done here."""
    jobs = Jobs(context.ids)

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        names = [_job_of(each) for each in gone]
        changes = [
            jobs.cancel(view, context.scope, name, "no living worker takes it")
            for name in names
            if _state(view, name) == "open"
        ]
        return None, [change for change in changes if change is not None]

    context.decide_and_commit(decide)


def _job_of(asked: JobAsked) -> str:
    return job_of_occurrence(asked.source, asked.occurrence)


def _state(view: View, name: str) -> str:
    row = view.row(f"job/{name}")
    return "" if row is None else str(row.state)
