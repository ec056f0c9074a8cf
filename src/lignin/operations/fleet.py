"""A fleet: a goal split into pieces that agents do apart from each other; its results join one by one."""

from collections.abc import Mapping

from lignin.domain.codec import parse_json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.fleets import DONE
from lignin.loops.fleets import FleetNow, Fleets, load_fleet, require_piece
from lignin.loops.laws.fleet_digests import tell_digest
from lignin.loops.laws.fleet_drawing import graph_svg, graph_text, stages_of
from lignin.loops.laws.fleet_plans import MAX_PLAN_BYTES, parse_plan, require_plan
from lignin.loops.laws.fleet_steps import left_out, plan_next, unreviewed
from lignin.operations.context import Context
from lignin.operations.fleet_models import (
    FleetCancel,
    FleetCheck,
    FleetDrawn,
    FleetGraph,
    FleetList,
    FleetRef,
    FleetReview,
    FleetSettle,
    FleetShown,
    FleetsListed,
    FleetView,
    MergeView,
    PieceRef,
    PieceShown,
    PieceView,
    PlanChecked,
)
from lignin.operations.fleetdrive import pace_of
from lignin.operations.fleetinbox import settle_item
from lignin.operations.fleetwork import read_settings
from lignin.operations.registry import operation
from lignin.ports.ledger import View

RUN_HINT = "`lignin fleet run` goes on with it"


@operation("fleet.check", effect="read", idempotent=True, remote=False)
def check(context: Context, request: FleetCheck) -> PlanChecked:
    """Check a plan: every piece has what it needs, none waits for itself, no two touch the same at once."""
    plan = require_plan(parse_plan(read_plan_file(context, request.plan)))
    stages = stages_of(plan)
    return PlanChecked(
        goal=plan.goal,
        pieces=[name for names in stages for name in names],
        at_once=max(map(len, stages)),
    )


@operation("fleet.list", effect="read", idempotent=True)
def list_(context: Context, request: FleetList) -> FleetsListed:
    """List the fleets."""
    with context.view() as view:
        page = view.page("fleet", state=request.state, after=request.after, limit=request.limit)
        items = [_view(load_fleet(view, row.key)) for row in page.rows]
    return FleetsListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--state" if page.next_after else None,
    )


@operation("fleet.show", effect="read", idempotent=True)
def show(context: Context, request: FleetRef) -> FleetShown:
    """Show a fleet: its pieces, what each waits for, what was merged, what was sent back and why."""
    with context.view() as view:
        return shown(context, view, load_fleet(view, request.fleet))


@operation("fleet.piece", effect="read", idempotent=True)
def piece(context: Context, request: PieceRef) -> PieceShown:
    """Show a piece: what its agent was told and left, why it was sent back, what others are told of it."""

    def read(digest: str) -> str:
        return view.blob(digest).decode(errors="replace") if digest else ""

    with context.view() as view:
        now = load_fleet(view, request.fleet)
        row = require_piece(now, request.piece)
        body, run = row.body, row.body["run"]
        told = [read(each["told"]) for each in body["returned"]]
        patches = [each["patch"] for each in body["returned"] if each["patch"]]
        patch = body["result"]["patch"] if body["result"] else (patches or [""])[-1]
        return PieceShown(
            **_piece(now, request.piece, "", False).model_dump(),
            base=run.get("base", ""),
            prompt=read(run.get("prompt", "")),
            digest=tell_digest(parse_json(view.blob(body["digest"]))) if body["digest"] else "",
            patch=read(patch),
            told=told,
        )


@operation("fleet.graph", effect="read", idempotent=True)
def graph(context: Context, request: FleetGraph) -> FleetDrawn:
    """Draw a fleet's pieces and which come before which, as text, and as SVG with `--json` or into a file."""
    with context.view() as view:
        now = load_fleet(view, request.fleet)
    states = {name: str(row.state) for name, row in now.pieces.items()}
    label = ", simulated" if now.row.body["settings"].get("simulated") else ""
    svg = graph_svg(now.plan, states, f"{now.row.key}{label}: {now.plan.goal}")
    path = ""
    if request.svg:
        spot = context.path(request.svg)
        if context.dry_run:
            raise InvalidRequestError("a dry run writes no picture", hint="leave out --svg")
        try:
            spot.write_text(svg)
        except OSError as error:
            raise UnavailableError(f"{spot} cannot be written: {error.strerror}") from error
        path = str(spot)
    text = graph_text(now.plan, states)
    return FleetDrawn(fleet=now.row.key, text=text, svg="" if path else svg, path=path)


@operation("fleet.settle", effect="govern")
def settle(context: Context, request: FleetSettle) -> FleetShown:
    """Settle what a piece asks a person: answer it, approve its result, have it tried anew, or drop it."""
    _require_person(context)
    if request.how == "answer" and not request.say.strip():
        raise InvalidRequestError("an empty answer", hint="--say says what is to be done")
    with context.view() as view:
        now = load_fleet(view, request.fleet)
    _require_open(now)
    row = require_piece(now, request.piece)
    change = Fleets(context.ids).settled(context.scope, row, request.how, request.say)
    with context.view() as view:
        item = settle_item(context, view, now, row, request.how)
    context.commit(change, *item)
    return show(context, FleetRef(fleet=request.fleet))


@operation("fleet.review", effect="govern")
def review(context: Context, request: FleetReview) -> FleetShown:
    """Say that you have reviewed results: how many you do in an hour bounds how many may be open."""
    _require_person(context)
    with context.view() as view:
        now = load_fleet(view, request.fleet)
    rows = [require_piece(now, name) for name in request.piece or now.pieces]
    unseen = [row for row in rows if row.body["result"] and not row.body["seen"]]
    if request.piece and len(unseen) < len(rows):
        seen = [row.body["piece"] for row in rows if row not in unseen]
        raise InvalidRequestError(f"no result to review, or reviewed before: {', '.join(seen)}")
    fleets = Fleets(context.ids)
    if unseen:
        context.commit(*(fleets.reviewed(context.scope, row, request.say) for row in unseen))
    return show(context, FleetRef(fleet=request.fleet))


@operation("fleet.cancel", effect="write", idempotent=True)
def cancel(context: Context, request: FleetCancel) -> FleetShown:
    """Cancel a fleet: agents that run are ended, and no branch is made; what was done stays on the ledger."""
    with context.view() as view:
        now = load_fleet(view, request.fleet)
        row = now.row
        asked = [settle_item(context, view, now, each, "drop") for each in now.pieces.values()]
    if row.state == "finished":
        raise InvalidRequestError(f"fleet {request.fleet} is finished")
    if row.state != "cancelled":
        change = Fleets(context.ids).cancelled(context.scope, row, request.reason)
        context.commit(change, *(item for items in asked for item in items))
    return show(context, FleetRef(fleet=request.fleet))


def shown(context: Context, view: View, now: FleetNow) -> FleetShown:
    """A fleet as it is told."""
    body = now.row.body
    settings = read_settings({"worker": "", **body["settings"]})
    pace = pace_of(context, view, settings.unreviewed)
    step = plan_next(
        now.plan,
        now.standing,
        in_flight={name for name, row in now.pieces.items() if row.state == "running"},
        merging=False,
        workers=settings.workers,
        batch=settings.batch,
        bound=pace.bound,
    )
    gone = left_out(now.plan, now.standing)
    items = [_piece(now, name, step.waits.get(name, ""), name in gone) for name in now.pieces]
    return FleetShown(
        **_view(now).model_dump(),
        base=body["base"],
        tip=body["tip"],
        unreviewed=unreviewed(now.standing),
        may_be_open=pace.told,
        reviews_per_hour=pace.per_hour,
        next=_next(now, [each for each in items if each.state == "asked"], step.waits),
        items=items,
        merges=[
            MergeView(
                pieces=each["pieces"],
                merged=outcome.get("merged", []),
                conflicts=[f"{c['piece']}: {c['reason']}" for c in outcome.get("conflicts", [])],
                unclear=outcome.get("unclear", ""),
                judged=outcome.get("judged", 0),
            )
            for each in body["attempts"]
            for outcome in (each["outcome"] or {},)
        ],
    )


def read_plan_file(context: Context, named: str) -> bytes:
    """The bytes of a plan's file.

    Raises:
        NotFoundError: There is none.
        InvalidRequestError: It cannot be read.
    """
    path = context.path(named)
    try:
        with path.open("rb") as file:
            return file.read(MAX_PLAN_BYTES + 1)
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path}", hint="a TOML or JSON file") from None
    except OSError as error:
        raise InvalidRequestError(
            f"{path} cannot be read: {error.strerror}", hint="a TOML or JSON file with the plan"
        ) from error


def _require_person(context: Context) -> None:
    if not context.scope.actor.is_person:
        raise DeniedError(
            "agents do not settle or review what agents did", hint="a person does, by hand"
        )


def _require_open(now: FleetNow) -> None:
    if now.row.state != "open":
        raise InvalidRequestError(f"fleet {now.row.key} is {now.row.state}, not open")


def _next(now: FleetNow, asked: list[PieceView], waits: Mapping[str, str]) -> str:
    fleet, state = now.row.key, str(now.row.state)
    if state == "planned":
        return f"`lignin fleet run {fleet} --worker ...` begins it"
    if state == "finished":
        branch = now.row.body["branch"]
        return f"`git diff HEAD...{branch['branch']}` shows it" if branch else "nothing was merged"
    if state != "open":
        return "it was cancelled"
    if asked:
        told = "; ".join(f"{each.piece} ({each.asks[:160]})" for each in asked)
        return f"`lignin fleet settle {fleet} PIECE --how ...`, or the inbox, for {told}; then {RUN_HINT}"
    if any("unreviewed" in why for why in waits.values()):
        return f"`lignin fleet review {fleet}` when you have seen the results; then {RUN_HINT}"
    return RUN_HINT


def _piece(now: FleetNow, name: str, waits: str, is_out: bool) -> PieceView:
    row = now.pieces[name]
    body, result = row.body, row.body["result"]
    asks = body["asks"] or {}
    return PieceView(
        piece=name,
        kind=body["kind"],
        state=str(row.state),
        needs=body["needs"],
        attempts=body["attempts"],
        waits="left out" if is_out and row.state == "waiting" else waits,
        asks=f"{asks['why']}: {asks['text']}" if asks else "",
        returned=[each["reason"] for each in body["returned"]],
        paths=result["paths"] if result else [],
        commit=body["commit"],
        reviewed=body["seen"],
        spent=body["spent"],
    )


def _view(now: FleetNow) -> FleetView:
    body = now.row.body
    return FleetView(
        fleet=now.row.key,
        state=str(now.row.state),
        goal=body["goal"],
        repository=body["repository"],
        planner=body["planner"],
        worker=body["settings"].get("worker", ""),
        simulated=bool(body["settings"].get("simulated")),
        pieces=len(now.pieces),
        done=sum(row.state in DONE for row in now.pieces.values()),
        branch=body["branch"]["branch"] if body["branch"] else "",
    )
