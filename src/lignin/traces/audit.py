"""How much detection misses: a stratified sample of what it did not flag, and what labels say. Pure."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

MISSED = "failure"
_Z = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledRun:
    """A run that nothing flagged; `label` is what was found out about it later."""

    session: str
    stratum: str
    probability: float
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One kind of runs: how many are unflagged, drawn, labelled, and failed after all."""

    name: str
    unflagged: int
    drawn: int
    labelled: int
    missed: int

    @property
    def rate(self) -> float | None:
        """Share of the labelled runs that failed; None without a label."""
        return self.missed / self.labelled if self.labelled else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the rate; None without a label."""
        return wilson(self.missed, self.labelled) if self.labelled else None


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share; `count` is at least 1."""
    share = hits / count
    scale = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / scale
    half = _Z * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)


def draw(runs: Sequence[SampledRun], size: int, seed: str) -> tuple[SampledRun, ...]:
    """Return a sample, spread evenly over the strata, at random by the seed.

    A run's place in the draw depends on itself and the seed only: as runs arrive, the sample
    changes only where a new run is drawn.
    """
    strata: dict[str, list[SampledRun]] = defaultdict(list)
    for run in sorted(runs, key=lambda each: _lot(each.session, seed)):
        strata[run.stratum].append(run)
    drawn: list[SampledRun] = []
    turn = 0
    while len(drawn) < size and any(len(found) > turn for found in strata.values()):
        for name in sorted(strata):
            if len(strata[name]) > turn and len(drawn) < size:
                drawn.append(strata[name][turn])
        turn += 1
    return tuple(sorted(drawn, key=lambda run: (run.stratum, run.session)))


def _lot(session: str, seed: str) -> str:
    return hashlib.sha256(f"{seed}\0{session}".encode()).hexdigest()


def report_misses(
    runs: Sequence[SampledRun], sample: Sequence[SampledRun]
) -> tuple[tuple[Stratum, ...], float | None]:
    """Return what the labels of a sample say about each stratum, and how many runs were missed in
    all (each stratum weighted by its size; None while one of them has no label)."""
    strata = []
    for name in sorted({run.stratum for run in runs}):
        drawn = [run for run in sample if run.stratum == name]
        labelled = [run for run in drawn if run.label is not None]
        strata.append(
            Stratum(
                name=name,
                unflagged=sum(run.stratum == name for run in runs),
                drawn=len(drawn),
                labelled=len(labelled),
                missed=sum(run.label == MISSED for run in labelled),
            )
        )
    rates = [stratum.rate for stratum in strata]
    if not strata or any(rate is None for rate in rates):
        return tuple(strata), None
    return tuple(strata), sum((s.rate or 0.0) * s.unflagged for s in strata)
