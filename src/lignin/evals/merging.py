"""Which cases are near-duplicates: alike in how runs fail them, and in who does.

Two cases cannot be told apart where every failure signature of the one is one of the other's and no
system passes the one and fails the other. The earlier case stays for both; the later one keeps its
content and stands behind it, on the same side of the held-out split, so that nothing of what is held
out is shown by its double. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.cases import Split
from lignin.domain.ids import drawn

HELD_OUT_SHARE = 0.3
_UNLIKE = 0.5
ENOUGH = 5
"""From so many trials of a system on tells what it came to something about a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """What of a case decides whether it is like another.

    Args:
        keys: Signatures of the failures it was made from, in comparable form.
        vector: Per system (an agent with its model, or one that was tried) how many of its runs, or
            trials, passed, and of how many.
        kind: Live or recorded; cases of different kinds are never alike.
    """

    case: str
    kind: str
    keys: frozenset[str]
    vector: Mapping[str, tuple[int, int]]


def plan_merges(cases: Sequence[Filed]) -> dict[str, str]:
    """Return which case stands behind which.

    Args:
        cases: All cases, those that came first first.
    """
    standing: dict[str, list[Filed]] = {}
    merged: dict[str, str] = {}
    for each in cases:
        key = min(each.keys, default="")
        likes = (other for other in standing.get(key, ()) if is_like(each, other))
        double = next(likes, None)
        if double is not None:
            merged[each.case] = double.case
            continue
        for known in each.keys:
            standing.setdefault(known, []).append(each)
    return merged


def is_like(one: Filed, other: Filed) -> bool:
    """True where a case tells nothing that another does not tell."""
    if one.kind != other.kind or not one.keys or not one.keys <= other.keys:
        return False
    common = one.vector.keys() & other.vector.keys()
    return all(abs(_share(one.vector[s]) - _share(other.vector[s])) < _UNLIKE for s in common)


def outcomes_of(
    trials: Iterable[tuple[str, str, float | None]],
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return, by case, of which systems enough was tried, and how many trials they passed.

    Args:
        trials: Case, system and score of each; one without a score tells nothing.
    """
    scores: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for case, system, score in trials:
        if score is not None:
            scores[case, system].append(score)
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for (case, system), each in scores.items():
        if len(each) >= ENOUGH:
            found.setdefault(case, {})[system] = (round(sum(each)), len(each))
    return found


def split_of(case: str) -> Split:
    """Return on which side of the split a case is born; nobody chooses."""
    return "held_out" if drawn(case) < HELD_OUT_SHARE else "shown"


def _share(counted: tuple[int, int]) -> float:
    passed, runs = counted
    return passed / runs if runs else 0.0
