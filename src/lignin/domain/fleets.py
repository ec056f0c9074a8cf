"""A fleet: a goal, split into pieces that agents and people do; its plan as data, the states of a piece."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

PieceKind = Literal["isolated", "judgement"]
"""Done by an agent in a tree of its own; or a question that a person answers."""
PieceGate = Literal["checks", "approval"]
"""What lets a result into the merge queue: its checks; or these and then a person."""
PieceState = Literal["waiting", "running", "asked", "answered", "merged", "settled", "dropped"]
Asks = Literal["judgement", "approval", "stuck"]
"""Why a piece waits for a person: it is a question; its result is to be approved; it goes no further."""

DONE: frozenset[PieceState] = frozenset({"merged", "settled"})
TRANSITIONS: Mapping[PieceState, frozenset[PieceState]] = {
    "waiting": frozenset({"running", "asked"}),
    "running": frozenset({"running", "answered", "waiting", "asked"}),
    "answered": frozenset({"merged", "waiting", "asked"}),
    "asked": frozenset({"settled", "answered", "waiting", "dropped"}),
    "merged": frozenset(),
    "settled": frozenset(),
    "dropped": frozenset(),
}
"""`running` to `running` is the one repeat of a run whose end nobody saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a piece may take: seconds of one run, attempts in all, and what its agent says that it cost.

    Tokens and money bind only agents that tell them; more than that in all attempts, and it is a person's.
    """

    seconds: float = 900.0
    attempts: int = 3
    tokens: int | None = None
    microusd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a plan.

    Args:
        needs: The pieces that must be done before.
        touches: What it may change: patterns of paths as `fnmatch` reads them.
        checks: Commands for `sh` that must end well in a tree with its result.
    """

    id: str
    what: str
    needs: tuple[str, ...] = ()
    kind: PieceKind = "isolated"
    touches: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    gate: PieceGate = "checks"
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """A goal and its pieces. Which come before which has no cycle in a plan that was checked."""

    goal: str
    pieces: tuple[Piece, ...]

    def piece(self, name: str) -> Piece:
        """The piece of that name, which there is."""
        return next(each for each in self.pieces if each.id == name)

    def before(self, name: str) -> frozenset[str]:
        """Every piece that must be done before one, near and far."""
        needs = {each.id: each.needs for each in self.pieces}
        return _reached(needs, needs.get(name, ()))

    def after(self, name: str) -> frozenset[str]:
        """Every piece that one must be done before, near and far."""
        follow: dict[str, list[str]] = {}
        for each in self.pieces:
            for need in each.needs:
                follow.setdefault(need, []).append(each.id)
        return _reached(follow, follow.get(name, ()))

    @property
    def checks(self) -> tuple[str, ...]:
        """Every check, each once, in the order of the pieces."""
        return tuple(dict.fromkeys(check for each in self.pieces for check in each.checks))


def _reached(leads: Mapping[str, Iterable[str]], start: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    left = list(start)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left.extend(leads.get(name, ()))
    return frozenset(found)
