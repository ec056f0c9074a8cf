"""Judging the proposals of a campaign by trials that are paid once, within what may be paid."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.counts import dollars
from lignin.domain.errors import GateFailedError, InvalidRequestError, LimitedError
from lignin.domain.events import Change
from lignin.domain.evidence import GateOutcome
from lignin.domain.harness import Claim, Patch, Revision, apply_patch
from lignin.domain.states import Row
from lignin.domain.trials import paid_microusd
from lignin.evals.laws.climbing import Spent
from lignin.evals.trials import trials_of
from lignin.harness.service import Decision
from lignin.operations.context import Context
from lignin.operations.heads import state_changes
from lignin.operations.improve_models import Improve
from lignin.operations.proving import prove_once
from lignin.operations.questions import GateProve, question_on
from lignin.operations.subjects import harness_files, open_subject
from lignin.operations.suites import SuiteRequest, options_of
from lignin.operations.trialwork import SuiteCase
from lignin.ports.ledger import View, require_known
from lignin.ports.system import Covered, System, SystemRun
from lignin.ports.tools import Tools

GATE = "improve/1"


class OutOfBudgetError(LimitedError):
    """A campaign may pay no more trials."""


class Ration:
    """What may still be paid: so many runs, so much money; None is no limit.

    What a run will cost is known when it is over. So the most that a trial of this agent has cost is set
    aside before a run is started, and given back when its trial is filed: the runs that are under way are
    all that can cost more than is left. A run whose trial was never filed stays set aside.

    Args:
        trials: Runs that may still be started.
        microusd: Money that is left.
        most_microusd: The most that a trial has cost so far.
    """

    def __init__(
        self, trials: int | None = None, microusd: int | None = None, most_microusd: int = 0
    ) -> None:
        self._trials, self._microusd, self._most = trials, microusd, most_microusd
        self._aside: list[int] = []
        self._lock = threading.Lock()

    def take(self) -> None:
        """Take what one run may cost.

        Raises:
            OutOfBudgetError: There is not so much left.
        """
        with self._lock:
            if self._trials is not None and self._trials <= 0:
                raise OutOfBudgetError(
                    "the campaign's budget of trials is spent",
                    hint="ask again with a larger --budget-trials: it goes on where it was",
                )
            left = None if self._microusd is None else self._microusd - sum(self._aside)
            if left is not None and (left <= 0 or left < self._most):
                raise OutOfBudgetError(
                    f"{dollars(max(0, left))} of the campaign's budget are left, and a trial of this "
                    f"agent has cost up to {dollars(self._most)}",
                    hint="ask again with a larger --budget-usd: it goes on where it was",
                )
            if self._trials is not None:
                self._trials -= 1
            self._aside.append(self._most)

    def give_back(self) -> None:
        """Take back a run that was taken and never started."""
        with self._lock:
            if self._aside:
                self._aside.pop()
            if self._trials is not None:
                self._trials += 1

    def settle(self, cost_microusd: int | None) -> None:
        """Pay for a run that was taken; without a cost nothing is known to be paid."""
        cost = cost_microusd or 0
        with self._lock:
            if self._aside:
                self._aside.pop(0)
            self._most = max(self._most, cost)
            if self._microusd is not None:
                self._microusd -= cost


class Rationed:
    """A system under test that runs only while its ration lasts.

    See `lignin.ports.system.System` and `Metered`.
    """

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

    @property
    def covers(self) -> str:
        return self._system.covers if isinstance(self._system, Covered) else ""

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        """Run it.

        Raises:
            OutOfBudgetError: The ration is spent; no trial is filed.
        """
        self.reserve()
        return self._system.run(task, seed, tools)

    def reserve(self) -> None:
        """Take one run off the ration.

        Raises:
            OutOfBudgetError: The ration is spent.
        """
        self._ration.take()

    def release(self) -> None:
        self._ration.give_back()

    def settle(self, cost_microusd: int | None) -> None:
        self._ration.settle(cost_microusd)


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
        **options_of(context, request),
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
    kept = request.model_dump(include={"system", "bank", "every_case", *SuiteRequest.model_fields})
    asked = GateProve.model_validate({**kept, "proposal": proposal.key})
    aimed = target if proposal.body["claim"] == "better" else ()
    try:
        question = question_on(context, asked, systems=systems, suite=suite, target=aimed)
        row, _ = prove_once(
            context,
            question,
            bank=request.bank,
            limit_s=request.limit_s,
            parallel=request.parallel,
        )
    except GateFailedError as error:
        return Judged(outcome="reject", reasons=(error.message,))
    except InvalidRequestError as error:  # what trials cannot decide, they leave undecided
        return Judged(outcome="undecided", reasons=(f"{error.message}: {error.hint}",))
    with context.view() as view:
        return _judged(view, row)


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
    costs = [paid_microusd(trial) or 0 for trial in trials]
    asked = sum(int(each.get("cost_microusd") or 0) for each in body["rounds"])
    most = max(costs, default=0)
    return Spent(trials=len(trials), usd=(sum(costs) + asked) / 1e6, most_usd=most / 1e6)


def ration_of(request: Improve, spent: Spent, share: float = 1.0) -> Ration:
    """What a campaign may still pay of a share of its budget."""
    trials, usd = request.budget_trials, request.budget_usd
    return Ration(
        None if trials is None else max(0, int(share * trials) - spent.trials),
        None if usd is None else max(0, round((share * usd - spent.usd) * 1e6)),
        round(spent.most_usd * 1e6),
    )
