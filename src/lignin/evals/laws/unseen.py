"""What a guard by representatives may have missed: of each mode, the chance that a break stays unseen. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json
from lignin.evals.laws.bank import NOTHING, Belief
from lignin.evals.laws.breaks import Cases, missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A mode of several cases that works: how many it has, and how many the candidate was tried on.

    Args:
        one: The chance that a break of one of its cases alone, whichever, would have done as well.
        all: The same of a break of all of them.
    """

    mode: str
    cases: int
    tried: int
    one: float
    all: float

    def to_json(self) -> dict[str, Json]:
        return {
            "mode": self.mode,
            "cases": self.cases,
            "tried": self.tried,
            "one_unseen": round(self.one, 4),
            "all_unseen": round(self.all, 4),
        }


def find_unseen(
    mode: str, cases: Sequence[str], counts: Cases, share: float, suite: Belief
) -> Unseen:
    """Return what trials of some cases of a mode leave unseen.

    Args:
        counts: Trials of both systems, by case.
        share: The share of its rate that a broken case passes.
    """
    both = [counts.get(case, (NOTHING, NOTHING)) for case in cases]
    chances = [missed({"": each}, share, suite) if each[1].trials else 1.0 for each in both]
    return Unseen(
        mode=mode,
        cases=len(cases),
        tried=sum(after.trials > 0 for _, after in both),
        one=sum(chances) / len(chances),
        all=math.prod(chances),
    )


def told_of_unseen(modes: Sequence[Mapping[str, Any]]) -> str:
    """What modes may hide, by `Unseen.to_json`, in words; nothing where there are none."""
    if not modes:
        return ""
    worst = max(modes, key=lambda each: (each["one_unseen"], each["mode"]))
    whole = max(each["all_unseen"] for each in modes)
    tried, cases = sum(each["tried"] for each in modes), sum(each["cases"] for each in modes)
    return (
        f"{tried} of the {cases} cases of {len(modes)} modes were tried: a break of one case alone stays unseen "
        f"with a chance of up to {worst['one_unseen']:.2f} ({worst['mode']}: {worst['tried']} of "
        f"{worst['cases']} tried), one of a whole mode of up to {whole:.2f}"
    )
