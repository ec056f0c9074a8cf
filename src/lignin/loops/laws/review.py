"""Whether a durable skill was worth having in a period: what it raised, against what people did with it. Pure.

Owns the counts and the verdict. Silence is no consent: an alert that nobody settled is neither right nor
wrong, and a run that nobody judged is neither missed nor rightly quiet.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from lignin.domain.counts import counted
from lignin.domain.events import Event
from lignin.evals.laws.binomial import at_most, exact_interval

Fate = Literal["accepted", "changed", "applied", "dismissed", "reversed", "unlooked"]
"""What became of what a run filed. `applied`: by the loop itself, and nobody said anything of it."""
Should = Literal["alert", "quiet"]
Judgement = Literal["keep", "repair", "retire-candidate", "too-little-known"]
Standing = Literal["good", "bad", "unknown", "none"]
RIGHT: Final = frozenset({"accepted", "changed"})
WRONG: Final = frozenset({"dismissed", "reversed"})
MIN_UNLOOKED: Final = 5
_MOST_MORE: Final = 500
_MISS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What a skill has to show.

    Args:
        precision: At least this share of its settled alerts was right.
        failures: At most this share of its runs failed.
        missed: At most this share of what it should have raised was missed.
    """

    precision: float = 0.5
    failures: float = 0.2
    missed: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillRun:
    """One job of a durable skill that has ended.

    Args:
        version: Digest of the version that it ran.
        failure: How it failed; "" where it succeeded, `cancelled` where somebody stopped it.
        alerted: Whether it raised anything; None where nothing says what its alert would be.
        fates: What became of each thing that it filed.
        should: What a person said that it should have done; None where nobody did.
    """

    job: str
    version: str
    failure: str = ""
    alerted: bool | None = None
    fates: tuple[Fate, ...] = ()
    should: Should | None = None
    microusd: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    @property
    def truth(self) -> Should | None:
        """What it should have done, as far as that is known: a person's word of the run comes first."""
        if self.should is not None:
            return self.should
        if not self.alerted:
            return None
        if RIGHT & set(self.fates):
            return "alert"
        return "quiet" if WRONG & set(self.fates) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What runs come to.

    Args:
        unlooked: Alerts of which nobody said anything.
        missed: Runs that raised nothing and should have.
        quiet: Runs that raised nothing, rightly, as somebody said.
        microusd, tokens, seconds: As far as runs told them.
    """

    runs: int
    cancelled: int
    failures: Mapping[str, int]
    alerts: int
    confirmed: int
    dismissed: int
    unlooked: int
    missed: int
    quiet: int
    microusd: int
    tokens: int
    seconds: float

    @property
    def failed(self) -> int:
        """Runs that failed, in whatever way."""
        return sum(self.failures.values())

    @property
    def precision(self) -> float | None:
        """Share of the settled alerts that were right; None where none is settled."""
        known = self.confirmed + self.dismissed
        return self.confirmed / known if known else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the precision lies, with 95 %."""
        return exact_interval(self.confirmed, self.confirmed + self.dismissed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The verdict on a skill with every reason, and what is lacking for a firmer one."""

    verdict: Judgement
    reasons: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    is_used: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What there is to a skill besides its runs.

    Args:
        is_watch: Whether it is there to raise alerts: it declares them, or a loop acts by it.
        loops: Active loops that act by it.
        is_older: Whether the version that is judged was there before the period began.
    """

    is_watch: bool
    loops: tuple[str, ...] = ()
    is_older: bool = True


def fates_of(events: Sequence[Event]) -> dict[str, Fate]:
    """Return what became of an item of the inbox, for each job that found it.

    What was dismissed stays so, however often it is found again.

    Args:
        events: The item's, in order.
    """
    fates: dict[str, Fate] = {}
    since: list[str] = []
    stands: Fate = "unlooked"
    for event in events:
        if event.type == "inbox.filed":
            since, stands = [], "unlooked"
        if event.type in ("inbox.filed", "inbox.seen"):
            if job := str(event.payload.get("job", "")):
                since.append(job)
                fates[job] = stands
            continue
        stands = _after(stands, event)
        fates |= dict.fromkeys(since, stands)
    return fates


def _after(before: Fate, event: Event) -> Fate:
    if event.type == "inbox.applied":
        return before if before in RIGHT else "applied"
    if event.type == "inbox.reopened":
        return "unlooked" if before == "unlooked" else "reversed"
    if event.type != "inbox.settled":
        return before
    how = event.payload["as"]
    if how == "accepted":
        return "changed" if event.payload.get("changed") else "accepted"
    if how == "dismissed":
        return "reversed" if before == "reversed" else "dismissed"
    return before


def tally(runs: Sequence[SkillRun]) -> Tally:
    """Count what runs came to."""
    alerts = [run for run in runs if run.alerted]
    silent = [run for run in runs if run.alerted is False]
    failed = Counter(run.failure for run in runs if run.failure not in ("", "cancelled"))
    truths = Counter(run.truth for run in alerts)
    said = Counter(run.truth for run in silent)
    return Tally(
        runs=len(runs),
        cancelled=sum(run.failure == "cancelled" for run in runs),
        failures=dict(sorted(failed.items())),
        alerts=len(alerts),
        confirmed=truths["alert"],
        dismissed=truths["quiet"],
        unlooked=truths[None],
        missed=said["alert"],
        quiet=said["quiet"],
        microusd=sum(run.microusd or 0 for run in runs),
        tokens=sum(run.tokens or 0 for run in runs),
        seconds=round(sum(run.seconds or 0.0 for run in runs), 3),
    )


@dataclass(slots=True)
class _Case:
    """What speaks for and against a skill while it is put together."""

    reasons: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


def review(found: Tally, watched: Watched, bars: Bars) -> Review:
    """Return the verdict on a version of a skill over a period.

    A bar counts as missed, or as met, only where the whole interval of 95 % lies on one side of it.
    """
    if not found.runs:
        return _unused(watched)
    case = _Case()
    failing = _failures(case, found, bars)
    raising = _alerts(case, found, bars) if watched.is_watch else "none"
    missing = _missed(case, found, bars) if watched.is_watch else "none"
    settled = found.confirmed + found.dismissed
    is_used = bool(settled or found.missed or found.quiet) if found.alerts else None
    is_good = raising == "good" if watched.is_watch else failing == "good"
    verdict: Judgement = "keep" if is_good else "too-little-known"
    if "bad" in (failing, raising, missing):
        verdict = "repair"
    if raising == "bad" and not found.confirmed and not found.missed:
        verdict = "retire-candidate"
    if found.alerts >= MIN_UNLOOKED and not settled:
        verdict = "retire-candidate"
        case.reasons.insert(0, f"nobody said anything of its {counted(found.alerts, 'alert')}")
    return Review(
        verdict=verdict,
        reasons=tuple(case.reasons),
        lacking=tuple(case.lacking),
        is_used=is_used,
    )


def _unused(watched: Watched) -> Review:
    if watched.loops:
        why = f"it did not run, and {', '.join(watched.loops)} would run it"
        lacking = ("an occurrence of what it waits for",)
        return Review(verdict="too-little-known", reasons=(why,), lacking=lacking, is_used=False)
    if not watched.is_older:
        why = "it did not run, and was not there for the whole period"
        return Review(verdict="too-little-known", reasons=(why,), lacking=("time",), is_used=False)
    why = "it did not run, and no loop would run it"
    return Review(verdict="retire-candidate", reasons=(why,), is_used=False)


def _failures(case: _Case, found: Tally, bars: Bars) -> Standing:
    count = found.runs - found.cancelled
    standing = _side(found.failed, count, bars.failures, is_most=True)
    by = ", ".join(f"{number} {name}" for name, number in found.failures.items())
    case.reasons.append(
        f"{found.failed} of {counted(count, 'run')} failed" + (f" ({by})" if by else "")
    )
    if standing == "unknown" and (more := _more(found.failed, count, bars.failures, is_most=True)):
        case.lacking.append(
            f"about {counted(more, 'more run')} like these to know how often it fails"
        )
    return standing


def _alerts(case: _Case, found: Tally, bars: Bars) -> Standing:
    known = found.confirmed + found.dismissed
    if not known:
        case.reasons.append(f"{counted(found.alerts, 'alert')}, none of them settled")
        case.lacking.append(
            "alerts that somebody settles: `lignin inbox settle`, or `lignin job judge`"
        )
        return "unknown"
    low, high = found.interval or (0.0, 1.0)
    case.reasons.append(
        f"{found.confirmed} of {counted(known, 'settled alert')} were right "
        f"({low:.0%} to {high:.0%} with 95 %)"
    )
    standing = _side(found.confirmed, known, bars.precision, is_most=False)
    if standing == "unknown" and (
        more := _more(found.confirmed, known, bars.precision, is_most=False)
    ):
        case.lacking.append(f"about {counted(more, 'more settled alert')} like these")
    return standing


def _missed(case: _Case, found: Tally, bars: Bars) -> Standing:
    if not found.missed:
        return "unknown"  # nobody says so of what nobody noticed
    due = found.missed + found.confirmed
    case.reasons.append(f"{found.missed} of {due} that it should have raised were missed")
    return _side(found.missed, due, bars.missed, is_most=True)


def _side(hits: int, count: int, bar: float, *, is_most: bool) -> Standing:
    """On which side of a bar a rate lies, where all of its exact interval does.

    Asked of the bar itself, which is the same as looking at the ends and needs no search for them.
    """
    if not count:
        return "unknown"
    is_above = 1 - at_most(hits - 1, count, bar) < _MISS / 2
    is_below = at_most(hits, count, bar) < _MISS / 2
    if not (is_above or is_below):
        return "unknown"
    return "bad" if is_above is is_most else "good"


def _more(hits: int, count: int, bar: float, *, is_most: bool) -> int | None:
    """About how many more like these would tell; None where that is out of sight."""
    more = 1
    while count and more < _MOST_MORE:
        total = count + more
        if _side(round(hits / count * total), total, bar, is_most=is_most) != "unknown":
            return more
        more += 1 + more // 10
    return None
