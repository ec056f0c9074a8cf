"""A campaign's rounds: aim at a mode, ask for a draft, build it, judge it, move the side head, repeat.

Each step reads where the campaign stands, does one thing, and commits it as one event with all that
belongs to it. Killed anywhere, the same call goes on there: what was paid has a name and is found again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    GateFailedError,
    InvalidRequestError,
    LimitedError,
)
from lignin.domain.events import Change
from lignin.domain.harness import Revision, SlotChange, apply_patch
from lignin.domain.states import Row
from lignin.evals.improvements import Improvements, drafted_files
from lignin.evals.laws.climbing import (
    FOR_THE_ROUNDS,
    Aim,
    Limits,
    avoided,
    next_turn,
    split_shown,
    why_stop,
    without_hidden,
)
from lignin.evals.releases import sealed_cases
from lignin.operations.context import Context
from lignin.operations.draft_versions import Origin, patch_of_draft
from lignin.operations.drafting import require_unquoted_change, without_secrets
from lignin.operations.improve_aims import Findings, brief_for, evidence_for, find_aims
from lignin.operations.improve_judging import (
    Judged,
    OutOfBudgetError,
    Ration,
    Rationed,
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
from lignin.operations.improve_proposers import OpenProposer, walls_of
from lignin.operations.subjects import harness_files
from lignin.operations.suites import load_suite
from lignin.operations.trialwork import SuiteCase, suite_case
from lignin.operations.tries import top_up
from lignin.ports.ledger import View, require_known
from lignin.ports.proposer import Brief, TriedBefore, outside_surface
from lignin.traces.mined import Evidence

DRAFT_ERRORS = (
    InvalidRequestError,
    ConflictError,
    DeniedError,
    LimitedError,
    GateFailedError,
)
"""What says that a draft cannot be tried: a refusal of that round, by name."""

WHOLE = "the whole suite"
"""What a campaign that takes things out is about: no failure mode."""


def limits_of(request: Improve) -> Limits:
    """When the campaign that is asked for stops."""
    return Limits(
        rounds=request.rounds,
        no_progress=request.no_progress,
        trials=request.budget_trials,
        usd=request.budget_usd,
        goal=request.goal,
        pivot=request.pivot,
    )


@dataclass(slots=True, kw_only=True)
class Campaign:
    """A campaign while it is worked on; what it knows is on the ledger, but for `_found`."""

    context: Context
    request: Improve
    key: str
    open_proposer: OpenProposer
    ration: Ration = field(default_factory=Ration)
    _found: dict[Digest, Findings] = field(default_factory=dict)
    _suite: list[SuiteCase] = field(default_factory=list)
    _mean: float | None = None

    @property
    def row(self) -> Row:
        with self.context.view() as view:
            return require_known(view, f"improve/{self.key}")

    @property
    def steps(self) -> Improvements:
        return Improvements(self.context.ids)

    def suite(self, row: Row) -> list[SuiteCase]:
        """The cases as they were when the campaign began."""
        if not self._suite:
            with self.context.view() as view:
                known = parse_json(view.blob(row.body["suite"]))
                self._suite = read_suite(self.context, view, self.request, known)
        return self._suite

    def held_out(self, row: Row) -> frozenset[str]:
        """The cases that no proposer of it sees."""
        return frozenset(case.name for case in self.suite(row) if case.split == "held_out")

    def side(self, row: Row) -> Revision:
        """What stands on the side head."""
        with self.context.view() as view:
            return self.context.harness.stable(view, row.body["side"])[1]

    def system(self, revision: Revision) -> Rationed:
        """The agent with a revision, within the ration."""
        return system_with(self.context, self.request, revision, self.ration)

    def explore(self) -> None:
        """Go on with the rounds until it stops, and note why."""
        row = self.row
        while not row.body["end"]:
            self._ration(row)
            try:
                stop = self._step(row)
            except OutOfBudgetError as error:
                stop = f"budget: {error.message}"
            if stop:
                facts = {"stop": stop, "mean": self._mean}
                self._commit(self.steps.ending(self.context.scope, self.row, facts))
            row = self.row

    def _ration(self, row: Row) -> None:
        """What may still be paid by the rounds: a part is kept for the end."""
        if self.request.budget_trials is not None or self.request.budget_usd is not None:
            with self.context.view() as view:
                paid = spent(view, row)
            self.ration = ration_of(self.request, paid, FOR_THE_ROUNDS)

    def _step(self, row: Row) -> str:
        """Do the next thing; why it stops, where it does."""
        rounds = row.body["rounds"]
        step = rounds[-1]["step"] if rounds else "judged"
        if step == "judged":
            return self._aim(row)
        if step == "aimed":
            self._draft(row, rounds[-1])
        elif step == "drafted":
            self._propose(row, rounds[-1])
        else:
            self._judge(row, rounds[-1])
        return ""

    def _aim(self, row: Row) -> str:
        context, request = self.context, self.request
        rounds = row.body["rounds"]
        with context.view() as view:
            paid = spent(view, row)
        if stop := why_stop(rounds, self.limits(row), paid, None):
            return stop
        revision = self.side(row)
        incumbent = self.system(revision)
        aims, mean = self._aims(row, incumbent)
        self._mean = mean
        if stop := why_stop(rounds, self.limits(row), paid, mean):
            return stop
        if not aims:
            return "nothing is left that fails and may be shown"
        turn = next_turn(aims, rounds, row.body["proposers"], request.pivot)
        if turn is None:
            return "nobody has anything more to propose"
        aim, proposer = turn
        held_out = self.held_out(row)
        shown, _ = split_shown(sorted(aim.failing), held_out, f"{self.key} {aim.mode}")
        facts: dict[str, Json] = {
            "mode": aim.mode,
            "name": aim.name,
            "target": sorted(aim.failing),
            "shown": list(shown),
            "proposer": proposer,
            "number": sum((r["mode"], r["proposer"]) == (aim.mode, proposer) for r in rounds),
            "incumbent": incumbent.digest,
            "mean": mean,
        }
        self._commit(self.steps.aimed(context.scope, row, facts))
        return ""

    def limits(self, row: Row) -> Limits:
        """When it stops; one that takes things out goes through all of them."""
        limits = limits_of(self.request)
        if not row.body["prune"]:
            return limits
        return replace(limits, no_progress=limits.rounds, goal=None)

    def _aims(self, row: Row, incumbent: Rationed) -> tuple[list[Aim], float | None]:
        if row.body["prune"]:
            return [
                Aim(mode=WHOLE, name=WHOLE, failing={c.name: 1.0 for c in self.suite(row)})
            ], None
        found = self._findings(row, incumbent)
        held_out = self.held_out(row)
        return [aim for aim in found.aims if set(aim.failing) - held_out], found.mean

    def _findings(self, row: Row, incumbent: Rationed) -> Findings:
        suite = self.suite(row)
        top_up(self.context, incumbent, suite, self.request.bank, self.request.parallel)
        if incumbent.digest not in self._found:
            with self.context.view() as view:
                self._found = {
                    incumbent.digest: find_aims(self.context, view, incumbent.digest, suite)
                }
        return self._found[incumbent.digest]

    def _draft(self, row: Row, last: Mapping[str, Json]) -> None:
        """Ask for a draft, and keep the answer before anything is made of it."""
        brief, evidence = self._brief(row, last)
        proposer = self.open_proposer(last["proposer"], evidence)
        said = without_secrets(self.context, proposer.propose(brief, last["number"]))
        draft = said.draft if said.ended == "drafted" else None
        facts: dict[str, Json] = {
            "ended": said.ended if draft or said.ended != "drafted" else "failed",
            "why": said.why,
            "kind": draft.kind if draft else "",
            "hypothesis": draft.hypothesis if draft else "",
            "predicted": draft.predicted if draft else None,
            "model": said.model,
            "usage": dict(said.usage),
            "cost_microusd": said.cost_microusd,
        }
        files = draft.files if draft else {}
        facts["walls"] = walls_of(self.request, last["proposer"])
        self._commit(self.steps.drafted(self.context.scope, row, facts, files))

    def _brief(self, row: Row, last: Mapping[str, Json]) -> tuple[Brief, Evidence]:
        suite, mode = self.suite(row), last["mode"]
        revision = self.side(row)
        rounds = row.body["rounds"][:-1]
        found, aim = self._aimed(row, last, revision)
        hidden = self.held_out(row) | (set(last["target"]) - set(last["shown"]))
        names = sorted(hidden)
        tried = [
            TriedBefore(
                kind=each["kind"],
                hypothesis=each["hypothesis"],
                outcome=each["outcome"],
                reasons=without_hidden(each["reasons"], names),
            )
            for each in rounds
            if each["mode"] == mode and "outcome" in each
        ]
        with self.context.view() as view:
            files = harness_files(self.context, view, revision)
            evidence = (
                Evidence()
                if row.body["prune"]
                else evidence_for(view, found, aim, frozenset(hidden))
            )
        brief = brief_for(
            found,
            aim,
            suite,
            () if row.body["prune"] else last["shown"],
            files=files,
            surface=self.request.surface,
            tried=tried,
            avoid=avoided(rounds, mode, self.request.pivot),
        )
        return brief, evidence

    def _aimed(
        self, row: Row, last: Mapping[str, Json], revision: Revision
    ) -> tuple[Findings, Aim]:
        if row.body["prune"]:
            aim = Aim(mode=WHOLE, name=WHOLE, failing=dict.fromkeys(last["target"], 1.0))
            return Findings(aims=(aim,), runs=(), mean=None, aim_of={}), aim
        found = self._findings(row, self.system(revision))
        failing = dict.fromkeys(last["target"], 1.0)
        gone = Aim(mode=last["mode"], name=last["name"], failing=failing)
        return found, next((aim for aim in found.aims if aim.mode == last["mode"]), gone)

    def _propose(self, row: Row, last: Mapping[str, Json]) -> None:
        """Build the draft and open its proposal on the side head; what cannot be tried is refused."""
        context = self.context
        if last["ended"] != "drafted":
            self._commit(self.steps.judged(context.scope, row, {}))
            return
        with context.view() as view:
            files = drafted_files(view, last["files"])
        revision = self.side(row)
        try:
            patch = self._patch(row, last, revision, files)
        except DRAFT_ERRORS as error:
            self._file(row, Judged(outcome="reject", reasons=(error.message,)), {})
            return
        with context.view() as view:
            facts = proposal_facts(row, last)
            proposal, opened, after = open_proposal(
                context,
                view,
                row.body["side"],
                patch,
                claim=row.body["claim"],
                hypothesis=last["hypothesis"],
                facts=facts,
            )
        candidate = self.system(after).digest
        if refused := _seen(row, last, candidate):
            self._file(row, Judged(outcome="reject", reasons=(refused,)), {})
            return
        facts = {"proposal": proposal, "candidate": candidate}
        self._commit(opened, self.steps.proposed(context.scope, row, facts))

    def _patch(
        self,
        row: Row,
        last: Mapping[str, Json],
        revision: Revision,
        files: Mapping[str, File | None],
    ) -> dict[str, SlotChange]:
        """The patch of a draft that keeps to its surface and quotes no case; else one of `DRAFT_ERRORS`."""
        if not files:
            raise InvalidRequestError("an empty draft", hint="hand in files that differ")
        if astray := outside_surface(files, self.request.surface):
            raise InvalidRequestError(
                f"it changes what it may not: {', '.join(astray[:5])}",
                hint=f"the edit surface is {', '.join(self.request.surface)}",
            )
        origin = Origin(
            source=f"improve/{self.key}",
            author=last["proposer"],
            model=last["model"],
            mode=last["mode"].partition(" ")[0] if last["mode"] != WHOLE else "",
            simulated=row.body["simulated"],
        )
        patch = patch_of_draft(self.context, revision, files, origin)
        with self.context.view() as view:
            after = apply_patch(revision, patch)
            require_unquoted_change(self.context, view, revision, after, self.suite(row))
        return patch

    def _judge(self, row: Row, last: Mapping[str, Json]) -> None:
        """Let the gate decide, move the side head where it accepts, and end the round."""
        context = self.context
        with context.view() as view:
            proposal = require_known(view, f"proposal/{last['proposal']}")
            before, after = context.harness.proposed(view, proposal.key)
        hidden = self.held_out(row) | (set(last["target"]) - set(last["shown"]))
        judged = judge(
            context,
            self.request,
            proposal,
            systems=(self.system(before), self.system(after)),
            suite=hide(self.suite(row), frozenset(hidden)),
            target=last["target"],
        )
        explored = self.request.explore and judged.outcome == "undecided" and (judged.gain or 0) > 0
        told = f"{judged.decision or 'no decision'} by trials: {judged.outcome}"
        if explored:
            told = f"{told}; gone on from, the whole is gated in the end"
        taken = Judged(outcome="accept", decision=judged.decision) if explored else judged
        proposal = settle(context, proposal, taken, told)
        with context.view() as view:
            moved = moves(context, view, proposal)
        self._file(row, judged, {"explored": explored}, *moved)

    def _file(self, row: Row, judged: Judged, more: Mapping[str, Json], *changes: Change) -> None:
        with self.context.view() as view:
            paid = spent(view, row).trials
        facts = {**judged.to_json(), "paid": paid, **more}
        self._commit(*changes, self.steps.judged(self.context.scope, row, facts))
        self.context.progress("rounds", len(row.body["rounds"]), self.request.rounds)

    def _commit(self, *changes: Change) -> None:
        self.context.commit(*changes)


def _seen(row: Row, last: Mapping[str, Json], candidate: Digest) -> str:
    """Why it is not tried: the agent would not notice it, or this campaign had it already."""
    if candidate == last["incumbent"]:
        return "it changes nothing that the agent is given"
    for number, each in enumerate(row.body["rounds"][:-1], start=1):
        if each.get("candidate") == candidate and each.get("outcome") != "accept":
            return f"the very same as in round {number}"
    return ""


def proposal_facts(row: Row, last: Mapping[str, Json]) -> dict[str, Json]:
    """What is kept with the proposal of a round: what it is for, who made it, what it is to come to."""
    return {
        "campaign": row.key,
        "mode": last["mode"],
        "kind": last["kind"],
        "proposed_by": last["proposer"],
        "model": last["model"],
        "walls": last["walls"],
        "predicted": last["predicted"],
        "surface": row.body["surface"],
        "shown": last["shown"],
        "usage": last["usage"],
        "proposal_cost_microusd": last["cost_microusd"],
        "simulated": row.body["simulated"],
    }


def read_suite(
    context: Context, view: View, request: Improve, known: Sequence[Sequence[str]]
) -> list[SuiteCase]:
    """The cases of a campaign by name, digest, mode and split; the user's own from their file."""
    sealed = sealed_cases(view)
    known = [each for each in known if each[0] not in sealed]  # sealed since it began
    if request.suite:
        given = {case.name: case for case in load_suite(context, view, request)}
        return [replace(given[name], split=split) for name, _, _, split in known]
    return [suite_case(view, name, digest, mode, split) for name, digest, mode, split in known]
