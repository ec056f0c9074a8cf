"""A loop, read from what a person wrote. A part that is missing is named, and all that are. Pure."""

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.loops import (
    EXPIRES_S,
    LEVELS,
    PARTS,
    Action,
    ActionKind,
    Amounts,
    Autonomy,
    CatchUp,
    FailureDo,
    Gate,
    GateKind,
    Level,
    Loop,
    OnFailure,
    Overlap,
    Query,
    Shape,
    Stage,
    Stop,
    Trigger,
    TriggerKind,
    Workplace,
)
from lignin.domain.messages import MessageKind
from lignin.domain.names import require_name
from lignin.loops.laws.reading import Table

FORMAT = "lignin.loop/1"
ASKS: Mapping[str, str] = {
    "trigger": "what starts it?",
    "context": "what does it look at before it acts?",
    "action": "what does it do?",
    "gate": "who says whether that is good enough?",
    "stop": "when does it end, and what may it cost?",
}
_DELIVERED = ("webhook", "message")
"""What comes once, and would be lost; a clock, files and traces can be looked at again."""
_MOST_MONEY_USD = 1_000_000.0
_MOST_TOKENS = 10**12
_MOST_TIME_S = 366 * 86_400
_MOST_LIMIT_S = 86_400.0


def missing_parts(value: Mapping[str, Json]) -> list[str]:
    """Return the parts that a loop lacks, in order. Stages bring action and gate with them."""
    given = {*value, *(("action", "gate") if value.get("stages") else ())}
    return [part for part in PARTS if part not in given]


def parse_loop(value: Mapping[str, Json]) -> Loop:
    """Read a loop.

    Raises:
        InvalidRequestError: A part is missing, or something in it is wrong; the message begins with
            the place.
    """
    if missing := missing_parts(value):
        asks = " ".join(f"{part}: {ASKS[part]}" for part in missing)
        raise InvalidRequestError(
            f"the loop has no {', no '.join(missing)}",
            hint=f"{asks} To have none, say so: context = [], gate.kind = 'nothing'",
            missing=missing,
        )
    root = Table(value, "")
    root.choice("format", (FORMAT,), FORMAT)
    name = require_name("loop", root.text("loop"))
    shape: Shape = root.choice("shape", get_args(Shape), "open")
    goal = root.text("goal", "" if shape == "open" else None)
    stages = _stages(root)
    loop = Loop(
        name=name,
        shape=shape,
        goal=goal,
        trigger=_trigger(root.table("trigger")),
        context=tuple(_query(each) for each in root.tables("context")),
        stages=stages,
        stop=_stop(root.table("stop"), shape, stages),
        autonomy=_autonomy(root),
        on_failure=_on_failure(root),
        workplace=_workplace(root, stages),
    )
    root.close()
    return loop


def _workplace(root: Table, stages: tuple[Stage, ...]) -> Workplace:
    if not root.is_table("folder"):
        return Workplace(path=root.text("folder", "", most=1000))
    table = root.table("folder")
    place = Workplace(path=table.text("path", "", most=1000), worktree=table.truth("worktree"))
    if place.worktree and not any(stage.action.unsandboxed for stage in stages):
        raise table.fault(
            "worktree",
            "is true, and nothing works there: what runs in the sandbox has a folder of its own",
            hint="unsandboxed = true in the action that is to change files",
        )
    table.close()
    return place


def _trigger(table: Table) -> Trigger:
    kind: TriggerKind = table.choice("kind", get_args(TriggerKind))
    usual: Overlap = "queue" if kind in _DELIVERED else "skip"
    overlap: Overlap = table.choice("overlap", get_args(Overlap), usual)
    trigger = Trigger(kind=kind, overlap=overlap)
    if kind == "cron":
        at, zone = table.text("at", most=200), table.text("zone", "UTC", most=100)
        _require_cron(table, at)
        _require_zone(table, zone)
        catch_up: CatchUp = table.choice("catch_up", get_args(CatchUp), "last")
        trigger = Trigger(kind=kind, overlap=overlap, at=at, zone=zone, catch_up=catch_up)
    elif kind == "files":
        trigger = Trigger(
            kind=kind,
            overlap=overlap,
            path=table.text("path", most=1000),
            pattern=table.text("pattern", "*", most=200),
            least=table.whole("least", 1, 1, 10_000),
        )
    elif kind == "traces":
        least = table.whole("least", 1, 1, 1_000_000)
        trigger = Trigger(kind=kind, overlap=overlap, least=least)
    elif kind == "message" and "source" in table:
        trigger = Trigger(
            kind=kind,
            overlap=overlap,
            source=require_name("connector", table.text("source", most=63)),
            kinds=_kinds(table),
            every_s=table.whole("every_s", 60, 10, 86_400),
        )
    table.close()
    return trigger


def _kinds(table: Table) -> tuple[MessageKind, ...]:
    named, known = table.sequence("kinds"), get_args(MessageKind)
    if unknown := [each for each in named if each not in known]:
        raise table.fault("kinds", f"has {unknown[0]!r:.60}", hint=f"of {', '.join(known)}")
    return tuple(named)


def _require_cron(table: Table, at: str) -> None:
    if len(at.split()) != 5:
        hint = "five fields: minute, hour, day of month, month, day of week"
        raise table.fault("at", f"{at!r:.60} is no cron line", hint=hint)
    try:
        next(CronSim(at, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        told = str(error) or "it never comes"
        raise table.fault("at", f"{at!r:.60} is no cron line: {told}") from error


def _require_zone(table: Table, zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:  # a folder of zones, an absolute path
        hint = "a name of the IANA database, such as Europe/Berlin"
        raise table.fault("zone", f"{zone!r:.60} is no time zone", hint=hint) from error


def _query(table: Table) -> Query:
    query = Query(
        name=require_name("query", table.text("name")),
        operation=table.text("operation", most=100),
        request=table.mapping("with"),
    )
    table.close()
    return query


def _action(table: Table, *, checks: bool = False) -> Action:
    kind: ActionKind = table.choice("kind", get_args(ActionKind))
    if checks and kind == "send":
        raise table.fault("kind", "is 'send': who checks sends nothing", hint="a stage sends")
    limit_s = table.number("limit_s", _MOST_LIMIT_S) or Action(kind=kind).limit_s
    if kind in ("command", "agent"):
        action = Action(
            kind=kind,
            run=table.text("run"),
            prompt=table.text("prompt", "") if kind == "agent" else "",
            unsandboxed=table.truth("unsandboxed"),
            limit_s=limit_s,
        )
        try:
            words = shlex.split(action.run)
        except ValueError as error:
            raise table.fault("run", f"cannot be split into words: {error}") from error
        if not words:
            raise table.fault("run", "is missing")
    elif kind == "send":
        action = Action(
            kind=kind,
            server=require_name("connector", table.text("connector", most=63)),
            request=table.mapping("with"),
            limit_s=limit_s,
        )
        for fixed, by in (("name", "`connector`"), ("key", "the run")):
            if fixed in action.request:
                raise table.fault(f"with.{fixed}", f"is fixed by {by}", hint="leave it out")
    else:
        action = Action(
            kind=kind,
            name=table.text("name", most=200),
            server=table.text("server", most=200) if kind == "tool" else "",
            request=table.mapping("with"),
            limit_s=limit_s,
        )
    table.close()
    return action


def _gate(table: Table) -> Gate:
    kind: GateKind = table.choice("kind", get_args(GateKind))
    checks = tuple(_action(each, checks=True) for each in table.tables("checks"))
    if (kind == "checks") != bool(checks):
        what = "has none" if kind == "checks" else f"are there, though the gate is {kind}"
        raise table.fault("checks", what, hint="[[gate.checks]] with kind = 'command' and run")
    head = table.text("head", most=63) if kind == "head" else ""
    gate = Gate(kind=kind, checks=checks, head=head)
    table.close()
    return gate


def _stages(root: Table) -> tuple[Stage, ...]:
    tables = root.tables("stages")
    if not tables:
        stage = Stage(
            name="act", action=_action(root.table("action")), gate=_gate(root.table("gate"))
        )
        _require_other_checkers(root, stage, "gate")
        return (stage,)
    if "action" in root or "gate" in root:
        raise root.fault("stages", "have an action and a gate each; the loop has one besides")
    stages = []
    for number, table in enumerate(tables):
        name = require_name("stage", table.text("name"))
        missing = [part for part in ("action", "gate") if part not in table]
        if missing:
            raise table.fault(missing[0], f"is missing: {ASKS[missing[0]]}")
        stage = Stage(
            name=name, action=_action(table.table("action")), gate=_gate(table.table("gate"))
        )
        _require_other_checkers(root, stage, f"stages[{number}].gate")
        table.close()
        stages.append(stage)
    if len({stage.name for stage in stages}) < len(stages):
        raise root.fault("stages", "have one name twice")
    return tuple(stages)


def _require_other_checkers(root: Table, stage: Stage, where: str) -> None:
    for number, check in enumerate(stage.gate.checks):
        if check.who == stage.action.who:
            raise root.fault(
                f"{where}.checks[{number}]",
                "is what does the work: who makes does not check",
                hint="name another program, skill or agent",
            )


def _stop(table: Table, shape: Shape, stages: tuple[Stage, ...]) -> Stop:
    budget = _amounts(table, "budget")
    if budget == Amounts():
        raise table.fault(
            "budget",
            "is missing: it is what keeps the bill finite",
            hint="[stop.budget] with money_usd, tokens or time_s",
        )
    closed = shape == "closed"
    if not closed:
        _require_one_pass(table)
    once, daily = _amounts(table, "once"), _amounts(table, "daily")
    said = {**budget.to_json(), **once.to_json()}
    if unsaid := sorted(set(daily.to_json()) - set(said)):
        raise table.fault(
            f"daily.{unsaid[0].replace('microusd', 'usd')}",
            "bounds what no run says it takes",
            hint="say in stop.budget or stop.once how much that is",
        )
    stop = Stop(
        iterations=table.whole("iterations", None if closed else 1, 1, 10_000 if closed else 1),
        no_progress=table.whole("no_progress", None if closed else 1, 1, 1000),
        budget=budget,
        once=once,
        daily=daily,
        goal=_action(table.table("goal"), checks=True) if closed else None,
        expires_s=table.whole("expires_s", EXPIRES_S, 1, _MOST_TIME_S),
    )
    if stop.goal is not None and any(stop.goal.who == stage.action.who for stage in stages):
        raise table.fault(
            "goal",
            "is judged by what does the work: who makes does not check",
            hint="name another program, skill or agent",
        )
    table.close()
    return stop


def _require_one_pass(table: Table) -> None:
    for key in ("goal", "iterations", "no_progress"):
        if key in table and (key == "goal" or table.whole(key, 1, 1, 10_000) > 1):
            raise table.fault(
                key,
                "is for a closed loop, and this one makes one pass",
                hint='shape = "closed" and goal = "..." above the tables make it a closed one',
            )


def _amounts(parent: Table, key: str) -> Amounts:
    if key not in parent:
        parent.mapping(key)
        return Amounts()
    table = parent.table(key)
    money = table.number("money_usd", _MOST_MONEY_USD)
    amounts = Amounts(
        money_microusd=None if money is None else max(1, round(money * 1_000_000)),
        tokens=table.count("tokens", _MOST_TOKENS),
        time_s=table.count("time_s", _MOST_TIME_S),
    )
    table.close()
    return amounts


def _autonomy(root: Table) -> Autonomy:
    if "autonomy" not in root:
        root.mapping("autonomy")
        return Autonomy()
    table = root.table("autonomy")
    start: Level = table.choice("start", LEVELS, "suggest")
    if LEVELS.index(start) > 1:
        raise table.fault(
            "start",
            f"is {start!r}: that level is earned by decisions, not declared",
            hint="suggest or draft; `most` says how far it may rise",
        )
    most: Level = table.choice("most", LEVELS, "automatic")
    if LEVELS.index(most) < LEVELS.index(start):
        raise table.fault("most", f"is {most!r}, below where it starts ({start})")
    autonomy = Autonomy(
        start=start,
        most=most,
        promote_after=table.whole("promote_after", Autonomy().promote_after, 1, 10_000),
        classes={
            require_name("class", name): _action(each)
            for name, each in table.named("classes").items()
        },
    )
    table.close()
    return autonomy


def _on_failure(root: Table) -> OnFailure:
    if "on_failure" not in root:
        root.mapping("on_failure")
        return OnFailure()
    table = root.table("on_failure")
    do: FailureDo = table.choice("do", get_args(FailureDo), "keep")
    failure = OnFailure(do=do, retries=table.whole("retries", 3 if do == "retry" else 0, 0, 100))
    table.close()
    return failure
