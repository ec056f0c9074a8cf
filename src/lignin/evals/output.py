"""Reading what a system under test left: its run, its last words, or a score that it gave itself. Pure.

Lines that are JSON objects are looked at: one with `lignin_run` is its run, one with `score` or
`resolved` a score. All other text is what it said. Nothing here believes anything.
"""

import json
from dataclasses import dataclass
from typing import Any

from lignin.domain.trials import TrialKind

RUN = "lignin_run"
_SCORES = ("score", "resolved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a system left.

    Args:
        run: Its run, as one JSON object in the `lignin_run` form; empty without one.
        words: What it said beside it.
        score: The score it gave itself, from 0 to 1; None without one.
        fault: What keeps it from being read, if anything does.
    """

    run: bytes = b""
    words: str = ""
    score: float | None = None
    fault: TrialKind | None = None

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
    scores = [each for each in found if RUN not in each and _is_known(each)]
    if len(runs) > 1 or len(scores) > 1:
        return Output(words="\n".join(words), fault="several_runs")
    if whole is not None and not runs and not scores:
        words = [text]
    score, fault = _score(scores[0]) if scores else (None, None)
    run = json.dumps(runs[0]).encode() if runs else b""
    return Output(run=run, words="\n".join(words), score=score, fault=fault)


def _object(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_known(value: dict[str, Any]) -> bool:
    return RUN in value or any(name in value for name in _SCORES)


def _score(value: dict[str, Any]) -> tuple[float | None, TrialKind | None]:
    told = [value[name] for name in _SCORES if value.get(name) is not None]
    if not told or any(not isinstance(each, bool | int | float) for each in told):
        return None, "not_a_score"
    if not all(0 <= each <= 1 for each in told):  # NaN is neither
        return None, "not_a_score"
    return float(told[0]), None
