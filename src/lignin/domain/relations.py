"""Checks of cases that nobody knows the right answer of: relations between the outcomes of runs. Pure.

A metamorphic relation is between two runs of one system on related inputs (asked in another order, with other
names, with larger figures, once more), a differential one between two systems on the same input. What they find is
that something is wrong, never that it is right: whoever always says the same keeps most of them.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lignin.domain.cases import Attempt
from lignin.domain.codec import Json
from lignin.domain.effects import canonical, effect_of_call, figures_in
from lignin.domain.errors import InvalidRequestError
from lignin.domain.judging import Judged

How = Literal["same", "permuted", "renamed", "scaled", "repeated", "agrees"]
"""What is related: nothing that matters differs, the order does, names, figures; the very same is asked again; or
another system is asked the same (the one that is differential)."""
Compared = Literal["answer", "figures", "changes"]
VERSION = "1"
"""To be raised with any change of what relations come to."""
MAX_RELATIONS = 20
MAX_NAMES = 100
_KEYS = frozenset({"how", "name", "input", "on", "names", "factor"})
_NEEDS_NO_INPUT = ("repeated", "agrees")
_SHOWN_CHARS = 80
_ITEM = re.compile(r"[^\s,;]+")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One relation of a case, as it is declared.

    Args:
        name: What people call it.
        input: The related input, in place of the case's; None where the same is asked.
        on: What has to keep it: the final answer, the figures that are said, or the changes that are made.
        names: Of "renamed": names of the case's input to those of the related one.
        factor: Of "scaled": by which every number of the outcome grows.
    """

    how: How
    name: str
    input: Json = None
    on: Compared = "answer"
    names: Mapping[str, str] = field(default_factory=dict)
    factor: float = 1.0

    @property
    def is_differential(self) -> bool:
        return self.how == "agrees"


def grader_of(relations: Sequence[Relation], reference: str) -> str:
    """What judges by some relations, with its version and the system that is agreed with, if one is."""
    kinds = sorted({"differential" if r.is_differential else "metamorphic" for r in relations})
    return f"{'+'.join(kinds)}/{VERSION}" + (f" {reference}" if "differential" in kinds else "")


def basis_of_grader(grader: str) -> str:
    """What a grader by relations rests on; "" of any other."""
    kinds = grader.partition("/")[0]
    return kinds if {*kinds.split("+")} <= {"metamorphic", "differential"} else ""


def parse_relations(value: Json, case: str) -> tuple[Relation, ...]:
    """Read the relations that a case declares.

    Raises:
        InvalidRequestError: One is none; the message says which and why.
    """
    if not isinstance(value, list) or not 0 < len(value) <= MAX_RELATIONS:
        raise _fault(case, f"relations are a list of 1 to {MAX_RELATIONS}")
    return tuple(_parsed(each, f"{case}, relation {n}") for n, each in enumerate(value, start=1))


def _parsed(value: Json, where: str) -> Relation:
    if not isinstance(value, Mapping) or not set(value) <= _KEYS:
        raise _fault(where, f"it is an object of {', '.join(sorted(_KEYS))}")
    how, on, names = value.get("how"), value.get("on", "answer"), value.get("names", {})
    if how not in get_args(How) or on not in get_args(Compared):
        told = (
            f"how is one of {', '.join(get_args(How))}, on one of {', '.join(get_args(Compared))}"
        )
        raise _fault(where, told)
    given = value.get("input")
    if (given in (None, "", [])) != (how in _NEEDS_NO_INPUT):
        needs = "asks the same and has no input" if how in _NEEDS_NO_INPUT else "needs an input"
        raise _fault(where, f"{how} {needs}")
    if given is not None and not _is_said(given):
        raise _fault(where, "an input is a text, or a list of texts")
    _require_names(how, names, where)
    factor = value.get("factor", 1.0)
    if (how == "scaled") != ("factor" in value) or not _is_factor(factor):
        raise _fault(where, "scaled, and nothing else, has a factor, which is a number and not 0")
    if how == "scaled" and on == "changes":
        raise _fault(where, "scaled compares the answer or the figures")
    name = value.get("name", how)
    if not isinstance(name, str) or not name:
        raise _fault(where, "a name is a text")
    return Relation(how=how, name=name, input=given, on=on, names=dict(names), factor=float(factor))  # type: ignore[arg-type]


def _require_names(how: Any, names: Any, where: str) -> None:
    is_map = isinstance(names, Mapping) and len(names) <= MAX_NAMES
    if not is_map or not all(isinstance(v, str) and v and k for k, v in names.items()):
        raise _fault(where, f"names are at most {MAX_NAMES} texts to texts")
    if (how == "renamed") != bool(names):
        raise _fault(where, "renamed, and nothing else, has names")


def _is_said(value: Json) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def _is_factor(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and value != 0


def _fault(where: str, told: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{where}: {told}", hint="docs/reference/case-format.md has the form of relations"
    )


def judge_relation(relation: Relation, base: Attempt, related: Attempt) -> Judged:
    """Return whether the outcomes of two runs keep a relation.

    Args:
        base: The run of the case's own input, by the system that is judged.
        related: That of the related input, or of the other system.
    """
    if relation.how == "scaled":
        return _judge_scaled(relation, base, related)
    one, other = (_value(relation, each) for each in (base, related))
    if relation.on == "answer" and not (base.answer.strip() and related.answer.strip()):
        return Judged(verdict="inconclusive", reasons=(f"{relation.name}: no final answer",))
    if relation.how == "renamed":
        one = _value(relation, base, relation.names)
    if one == other:
        return Judged(verdict="pass")
    return _broken(relation, _shown(relation, base), _shown(relation, related))


def _value(relation: Relation, came: Attempt, names: Mapping[str, str] | None = None) -> Any:
    """What is compared, in a form in which equal means the same."""
    rename = _renaming(names or {})
    if relation.on == "figures":
        return figures_in(rename(came.words.lower()))
    if relation.on == "changes":
        made = (effect_of_call(c.tool, c.arguments) for c in came.calls if c.changes and c.worked)
        return Counter(rename(repr(each).lower()) for each in made)
    answer = rename(came.answer.lower())
    if relation.how == "permuted":
        whole = canonical(answer)
        return Counter(_ITEM.findall(answer)) if isinstance(whole, str) else whole
    return canonical(answer)


def _renaming(names: Mapping[str, str]) -> Any:
    """Replaces all names at once, whole words only: two may change places."""
    known = {old.lower(): new.lower() for old, new in names.items()}
    if not known:
        return lambda text: text
    words = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
    return lambda text: pattern.sub(lambda found: known[found.group()], text)


def _judge_scaled(relation: Relation, base: Attempt, related: Attempt) -> Judged:
    one, other = (_numbers(relation, each) for each in (base, related))
    if not one or not other:
        return Judged(verdict="inconclusive", reasons=(f"{relation.name}: no number",))
    wanted = sorted(each * relation.factor for each in one)
    is_kept = len(wanted) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
        for a, b in zip(wanted, sorted(other), strict=True)
    )
    if is_kept:
        return Judged(verdict="pass")
    return _broken(relation, _shown(relation, base), _shown(relation, related))


def _numbers(relation: Relation, came: Attempt) -> list[float]:
    text = came.answer if relation.on == "answer" else came.words
    found = {each.replace(",", "") for each in _NUMBER.findall(text)}
    return [float(each) for each in found]


def _shown(relation: Relation, came: Attempt) -> str:
    if relation.on == "changes":
        return f"{sum(1 for c in came.calls if c.changes and c.worked)} changes"
    text = came.answer if relation.on == "answer" else ", ".join(sorted(figures_in(came.words)))
    return repr(text[:_SHOWN_CHARS])


def _broken(relation: Relation, one: str, other: str) -> Judged:
    against = "the other system" if relation.is_differential else "the related input"
    by = f" by {relation.factor:g}" if relation.how == "scaled" else ""
    told = f"{relation.name} ({relation.how}{by}, {relation.on}): {one}, and {other} for {against}"
    return Judged(verdict="fail", reasons=(told,))


def judge_relations(judged: Sequence[Judged]) -> Judged:
    """Put the verdicts on all relations of a case together: one that is broken decides."""
    reasons = tuple(reason for each in judged for reason in each.reasons)
    verdicts = {each.verdict for each in judged}
    if "fail" in verdicts:
        broken = tuple(r for each in judged if each.verdict == "fail" for r in each.reasons)
        return Judged(verdict="fail", reasons=broken)
    if "inconclusive" in verdicts or not judged:
        return Judged(verdict="inconclusive", reasons=reasons)
    return Judged(verdict="pass")
