"""The beginning and the end of a campaign: its side head; the whole change before the gate; what it is worth.

However a campaign got there, the user's head is asked once, for all of it, and a person approves. Where
agents are simulated it has to be a practice head, which serves nobody: there the gate alone decides.
"""

import shlex
from collections.abc import Mapping, Sequence

from lignin.domain.codec import Json, digest_json, parse_json
from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, NotFoundError
from lignin.domain.harness import Patch, Revision, SlotChange
from lignin.domain.states import Row
from lignin.evals.improvements import Improvements, campaign_id
from lignin.evals.laws.climbing import draw_held_out, over_budget, why_stop
from lignin.evals.laws.gain import mean_gain
from lignin.evals.laws.no_worse import LEAST_LEFT, MARGIN
from lignin.evals.releases import LEAST_TRIALS, last_release, line_of
from lignin.evals.trials import standing, trials_of
from lignin.operations.context import Context
from lignin.operations.heads import (
    HIDDEN,
    MAIN,
    ensure_head,
    is_practice,
    propose_to_children,
    removal,
)
from lignin.operations.improve_judging import (
    Judged,
    OutOfBudgetError,
    Ration,
    hide,
    judge,
    moves,
    open_proposal,
    ration_of,
    settle,
    spent,
    system_with,
)
from lignin.operations.improve_models import Improve
from lignin.operations.improve_proposers import OpenProposer, opening_for, proposers_of
from lignin.operations.improve_rounds import Campaign
from lignin.operations.proposal import ProposalDecide, decide
from lignin.operations.suites import load_suite
from lignin.operations.trialwork import SuiteCase
from lignin.operations.tries import Tries
from lignin.ports.ledger import View, require_known
from lignin.ports.system import System
from lignin.traces.mined import Evidence

PRACTICE = "practice"


def run_campaign(context: Context, request: Improve, opening: OpenProposer | None = None) -> str:
    """Run a campaign to its end, or go on with it, and return its id.

    Args:
        opening: Opens a proposer by name, with what was mined for it; default: the usual ones.
    """
    opening = opening or opening_for(context, request)
    key = _begin(context, request, opening)
    campaign = Campaign(context=context, request=request, key=key, open_proposer=opening)
    campaign.explore()
    if campaign.row.state == "open":
        _end(campaign)
    return key


def _begin(context: Context, request: Improve, opening: OpenProposer) -> str:
    """Open the campaign that is asked for, or find it."""
    head = _head(context, request)
    with context.view() as view:
        base_digest, base = context.harness.stable(view, head)
    subject = system_with(context, request, base, Ration())
    with context.view() as view:
        suite = _with_split(load_suite(context, view, request))
        founding = _founding(request, head, suite)
        number, last = 0, None
        while (row := view.row(f"improve/{campaign_id([founding, number])}")) is not None:
            number, last = number + 1, row
    if last is not None and not request.again:
        same = (last.body["base"], last.body["subject"]) == (base_digest, subject.digest)
        if last.state == "ended" and same:
            return _continued(context, request, last, opening)
        if last.state == "open":
            _require_unchanged(last, subject)
            return last.key
    key = campaign_id([founding, number])
    if request.prune:
        _require_release(context, request, head, subject, len(suite))
    for name in proposers_of(request):
        opening(name, Evidence())  # a name that is none is told before anything is made
    facts: dict[str, Json] = {
        "system": subject.name,
        "subject": subject.digest,
        "simulated": subject.simulated,
        "head": head,
        "side": f"improve-{key.removeprefix('imp_')[-12:].lower()}",
        "base": base_digest,
        "proposers": proposers_of(request),
        "prune": request.prune,
        "claim": "no_worse_and_cheaper" if request.prune else "better",
        "surface": list(request.surface),
    }
    told = [[case.name, case.digest, case.mode, case.split] for case in suite]
    with context.view() as view:
        slots = context.harness.resolve(view, base_digest)
        practice = is_practice(require_known(view, f"head/{head}"))
    side = context.harness.create_head(
        context.scope,
        facts["side"],
        salt=context.ids.new("slt"),
        extends=(context.scope.space, head),
        parent_revision=base_digest,
        parent_slots=slots,
        practice=practice,
        campaign=key,
    )
    steps = Improvements(context.ids)
    context.commit(side, steps.open(context.scope, key, told, facts))
    return key


def _require_release(
    context: Context, request: Improve, head: str, subject: System, cases: int
) -> None:
    """Removals are compared with what was released; a person cuts that.

    Raises:
        InvalidRequestError: What was released has too few trials to show anything against it.
        NotFoundError: Nothing was released of this agent and head; the hint says what it costs.
    """
    with context.view() as view:
        row = last_release(view, line_of(head))
        left = parse_json(view.blob(row.body["result"]["told"]))["margin_left"] if row else 0.0
    command = f"lignin release cut --head {head} --system {shlex.quote(request.system)}"
    if row is not None and row.body["name"] == subject.name:
        if left > LEAST_LEFT * MARGIN:
            return
        raise InvalidRequestError(
            f"the trials of the release {row.key} are too few to show that a removal loses less than "
            f"{MARGIN:.0%}",
            hint=f"`{command} --trials N` with more than {row.body['trials']} a case; those that stand "
            "are not paid again",
        )
    raise NotFoundError(
        f"no release of {subject.name!r:.80} on the head {head!r}, which removals are compared with",
        hint=f"`{command}` first: {LEAST_TRIALS} trials of {cases} cases, at most "
        f"{LEAST_TRIALS * cases}, of which those that stand are not paid again",
    )


def _founding(request: Improve, head: str, suite: Sequence[SuiteCase]) -> Json:
    """What a campaign is about; its limits are not of it, so that they can be raised."""
    told = [case.digest for case in suite if case.kind == "told"]
    return [
        request.system,
        request.unsandboxed,
        head,
        proposers_of(request),
        request.prune,
        request.explore,
        sorted(request.surface),
        sorted(request.case),
        digest_json(sorted(told)),
        *(["every case"] if request.every_case else []),
    ]


def _head(context: Context, request: Improve) -> str:
    """The head that is to be better; a simulated agent improves one to practise on.

    Raises:
        DeniedError: A simulated agent is to improve a real head.
        NotFoundError: There is no such head.
    """
    bare = system_with(context, request, Revision(slots={}), Ration())
    head = request.head or (PRACTICE if bare.simulated else MAIN)
    with context.view() as view:
        row = view.row(f"head/{head}")
    if row is None and not request.head and bare.simulated:
        salt = context.ids.new("slt")
        context.commit(context.harness.create_head(context.scope, head, salt=salt, practice=True))
        return head
    ensure_head(context, head)
    with context.view() as view:
        row = require_known(view, f"head/{head}")
    if bare.simulated and not is_practice(row):
        raise DeniedError(
            f"{bare.name} is simulated, and {head!r} is a real head",
            hint="leave out --head, or `lignin head create NAME --practice`",
        )
    return head


def _with_split(suite: Sequence[SuiteCase]) -> list[SuiteCase]:
    """The suite with some cases held out; where none has a split they are drawn by hash."""
    if any(case.split == "held_out" for case in suite):
        return list(suite)
    held_out = draw_held_out([case.name for case in suite], "held out")
    return hide(suite, held_out)


def _require_unchanged(row: Row, subject: System) -> None:
    if row.body["subject"] != subject.digest:
        raise ConflictError(
            f"the agent or its head changed since the campaign {row.key} began",
            hint="--again begins a new one",
        )


def _continued(context: Context, request: Improve, row: Row, opening: OpenProposer) -> str:
    """Open an ended campaign again where its limits were raised; else it stays as it is."""
    with context.view() as view:
        paid = spent(view, row)
    campaign = Campaign(context=context, request=request, key=row.key, open_proposer=opening)
    end, limits = row.body["end"], campaign.limits(row)
    by_limit = end["stop"].partition(":")[0] in ("rounds", "no progress", "budget", "goal")
    goes_on = by_limit and not why_stop(row.body["rounds"], limits, paid, end.get("mean"))
    undecided = bool(end.get("proposal")) and not end.get("decision")  # the budget ended before
    if not goes_on and (not undecided or over_budget(limits, paid)):
        return str(row.key)
    changes = [campaign.steps.continued(context.scope, row)]
    with context.view() as view:
        before = row.body["end"].get("proposal")
        known = view.row(f"proposal/{before}") if before else None
        if known is not None and known.state in ("open", "undecided"):
            changes.append(context.harness.withdraw(view, context.scope, known.key))
    context.commit(*changes)
    return str(row.key)


def _end(campaign: Campaign) -> None:
    """Gate the whole change, measure it on what nobody saw, and end."""
    row = campaign.row
    context, scope = campaign.context, campaign.context.scope
    with context.view() as view:
        campaign.ration = ration_of(campaign.request, spent(view, row))
    if not campaign.side(row).slots:
        facts = {"outcome": "", "held_out": {}}
        context.commit(campaign.steps.ended(scope, row, facts))
        return
    if "proposal" not in row.body["end"]:
        _offer(campaign, row)
        row = campaign.row
    if "decision" not in row.body["end"]:
        _decide(campaign, row)
        row = campaign.row
    context.commit(campaign.steps.ended(scope, row, {"held_out": _measured(campaign, row)}))


def _left(campaign: Campaign, row: Row) -> int | None:
    if campaign.request.budget_trials is None:
        return None
    with campaign.context.view() as view:
        return max(0, campaign.request.budget_trials - spent(view, row).trials)


def _offer(campaign: Campaign, row: Row) -> None:
    """Open the proposal of the whole change on the user's head."""
    context, head = campaign.context, row.body["head"]
    with context.view() as view:
        stable, now = context.harness.stable(view, head)
        patch = _patch(context, view, campaign.side(row), now)
        taken = [r for r in row.body["rounds"] if r.get("outcome") == "accept" or r.get("explored")]
        facts: dict[str, Json] = {
            "campaign": row.key,
            "modes": sorted({r["mode"] for r in taken}),
            "kinds": sorted({r["kind"] for r in taken}),
            "proposed_by": ", ".join(sorted({r["proposer"] for r in taken})),
            "model": ", ".join(sorted({r["model"] for r in taken} - {""})),
            "simulated": row.body["simulated"],
            "surface": row.body["surface"],
        }
        proposal, opened, after = open_proposal(
            context,
            view,
            head,
            patch,
            claim=row.body["claim"],
            hypothesis="; ".join(r["hypothesis"] for r in taken)[:2000],
            facts=facts,
        )
        before = context.harness.revision(view, stable)
    systems = [campaign.system(each).digest for each in (before, after)]
    told = {"proposal": proposal, "systems": systems}
    context.commit(opened, campaign.steps.ending(context.scope, row, told))


def _patch(context: Context, view: View, side: Revision, now: Revision) -> Patch:
    """What the side head holds of its own, as a patch of the head that it extends."""
    found = {}
    for slot, digest in side.slots.items():
        if digest == HIDDEN:
            change = removal(context, view, now, slot)
        else:
            change = SlotChange(expected=now.slots.get(slot), new=digest)
        if change.expected != change.new:
            found[slot] = change
    return found


def _decide(campaign: Campaign, row: Row) -> None:
    """Put the whole change before the gate, with fresh trials of its own."""
    context, end = campaign.context, row.body["end"]
    with context.view() as view:
        proposal = require_known(view, f"proposal/{end['proposal']}")
        before, after = context.harness.proposed(view, proposal.key)
        practice = is_practice(require_known(view, f"head/{row.body['head']}"))
    systems = campaign.system(before), campaign.system(after)
    suite = campaign.suite(row)
    taken = [r for r in row.body["rounds"] if r.get("outcome") == "accept" or r.get("explored")]
    target = sorted({name for each in taken for name in each["target"]})
    try:
        judged = judge(
            context, campaign.request, proposal, systems=systems, suite=suite, target=target
        )
    except OutOfBudgetError as error:
        judged = Judged(outcome="undecided", reasons=(error.message,))
    if practice:
        _apply(context, proposal, judged)
    elif judged.decision and proposal.state in ("open", "undecided"):
        decide(context, ProposalDecide(proposal=proposal.key, approve=False, reject=""))
    row = campaign.row
    with context.view() as view:
        first = [standing(list(trials_of(view, system.digest))).following for system in systems]
    left = _left(campaign, row)
    held_out = [case for case in suite if case.split == "held_out"]
    most = campaign.request.measure
    trials = most if left is None else min(most, left // max(1, 2 * len(held_out)))
    told: dict[str, Json] = {
        **judged.to_json(),
        "measure": {
            "trials": trials,
            "first": {
                case.name: [each.get((case.digest, case.grader), 0) for each in first]
                for case in held_out
            },
        },
    }
    context.commit(campaign.steps.ending(context.scope, row, told))


def _apply(context: Context, proposal: Row, judged: Judged) -> None:
    """On a practice head, which serves nobody, the gate alone decides."""
    told = f"{judged.decision or 'no decision'} by trials: {judged.outcome}; a practice head"
    settled = settle(context, proposal, judged, told)
    with context.view() as view:
        changes = moves(context, view, settled)
    if changes:
        context.commit(*changes)
        propose_to_children(context, proposal.body["head"])


def _measured(campaign: Campaign, row: Row) -> dict[str, Json]:
    """The held-out score before and after, by trials that decided nothing."""
    context, asked = campaign.context, row.body["end"]["measure"]
    held_out = [case for case in campaign.suite(row) if case.name in asked["first"]]
    if not asked["trials"] or not held_out:
        return {}
    with context.view() as view:
        before, after = context.harness.proposed(view, row.body["end"]["proposal"])
    systems = campaign.system(before), campaign.system(after)
    tries = Tries(context, campaign.request.parallel)
    scores: tuple[dict[str, list[float]], ...] = ({}, {})
    for number in range(asked["trials"]):
        context.progress("measuring", number, asked["trials"])
        wanted = [
            (arm, case, asked["first"][case.name][arm] + number)
            for case in held_out
            for arm in (0, 1)
        ]
        try:
            done = tries.trials([(systems[arm], case, which) for arm, case, which in wanted])
        except OutOfBudgetError:  # what was tried again for nothing counts too
            break
        for (arm, case, _), body in zip(wanted, done, strict=True):
            if body["score"] is not None:
                scores[arm].setdefault(case.name, []).append(float(body["score"]))
    else:
        number = asked["trials"]
    return _compared(scores, number)


def _compared(scores: Sequence[Mapping[str, Sequence[float]]], trials: int) -> dict[str, Json]:
    both = sorted(set(scores[0]) & set(scores[1]))
    means = [{name: sum(arm[name]) / len(arm[name]) for name in both} for arm in scores]
    gain, interval = mean_gain({name: [means[1][name] - means[0][name]] for name in both})
    before, after = (sum(arm.values()) / len(arm) if arm else None for arm in means)
    return {
        "cases": len(both),
        "trials": trials,
        "before": before,
        "after": after,
        "gain": gain,
        "interval": list(interval or ()),
    }
