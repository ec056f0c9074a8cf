"""Reading a plan, and what is wrong with one: each fault names its piece. Pure."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from itertools import combinations
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.fleets import Budget, FleetPlan, Piece, PieceGate, PieceKind
from lignin.loops.laws.fleet_surfaces import overlap

MAX_PLAN_BYTES = 2**18
MAX_PIECES = 200
MAX_TOLD = 12
HINT = "docs/how-to/run-a-fleet.md shows a plan with every part"
_NAME = r"[a-z0-9][a-z0-9._-]{0,40}"
_FENCE = re.compile(r"```(?:json|toml)?\s*\n(.*?)```", re.DOTALL)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class _Budget(_Strict):
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    tokens: Annotated[int, Field(ge=1)] | None = None
    microusd: Annotated[int, Field(ge=1)] | None = None


class _Piece(_Strict):
    id: str = Field(pattern=f"^{_NAME}$")
    what: str = Field(min_length=1, max_length=8000)
    needs: list[str] = Field(default_factory=list, max_length=MAX_PIECES)
    kind: PieceKind = "isolated"
    touches: list[str] = Field(default_factory=list, max_length=50)
    checks: list[str] = Field(default_factory=list, max_length=20)
    gate: PieceGate = "checks"
    budget: _Budget = Field(default_factory=_Budget)


class _Plan(_Strict):
    goal: str = Field(min_length=1, max_length=8000)
    pieces: list[_Piece] = Field(min_length=1, max_length=MAX_PIECES)


@cache
def _reader() -> TypeAdapter[_Plan]:
    return TypeAdapter(_Plan)


def parse_plan(raw: bytes) -> FleetPlan:
    """Return the plan that a TOML or JSON text holds; whether it can be run says `faults_of_plan`.

    Raises:
        LimitedError: It is longer than `MAX_PLAN_BYTES`.
        InvalidRequestError: It does not parse, or a part is missing, unknown or malformed.
    """
    if len(raw) > MAX_PLAN_BYTES:
        raise LimitedError(f"a plan of {len(raw)} bytes; at most {MAX_PLAN_BYTES}")
    try:
        text = raw.decode()
        value = json.loads(text) if text.lstrip()[:1] == "{" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"the plan does not parse: {error}", hint=HINT) from None
    try:
        read = _reader().validate_python(value)
    except ValidationError as error:
        told = [_told(value, each) for each in error.errors()]
        raise InvalidRequestError("; ".join(_few(told)), hint=HINT) from None
    return FleetPlan(
        goal=read.goal,
        pieces=tuple(
            Piece(
                **each.model_dump(exclude={"needs", "touches", "checks", "budget"}),
                needs=tuple(each.needs),
                touches=tuple(each.touches),
                checks=tuple(each.checks),
                budget=Budget(**each.budget.model_dump()),
            )
            for each in read.pieces
        ),
    )


def parse_answer(said: str) -> bytes:
    """The plan in what a planner said: its last fenced block, else from the first `{` to the last `}`.

    Raises:
        InvalidRequestError: There is none.
    """
    if blocks := _FENCE.findall(said):
        return str(blocks[-1]).encode()
    start, end = said.find("{"), said.rfind("}")
    if not 0 <= start < end:
        raise InvalidRequestError("the planner's answer has no plan in it", hint=HINT)
    return said[start : end + 1].encode()


def plan_bytes(plan: FleetPlan) -> bytes:
    """A plan as canonical JSON, which `parse_plan` reads."""
    told: dict[str, Json] = asdict(plan)
    return canonical_bytes(told)


def require_plan(plan: FleetPlan) -> FleetPlan:
    """Return a plan that can be run.

    Raises:
        InvalidRequestError: It cannot; every fault is named.
    """
    if faults := faults_of_plan(plan):
        raise InvalidRequestError("; ".join(_few(faults)), hint=HINT)
    return plan


def faults_of_plan(plan: FleetPlan) -> list[str]:
    """What keeps a plan from being run: each with the pieces that it is about."""
    named = [*_faults_of_names(plan)]
    if named:
        return named
    if circle := _cycle(plan):
        return [f"pieces need each other in a circle: {' needs '.join(circle)}"]
    return [*_faults_of_pieces(plan), *_faults_of_surfaces(plan)]


def _faults_of_names(plan: FleetPlan) -> Iterator[str]:
    known = [each.id for each in plan.pieces]
    for name in dict.fromkeys(name for name in known if known.count(name) > 1):
        yield f"two pieces are named {name!r}"
    for piece in plan.pieces:
        for need in piece.needs:
            if need == piece.id:
                yield f"piece {piece.id!r} needs itself"
            elif need not in known:
                yield f"piece {piece.id!r} needs {need!r:.60}, which is no piece of the plan"


def _faults_of_pieces(plan: FleetPlan) -> Iterator[str]:
    for piece in plan.pieces:
        if piece.kind == "judgement":
            if piece.touches or piece.checks:
                yield f"piece {piece.id!r} is a judgement, which touches no file and has no check"
            continue
        if not piece.touches:
            yield f"piece {piece.id!r} says not what it may touch (`touches`)"
        if not any(check.strip() for check in piece.checks):
            yield f"piece {piece.id!r} has no acceptance check (`checks`)"
        for text in (*piece.touches, *piece.checks):
            if not 0 < len(text) <= 1000 or "\0" in text:
                yield f"piece {piece.id!r}: {text!r:.60} is no text of 1 to 1000 characters"
        for path in piece.touches:
            if path.startswith(("/", "./", "../")) or "/../" in path or path.startswith(".git/"):
                yield f"piece {piece.id!r} would touch {path!r:.60}: paths in the repository only"


def _faults_of_surfaces(plan: FleetPlan) -> Iterator[str]:
    near = {each.id: plan.before(each.id) for each in plan.pieces}
    for one, other in combinations(plan.pieces, 2):
        if one.id in near[other.id] or other.id in near[one.id]:
            continue
        if found := overlap(one.touches, other.touches):
            told = " and ".join(dict.fromkeys(found))
            yield (
                f"pieces {one.id!r} and {other.id!r} may run at the same time and both touch {told}: "
                "let one need the other, or split it otherwise"
            )


def _cycle(plan: FleetPlan) -> list[str]:
    """Pieces that need each other in a circle, the first one again at the end; else nothing."""
    for piece in plan.pieces:
        if piece.id in plan.before(piece.id):
            trail = [piece.id]
            while True:
                needs = plan.piece(trail[-1]).needs
                back = next(n for n in needs if n == piece.id or piece.id in plan.before(n))
                if back in trail:
                    return [*trail[trail.index(back) :], back]
                trail.append(back)
    return []


def _told(value: Any, error: Mapping[str, Any]) -> str:
    """One fault of the form: which piece by its name, which part, and what about it."""
    place = [str(part) for part in error["loc"]]
    if len(place) > 1 and place[0] == "pieces" and place[1].isdecimal():
        piece = value["pieces"][int(place[1])]
        name = piece.get("id") if isinstance(piece, dict) else None
        named = f"piece {name!r:.60}" if isinstance(name, str) else f"piece number {place[1]}"
        place = [named, *place[2:]]
    return f"{'.'.join(place) or 'the plan'}: {error['msg']}"


def _few(told: list[str]) -> list[str]:
    more = len(told) - MAX_TOLD
    return [*told[:MAX_TOLD], *([f"and {more} more"] if more > 0 else [])]
