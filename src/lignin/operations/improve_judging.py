"""Judging the proposals of a campaign by trials that are paid once, within what may be paid."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import GateFailedError, InvalidRequestError, LimitedError
from lignin.domain.events import Change
from lignin.domain.evidence import GateOutcome
from lignin.domain.harness import Claim, Patch, Revision, apply_patch
from lignin.domain.states import Row
from lignin.evals.laws.climbing import Spent
from lignin.evals.trials import trials_of
from lignin.harness.service import Decision
from lignin.operations.context import Context
from lignin.operations.eval import SuiteRequest, top_up
from lignin.operations.gateplan import Question, needs_bank
from lignin.operations.gatework import find_decision, open_decision, reach_decision
from lignin.operations.heads import state_changes
from lignin.operations.improve_models import Improve
from lignin.operations.questions import GateProve, question_on
from lignin.operations.subjects import harness_files, open_subject
from lignin.operations.trialwork import SuiteCase
from lignin.ports.ledger import View, require_known
from lignin.ports.system import System, SystemRun
from lignin.ports.tools import Tools

GATE = "improve/1"


class OutOfBudgetError(LimitedError):
    """A campaign may pay no more trials."""


class Ration:
    """So many runs may still be paid; None is no limit."""

    def __init__(self, left: int | None) -> None:
        self._left, self._lock = left, threading.Lock()

    def take(self) -> None:
        """Take one.

        Raises:
            OutOfBudgetError: There is none left.
        """
        with self._lock:
            if self._left is None:
                return
            if self._left <= 0:
                raise OutOfBudgetError(
                    "the campaign's budget of trials is spent",
                    hint="ask again with a larger --budget-trials: it goes on where it was",
                )
            self._left -= 1


class Rationed:
    """A system under test that runs only while its ration lasts; see `lignin.ports.system.System`."""

    def __init__(self, system: System, ration: Ration) -> None:
        self._system, self._ration = system, ration

    @property
    def name(self) -> str:
        return self._system.name

    @property
    def digest(self) -> Digest:
        return self._system.digest

    @property
    def simulated(self) -> bool:
        return self._system.simulated

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        """Run it.

        Raises:
            OutOfBudgetError: The ration is spent; no trial is filed.
        """
        self.reserve()
        return self._system.run(task, seed, tools)

    def reserve(self) -> None:
        """Take one run off the ration, also where somebody else makes it.

        Raises:
            OutOfBudgetError: The ration is spent.
        """
        self._ration.take()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the gate said of a proposal."""

    outcome: GateOutcome
    decision: str = ""
    reasons: tuple[str, ...] = ()
    gain: float | None = None
    interval: tuple[float, ...] = ()
    trials: int = 0

    def to_json(self) -> dict[str, Json]:
        return {
            "outcome": self.outcome,
            "decision": self.decision,
            "reasons": list(self.reasons),
            "gain": self.gain,
            "interval": list(self.interval),
            "trials": self.trials,
        }


def system_with(context: Context, request: Improve, revision: Revision, ration: Ration) -> Rationed:
    """The agent with a revision of its harness."""
    with context.view() as view:
        files = harness_files(context, view, revision)
    system = open_subject(
        context,
        request.system,
        harness=files,
        unsandboxed=request.unsandboxed,
        limit_s=request.limit_s,
    )
    return Rationed(system, ration)


def judge(
    context: Context,
    request: Improve,
    proposal: Row,
    *,
    systems: tuple[System, System],
    suite: Sequence[SuiteCase],
    target: Sequence[str],
) -> Judged:
    """Put a proposal before the gate; what was decided of it is not decided again.

    Args:
        systems: What stands, and what is proposed.
        suite: Cases that its proposer did not see are held out in it.
    """
    kept = request.model_dump(include={"system", "bank", *SuiteRequest.model_fields})
    asked = GateProve.model_validate({**kept, "proposal": proposal.key})
    aimed = target if proposal.body["claim"] == "better" else ()
    try:
        question = question_on(context, asked, systems=systems, suite=suite, target=aimed)
        row = _opened(context, request, question)
    except GateFailedError as error:
        return Judged(outcome="reject", reasons=(error.message,))
    except InvalidRequestError as error:  # what trials cannot decide, they leave undecided
        return Judged(outcome="undecided", reasons=(f"{error.message}: {error.hint}",))
    if row.state == "open":
        reach_decision(context, row, question, request.parallel)
    with context.view() as view:
        return _judged(view, require_known(view, row.stream))


def _opened(context: Context, request: Improve, question: Question) -> Row:
    """The decision that answers a question, opened once, with the trials that it needs beforehand."""
    with context.view() as view:
        decision, row = find_decision(view, question, anew=False)
    if row is not None:
        return row
    if needs_bank(question):
        top_up(context, question.incumbent, question.suite, request.bank, request.parallel)
    return open_decision(context, decision, question)


def _judged(view: View, row: Row) -> Judged:
    told: Mapping[str, Any] = parse_json(view.blob(row.body["result"]["told"]))
    return Judged(
        outcome=told["verdict"],
        decision=row.key,
        reasons=tuple(told["reasons"]),
        gain=told["gain"],
        interval=tuple(told["interval"] or ()),
        trials=int(told["trials"]),
    )


def hide(suite: Sequence[SuiteCase], hidden: frozenset[str]) -> list[SuiteCase]:
    """The suite as a decision judges it: what its proposer did not see is held out."""
    return [replace(case, split="held_out") if case.name in hidden else case for case in suite]


def settle(context: Context, proposal: Row, judged: Judged, told: str) -> Row:
    """Record on a proposal what the gate of its campaign said; once."""
    with context.view() as view:
        row = require_known(view, proposal.stream)
        if (
            row.state not in ("open", "undecided")
            or (row.body["decision"] or {}).get("gate") == GATE
        ):
            return row
        said = Decision(
            outcome=judged.outcome,
            reasons=(told, *judged.reasons),
            evidence=(judged.decision,) if judged.decision else (),
            gate=GATE,
        )
        change = context.harness.decide(view, context.scope, proposal.key, said)
    context.commit(change)
    with context.view() as view:
        return require_known(view, proposal.stream)


def moves(context: Context, view: View, proposal: Row) -> list[Change]:
    """The changes that move a head to an accepted proposal's revision; none where it stands there."""
    if proposal.state != "accepted":
        return []
    change = context.harness.apply(view, context.scope, proposal.key)
    before, after = context.harness.proposed(view, proposal.key)
    return [change, *state_changes(context, view, proposal.body["head"], before, after)]


def open_proposal(
    context: Context,
    view: View,
    head: str,
    patch: Patch,
    *,
    claim: Claim,
    hypothesis: str,
    facts: Mapping[str, Json],
) -> tuple[str, Change, Revision]:
    """A proposal's id, the change that opens it, and the revision it leads to."""
    _, revision = context.harness.stable(view, head)
    proposal, opened = context.harness.propose(
        view,
        context.scope,
        head=head,
        patch=patch,
        claim=claim,
        hypothesis=hypothesis,
        facts=facts,
    )
    return proposal, opened, apply_patch(revision, patch)


def spent(view: View, row: Row) -> Spent:
    """What a campaign has paid since it was opened: trials of its systems, and its proposers."""
    body = row.body
    systems = {body["subject"], *body["end"].get("systems", ())}
    systems |= {each[name] for each in body["rounds"] for name in ("candidate",) if name in each}
    trials = [
        trial.body
        for system in sorted(systems)
        for trial in trials_of(view, system)
        if trial.body["at"] >= body["opened_at"]
    ]
    cost = sum(int(trial["cost_microusd"] or 0) for trial in trials)
    cost += sum(int(each.get("cost_microusd") or 0) for each in body["rounds"])
    return Spent(trials=len(trials), usd=cost / 1e6)
