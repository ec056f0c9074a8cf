"""Prove that every specimen is what its label says: `python -m tests.corpora.artifacts.check`.

Uses a plain subprocess (see `running`), never a verifier. Prints each label that is not true and
the counts; exits 1 where there is any.
"""

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lignin.domain.examples import split_examples

from . import FAULT_CLASSES, Specimen, load
from .running import HANG, expected, run

LIMIT_S = 10.0
HANG_LIMIT_S = 2.5
REPETITIONS = 20
BATCH = 5


def specimens() -> list[Specimen]:
    """Every specimen of both parts and families."""
    families = [load(part, family) for part in ("open", "held") for family in ("good", "faulty")]
    return [specimen for family in families for specimen in family]


def fault_in_label(specimen: Specimen) -> str | None:
    """What is not true of a specimen's label; None where all is well."""
    judge = {
        None: _judge_good,
        "wrong_output": _judge_wrong,
        "exception": _judge_exception,
        "hang": _judge_hang,
        "hidden_side_effect": _judge_effect,
        "nondeterminism": _judge_chance,
        "overfitted": _judge_overfitted,
    }[specimen.fault_class]
    return judge(specimen)


def _differing(specimen: Specimen, results: list[dict[str, Any]]) -> list[int]:
    pairs = zip(specimen.examples, results, strict=True)
    return [
        number
        for number, (example, result) in enumerate(pairs)
        if not _same(expected(example), result)
    ]


def _same(left: Any, right: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


def _judge_good(specimen: Specimen) -> str | None:
    if not 5 <= len(specimen.examples) <= 12:
        return f"has {len(specimen.examples)} examples"
    wrong = _differing(specimen, run(specimen.tree, specimen.examples, LIMIT_S))
    return f"answers otherwise than recorded: {wrong}" if wrong else None


def _judge_wrong(specimen: Specimen) -> str | None:
    results = run(specimen.tree, specimen.examples, LIMIT_S)
    return None if _differing(specimen, results) else "no recorded example shows the fault"


def _judge_exception(specimen: Specimen) -> str | None:
    errors = specimen.tree.manifest.interface.errors
    results = run(specimen.tree, specimen.examples, LIMIT_S)
    differing = _differing(specimen, results)
    refused = any("error" in results[number] for number in differing)
    if specimen.trigger is not None:
        results += run(specimen.tree, [specimen.trigger], LIMIT_S)
    crashed = [r for r in results if "error" in r and r["error"] not in errors]
    if crashed or refused or (specimen.tree.manifest.kind == "script" and differing):
        return None
    return f"nothing crashes: {results}"


def _judge_hang(specimen: Specimen) -> str | None:
    calls = [specimen.trigger] if specimen.trigger is not None else list(specimen.examples)
    for call in calls:
        if run(specimen.tree, [call], HANG_LIMIT_S) == [HANG]:
            return None
    return "nothing hangs"


def _judge_effect(specimen: Specimen) -> str | None:
    results = run(specimen.tree, specimen.examples, LIMIT_S)
    wrong = _differing(specimen, results)
    if len(wrong) == len(results):
        return f"no answer is right, so nothing is hidden: {results[:1]}"
    return None


def _judge_chance(specimen: Specimen) -> str | None:
    examples = specimen.examples * BATCH
    first = run(specimen.tree, examples, LIMIT_S)
    for _ in range(REPETITIONS):
        if run(specimen.tree, examples, LIMIT_S) != first:
            return None
    return f"{REPETITIONS} repetitions give the same"


def _judge_overfitted(specimen: Specimen) -> str | None:
    visible, held = split_examples(specimen.examples)
    known = {e.digest for e in (specimen.examples if specimen.seen == "all" else visible)}
    wrong = _differing(specimen, run(specimen.tree, specimen.examples, LIMIT_S))
    failing = {specimen.examples[number].digest for number in wrong}
    if failing & known:
        return f"fails on {len(failing & known)} examples that its author knew"
    if specimen.seen != "all" and not failing:
        return f"is right on all {len(held)} held-out examples too"
    return None


def report() -> tuple[list[str], list[str]]:
    """Every false label, and the counts as lines."""
    everything = specimens()
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(fault_in_label, everything))
    faults = [f"{s.name}: {v} ({s.note})" for s, v in zip(everything, verdicts, strict=True) if v]
    lines = [f"good: {sum(s.family == 'good' for s in everything)}"]
    for name in FAULT_CLASSES:
        of_class = [s for s in everything if s.fault_class == name]
        lines.append(f"{name}: {len(of_class)} {dict(Counter(s.difficulty for s in of_class))}")
    return faults, lines


def main() -> int:
    """Print the report; 1 where a label is not true."""
    faults, lines = report()
    print("\n".join(faults + lines))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
