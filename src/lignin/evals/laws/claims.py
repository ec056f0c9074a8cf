"""What a proposal may claim of a candidate, and whether recorded trials show it. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.complete import Expected
from lignin.evals.laws.gain import mean_gain
from lignin.evals.laws.levels import level
from lignin.evals.laws.no_worse import LEVEL, MARGIN, NoWorse, weigh_no_worse
from lignin.evals.laws.pairing import Differences, weigh_pairs
from lignin.evals.laws.savings import Saving
from lignin.evals.laws.table import Table
from lignin.evals.laws.wealth import BETS

EXPECTED_GAIN = 0.3
"""A gain on the target below this may be missed; where it would have been seen, its absence is shown."""
FIRST_LEVEL = level(0.05, 1, 0)
"""What the first proposal of a campaign may err that may err one in twenty times."""
_SLACK = 1.3
NOTHING_WORKS = "no case passes often enough to be guarded: nothing can be seen to break"
RESTORED = "nothing has to be shown; whether it stood before is not in the trials"
UNBROKEN = "nothing that works is seen to break; no gain is claimed"

Kind = Literal["better", "no_worse_and_cheaper", "equivalent", "restore", "no_regression"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Claims that are put to a test. A proposal cannot claim the last one, which two systems can; one that only it has,
to admit, rests on its versions' own evidence."""


Draws = Sequence[Differences]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be decided of two tables.

    Args:
        claim: What the proposal says of the candidate. "no_worse_and_cheaper" is against the last
            release, whose trials the incumbent's table then holds.
        saving: The column that "no_worse_and_cheaper" is to make smaller; none: any of them.
        margin: What "no_worse_and_cheaper" may lose of the mean score.
        target: Cases that are to be better; none: all of them together.
        must_pass: Cases that the candidate must pass in every trial.
        hidden: Cases of the target that the proposer did not see.
        level: The error that may be made, from 0 to 1.
        gain: The gain that the proposal expects, from 0 to 1.
        expected: What either side has to hold by its suite.
        every_case: Whether each case that works is weighed by itself, and not with others of its mode.
    """

    target: tuple[str, ...] = ()
    must_pass: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    level: float = FIRST_LEVEL
    gain: float = EXPECTED_GAIN
    claim: Kind = "better"
    saving: str = ""
    margin: float = MARGIN
    expected: Expected = field(default_factory=Expected)
    every_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Whether the claim is shown, or refuted, or neither; why, where it is not shown."""

    is_shown: bool
    is_refuted: bool
    told: str
    wealth: float = 1.0
    needed: float = 1.0
    path: tuple[float, ...] = ()
    margin_left: float | None = None


def _show_better(
    incumbent: Table,
    candidate: Table,
    asked: Asked,
    differences: Draws,
) -> Shown:
    """Bet on all pairs, however they are drawn, and on a mean that rises."""
    del incumbent, candidate
    needed = 1 / asked.level
    path = weigh_pairs(differences)
    wealth = path[-1] if path else 1.0
    gain = _gain(differences)
    is_shown = wealth >= needed and gain > 0
    pairs = sum(map(len, differences[0].values())) if differences else 0
    would_show = _would_show(pairs, asked)
    size = f"{100 * asked.gain:.0f} points"
    told = f"no gain is shown; more trials could show one of {size}"
    _, interval = gain_over(differences)
    if interval is not None and interval[1] < asked.gain:
        told = (
            f"no gain is shown, and one of {size} lies above the interval; the pairs are too few to reject "
            "it for that"
        )
    if would_show:
        told = f"no gain is shown, and one of {size} or more would have been"
    return Shown(
        is_shown=is_shown,
        is_refuted=not is_shown and would_show,
        told="it is better on its target, and what works still works" if is_shown else told,
        wealth=wealth,
        needed=needed,
        path=path,
    )


def _show_no_worse(
    incumbent: Table,
    candidate: Table,
    asked: Asked,
    differences: Draws,
) -> Shown:
    del differences
    release = Bank(cases={case: banked(incumbent.scores(case)) for case in incumbent.cases})
    release = Bank(cases={case: each for case, each in release.cases.items() if each.trials})
    scores = {case: candidate.scores(case) for case in candidate.cases}
    weighed = weigh_no_worse(release, scores, asked.margin, no_worse_level(asked.level))
    return show_no_worse(weighed, asked)


def no_worse_level(allowed: float) -> float:
    """The error of a claim to be no worse: never more than such claims may err."""
    return min(allowed, LEVEL)


def show_no_worse(weighed: NoWorse, asked: Asked) -> Shown:
    """What trials against the last release show."""
    told = {
        "proven": f"it loses less than {asked.margin:.0%} against the last release",
        "futile": f"it loses more than half of the {asked.margin:.0%} that it may",
        "out of trials": _told_of_wanted(weighed, asked.margin),
        "bank too thin": _told_of_thin(weighed),
    }
    return Shown(
        is_shown=weighed.ended == "proven",
        is_refuted=weighed.ended == "futile",
        told=told[weighed.ended],
        wealth=weighed.wealth,
        needed=2 / no_worse_level(asked.level),
        path=weighed.path,
        margin_left=weighed.margin_left,
    )


def _told_of_wanted(weighed: NoWorse, margin: float) -> str:
    """What would settle a claim that was tried and not shown."""
    claimed = f"that it loses less than {margin:.0%}"
    if weighed.wanted is None:
        return f"no number of trials like these would show {claimed}: they come to {weighed.difference or 0:+.1%}"
    more = weighed.wanted - weighed.trials
    return (
        f"{weighed.trials} trials do not show {claimed}; about {more} more like these would, of these cases or "
        "of more"
    )


def _told_of_thin(weighed: NoWorse) -> str:
    told = "the last release has too few trials to be compared with"
    if not weighed.release_times:
        return told
    return f"{told}: about {weighed.release_times} times as many a case, or as many cases, would do"


def with_saving(shown: Shown, asked: Asked, savings: Sequence[Saving]) -> Shown:
    """No worse is worth something only where it saves something.

    Where no column was named any will do, and each has to show so much the more.
    """
    columns = [each for each in savings if asked.saving in ("", each.column)]
    shows = [each for each in columns if each.is_saved and each.saved >= len(columns) / asked.level]
    if shows:
        falls = (
            f"{each.column} falls from {each.before:.4g} to {each.after:.4g}" for each in shows
        )
        return replace(shown, told=f"{shown.told}; {', '.join(falls)}")
    lacking = f"no saving of {asked.saving or 'anything'} is shown"
    told = lacking if shown.is_shown else f"{shown.told}; {lacking}"
    return replace(shown, is_shown=False, told=told)


def _show_equivalent(
    incumbent: Table,
    candidate: Table,
    asked: Asked,
    differences: Draws,
) -> Shown:
    """Every trial has the outcome, and where it is told the effects, of the incumbent's of its name."""
    del asked, differences
    compared, other = 0, []
    for case, trials in candidate.cases.items():
        by_name = {each.trial: each for each in incumbent.cases.get(case, ())}
        for trial in trials:
            before = by_name.get(trial.trial)
            if before is None or trial.score is None or before.score is None:
                continue
            compared += 1
            if (trial.score, trial.rest.get("effects")) != (
                before.score,
                before.rest.get("effects"),
            ):
                other.append(f"{case} trial {trial.trial}")
    expected = max(incumbent.trials, candidate.trials)
    told = f"every one of {compared} trials comes to the same"
    if other:
        told = f"it comes to something else: {', '.join(other[:10])}"
    elif compared < expected or not compared:
        told = f"only {compared} of {expected} trials can be compared"
    return Shown(
        is_shown=not other and 0 < compared == expected,
        is_refuted=bool(other),
        told=told,
    )


def _nothing_to_show(told: str) -> "Show":
    """Of a claim that nothing is gained: what works is guarded, as of every claim."""

    def show(incumbent: Table, candidate: Table, asked: Asked, differences: Draws) -> Shown:
        del incumbent, candidate, asked, differences
        return Shown(is_shown=True, is_refuted=False, told=told)

    return show


Show = Callable[[Table, Table, Asked, Draws], Shown]
SHOWN: Mapping[Kind, Show] = {
    "better": _show_better,
    "no_worse_and_cheaper": _show_no_worse,
    "equivalent": _show_equivalent,
    "restore": _nothing_to_show(RESTORED),
    "no_regression": _nothing_to_show(UNBROKEN),
}


def gain_over(draws: Draws) -> tuple[float | None, tuple[float, float] | None]:
    """Return the mean gain over all draws of pairs, and its 95 % interval."""
    cases = draws[0] if draws else {}
    return mean_gain({case: [each for draw in draws for each in draw[case]] for case in cases})


def _gain(draws: Draws) -> float:
    means = [sum(each) / len(each) for draw in draws for each in draw.values() if each]
    return sum(means) / len(means) if means else 0.0


def _would_show(pairs: int, asked: Asked) -> bool:
    """True where so many pairs would have shown the gain that the proposal expects."""
    up = min(0.98, asked.gain + (1 - asked.gain) / 8)
    down = up - asked.gain
    growth = max(up * math.log(1 + bet) + down * math.log(1 - bet) for bet, _ in BETS)
    return growth > 0 and pairs * growth >= _SLACK * (math.log(1 / asked.level) + 1)


def banked(scores: Sequence[float]) -> Banked:
    """Some scores of a case, counted."""
    return Banked(sum(scores), len(scores))
