"""When a run ends. Pure: over what its iterations came to and what is left of its budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.budgets import Shortfall
from lignin.domain.loops import Loop

Why = Literal["goal reached", "done", "iterations", "no progress", "budget", "refused", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Iterated:
    """What one iteration came to.

    Args:
        mark: What it left, as a digest: the same mark as before is no progress. "" where the action
            did not say and left nothing.
        reached: What the separate checker said of the goal; None where there is none, or it could
            not say.
        passed: Whether its gates let it through; None where one of them could not say.
    """

    mark: str = ""
    reached: bool | None = None
    passed: bool | None = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """That a run ends, and why, in words."""

    why: Why
    told: str


def decide_stop(
    loop: Loop, iterations: Sequence[Iterated], short: Shortfall | None = None
) -> Stopped | None:
    """Return why a run ends before its next iteration, or None where it goes on.

    The goal outweighs every other reason; only the separate checker's word counts, and only on what
    passed the gates. The hard stops hold in any case.

    Args:
        short: What the next iteration would set aside and no budget holds, if so.
    """
    last = iterations[-1] if iterations else None
    if last is not None:
        if loop.shape == "open":
            return Stopped(why="done", told="one pass")
        if last.reached and last.passed:
            return Stopped(why="goal reached", told="the checker says that the goal is reached")
    if len(iterations) >= loop.stop.iterations:
        return Stopped(why="iterations", told=f"{len(iterations)} iterations, the most it may make")
    still = stood_still([each.mark for each in iterations])
    if still >= loop.stop.no_progress:
        return Stopped(why="no progress", told=f"{still} iterations in a row changed nothing")
    if short is not None:
        return Stopped(why="budget", told=str(short))
    return None


def stood_still(marks: Sequence[str]) -> int:
    """How many iterations in a row, up to the last, left nothing that was not there before.

    What comes back to an earlier mark goes round in circles, and is no progress either.
    """
    seen, still = set[str](), 0
    for mark in marks:
        still = 0 if mark and mark not in seen else still + 1
        seen.add(mark)
    return still


def parse_iterated(told: Mapping[str, object]) -> Iterated:
    """Read what an iteration came to from what was filed of it."""
    reached, passed = told["reached"], told["passed"]
    return Iterated(
        mark=str(told["mark"]),
        reached=reached if isinstance(reached, bool) else None,
        passed=passed if isinstance(passed, bool) else None,
    )
