"""Rubrics: by what a judge scores a run where no check can tell, and how its verdict is read.

A rubric is its content: another word is another version, and scores of two versions are never compared. A
verdict is taken strictly or not at all, since what is judged may hold text that looks like one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from lignin.domain.codec import Digest, Json, digest_json, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError
from lignin.domain.names import require_name

FORMAT = "lignin.rubric/1"
RUBRIC_GRADER = "rubric:"
"""What the grader of a trial begins with that a judge scored."""
USUAL_SCALE = ("fail", "pass")
MAX_CRITERIA, MAX_LEVELS, MAX_CHARS = 50, 21, 8000
MAX_REASON_CHARS = 2000
_DIGITS = 16
_HINT = "rubric: NAME, question, criteria: [{name, says}], scale: labels from the worst to the best"
Side = Literal["first", "second", "neither"]
SIDES: tuple[Side, ...] = ("first", "second", "neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing that is looked at."""

    name: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One step of a scale; `score` from 0 to 1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rubric:
    """What is asked of a run, and the labels it may get, from the worst to the best."""

    name: str
    question: str
    criteria: tuple[Criterion, ...]
    scale: tuple[Level, ...]

    @property
    def digest(self) -> Digest:
        """Its version."""
        return digest_json(self.to_json())

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, from the worst to the best."""
        return tuple(level.label for level in self.scale)

    @property
    def scores(self) -> tuple[float, ...]:
        """The score of each label."""
        return tuple(level.score for level in self.scale)

    def place(self, label: str) -> int:
        """Which label of the scale it is, from 0.

        Raises:
            InvalidRequestError: The scale has no such label.
        """
        if label not in self.labels:
            raise InvalidRequestError(
                f"{label!r:.80} is no label of {self.name}", hint=f"one of {', '.join(self.labels)}"
            )
        return self.labels.index(label)

    def to_json(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "rubric": self.name,
            "question": self.question,
            "criteria": [{"name": each.name, "says": each.says} for each in self.criteria],
            "scale": [{"label": level.label, "score": level.score} for level in self.scale],
        }


def grader_of(rubric: Rubric, judge: str, judge_digest: Digest) -> str:
    """The grader that a trial is scored by: rubric and judge, each with its version."""
    word = "".join(each if each.isalnum() or each in "._:-" else "-" for each in judge)[:60]
    return f"{RUBRIC_GRADER}{rubric.name}@{_digits(rubric.digest)}/judge:{word}@{_digits(judge_digest)}"


def parse_rubric(value: Any) -> Rubric:
    """Read a rubric: as a person writes it, or its JSON.

    `scale` is a list of labels, evenly spaced, a mapping of labels to scores, or levels of label and score.

    Raises:
        InvalidRequestError: It is none.
    """
    if not isinstance(value, Mapping):
        raise InvalidRequestError("a rubric is an object", hint=_HINT)
    if unknown := sorted(
        set(map(str, value)) - {"format", "rubric", "question", "criteria", "scale"}
    ):
        raise InvalidRequestError(f"a rubric has no {', '.join(unknown)[:200]}", hint=_HINT)
    if value.get("format", FORMAT) != FORMAT:
        raise InvalidRequestError(f"not of the form {FORMAT}", hint=_HINT)
    criteria = value.get("criteria") or []
    if not isinstance(criteria, list) or len(criteria) > MAX_CRITERIA:
        raise InvalidRequestError(f"criteria are a list of at most {MAX_CRITERIA}", hint=_HINT)
    return Rubric(
        name=require_name("rubric", _text(value.get("rubric"), "rubric")),
        question=_text(value.get("question"), "question"),
        criteria=tuple(map(_criterion, criteria)),
        scale=_scale(value.get("scale") or list(USUAL_SCALE)),
    )


def parse_verdict(rubric: Rubric, said: bytes | str) -> tuple[Level, str] | str:
    """Read a judge's verdict: the level and the reason, or what keeps it from being one.

    All that was said must be one JSON object of `label`, or `score`, and `reason`. Nothing is searched for in
    text around it.
    """
    value = _object(said, {"label", "score", "reason"})
    if isinstance(value, str):
        return value
    given = [name for name in ("label", "score") if value.get(name) is not None]
    if len(given) != 1:
        return "a verdict has either a label or a score"
    wanted = value[given[0]]
    if given[0] == "label":
        found = [level for level in rubric.scale if level.label == wanted]
    elif isinstance(wanted, bool) or not isinstance(wanted, int | float):
        found = []
    else:
        found = [level for level in rubric.scale if abs(level.score - wanted) < 1e-6]
        if not all(_is_word(label) for label in rubric.labels):
            return "the labels of this scale are numbers: a label is needed"
    if not found:
        return f"the scale has no {given[0]} {str(wanted)[:60]!r}"
    return found[0], value["reason"]


def parse_choice(said: bytes | str) -> tuple[Side, str] | str:
    """Read which of two runs a judge holds for better, and why, or what keeps it from being read."""
    value = _object(said, {"better", "reason"})
    if isinstance(value, str):
        return value
    better = value.get("better")
    if better not in SIDES:
        return f"better is one of {', '.join(SIDES)}"
    return better, value["reason"]


def _object(said: bytes | str, known: set[str]) -> dict[str, Json] | str:
    try:
        value = parse_json(said)
    except CodecError:
        return "what it said is not one JSON object"
    if not isinstance(value, dict):
        return "what it said is not one JSON object"
    if unknown := sorted(set(value) - known):
        return f"a verdict has no {', '.join(unknown)[:100]}"
    reason = value.get("reason") or ""
    if not isinstance(reason, str):
        return "a reason is text"
    return {**value, "reason": reason[:MAX_REASON_CHARS]}


def _criterion(value: Any) -> Criterion:
    if isinstance(value, str):
        return Criterion(name="", says=_text(value, "a criterion"))
    if not isinstance(value, Mapping) or set(value) - {"name", "says"}:
        raise InvalidRequestError("a criterion is text, or {name, says}", hint=_HINT)
    name = str(value.get("name") or "")[:100]
    return Criterion(name=name, says=_text(value.get("says"), "a criterion"))


def _scale(value: Any) -> tuple[Level, ...]:
    if isinstance(value, Mapping):
        levels = [(label, score) for label, score in value.items()]
    elif isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
        levels = [(each.get("label"), each.get("score")) for each in value]
    elif isinstance(value, list):
        levels = [(label, place / max(1, len(value) - 1)) for place, label in enumerate(value)]
    else:
        levels = []
    if not 2 <= len(levels) <= MAX_LEVELS:
        raise InvalidRequestError(f"a scale has 2 to {MAX_LEVELS} labels", hint=_HINT)
    scale = tuple(_level(label, score) for label, score in levels)
    if len({level.label for level in scale}) < len(scale):
        raise InvalidRequestError("labels of a scale are there twice", hint=_HINT)
    if any(one.score >= next_.score for one, next_ in pairwise(scale)):
        raise InvalidRequestError(
            "the scores of a scale rise, from the worst to the best", hint=_HINT
        )
    return scale


def _level(label: Any, score: Any) -> Level:
    if isinstance(label, bool):
        label = "yes" if label else "no"  # as YAML reads those words
    if not isinstance(label, str | int | float) or not str(label).strip() or len(str(label)) > 60:
        raise InvalidRequestError(f"{label!r:.80} is no label", hint=_HINT)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise InvalidRequestError(f"the score of {label} is not from 0 to 1", hint=_HINT)
    return Level(label=str(label).strip(), score=round(float(score), 9))


def _is_word(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return True
    return False


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_CHARS:
        raise InvalidRequestError(
            f"{what} is missing, or no text of at most {MAX_CHARS} characters", hint=_HINT
        )
    return value.strip()


def _digits(digest: Digest) -> str:
    return digest.removeprefix("sha256:")[:_DIGITS]
