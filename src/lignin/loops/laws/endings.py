"""What a run that ends leaves in the inbox beside what it found. Pure."""

from collections.abc import Mapping, Sequence

from lignin.domain.codec import Json
from lignin.domain.loops import Loop
from lignin.loops.laws.answers import MAX_TEXT_CHARS, Finding

SHORT: Mapping[str, str] = {
    "iterations": "raise stop.iterations",
    "no progress": "look at what it tried, and say more in its goal or prompt",
    "budget": "raise stop.budget or stop.daily",
}
"""Why a closed loop stops that has not reached its goal, and what a person can do about it."""
MOST_TRIED = 10


def is_short(loop: Loop, why: str) -> bool:
    """Whether a run that ended so was to reach a goal and did not."""
    return loop.shape == "closed" and why in SHORT


def short_of_goal(
    loop: Loop, key: str, why: str, told: str, iterations: Sequence[Mapping[str, Json]]
) -> Finding:
    """That a closed loop stopped without its goal, with what was tried and what is open.

    Args:
        key: What makes it the same the next time.
        why, told: Why it stopped, and in words.
        iterations: What they came to, whole, in order.
    """
    tried = [_tried(number, each) for number, each in enumerate(iterations, start=1)]
    cut = len(tried) - MOST_TRIED
    before = (f"{cut} iterations before these",) if cut > 0 else ()
    return Finding(
        key=f"no goal: {key}",
        title=f"stopped without reaching its goal: {told}"[:200],
        evidence=(f"open: {loop.goal}"[:MAX_TEXT_CHARS], *before, *tried[-MOST_TRIED:]),
        proposed=f"{SHORT[why]}, or do the rest by hand; `lignin loop history {loop.name}` has its runs",
    )


def gate_in_doubt(loop: Loop, key: str, why: str) -> Finding:
    """That a run ended at a gate whose checker could not say, which is neither a pass nor a refusal.

    Args:
        key: What makes it the same the next time.
        why: What the checker said, or what stood in its way.
    """
    return Finding(
        key=f"gate in doubt: {key}",
        title="a checker of its gate could not say, and the run ended there",
        evidence=(why[:MAX_TEXT_CHARS] or "it said nothing",),
        proposed="look at what was made, mend the checker, and start the loop again; "
        f"`lignin loop history {loop.name}` has its runs",
    )


def _tried(number: int, iteration: Mapping[str, Json]) -> str:
    said = "; ".join(
        f"{name}{iteration[key]}"
        for key, name in (("note", ""), ("why", "not passed: "), ("open", "goal: "))
        if iteration.get(key)
    )
    return f"iteration {number}: {said or 'it said nothing'}"[:MAX_TEXT_CHARS]


def left_branch(loop: Loop, branch: str, base: str) -> Finding:
    """That a run's work is there to be looked at."""
    return Finding(
        key=f"branch {branch}",
        title=f"what {loop.name} made is on the branch {branch}"[:200],
        evidence=(f"begun at {base}",),
        proposed=f"`git diff {base[:12]}...{branch}`, then merge the branch or delete it",
    )
