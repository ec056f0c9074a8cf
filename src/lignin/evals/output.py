"""Reading what a system under test left: its run, its last words, or a score that it gave itself. Pure.

Lines that are JSON objects are looked at: one with `lignin_run` is its run, one with `score` or
`resolved` a score. What it cost stands beside the score (`cost_usd` or `cost_microusd`, `tokens`,
`context_tokens`), or in an object of its own, `{"lignin_usage": {...}}`. All other text is what it said.
Nothing here believes anything.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lignin.domain.trials import TrialKind
from lignin.evals.laws.table import SCORES, score_of

RUN = "lignin_run"
USAGE = "lignin_usage"
MICROUSD = "cost_microusd"
_COUNTED = {"cost_usd": 1e6, MICROUSD: 1, "tokens": 1, "context_tokens": 1}
"""What a run may tell of its cost, and by what it is multiplied to be counted in whole numbers."""
_MOST_COUNTED = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a system left.

    Args:
        run: Its run, as one JSON object in the `lignin_run` form; empty without one.
        words: What it said beside it.
        score: The score it gave itself, from 0 to 1; None without one.
        fault: What keeps it from being read, if anything does.
        usage: What it says it cost: `cost_microusd`, `tokens`, `context_tokens`, as far as it does.
    """

    run: bytes = b""
    words: str = ""
    score: float | None = None
    fault: TrialKind | None = None
    usage: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True where it left nothing at all."""
        return not self.run and not self.words and self.score is None


def read_output(said: bytes) -> Output:
    """Read what a system wrote."""
    text = said.decode("utf-8", errors="replace")
    whole = _object(text)
    found = [whole] if whole is not None else []
    words: list[str] = []
    for line in text.splitlines() if whole is None else ():
        value = _object(line)
        if value is not None and _is_known(value):
            found.append(value)
        elif line.strip():
            words.append(line)
    runs = [each for each in found if RUN in each]
    scores = [each for each in found if RUN not in each and any(n in each for n in SCORES)]
    if len(runs) > 1 or len(scores) > 1:
        return Output(words="\n".join(words), fault="several_runs")
    if whole is not None and not _is_known(whole):
        words = [text]
    score, fault = _score(scores[0]) if scores else (None, None)
    run = json.dumps(runs[0]).encode() if runs else b""
    usage = _usage([*scores, *(each[USAGE] for each in found if USAGE in each)])
    if usage is None:
        fault = fault or "not_a_cost"
    return Output(run=run, words="\n".join(words), score=score, fault=fault, usage=usage or {})


def _object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_known(value: dict[str, Any]) -> bool:
    return any(name in value for name in (RUN, USAGE, *SCORES))


def _usage(told: Sequence[Any]) -> dict[str, int] | None:
    """What all that is told comes to: sums, of the context the most; None where something of it is no cost."""
    found: dict[str, int] = {}
    for each in told:
        if not isinstance(each, dict):
            return None
        for name, by in _COUNTED.items():
            value = each.get(name)
            if value is None or (name == "cost_usd" and each.get(MICROUSD) is not None):
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            if not 0 <= value * by <= _MOST_COUNTED:  # NaN is neither
                return None
            column, count = MICROUSD if name == "cost_usd" else name, round(value * by)
            held = found.get(column, 0)
            found[column] = max(held, count) if name == "context_tokens" else held + count
    return found


def _score(value: dict[str, Any]) -> tuple[float | None, TrialKind | None]:
    score = score_of(value)
    if score is None or isinstance(score, str):
        return None, score or "not_a_score"
    return score, None
