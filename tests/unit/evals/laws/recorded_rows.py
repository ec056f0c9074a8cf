"""Recorded trials of 40 cases, to be decided on."""

import random
from collections import Counter
from typing import Any

from lignin.evals.laws.claims import Asked
from lignin.evals.laws.recorded import Verdict, decide_recorded
from lignin.evals.laws.table import parse_table

Row = dict[str, Any]
TARGET = tuple(f"c{number}" for number in range(8))


def rows(seed: int, target: float = 0.1, others: float = 0.97, trials: int = 10) -> list[Row]:
    """Trials of 40 cases, of which the first eight pass at another rate."""
    rng = random.Random(seed)
    return [
        {"case": f"c{case}", "trial": trial, "score": int(rng.random() < rate)}
        for case in range(40)
        for rate in (target if case < 8 else others,)
        for trial in range(trials)
    ]


OLD, NEW = rows(1), rows(2, target=0.95)


def decide(old: list[Row], new: list[Row], **asked: Any) -> Verdict:
    return decide_recorded(parse_table(old), parse_table(new), Asked(target=TARGET, **asked))


def renumbered(given: list[Row], *, wins_first: bool) -> list[Row]:
    """The rows, numbered anew within each case by how they went."""
    ordered = sorted(given, key=lambda row: row["score"], reverse=wins_first)
    numbers: Counter[str] = Counter()
    found = []
    for row in ordered:
        found.append({**row, "trial": numbers[row["case"]]})
        numbers[row["case"]] += 1
    return found


def priced(rows_: list[Row], cost: float) -> list[Row]:
    return [{**row, "cost_usd": cost * (1 + (row["trial"] % 3) / 10)} for row in rows_]


def claimed(old: list[Row], new: list[Row], **asked: Any) -> Verdict:
    return decide_recorded(parse_table(old), parse_table(new), Asked(**asked))


def sound(seed: int, loss: float = 0.0) -> list[Row]:
    """Trials of 40 sound cases that lose a part of their mean score."""
    return rows(seed, target=0.98 - 5 * loss, others=0.98, trials=40)
