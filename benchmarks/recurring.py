"""How much of what people planted in sessions is found again, and how much else is told.

Recall: planted ones for which there is a candidate of the right kind whose typical wording is one of
theirs. Precision: candidates whose typical wording is a planted one's. Ten sets of sessions.
"""

import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _planted_requests import NAMES, PLANTED, Planted, planted_runs

from lignin.traces.requests.candidates import Candidate, Heard, candidates, person_of
from lignin.traces.requests.turns import turns_of

SEEDS = range(10)


def meant(found: Candidate) -> Planted | None:
    """The planted one that a candidate is, by its wording."""
    for each in PLANTED:
        if found.wording in {way.format(name=name) for way in each.ways for name in NAMES}:
            return each
    return None


def tell(figure: str, value: float, unit: str, bar: float | None, note: str) -> None:
    """Print one figure."""
    print(
        json.dumps(
            {
                "subject": "recurring",
                "figure": figure,
                "value": round(value, 3),
                "unit": unit,
                "baseline": None,
                "ratio": None,
                "bar": "" if bar is None else f"at least {bar}",
                "met": None if bar is None else value >= bar,
                "note": note,
            }
        )
    )


def main() -> None:
    """Print the figures; what was missed or wrong goes to standard error."""
    recall, right, precision, seconds = [], [], [], []
    for seed in SEEDS:
        runs = planted_runs(seed)
        started = time.perf_counter()
        heard = [
            Heard(session=run.session, task="", person=person_of(run.cwd), model="m", turn=turn)
            for run in runs
            for turn in turns_of(run)
        ]
        found = candidates(heard)
        seconds.append(time.perf_counter() - started)
        said = [meant(each) for each in found]
        hit = {each for each in said if each}
        exact = {
            each for each, one in zip(said, found, strict=True) if each and one.kind == each.kind
        }
        recall.append(len(hit) / len(PLANTED))
        right.append(len(exact) / len(PLANTED))
        precision.append(sum(each is not None for each in said) / max(1, len(found)))
        for each in PLANTED:
            if each not in exact:
                print(f"seed {seed}: {each.kind} missed: {each.ways[0]}", file=sys.stderr)
        for one, each in zip(found, said, strict=True):
            if each is None:
                print(f"seed {seed}: told: {one.kind} {one.wording}", file=sys.stderr)
    note = f"{len(SEEDS)} sets of about 220 sessions, {len(PLANTED)} planted in each"
    tell("recall, any kind", statistics.mean(recall), "share", None, note)
    tell("recall, right kind", statistics.mean(right), "share", 0.8, note)
    tell("precision", statistics.mean(precision), "share", 0.8, note)
    tell("time of a set", statistics.median(seconds), "s", None, note)


if __name__ == "__main__":
    main()
