"""Recorded outcomes of seven systems on 80 tasks, and verdicts on draws of one against itself."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from lignin.evals.laws.claims import Asked
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import Table, parse_table

OUTCOMES = Path(__file__).resolve().parents[2] / "shared/data/terminal_bench_outcomes.jsonl.gz"


def recorded_systems() -> dict[str, dict[str, list[float]]]:
    systems: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(OUTCOMES, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            systems[row["system"]][row["task_id"]].append(float(row["resolved"]))
    return systems


def a_a_verdict(
    tasks: Mapping[str, Sequence[float]], trials: int, is_aimed: bool, seed: str
) -> str:
    rng = random.Random(seed)
    old, new = _drawn(tasks, trials, rng), _drawn(tasks, trials, rng)
    failing = [case for case in old.cases if sum(old.scores(case)) <= trials / 2]
    target = tuple(rng.sample(failing, 8)) if is_aimed else ()
    return decide_recorded(old, new, Asked(target=target)).verdict


def _drawn(tasks: Mapping[str, Sequence[float]], trials: int, rng: random.Random) -> Table:
    return parse_table(
        {"case": case, "trial": trial, "score": rng.choice(scores)}
        for case, scores in tasks.items()
        for trial in range(trials)
    )
