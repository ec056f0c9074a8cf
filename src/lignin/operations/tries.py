"""Trials that are paid once: those that stand are read, the others tried here or by workers.

Each is filed before anybody hears of it, and never made again.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.counts import known_sum
from lignin.domain.errors import ConflictError, LimitedError, UnavailableError
from lignin.domain.events import Change
from lignin.domain.jobs import JobAsked, job_of_occurrence
from lignin.domain.trials import Scored, paid_microusd
from lignin.evals.trials import Trials, Tried, standing, trials_of
from lignin.evals.troubles import telling_line
from lignin.jobs.laws.fitting import Able, any_takes, why_waiting
from lignin.jobs.service import Jobs
from lignin.operations.context import Context
from lignin.operations.handing import QUEUE, hand
from lignin.operations.presence import alive
from lignin.operations.trialwork import OneTry, SuiteCase, try_once
from lignin.ports.ledger import View, require_known
from lignin.ports.system import Metered, System
from lignin.traces.redact import redact

OUTAGE = 6
"""After so many trials in a row that tell nothing, something is wrong that more trials do not mend."""
TOGETHER = 16
TOGETHER_BY_WORKERS = 256
LOOK_S = 0.1
PRESENCE_S = 2.0
_KEPT_BYTES = 64 * 1024
_ERRORS_CHARS = 400
Wanted = tuple[System, SuiteCase, int]


def with_workers(context: Context, asked: bool) -> Context:
    """The surroundings in which trials are handed to workers, where that is asked for.

    Raises:
        UnavailableError: There is no engine here.
    """
    if not asked or context.dry_run:
        return context
    context.open_engine()
    with context.view() as view:
        _tell_why(context, QUEUE, alive(context, view))
    return replace(context, workers=True)


class Tries:
    """Trials of a caller, each paid once; stops where nothing holds any more.

    `paid` counts those that it filed; `shared` those that it made while somebody else was quicker to file
    them, which is the trial that stands. Where the context says so, those that do not stand are handed to
    workers first; what comes back from nobody is tried here.
    """

    def __init__(self, context: Context, parallel: int = 1) -> None:
        self._context, self._parallel = context, parallel
        self._lock = threading.Lock()
        self.paid = self.shared = self._lost = 0
        self.paid_microusd: int | None = None
        self._lost_case = self._lost_why = ""

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
        context, trial = self._context, case.key(system.digest, number).trial
        with context.view() as view:
            row = view.row(f"trial/{trial}")
        if row is not None:
            return row.body
        if self._lost >= OUTAGE:
            why = f": {self._lost_why}" if self._lost_why else ""
            raise UnavailableError(
                f"{OUTAGE} trials in a row told nothing, the last of {self._lost_case}{why}",
                hint=f"`lignin eval show {system.digest[:19]} --case {self._lost_case}` says more; "
                "the same command goes on",
            )
        tried = self._tried(system, case, number)
        body, is_ours = self._filed(tried, system)
        if isinstance(system, Metered):
            system.settle(paid_microusd(body))
        self._count(case, body, is_ours=is_ours, line=tried.line)
        return body

    def _count(
        self, case: SuiteCase, body: Mapping[str, Json], *, is_ours: bool, line: str = ""
    ) -> None:
        with self._lock:
            self.paid += is_ours
            if is_ours:
                self.paid_microusd = known_sum((self.paid_microusd, paid_microusd(body)))
            self.shared += not is_ours
            is_lost = body["kind"] == "infrastructure"
            self._lost = self._lost + 1 if is_lost else 0
            self._lost_case = case.name if is_lost else ""
            self._lost_why = line if is_lost else ""

    def _tried(self, system: System, case: SuiteCase, number: int) -> Tried:
        context = self._context
        done = try_once(context, system, case, number)
        errors = _clean(context, done.run.errors).strip()
        scored = _cleaned(context, done, errors)
        said = _clean(context, done.run.said)
        why = [*scored.reasons, said] if scored.kind not in ("passed", "failed", "scored") else []
        return Tried(
            key=case.key(system.digest, number),
            case=case.name,
            scored=scored,
            said=said,
            seen=_clean(context, done.seen),
            shown=done.shown,
            cause=done.run.cause or "",
            line=telling_line(errors or next(filter(None, why), "")) if why else "",
        )

    def _filed(self, tried: Tried, system: System) -> tuple[Mapping[str, Json], bool]:
        """File what came of a try before anybody hears of it; the trial that stands, whether it is that one."""
        context, trial = self._context, tried.key.trial
        name, trials = _clean(context, system.name.encode()), Trials(context.ids)
        with context.view() as view:
            change = trials.file(view, context.scope, tried, name, simulated=system.simulated)
        is_ours = True
        try:
            context.commit(change)
        except ConflictError:  # somebody was quicker, and theirs is the trial
            is_ours = False
            with context.view() as view:
                if view.row(f"trial/{trial}") is None:
                    raise
        with context.view() as view:
            return require_known(view, f"trial/{trial}").body, is_ours

    def _hand_out(self, wanted: Sequence[Wanted]) -> None:
        """Have workers make what does not stand yet, as far as they can."""
        context, of = self._context, dict[str, tuple[System, SuiteCase]]()
        asked, kept, untaken = dict[str, JobAsked](), dict[str, Change](), set[str]()
        with context.view() as view:
            able = alive(context, view)
            for system, case, number in wanted:
                trial = case.key(system.digest, number).trial
                if trial in of or view.row(f"trial/{trial}") is not None:
                    continue
                handed = hand(context, view, system, case, number)
                if handed is None or not any_takes(handed[0].lane, able):
                    untaken |= {handed[0].lane} if handed else set()
                    continue
                if isinstance(system, Metered):
                    try:
                        system.reserve()
                    except LimitedError:
                        break  # whoever tries the next one here hears of it
                of[trial], asked[trial] = (system, case), handed[0]
                kept |= {change.events[0].stream: change for change in handed[1]}
        for lane in sorted(untaken):
            _tell_why(context, lane, able)
        if not asked:
            return
        ours = _open(context, asked, tuple(kept.values()))
        filed = _wait(context, asked)
        for trial, (system, case) in of.items():
            if trial in filed:
                self._count(case, filed[trial], is_ours=trial in ours)
            if isinstance(system, Metered):
                if trial in filed:
                    system.settle(paid_microusd(filed[trial]))
                else:
                    system.release()


def top_up(
    context: Context, system: System, suite: Sequence[SuiteCase], trials: int, parallel: int = 1
) -> Tries:
    """Try each case until so many trials of it stand; return what was paid."""
    with context.view() as view:
        known = standing(list(trials_of(view, system.digest)))
    wanted = []
    for case in suite:
        of = (case.digest, case.grader)
        lacking = trials - (known.banked[of].trials if of in known.banked else 0)
        first = known.following.get(of, 0)
        wanted += [(turn, case, first + turn) for turn in range(lacking)]
    wanted.sort(key=lambda each: each[0])
    tries = Tries(context, parallel)
    together = TOGETHER_BY_WORKERS if context.workers else TOGETHER
    for first in range(0, len(wanted), together):
        context.progress("trials", first, len(wanted))
        lot = wanted[first : first + together]
        tries.trials([(system, case, number) for _, case, number in lot])
    return tries


def _open(
    context: Context, asked: Mapping[str, JobAsked], kept: Sequence[Change]
) -> frozenset[str]:
    """Open the jobs, once more what came to nothing before; the trials that nobody else had opened."""
    jobs = Jobs(context.ids)

    def decide(view: View) -> tuple[frozenset[str], Sequence[Change]]:
        changes, ours = [], []
        for trial, each in asked.items():
            name, change = jobs.open(view, context.scope, each)
            if change is None and _state(view, name) not in ("open", "succeeded"):
                change = jobs.retry(view, context.scope, name, "the trial is asked for again")
            if change is not None:
                changes.append(change)
                ours.append(trial)
        return frozenset(ours), [*kept, *changes] if changes else []

    return context.decide_and_commit(decide)


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
            _tell_why(context, gone[0].lane, able)
            _take_back(context, gone)
        elif left:
            time.sleep(LOOK_S)
    with context.view() as view:  # a job ends after its trial is filed
        rows = view.rows([f"trial/{each}" for each in asked])
    return {each: rows[f"trial/{each}"].body for each in asked if f"trial/{each}" in rows}


def _tell_why(context: Context, lane: str, able: Sequence[Able]) -> None:
    """Say so where nobody takes a lane's trials, and why; they are tried here."""
    if why := why_waiting(lane, able):
        context.progress(f"trials are tried here: {why}", 0, None)


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


def _clean(context: Context, data: bytes) -> str:
    """Foreign text without its secrets; masked before it is cut, for half of one is one too."""
    return redact(data, context.redaction_key).content[:_KEPT_BYTES].decode(errors="replace")


def _cleaned(context: Context, done: OneTry, errors: str) -> Scored:
    """The score with its reasons as they may be kept; a crash with the end of what it complained."""
    reasons = [_clean(context, each.encode()) for each in done.scored.reasons]
    if done.run.ended != "done" and errors and reasons:
        reasons[0] = f"{reasons[0]}: {errors[-_ERRORS_CHARS:]}"
    return replace(done.scored, reasons=tuple(reasons))
