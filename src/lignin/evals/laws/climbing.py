"""What a campaign does next: which failure mode, who is asked, what is hidden, when it stops. Pure.

Rounds are read as the ledger has them: `mode`, `proposer`, `ended`, `kind`, `outcome`, `step`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lignin.domain.evidence import GateOutcome

Round = Mapping[str, Any]
HIDDEN_SHARE = 0.3
"""Of a suite without a split of its own, so many cases are held out."""
FOR_THE_ROUNDS = 2 / 3
"""Of a budget, the share that the rounds may spend; the rest proves the whole and measures it."""
MOST_FAILURES = 3
"""So often a proposer may break on a mode before it is asked no more."""
PARKED_AFTER = 3
"""After so many times `pivot` refusals in a row a mode waits until nothing else is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """A failure mode as the incumbent shows it now.

    Args:
        mode: Its id, with the place where it lies; `name` says it in words.
        failing: By case, the share of its trials that failed in this mode, above 0 to 1.
        told: What went wrong, by case, in words.
    """

    mode: str
    name: str
    failing: Mapping[str, float]
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def cost(self) -> float:
        """How many trials of a pass through the suite it costs."""
        return sum(self.failing.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a campaign stops; None is no limit.

    Args:
        rounds: So many drafts are tried.
        no_progress: So many refused in a row.
        trials, usd: What may be paid.
        goal: Mean score of the suite, 0 to 1, that is enough.
        pivot: After so many refusals of one kind on a mode another kind is wanted.
    """

    rounds: int = 20
    no_progress: int = 10
    trials: int | None = None
    usd: float | None = None
    goal: float | None = None
    pivot: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was paid so far, and the most that one trial cost."""

    trials: int = 0
    usd: float = 0.0
    most_usd: float = 0.0


def split_shown(
    cases: Sequence[str], held_out: frozenset[str], salt: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The cases of a target that a proposer is shown, and those that are hidden from it.

    Held-out ones are hidden, and so many more that it is half of them, at least one being shown where
    one may be. Which is drawn by hash: nobody chooses.
    """
    may = sorted((name for name in cases if name not in held_out), key=lambda n: _hash(salt, n))
    most = max(1, len(cases) // 2)
    shown = tuple(sorted(may[:most]))
    return shown, tuple(sorted(set(cases) - set(shown)))


def draw_held_out(cases: Sequence[str], salt: str) -> frozenset[str]:
    """The cases to hold out of a suite without a split, by hash; always one of two or more."""
    ranked = sorted(cases, key=lambda name: _hash(salt, name))
    return frozenset(ranked[: max(1, round(HIDDEN_SHARE * len(ranked)))] if ranked[1:] else ())


def _hash(salt: str, name: str) -> str:
    return hashlib.sha256(f"{salt} {name}".encode()).hexdigest()


def next_turn(
    aims: Sequence[Aim], rounds: Sequence[Round], proposers: Sequence[str], pivot: int
) -> tuple[Aim, str] | None:
    """The mode that costs most and still has somebody to ask, and who is asked; None: nobody has more.

    A mode on which too much was refused in a row waits until the others have had their turn.
    """
    said = Counter((r["mode"], r["proposer"], r.get("ended")) for r in rounds)
    done = {
        (mode, name)
        for (mode, name, ended), count in said.items()
        if ended in ("nothing", "refused") or (ended == "failed" and count >= MOST_FAILURES)
    }
    ranked = sorted(aims, key=lambda aim: (-aim.cost, aim.mode))
    ranked.sort(key=lambda aim: _refused_in_a_row(rounds, aim.mode) >= PARKED_AFTER * pivot)
    for aim in ranked:
        asked = Counter(r["proposer"] for r in rounds if r["mode"] == aim.mode)
        left = [name for name in proposers if (aim.mode, name) not in done]
        if left:
            return aim, min(left, key=lambda name: (asked[name], proposers.index(name)))
    return None


def avoided(rounds: Sequence[Round], mode: str, pivot: int) -> frozenset[str]:
    """The kinds of change that were refused too often on a mode."""
    refused = Counter(
        r.get("kind", "")
        for r in rounds
        if r["mode"] == mode and r.get("outcome") not in (None, "accept")
    )
    return frozenset(kind for kind, count in refused.items() if kind and count >= pivot)


def _refused_in_a_row(rounds: Sequence[Round], mode: str) -> int:
    outcomes = [r["outcome"] for r in rounds if r["mode"] == mode and "outcome" in r]
    return _trailing(outcomes)


def _trailing(outcomes: Sequence[str]) -> int:
    count = 0
    for outcome in reversed(outcomes):
        if outcome == "accept":
            break
        count += 1
    return count


def why_stop(rounds: Sequence[Round], limits: Limits, spent: Spent, mean: float | None) -> str:
    """Why a campaign stops before its next round; "" where it goes on."""
    drafted = [r for r in rounds if r.get("ended") == "drafted" and "outcome" in r]
    if limits.goal is not None and mean is not None and mean >= limits.goal:
        return f"goal: the mean score is {mean:.1%}"
    if len(drafted) >= limits.rounds:
        return f"rounds: {limits.rounds} drafts were tried"
    if _trailing([r["outcome"] for r in drafted]) >= limits.no_progress:
        return f"no progress: {limits.no_progress} drafts in a row were not accepted"
    return over_budget(limits, spent, FOR_THE_ROUNDS)


def over_budget(limits: Limits, spent: Spent, share: float = 1.0) -> str:
    """Whether a share of the budget is spent, in words; "" where it is not."""
    if limits.trials is not None and spent.trials >= int(share * limits.trials):
        return f"budget: {spent.trials} of {limits.trials} trials are paid"
    if limits.usd is not None and _is_too_little(share * limits.usd - spent.usd, spent.most_usd):
        more = f", and a trial has cost up to ${spent.most_usd:.4f}" if spent.most_usd else ""
        return f"budget: ${spent.usd:.2f} of ${limits.usd:.2f} are paid{more}"
    return ""


def _is_too_little(left_usd: float, most_usd: float) -> bool:
    """Whether no more trial may be started; in millionths, as money is kept."""
    left = round(left_usd * 1e6)
    return left <= 0 or left < round(most_usd * 1e6)


def without_hidden(reasons: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Reasons in which no hidden case is named."""
    told = []
    for reason in reasons:
        text = reason
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "a case that is not shown")
        told.append(text)
    return tuple(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What came of the drafts of one proposer for one subject."""

    proposer: str
    subject: str
    drafts: int = 0
    accepted: int = 0
    undecided: int = 0
    gain: float = 0.0
    trials: int = 0
    usage: Mapping[str, int] = field(default_factory=dict)
    cost_microusd: int = 0

    @property
    def accept_rate(self) -> float | None:
        """Accepted of those that were judged; None without any."""
        return self.accepted / self.drafts if self.drafts else None


def tally(subject: str, rounds: Sequence[Round]) -> list[Tally]:
    """What a campaign asked, by proposer."""
    asked: dict[str, list[Round]] = {}
    for each in rounds:
        if each.get("ended"):
            asked.setdefault(str(each["proposer"]), []).append(each)
    return [_tally(subject, name, mine) for name, mine in sorted(asked.items())]


def _tally(subject: str, name: str, asked: Sequence[Round]) -> Tally:
    """Of one proposer; what asking took counts where it came to no draft, too."""
    judged = [each for each in asked if "outcome" in each and each["ended"] == "drafted"]
    return Tally(
        proposer=name,
        subject=subject,
        drafts=len(judged),
        accepted=_count(judged, "accept"),
        undecided=_count(judged, "undecided"),
        gain=sum(float(r.get("gain") or 0) for r in judged if r["outcome"] == "accept"),
        trials=sum(int(r.get("trials") or 0) for r in judged),
        usage=added_up(r.get("usage") or {} for r in asked),
        cost_microusd=sum(int(r.get("cost_microusd") or 0) for r in asked),
    )


def added_up(usages: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Tokens by kind, of several asks."""
    total: Counter[str] = Counter()
    for each in usages:
        total.update(each)
    return dict(total)


def _count(rounds: Sequence[Round], outcome: GateOutcome) -> int:
    return sum(r["outcome"] == outcome for r in rounds)
