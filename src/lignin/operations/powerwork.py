"""Measuring what a suite catches, and saying it wherever a decision rests on that suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Change
from lignin.domain.ids import derive_id
from lignin.domain.states import Row
from lignin.evals.power import (
    REVERTED,
    Caught,
    FaultKind,
    Outcome,
    parse_outcome,
    some_of,
    tell_power,
)
from lignin.evals.regressions import Regressions
from lignin.evals.sweeping import Inspection, Seen, parse_inspection
from lignin.evals.trials import UnfiledError
from lignin.operations.context import Context
from lignin.operations.eval import basis_of, top_up
from lignin.operations.inspecting import ENOUGH, seen_again, seen_live, working
from lignin.operations.planting import Planted, Subject, plant
from lignin.operations.trialwork import SuiteCase
from lignin.operations.tries import Tries
from lignin.ports.ledger import View, every_row, require_known
from lignin.ports.system import System

FORMAT = "lignin.power/1"
NEVER = "never measured"
_ALIKE = 0.9
"""A power is of a suite where so much of either is of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One fault as a plan knows it."""

    kind: FaultKind
    about: str
    inspection: Inspection

    def to_json(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "about": self.about,
            "inspection": self.inspection.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be measured: a system that works, the faults planted into it, and the suite.

    `left_out` counts the faults that could be planted beside these.
    """

    head: str
    base: System
    planted: Sequence[Planted]
    suite: Sequence[SuiteCase]
    left_out: int

    def power(self, number: int) -> str:
        """The id of its measurement, the first one or one that was asked for again."""
        founding: list[Json] = [
            self.base.digest,
            self.head,
            [[each.system.digest, each.against.digest] for each in self.planted],
            sorted(case.digest for case in self.suite),
            number,
        ]
        return derive_id("pow", founding)

    @property
    def systems_before(self) -> dict[Digest, System]:
        """Former revisions that a fix is told from."""
        found = {each.against.digest: each.against for each in self.planted}
        found.pop(self.base.digest, None)
        return found

    @property
    def systems(self) -> dict[Digest, System]:
        """All that is run."""
        found = {self.base.digest: self.base}
        for each in self.planted:
            found |= {each.system.digest: each.system, each.against.digest: each.against}
        return found


def want(context: Context, subject: Subject, most: int) -> tuple[System, list[Planted], int]:
    """The system as it works, every undone fix with at most so many other faults, and how many are left.

    Raises:
        InvalidRequestError: There is nothing to plant a fault into.
    """
    base, found = plant(context, subject)
    fixes = [each for each in found if each.kind == REVERTED]
    rest = [each for each in found if each.kind != REVERTED]
    chosen = some_of([(each.kind, each.about) for each in rest], most, base.digest)
    planted = [*fixes, *(rest[number] for number in chosen)]
    if not planted:
        raise InvalidRequestError(
            "there is nothing to plant a fault into",
            hint="--head H has slots and accepted changes; of a system that runs unsandboxed --alter",
        )
    return base, planted, len(rest) - len(chosen)


def measure(context: Context, wanted: Wanted, *, again: bool, parallel: int) -> tuple[Row, int]:
    """Let the guard look at each fault, and file what it caught.

    What was measured of the very same is not measured again, and what was begun is gone on with.

    Returns:
        The row, and how many trials were run.
    """
    name, row = _find(context, wanted, again)
    paid = 0
    if row is None:
        paid = _bank(context, wanted, parallel)
        row = _open(context, wanted, name)
    if row.state == "open":
        paid += _reach(context, wanted, row, parallel)
    with context.view() as view:
        return require_known(view, f"power/{name}"), paid


def _bank(context: Context, wanted: Wanted, parallel: int) -> int:
    """Pay for what says what works; of a former revision only where nothing stands that says so."""
    paid = top_up(context, wanted.base, wanted.suite, ENOUGH, parallel)
    for system in wanted.systems_before.values():
        with context.view() as view:
            is_known = bool(working(view, system.digest, wanted.suite, {}))
        if not is_known:
            paid += top_up(context, system, wanted.suite, ENOUGH, parallel)
    return paid


def _find(context: Context, wanted: Wanted, again: bool) -> tuple[str, Row | None]:
    with context.view() as view:
        number, last = 0, None
        while (row := view.row(f"power/{wanted.power(number)}")) is not None:
            number, last = number + 1, row
    if last is None or (again and last.state != "open"):
        return wanted.power(number), None
    return last.key, last


def _open(context: Context, wanted: Wanted, name: str) -> Row:
    def decide(view: View) -> tuple[None, Sequence[Change]]:
        looks = [
            _Look(
                kind=each.kind,
                about=each.about,
                inspection=Inspection(
                    system=each.system.digest,
                    cases=working(
                        view, each.against.digest, wanted.suite, each.starts, each.likely
                    ),
                    seed=derive_id("see", [name, each.system.digest]),
                ),
            )
            for each in wanted.planted
        ]
        if not any(look.inspection.cases for look in looks):
            raise InvalidRequestError(
                f"{wanted.base.name} passes none of the {len(wanted.suite)} cases, so nothing can be "
                "seen to break",
                hint="measure with a system that works: `lignin eval run`",
            )
        plan: dict[str, Json] = {
            "format": FORMAT,
            "cases": {case.name: case.digest for case in wanted.suite},
            "looks": [look.to_json() for look in looks],
            "left_out": wanted.left_out,
        }
        facts: dict[str, Json] = {
            "head": wanted.head,
            "system": wanted.base.digest,
            "name": wanted.base.name,
            "simulated": wanted.base.simulated,
            "cases": len(wanted.suite),
        }
        opened = Regressions(context.ids).open(context.scope, "power", name, plan, facts)
        return None, [opened] if view.row(f"power/{name}") is None else []

    context.decide_and_commit(decide)
    with context.view() as view:
        return require_known(view, f"power/{name}")


def _reach(context: Context, wanted: Wanted, row: Row, parallel: int) -> int:
    with context.view() as view:
        looks = _looks(parse_json(view.blob(row.body["plan"])))
    cases, tries = {case.name: case for case in wanted.suite}, Tries(context, parallel)
    outcomes = []
    for number, look in enumerate(looks):
        context.progress("faults", number, len(looks))
        outcomes.append(_outcome(look, seen_live(tries, look.inspection, wanted.systems, cases)))
    told: dict[str, Json] = {
        **tell_power(outcomes),
        "items": [each.to_json() for each in outcomes],
        "trials": sum(each.trials for each in outcomes),
    }

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        reached = Regressions(context.ids).reach(context.scope, now, "measured", told)
        return None, [reached] if now.state == "open" else []

    context.decide_and_commit(decide)
    return tries.paid


def _looks(plan: Mapping[str, Json]) -> list[_Look]:
    return [
        _Look(
            kind=look["kind"],
            about=look["about"],
            inspection=parse_inspection(look["inspection"]),
        )
        for look in plan["looks"]
    ]


def _outcome(look: _Look, seen: Seen) -> Outcome:
    outcome: Caught = "caught" if seen.broken else "unclear" if seen.unclear else "missed"
    return Outcome(
        kind=look.kind,
        about=look.about,
        outcome=outcome,
        broken=seen.broken,
        trials=seen.trials,
    )


def what_differs(view: View, row: Row) -> list[str]:
    """Measure again from the record alone: what of a filed power does not follow from the trials."""
    if row.body["result"] is None:
        return []
    told = parse_json(view.blob(row.body["result"]["told"]))
    differs = [] if _adds_up(told) else ["its counts are not those of its faults"]
    looks = _looks(parse_json(view.blob(row.body["plan"])))
    if len(looks) != len(told["items"]):
        return [*differs, f"{len(looks)} faults were planted, {len(told['items'])} are told of"]
    for look, item in zip(looks, told["items"], strict=True):
        try:
            again = _outcome(look, seen_again(view, look.inspection)).to_json()
        except UnfiledError as error:
            differs.append(f"{look.about}: the trial {error} was never filed")
            continue
        differs += [
            f"{look.about}: {name} is {again[name]!r} by its trials, filed is {item.get(name)!r}"
            for name in again
            if again[name] != item.get(name)
        ]
    return differs


def _adds_up(told: Mapping[str, Json]) -> bool:
    counted = tell_power([parse_outcome(each) for each in told["items"]])
    return all(told.get(name) == value for name, value in counted.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a decision states of its suite: its newest power, and what its cases' checks rest on.

    `power` is None where `told` says why.
    """

    power: dict[str, Json] | None
    told: str
    basis: Mapping[str, int]


def state_power(view: View, cases: Mapping[str, Digest]) -> Stated:
    """The newest power that was measured of a suite, by the contents of its cases."""
    basis = basis_of(view, cases)
    newest = _newest(view, cases)
    if newest is None:
        return Stated(power=None, told=NEVER, basis=basis)
    told = parse_json(view.blob(newest.body["result"]["told"]))
    if not _adds_up(told):
        return Stated(
            power=None,
            told=f"{newest.key} is not believed: its counts are not those of its faults",
            basis=basis,
        )
    power: dict[str, Json] = {
        "power": newest.key,
        "reverted_fixes": told["reverted_fixes"],
        "planted": told["planted"],
        "measured_at": newest.body["reached_at"],
        "system": newest.body["name"],
        "simulated": newest.body["simulated"],
    }
    return Stated(power=power, told=in_words(power), basis=basis)


def power_of_head(view: View, head: str) -> Mapping[str, Json] | None:
    """What was measured last of a head's suite and adds up: its counts, `measured_at` and `simulated`."""
    rows = [row for row in every_row(view, "power", state="measured") if row.body["head"] == head]
    for row in sorted(rows, key=lambda each: (each.body["reached_at"], each.key), reverse=True):
        told: Mapping[str, Json] = parse_json(view.blob(row.body["result"]["told"]))
        if _adds_up(told):
            kept = {"measured_at": row.body["reached_at"], "simulated": row.body["simulated"]}
            return {**told, **kept}
    return None


def _newest(view: View, cases: Mapping[str, Digest]) -> Row | None:
    wanted = set(cases.values())
    rows = sorted(
        every_row(view, "power", state="measured"),
        key=lambda row: (row.body["reached_at"], row.key),
        reverse=True,
    )
    for row in rows:
        measured = set(parse_json(view.blob(row.body["plan"]))["cases"].values())
        if len(wanted & measured) >= _ALIKE * max(len(wanted), len(measured)):
            return row
    return None


def in_words(power: Mapping[str, Json]) -> str:
    """A power in words."""
    fixes, planted = _share(power["reverted_fixes"]), _share(power["planted"])
    label = ", simulated" if power["simulated"] else ""
    when = str(power["measured_at"])[:10]
    return f"{fixes} reverted fixes and {planted} planted faults caught (measured {when}{label})"


def _share(told: Mapping[str, Json]) -> str:
    if not told["of"]:
        return "0 of 0"
    low, high = told["interval"]
    return f"{told['caught']} of {told['of']} ({low:.0%} to {high:.0%})"
