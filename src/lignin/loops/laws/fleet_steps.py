"""What a fleet does next, from its plan and where its pieces stand. Pure."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from lignin.domain.fleets import DONE, FleetPlan, Piece, PieceState

MAX_RUNS = 2
"""Of one attempt: the run, and once more where a supervisor died before it took the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceNow:
    """Where a piece stands.

    Args:
        attempts: Begun so far; `runs` of the present one.
        answered: When it last came into the merge queue, as a position in the log.
        reviewed: Whether a person has seen its result.
        spent: What its agent says that it took, `tokens` and `microusd`.
    """

    state: PieceState
    attempts: int = 0
    runs: int = 0
    answered: int = 0
    reviewed: bool = False
    has_result: bool = False
    spent: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What to do: pieces to start, questions to ask, pieces to merge together, why others wait."""

    start: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    waits: Mapping[str, str] = field(default_factory=dict)
    finished: bool = False


def plan_next(
    plan: FleetPlan,
    now: Mapping[str, PieceNow],
    *,
    in_flight: AbstractSet[str],
    merging: bool,
    workers: int,
    batch: int,
    bound: int,
) -> Next:
    """Return what may be done now.

    Args:
        in_flight: Pieces whose agent runs in this process.
        merging: Whether a batch is being merged already.
        workers: At most so many agents at once.
        batch: At most so many results are merged together.
        bound: At most so many results may be unreviewed, those in the making included.
    """
    gone = left_out(plan, now)
    start: list[str] = []
    ask: list[str] = []
    stuck: list[str] = []
    waits: dict[str, str] = {}
    room = workers - len(in_flight)
    open_results = unreviewed(now, in_flight)
    for piece in _by_urgency(plan):
        state = now[piece.id]
        if piece.id in gone or piece.id in in_flight:
            continue
        if state.state == "running":  # begun by a process that is gone
            (stuck if state.runs >= MAX_RUNS else start).append(piece.id)
            room -= state.runs < MAX_RUNS
        elif state.state == "asked":
            waits[piece.id] = "a person"
        elif state.state == "waiting":
            if missing := [need for need in piece.needs if now[need].state not in DONE]:
                waits[piece.id] = f"needs {', '.join(missing)}"
            elif piece.kind == "judgement":
                ask.append(piece.id)
            elif room <= 0:
                waits[piece.id] = f"{workers} agents at once"
            elif open_results >= bound and not state.has_result:
                waits[piece.id] = f"{open_results} unreviewed results, and {bound} may be open"
            else:
                start.append(piece.id)
                room -= 1
                open_results += not state.has_result
    queue = sorted((s.answered, name) for name, s in now.items() if s.state == "answered")
    ended = all(s.state in DONE or name in gone for name, s in now.items())
    return Next(
        start=tuple(start),
        ask=tuple(ask),
        stuck=tuple(stuck),
        merge=() if merging else tuple(name for _, name in queue[:batch]),
        waits=waits,
        finished=ended and not in_flight and not merging,
    )


def left_out(plan: FleetPlan, now: Mapping[str, PieceNow]) -> frozenset[str]:
    """The pieces that were dropped, and those that cannot be done without them."""
    dropped = {name for name, each in now.items() if each.state == "dropped"}
    return frozenset(dropped | {after for name in dropped for after in plan.after(name)})


def unreviewed(now: Mapping[str, PieceNow], in_flight: AbstractSet[str] = frozenset()) -> int:
    """How many results nobody has seen: those there are, and those in the making."""
    return sum(
        (each.has_result and not each.reviewed and each.state != "dropped")
        or (not each.has_result and (name in in_flight or each.state == "running"))
        for name, each in now.items()
    )


def over_budget(piece: Piece, spent: Mapping[str, int]) -> str:
    """Which part of its budget a piece has used up, by what its agent says; "" where none."""
    for unit, most in (("tokens", piece.budget.tokens), ("microusd", piece.budget.microusd)):
        if most is not None and spent.get(unit, 0) >= most:
            return f"{spent[unit]} of {most} {unit}"
    return ""


def _by_urgency(plan: FleetPlan) -> list[Piece]:
    """The pieces with the longest way behind them first, else as the plan has them."""
    depth: dict[str, int] = {}

    def length(name: str) -> int:
        if name not in depth:
            follow = [each.id for each in plan.pieces if name in each.needs]
            depth[name] = 1 + max(map(length, follow), default=0)
        return depth[name]

    return sorted(plan.pieces, key=lambda piece: -length(piece.id))
