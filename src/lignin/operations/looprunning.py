"""Driving a run of a loop until it ends or waits, on an engine or straight away.

What the ledger holds is enough to go on from anywhere. On an engine each step is recorded, so that what
was acted is not acted again; without one an act in flight at a crash is made once more.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from lignin.connectors.messages import Messages
from lignin.domain.codec import Json
from lignin.domain.errors import ConflictError, LigninError, LimitedError
from lignin.domain.events import Change, format_time, parse_time
from lignin.domain.jobs import JobState
from lignin.domain.loops import Amounts, Loop, parse_amounts
from lignin.domain.states import Row
from lignin.loops.budgets import Budgets, Ticket, budgets_of, parse_ticket, plan_ticket
from lignin.loops.inbox import Filing, Inbox
from lignin.loops.laws.answers import Finding
from lignin.loops.laws.endings import gate_in_doubt, is_short, left_branch, short_of_goal
from lignin.loops.laws.looking import FROM
from lignin.loops.laws.spending import longest_checked_s
from lignin.loops.laws.stops import Iterated, decide_stop, parse_iterated
from lignin.loops.service import Loops, loop_of_run, told_iterations
from lignin.operations.context import Context
from lignin.operations.loopapplying import as_loop
from lignin.operations.loopiterating import Iteration, Step
from lignin.operations.loopplaces import clear_places
from lignin.operations.loopremembering import stood
from lignin.ports.ledger import View, require_known
from lignin.ports.sandbox import never

MARGIN_S = 300.0
MOST_TURNS = 20
"""So often a ticket is tried for while others race for the same budget."""


def straight(_name: str, do: Callable[[], Json]) -> Json:
    """A step without an engine: done now, and done again after a crash."""
    return do()


def held_for_s(view: View, row: Row) -> float:
    """How long a run is nobody else's to drive at first; each iteration holds it for as long as it may take."""
    loop = loop_of_run(view, row)
    whole = Amounts(time_s=loop.stop.budget.time_s)
    return longest_checked_s(loop, whole) + MARGIN_S


def drive(
    context: Context,
    run: str,
    step: Step = straight,
    stopped: Callable[[], bool] = never,
) -> Mapping[str, Json]:
    """Drive a run until it ends or waits for somebody; return where it stands.

    Args:
        run: A run that goes on; one that does not is told as it is.
        stopped: Whether it may not go on here: what it does then ends early.

    Raises:
        RunStopped: It may not go on here.
    """
    with context.view() as view:
        loop = str(require_known(view, f"looprun/{run}").body["loop"])
    context = as_loop(context, loop)
    while True:
        planned = step("plan", lambda: _held_on(context, run, _plan(context, run)))
        if planned["do"] == "nothing":
            return {"run": run, "state": planned["state"], "next": None}
        if planned["do"] == "end":
            break
        try:
            filed = Iteration(context, run, planned, step, stopped).make()
        except ConflictError:  # it was replaced meanwhile, or somebody else drives it
            _give_up(context, parse_ticket(planned["ticket"]))
            with context.view() as view:
                state = require_known(view, f"looprun/{run}").state
            return {"run": run, "state": state, "next": None}
        if filed["waits"]:
            return {"run": run, "state": "waiting", "item": filed["waits"], "next": None}
    ended: Mapping[str, Json] = step("end", lambda: _end(context, run, planned))
    return ended


def _plan(context: Context, run: str) -> Json:
    """Stop, or set the next iteration's budget aside."""
    for _ in range(MOST_TURNS):
        with context.view() as view:
            row = require_known(view, f"looprun/{run}")
            if row.state != "running":
                return {"do": "nothing", "state": row.state}
            loop = loop_of_run(view, row)
            held = _held(view, row, loop)
            if held is not None:
                return _go(row, held)
            if (end := _why_end(row)) is not None:
                return end
            at = parse_time(row.body["opened_at"])
            number = len(row.body["iterations"]) + 1
            last = row.body["iterations"][-1] if row.body["iterations"] else {}
            ticket = plan_ticket(view, loop, run, number, at, is_part=bool(last.get("waits")))
            short = None if isinstance(ticket, Ticket) else ticket
            stopped = decide_stop(loop, _whole(row), short)
            if stopped is None and number > loop.stop.iterations * (len(loop.stages) + 1):
                told = f"{number - 1} parts of iterations, the most it may make"
                return {"do": "end", "why": "iterations", "told": told}
            if stopped is not None:
                return {"do": "end", "why": stopped.why, "told": stopped.told}
            assert isinstance(ticket, Ticket)
            planned = _go(row, ticket)
        try:
            reserved = Budgets(context.ids).reserve(
                context.scope, ticket, budgets_of(loop, run, at)
            )
            context.commit(reserved)
        except (LimitedError, ConflictError):  # another run was quicker: look again
            continue
        return planned
    return {"do": "end", "why": "budget", "told": "others take what is left of it"}


def _held_on(context: Context, run: str, planned: Json) -> Json:
    """What is planned; whoever drives the run holds it for as long as that may take."""
    if planned["do"] != "iterate":
        return planned

    def decide(view: View) -> tuple[Json, list[Change]]:
        row = require_known(view, f"looprun/{run}")
        held, ticket = row.body.get("claim"), parse_ticket(planned["ticket"])
        limit_s = longest_checked_s(loop_of_run(view, row), ticket.amounts) + MARGIN_S
        until = format_time(context.ledger.now() + timedelta(seconds=limit_s))
        if row.state != "running" or held is None or str(held["until"]) >= until:
            return planned, []
        claimed = Loops(context.ids).claim(context.scope, row, str(held["holder"]), until)
        return planned, [claimed]

    return context.decide_and_commit(decide)


def _held(view: View, row: Row, loop: Loop) -> Ticket | None:
    """What was set aside for this iteration before a crash."""
    budget = view.row(f"budget/{row.key}")
    name = f"{row.key}/{len(row.body['iterations']) + 1}"
    if budget is None or name not in budget.body["held"]:
        return None
    streams = tuple(budgets_of(loop, row.key, parse_time(row.body["opened_at"])))
    amounts: Amounts = parse_amounts(budget.body["held"][name])
    return Ticket(ticket=name, amounts=amounts, budgets=streams)


def _why_end(row: Row) -> Json:
    """Why a run ends whatever its stops say: it failed, or the answer was none."""
    last = row.body["iterations"][-1] if row.body["iterations"] else {}
    if last.get("failed"):
        return {"do": "end", "why": "failed", "told": last["failed"]}
    if row.body.get("heard") in ("expired", "dismissed"):
        told = f"what it waited for was {row.body['heard']}"
        return {"do": "end", "why": row.body["heard"], "told": told}
    return None


def _whole(row: Row) -> list[Iterated]:
    """Its iterations, but for the parts of one that waited for somebody."""
    return [parse_iterated(each) for each in row.body["iterations"] if not each["waits"]]


def _go(row: Row, ticket: Ticket) -> Json:
    last = row.body["iterations"][-1] if row.body["iterations"] else {}
    stage = int(last["stage"]) if last.get("waits") else 0
    if stage and row.body.get("heard") == "answered" and last["passed"]:
        stage -= 1  # a person said something instead of yes: the stage hears it
    return {
        "do": "iterate",
        "number": len(row.body["iterations"]) + 1,
        "stage": stage,
        "ticket": ticket.to_json(),
    }


def _give_up(context: Context, ticket: Ticket) -> None:
    """What a run that was replaced had set aside counts as spent: nobody can say what it did."""
    with suppress(LigninError):
        context.commit(Budgets(context.ids).settle(context.scope, ticket, Amounts()))


def _end(context: Context, run: str, end: Mapping[str, Json]) -> Json:
    """End a run: what found something lies in the inbox, what found nothing is archived.

    One that no budget let begin has looked at nothing: it failed, and what came is kept for the next.
    """

    def decide(view: View) -> tuple[Mapping[str, Json], list[Change]]:
        row = require_known(view, f"looprun/{run}")
        if row.state != "running":
            return {"run": run, "state": row.state, "next": None}, []
        loop = loop_of_run(view, row)
        is_failed = end["why"] == "failed"
        found = sum(int(each["found"]) for each in row.body["iterations"])
        is_barred = end["why"] == "budget" and not row.body["iterations"]
        is_lost = is_failed or is_barred
        left = _left(view, row, loop, end)
        outcome = "failed" if is_lost else "landed" if found or left else "archived"
        keep = is_lost and row.body["source"] not in ("cron", "manual")
        ended, following = Loops(context.ids).end(
            view,
            context.scope,
            row,
            outcome=outcome,
            why=str(end["why"]),
            told=_told(view, row, end),
            keep=keep,
        )
        filed = list[Change]()
        if is_failed:
            filed = _failed(context, view, row, loop, str(end["told"]), keep=keep)
        elif is_barred:
            filed = _barred(context, view, row, loop, str(end["told"]), keep=keep)
        dealt = [] if is_lost else _dealt_with(context, view, row, str(end["told"]))
        filings = [
            Filing(loop=loop.name, run=run, kind="finding", finding=finding) for finding in left
        ]
        filed += Inbox(context.ids).file(view, context.scope, filings)
        return {"run": run, "state": outcome, "next": following}, [ended, *filed, *dealt]

    ended: Mapping[str, Json] = context.decide_and_commit(decide)
    clear_places(context, run)
    return ended


def end_with_job(context: Context, run: str, job: str, state: JobState, why: str) -> None:
    """End a run whose job is over and will not drive it on; else its loop would wait for it for good.

    Args:
        state: How the job ended: a run whose job was cancelled is cancelled, else it failed.
        why: The reason, or the error.
    """
    with context.view() as view:
        row = require_known(view, f"looprun/{run}")
        held = _held(view, row, loop_of_run(view, row))
    context = as_loop(context, str(row.body["loop"]))
    if held is not None:
        _give_up(context, held)
    told = f"its job {job} {state}: {why}" if why else f"its job {job} {state}"
    if state != "cancelled":
        _end(context, run, {"why": "failed", "told": told})
        return

    def decide(view: View) -> tuple[None, list[Change]]:
        row = require_known(view, f"looprun/{run}")
        if row.state != "running":
            return None, []
        ended, _ = Loops(context.ids).end(
            view, context.scope, row, outcome="cancelled", why="cancelled", told=told
        )
        return None, [ended]

    context.decide_and_commit(decide)
    clear_places(context, run)


def _told(view: View, row: Row, end: Mapping[str, Json]) -> str:
    """How it ended, in words, and where its last gate did not pass why not: what it found is filed nowhere."""
    last = row.body["iterations"][-1:]
    if end["why"] != "done" or not last or last[0]["passed"] is True:
        return str(end["told"])
    why = told_iterations(view, row)[-1]["why"]
    if last[0]["passed"] is None:
        return f"{end['told']}; the gate could not say: {why or 'no reason'}"[:1000]
    return f"{end['told']}; the gate did not pass: {why or 'it says no'}"[:1000]


def _left(view: View, row: Row, loop: Loop, end: Mapping[str, Json]) -> list[Finding]:
    """What a run leaves to a person besides its findings: its branch, a goal that it did not reach, a doubt."""
    left, told = list[Finding](), told_iterations(view, row)
    branch = str(row.body["iterations"][-1].get("branch", "")) if told else ""
    if branch:
        left.append(left_branch(loop, branch, str(stood(told)["base"])))
    each = row.body["source"] not in ("cron", "manual")  # each occurrence has a goal of its own
    key = row.key if each else str(end["why"])
    if told and end["why"] == "done" and row.body["iterations"][-1]["passed"] is None:
        left.append(gate_in_doubt(loop, key, told[-1]["why"]))
    if told and is_short(loop, str(end["why"])):
        left.append(short_of_goal(loop, key, str(end["why"]), str(end["told"]), told))
    return left


def _dealt_with(context: Context, view: View, row: Row, told: str) -> list[Change]:
    """The message that started the run is dealt with, unless somebody said so before."""
    if not str(row.body["source"]).startswith(FROM):
        return []
    message = view.row(f"message/{row.body['occurrence']}")
    if message is None or message.state != "taken":
        return []
    note = f"{row.body['loop']}, {row.key}: {told}"[:1000]
    return [Messages(context.ids).settle(context.scope, message, note)]


def _failed(
    context: Context, view: View, row: Row, loop: Loop, told: str, *, keep: bool
) -> list[Change]:
    """A failed run lands in the inbox, and pauses its loop where that is what it says."""
    acts = [act for each in told_iterations(view, row)[-1:] for act in each["acts"]]
    errors = str(acts[-1].get("errors", "")).strip() if acts else ""
    why = f"{told}: {errors.splitlines()[-1].strip()}" if errors else told
    again = f"mend what failed, then `lignin loop run {loop.name}`"
    if loop.on_failure.do == "pause":
        again = f"mend what failed, then `lignin loop resume {loop.name}`: it is paused"
    failure = Finding(
        key=f"failed: {told}"[:200],
        title=f"a run of {loop.name} failed: {' '.join(why.split())}"[:200],
        evidence=(told, errors) if errors else (told,),
        proposed=again + ("; what came is kept, and given to the next run" if keep else ""),
    )
    filing = Filing(loop=loop.name, run=row.key, kind="finding", finding=failure)
    changes = Inbox(context.ids).file(view, context.scope, [filing])
    loop_row = view.row(f"loop/{loop.name}")
    if loop.on_failure.do == "pause" and loop_row is not None and loop_row.state == "active":
        paused = Loops(context.ids).move(context.scope, loop_row, "paused", f"{row.key} failed")
        changes.append(paused)
    return changes


def _barred(
    context: Context, view: View, row: Row, loop: Loop, told: str, *, keep: bool
) -> list[Change]:
    """That nothing was left to begin with lies in the inbox once for a day."""
    day = f"{parse_time(row.body['opened_at']):%Y-%m-%d}"
    kept = "what came is kept, and given to the next run" if keep else "nothing came with it"
    finding = Finding(
        key=f"no budget: {day}",
        title=f"{loop.name} had nothing left to spend on {day}, and did not begin a run",
        evidence=(told, kept),
        proposed="raise stop.daily, or wait for the next day (UTC)",
    )
    filing = Filing(loop=loop.name, run=row.key, kind="finding", finding=finding)
    return Inbox(context.ids).file(view, context.scope, [filing])
