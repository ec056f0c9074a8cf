"""Making a change that a loop proposed: by what its file says applies the class, as far as it may go.

The class names what is done; the finding gives the arguments, and can neither choose another operation
nor overrule an argument that the file fixes.
"""

from collections.abc import Mapping
from dataclasses import replace

from lignin.artifacts.promotion import require_person
from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, GateFailedError, InvalidRequestError
from lignin.domain.events import Actor, Change
from lignin.domain.harness import diff_revisions
from lignin.domain.loops import Loop
from lignin.domain.states import Row
from lignin.harness.laws import Decision
from lignin.loops.inbox import Inbox, finding_of
from lignin.loops.laws.answers import Finding
from lignin.loops.laws.ladder import Standing
from lignin.operations.context import Context
from lignin.operations.loopacting import perform, run_operation
from lignin.operations.loopplaces import Places, folders_of
from lignin.operations.loopsending import OWN
from lignin.operations.proposal import ProposalApply as ApplyRequest
from lignin.operations.proposal import ProposalDecide, applied, decide
from lignin.operations.regressing import log_of, propose_rollback
from lignin.ports.ledger import View, require_known

GATE = "autonomy"
_ANY = frozenset({"read", "write", "execute", "govern"})


def as_loop(context: Context, loop: str) -> Context:
    """The context of what a loop does by itself: an agent, never a person."""
    actor = Actor(sub=f"agent:loop-{loop}", act=context.scope.actor.act)
    return replace(context, scope=replace(context.scope, actor=actor))


def apply_item(context: Context, loop: Loop, item: str, standing: Standing) -> Mapping[str, Json]:
    """Do what an item proposes and file that it is done; what was done already is only filed.

    Args:
        context: Whose word it is: a person's who accepted it, or the loop's own.

    Raises:
        DeniedError: Nothing applies its class, or the loop has not come so far.
        GateFailedError: The gate, or what applies it, says no.
    """
    with context.view() as view:
        row = require_known(view, f"inbox/{item}")
        finding = finding_of(view, row)
    if row.state == "applied":
        facts: Mapping[str, Json] = row.body["applied"]["facts"]
        return facts
    least = "approve" if context.scope.actor.is_person else "automatic"
    if standing.level not in {least, "automatic"}:
        raise DeniedError(
            f"{loop.name} stands at {standing.level} with {finding.change!r}; this takes {least}",
            hint="`lignin loop autonomy` says what holds it there",
        )
    facts = _do(context, loop, finding, item)

    def file(view: View) -> tuple[None, list[object]]:
        now = require_known(view, row.stream)
        if now.state == "applied":
            return None, []
        return None, [Inbox(context.ids).applied(context.scope, now, standing.level, facts)]

    context.decide_and_commit(file)  # type: ignore[arg-type]
    return facts


def undo_item(context: Context, facts: Mapping[str, Json], why: str) -> str:
    """Take back what was applied, where it was a move of a head; return what became of it, in words.

    Args:
        context: Of the person who takes it back; his word approves it.
        facts: What `apply_item` gave.

    Raises:
        GateFailedError: Its slots hold something else by now, or the head may not go back.
    """
    proposal, head = facts.get("proposal"), facts.get("head")
    if not isinstance(proposal, str) or not isinstance(head, str):
        return "noted; what was done is not undone by this: do so by hand"

    def plan(view: View) -> tuple[str, list[Change]]:
        log = log_of(context, view, head)
        accused = next(move for move in reversed(log.moves) if move.proposal == proposal)
        slots = context.harness.stable(view, head)[1].slots
        ends = (accused.came_from, accused.to)
        put = diff_revisions(*(context.harness.revision(view, end) for end in ends))
        if all(slots.get(slot) == change.expected for slot, change in put.items()):
            return "", []
        if any(slots.get(slot) != change.new for slot, change in put.items()):
            raise GateFailedError(
                f"{head} holds something else by now in {', '.join(sorted(put))}",
                hint="`lignin head history` has its moves, `lignin head rollback` goes back to one; "
                "settle the item again then",
            )
        return propose_rollback(context, view, log, accused, why=why, facts={})

    back = context.decide_and_commit(plan)
    if not back:
        return f"{head} had gone back already"
    with context.view() as view:
        state = require_known(view, f"proposal/{back}").state
    if state in ("open", "undecided"):
        decide(context, ProposalDecide(proposal=back, approve=True, reject=""))
    applied(context, ApplyRequest(proposal=back, token=None))
    return f"{head} has gone back, by {back}"


def _do(context: Context, loop: Loop, finding: Finding, item: str) -> Mapping[str, Json]:
    action = loop.autonomy.classes[finding.change]
    if action.kind == "operation" and action.name == "proposal.apply":
        return _apply_proposal(context, loop, finding)
    if action.kind == "operation":
        request = {**finding.request, **action.request}
        run_operation(context, action.name, request, _ANY)
        return {"operation": action.name}
    if action.kind == "send" and (chosen := sorted(OWN & finding.request.keys())):
        raise InvalidRequestError(
            f"the item says {chosen[0]!r} of what is to be sent: that is for the loop's file",
            hint=f"autonomy.classes.{finding.change}.with in the loop's file may say it",
        )
    task = {"change": finding.to_json(), "key": item, "goal": loop.goal}
    asked = replace(action, request={**finding.request, **action.request})
    with context.view() as view:
        folder, works_in = folders_of(view, loop.name, context.cwd)
    place = Places(context, loop, "", works_in).here()
    done = perform(
        context, asked, task, folder=folder, place=place, limit_s=action.limit_s, key=item
    )
    if done.ended != "done":
        raise GateFailedError(
            f"what applies {finding.change!r} {done.ended}: {done.why[:300]}",
            hint="settle the item again when that is mended",
        )
    return {"kind": action.kind}


def _apply_proposal(context: Context, loop: Loop, finding: Finding) -> Mapping[str, Json]:
    proposal = finding.request.get("proposal")
    if not isinstance(proposal, str):
        raise InvalidRequestError("the item names no proposal", hint="request.proposal is one")
    with context.view() as view:
        row = require_known(view, f"proposal/{proposal}")
    if row.state in ("open", "undecided"):
        _decide(context, loop, row)
    with context.view() as view:
        row = require_known(view, row.stream)
    if row.state != "applied":
        applied(context, ApplyRequest(proposal=proposal, token=None))
    return {"proposal": proposal, "head": row.body["head"], "operation": "proposal.apply"}


def _decide(context: Context, loop: Loop, row: Row) -> None:
    """A person's acceptance is his approval; alone a loop has the gate's word, and its own where a head
    only goes back to what it stood at before."""
    if context.scope.actor.is_person:
        require_person(context.scope.actor, "approves")
        decide(context, ProposalDecide(proposal=row.key, approve=True, reject=""))
        return
    decided = decide(context, ProposalDecide(proposal=row.key, approve=False, reject=""))
    if decided.state != "undecided" or row.body["claim"] != "restore":
        return
    told = (decided.decision or {}).get("reasons", [])
    if any("only removes" not in str(reason) for reason in told):
        return  # something else keeps it: that is for a person
    reason = f"{loop.name} may roll back by itself: it earned that, and its gate is measured"
    accept = Decision(outcome="accept", reasons=(*map(str, told), reason), gate=GATE)

    def file(view: View) -> tuple[None, list[object]]:
        return None, [context.harness.decide(view, context.scope, row.key, accept)]

    context.decide_and_commit(file)  # type: ignore[arg-type]
