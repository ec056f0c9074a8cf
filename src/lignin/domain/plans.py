"""Plans: how a task that is asked for in a known form is served by proven routines without a model.

A plan is a line of routines; each parameter of one is a constant, a word of the request, or what an
earlier routine brought back. Forms say which requests it serves, an answer what is said at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lignin.domain.codec import Json, digest_json
from lignin.domain.routines import Constant, Reference, parse_reference

Case = Literal["as said", "upper", "lower"]


@dataclass(frozen=True, slots=True)
class Said:
    """A value that the request names."""

    name: str

    def to_json(self) -> dict[str, Json]:
        return {"said": self.name}


@dataclass(frozen=True, slots=True)
class Brought:
    """A value that a step of an earlier routine brought back; `[*]` in its path is each of a list."""

    use: int
    at: Reference

    def to_json(self) -> dict[str, Json]:
        return {"use": self.use, "brought": str(self.at)}


@dataclass(frozen=True, slots=True)
class Several:
    """A list of values, each from its own source."""

    each: tuple["Source", ...]

    def to_json(self) -> dict[str, Json]:
        return {"several": [source.to_json() for source in self.each]}


Source = Constant | Said | Brought | Several


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in a request that differs from one to the next.

    Args:
        name: The value that it gives; equal names in one form are one value.
        type: `str`, `int` or `float`.
        shapes: How what stands there may be built, and how it is written for the tools.
        words: Plain words that may stand there: of those, only what was seen.
    """

    name: str
    type: str
    shapes: Mapping[str, Case]
    words: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "type": self.type,
            "shapes": dict(self.shapes),
            "words": list(self.words),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One wording of a request: words that are always there, and slots between them."""

    parts: tuple[str | Slot, ...]
    support: int

    def to_json(self) -> dict[str, Json]:
        parts = [part if isinstance(part, str) else part.to_json() for part in self.parts]
        return {"parts": parts, "support": self.support}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedUse:
    """One routine of a plan with where each of its parameters comes from."""

    routine: str
    arguments: Mapping[str, Source]

    def to_json(self) -> dict[str, Json]:
        told = {name: source.to_json() for name, source in self.arguments.items()}
        return {"routine": self.routine, "arguments": told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a tool told in every run that a plan stands on: nothing is changed where it tells another."""

    tool: str
    path: str
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {"tool": self.tool, "path": self.path, "values": list(self.values)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one family of tasks is served.

    Args:
        answer: What is said at the end, in parts; None where that is not explained.
        support: Passing runs that it was mined from.
        proven: Passing runs that it was not mined from, and makes the calls of.
    """

    family: str
    forms: tuple[Form, ...]
    uses: tuple[PlannedUse, ...]
    answer: tuple[str | Source, ...] | None
    seen: tuple[Seen, ...]
    support: int
    proven: int

    @property
    def digest(self) -> str:
        """Digest of all of it."""
        return digest_json(self.to_json())

    def to_json(self) -> dict[str, Json]:
        answer: Json = None
        if self.answer is not None:
            answer = [part if isinstance(part, str) else part.to_json() for part in self.answer]
        return {
            "family": self.family,
            "forms": [form.to_json() for form in self.forms],
            "uses": [use.to_json() for use in self.uses],
            "answer": answer,
            "seen": [seen.to_json() for seen in self.seen],
            "support": self.support,
            "proven": self.proven,
        }


def parse_plan(value: Mapping[str, Any]) -> Plan:
    """Read a plan back from its JSON object."""
    answer = value["answer"]
    return Plan(
        family=value["family"],
        forms=tuple(
            Form(parts=tuple(map(_part, form["parts"])), support=form["support"])
            for form in value["forms"]
        ),
        uses=tuple(
            PlannedUse(
                routine=use["routine"],
                arguments={name: _source(each) for name, each in use["arguments"].items()},
            )
            for use in value["uses"]
        ),
        answer=None
        if answer is None
        else tuple(part if isinstance(part, str) else _source(part) for part in answer),
        seen=tuple(
            Seen(tool=each["tool"], path=each["path"], values=tuple(each["values"]))
            for each in value["seen"]
        ),
        support=value["support"],
        proven=value["proven"],
    )


def _part(value: Any) -> str | Slot:
    if isinstance(value, str):
        return value
    return Slot(
        name=value["name"],
        type=value["type"],
        shapes=dict(value["shapes"]),
        words=tuple(value["words"]),
    )


def _source(value: Mapping[str, Any]) -> Source:
    if "constant" in value:
        return Constant(value["constant"])
    if "said" in value:
        return Said(value["said"])
    if "several" in value:
        return Several(tuple(map(_source, value["several"])))
    return Brought(value["use"], parse_reference(value["brought"]))
