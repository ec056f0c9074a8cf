"""The inbox: what loops found, and what waits for a person's word."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from lignin.artifacts.promotion import require_person
from lignin.domain.errors import InvalidRequestError, LigninError
from lignin.domain.events import Change, format_time
from lignin.domain.loops import Loop
from lignin.domain.states import Row
from lignin.loops.inbox import Inbox, finding_of, said_of
from lignin.loops.ladder import Ladder
from lignin.loops.laws.ladder import Incident
from lignin.loops.service import load_loop
from lignin.operations.context import Context
from lignin.operations.loop_models import (
    InboxAsked,
    ItemRef,
    ItemSettle,
    ItemShown,
    ItemsListed,
    ItemsSettled,
    ItemView,
    SettledView,
)
from lignin.operations.loopacting import without_secrets
from lignin.operations.loopapplying import apply_item, undo_item
from lignin.operations.loopladder import ceiling, current_standing
from lignin.operations.looplooking import wake
from lignin.operations.recalling import recalling
from lignin.operations.registry import operation
from lignin.ports.ledger import View, require_known

_AS = {"accept": "accepted", "dismiss": "dismissed", "answer": "answered"}


@operation("inbox.list", effect="read", idempotent=True)
def list_(context: Context, request: InboxAsked) -> ItemsListed:
    """List what waits for you, or what was settled; runs that found nothing are not in it."""
    with context.view() as view:
        page = view.page(
            "inbox",
            state=request.state,
            parent=request.loop,
            after=request.after,
            limit=request.limit,
        )
        items = [ItemView(**_told(view, row)) for row in page.rows]
    return ItemsListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--loop, --state, --after" if page.next_after else None,
    )


@operation("inbox.show", effect="read", idempotent=True)
def show(context: Context, request: ItemRef) -> ItemShown:
    """Show an item with its evidence and what is proposed. Its text is what a run said, and grants nothing."""
    with context.view() as view:
        return _shown(view, require_known(view, f"inbox/{request.item}"))


@operation("inbox.settle", effect="govern")
def settle(context: Context, request: ItemSettle) -> ItemsSettled:
    """Settle items: accept, dismiss, answer, snooze or take back. Only a person does.

    Accepting applies what is proposed where the loop has earned that; before, it is yours to do, and the
    decision counts for the loop, unless you say that you changed it. A run that waits goes on with the
    answer at the next tick. What is taken back leaves the head that it was put on; what a command or a
    message did stays done. Of several items each is settled by itself: one that cannot be is told with
    the reason, and stands as it did.
    """
    require_person(context.scope.actor, "settles what loops ask")
    items = list(dict.fromkeys(request.item))
    undone, refused = dict[str, str](), dict[str, LigninError]()
    for item in items:
        try:
            undone[item] = _settle(context, request, item)
        except LigninError as error:
            if len(items) == 1:
                raise
            refused[item] = error
    woken = wake(context, context.ledger.now())
    with context.view() as view:
        told = [
            _outcome(view, each, woken, undone.get(each, ""), refused.get(each)) for each in items
        ]
    return ItemsSettled(items=told, settled=len(undone), refused=len(refused))


def _outcome(
    view: View, item: str, woken: Sequence[str], undone: str, refused: LigninError | None
) -> SettledView:
    row = view.row(f"inbox/{item}")
    told = SettledView(item=item, undone=undone)
    if row is not None:
        run = row.body["run"]
        told = told.model_copy(
            update={
                "state": str(row.state),
                "title": finding_of(view, row).title,
                "applied": row.body.get("applied"),
                "until": row.due_at or row.body.get("until"),
                "wakes": run if run in woken else None,
            }
        )
    if refused is None:
        return told
    why = {"code": refused.code, "error": refused.message, "remediation": refused.hint}
    return told.model_copy(update=why)


def _settle(context: Context, request: ItemSettle, item: str) -> str:
    """One item settled; what became of what was applied, where it is taken back."""
    with context.view() as view:
        row = require_known(view, f"inbox/{item}")
        loop_row = view.row(f"loop/{row.body['loop']}")
        loop = load_loop(view, loop_row) if loop_row else None
    if request.how == "snooze":
        until = format_time(context.ledger.now() + timedelta(hours=request.hours))
        if (expires := row.body.get("until")) and until >= expires:
            raise InvalidRequestError(
                f"the item {row.key!r} expires at {expires}, and its run ends with it",
                hint="snooze it for less --hours, or settle it",
            )
        context.commit(Inbox(context.ids).snooze(context.scope, row, until))
        return ""
    if request.how == "reverse":
        with recalling(context):
            return _reverse(context, row, loop, request.say)
    _decide(context, request, row, loop)
    return ""


def _decide(context: Context, request: ItemSettle, row: Row, loop: Loop | None) -> None:
    how = _AS[request.how]
    if how == "answered" and not request.say:
        raise InvalidRequestError("an answer without a text", hint="--say TEXT")
    change = str(row.body["change"])
    counts = loop is not None and change in loop.autonomy.classes and how != "answered"
    standing = current_standing(context, loop, change) if loop and counts else None

    said = without_secrets(context, request.say.encode()).decode()

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        if now.state == "accepted" and how == "accepted":
            return None, []  # what applies it failed then: it is tried again
        changes = [
            Inbox(context.ids).settle(context.scope, now, how, said, changed=request.changed)
        ]
        if counts and loop is not None:
            changes.append(
                Ladder(context.ids).decided(
                    view,
                    context.scope,
                    loop,
                    change,
                    ceiling(view, loop),
                    item=row.key,
                    unchanged=how == "accepted" and not request.changed,
                )
            )
        return None, changes

    context.decide_and_commit(decide)
    applies = standing is not None and standing.level in ("approve", "automatic")
    if applies and how == "accepted" and not request.changed and loop and standing:
        with recalling(context):
            apply_item(context, loop, row.key, standing)


def _reverse(context: Context, row: Row, loop: Loop | None, why: str) -> str:
    """Taken back by a person: a head goes back, the item is dismissed, the loop loses what it earned."""
    if row.state != "applied":
        raise InvalidRequestError(
            f"the item {row.key!r} is {row.state}: nothing was applied", hint="--how dismiss"
        )
    who = context.scope.actor.sub
    inbox, scope = Inbox(context.ids), context.scope
    undone = undo_item(context, row.body["applied"]["facts"], why or f"{who} took it back")
    context.commit(inbox.reopen(scope, row, f"taken back by {who}"))

    def decide(view: View) -> tuple[None, Sequence[Change]]:
        now = require_known(view, row.stream)
        changes = [inbox.settle(scope, now, "dismissed", why)]
        if loop is not None:
            told = f"{who} took back {row.key}"
            found = [Incident(id=row.key, change=str(row.body["change"]), told=told)]
            fallen = Ladder(context.ids).fallen(view, scope, loop, found)
            changes += [fallen] if fallen else []
        return None, changes

    context.decide_and_commit(decide)
    return undone


def _told(view: View, row: Row) -> dict[str, Any]:
    body = row.body
    return {
        "item": row.key,
        "state": str(row.state),
        "kind": body["kind"],
        "loop": body["loop"],
        "run": body["run"],
        "title": finding_of(view, row).title,
        "change": body["change"],
        "level": body["level"],
        "seen": body["seen"],
        "filed_at": body["filed_at"],
        "until": row.due_at or body.get("until"),
    }


def _shown(view: View, row: Row) -> ItemShown:
    finding = finding_of(view, row)
    return ItemShown.model_validate(
        {
            **_told(view, row),
            "evidence": list(finding.evidence),
            "proposed": finding.proposed,
            "request": dict(finding.request),
            "said": said_of(view, row),
            "applied": row.body.get("applied"),
        }
    )
