"""Trials that are paid once: each is filed before anybody hears of it, and never made again."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, UnavailableError
from lignin.domain.trials import Scored
from lignin.evals.trials import Trials, Tried, standing, trials_of
from lignin.evals.troubles import telling_line
from lignin.operations.context import Context
from lignin.operations.trialwork import OneTry, SuiteCase, try_once
from lignin.ports.ledger import require_known
from lignin.ports.system import Metered, System
from lignin.traces.redact import redact

OUTAGE = 6
"""After so many trials in a row that tell nothing, something is wrong that more trials do not mend."""
TOGETHER = 16
_KEPT_BYTES = 64 * 1024
_ERRORS_CHARS = 400


class Tries:
    """Trials of a caller, each paid once; stops where nothing holds any more.

    `paid` counts those that it filed; `shared` those that it made while somebody else was quicker to file
    them, which is the trial that stands.
    """

    def __init__(self, context: Context, parallel: int = 1) -> None:
        self._context, self._parallel = context, parallel
        self._lock = threading.Lock()
        self.paid = self.shared = self._lost = 0
        self._lost_case = self._lost_why = ""

    def trials(self, wanted: Sequence[tuple[System, SuiteCase, int]]) -> list[Mapping[str, Json]]:
        """Return some trials in their order, so many at a time as the caller allows.

        Raises:
            UnavailableError: As `trial`; those that were under way are filed all the same.
        """
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
            system.settle(tried.scored.cost_microusd)
        with self._lock:
            self.paid += is_ours
            self.shared += not is_ours
            is_lost = body["kind"] == "infrastructure"
            self._lost = self._lost + 1 if is_lost else 0
            self._lost_case = case.name if is_lost else ""
            self._lost_why = tried.line if is_lost else ""
        return body

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
    for first in range(0, len(wanted), TOGETHER):
        context.progress("trials", first, len(wanted))
        lot = wanted[first : first + TOGETHER]
        tries.trials([(system, case, number) for _, case, number in lot])
    return tries


def _clean(context: Context, data: bytes) -> str:
    """Foreign text without its secrets; masked before it is cut, for half of one is one too."""
    return redact(data, context.redaction_key).content[:_KEPT_BYTES].decode(errors="replace")


def _cleaned(context: Context, done: OneTry, errors: str) -> Scored:
    """The score with its reasons as they may be kept; a crash with the end of what it complained."""
    reasons = [_clean(context, each.encode()) for each in done.scored.reasons]
    if done.run.ended != "done" and errors and reasons:
        reasons[0] = f"{reasons[0]}: {errors[-_ERRORS_CHARS:]}"
    return replace(done.scored, reasons=tuple(reasons))
