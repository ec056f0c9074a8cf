"""Repair of durable skills' thresholds: fitted to what people said of their runs, proposed where proven."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from pydantic import Field

from lignin.domain.artifacts import File
from lignin.domain.codec import Json
from lignin.domain.errors import LigninError
from lignin.domain.events import Change, format_time
from lignin.loops.laws.review import Bars, review, tally
from lignin.loops.laws.thresholds import LEAST_TURNED, Proof, Values, fit, prove, split
from lignin.operations.context import Context
from lignin.operations.draft_versions import Origin, patch_of_draft
from lignin.operations.heads import MAIN
from lignin.operations.proposal import ProposalDecide, ProposalRef, show
from lignin.operations.proposal import decide as decide_proposal
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.operations.repairing import MOST_EXAMPLES, Bench, judged_runs
from lignin.operations.reviewing import Skill, skills_of
from lignin.ports.ledger import View, every_row
from lignin.traces.view import told

Outcome = Literal[
    "proposed", "proposed-already", "no-thresholds", "too-few", "no-better", "not-proven", "refused"
]


class JobRepair(Request):
    skill: list[str] = Field(
        default_factory=list,
        description="only these; default: those that a review would have repaired; may be repeated",
    )
    days: float = Field(28.0, gt=0, le=3660, description="fit to the jobs of the last so many days")
    head: str = Field(MAIN, description="the head whose versions are repaired")


class SkillRepaired(Response):
    name: str = Field(description="the durable skill")
    outcome: Outcome = Field(description="what came of it; only what is proven is proposed")
    why: str = Field(description="why, in words")
    judged: int = Field(default=0, description="judged runs of the version")
    replayed: int = Field(
        default=0, description="of these, runs that answer the same when made again"
    )
    now: dict[str, float] = Field(default_factory=dict, description="the thresholds as they stand")
    fitted: dict[str, float] = Field(default_factory=dict, description="as they were fitted")
    held_out: int = Field(default=0, description="runs that fitting never saw")
    right_before: int = Field(
        default=0, description="of these, right with the thresholds as they stand"
    )
    right_after: int = Field(default=0, description="of these, right with the fitted ones")
    gained: int = Field(default=0, description="held-out runs that only the fitted ones get right")
    lost: int = Field(default=0, description="held-out runs that only the old ones get right")
    chance: float = Field(default=1.0, description="of that, if both were alike: exact sign test")
    simulated: bool = Field(
        default=False, description="whether it was seen at the practice desk only"
    )
    proposal: str = Field(default="", description="the proposal to put it into the head")
    decision: str = Field(
        default="", description="what the head's gate says of it: open is undecided"
    )


class JobsRepaired(Listed):
    items: list[SkillRepaired] = Field(description="one entry a skill")

    def to_text(self) -> str:
        if not self.items:
            return "no durable skill is to be repaired"
        return told([f"{each.name}: {each.outcome}: {each.why}" for each in self.items])


@operation("job.repair", effect="execute", idempotent=True)
def repair(context: Context, request: JobRepair) -> JobsRepaired:
    """Fit the thresholds of durable skills to what people said of their runs; propose what is proven better.

    Judged runs are made again with other values, in a rehearsal where nothing is real. The values are fitted on
    two thirds of them; the third that fitting never saw has to show that they are better. Nothing is applied: what
    is proven is verified, proposed, and decided by the head's gate as every other version is.
    """
    since = format_time(context.ledger.now() - timedelta(days=request.days))
    with context.view() as view:
        found = list(skills_of(context, view, since=since, head=request.head, names=request.skill))
    wanted = [skill for skill in found if request.skill or _is_to_repair(skill)]
    items = list[SkillRepaired]()
    for number, skill in enumerate(wanted):
        context.progress(f"fitting {skill.name}", number, len(wanted))
        try:
            items.append(_repaired(context, skill, request.head))
        except LigninError as error:
            items.append(SkillRepaired(name=skill.name, outcome="refused", why=error.message))
    return JobsRepaired(items=items, total=len(items))


def _is_to_repair(skill: Skill) -> bool:
    runs = [run for run in skill.runs if run.version == skill.version]
    return skill.served and review(tally(runs), skill.watched, Bars()).verdict == "repair"


def _repaired(context: Context, skill: Skill, head: str) -> SkillRepaired:
    bench = Bench(context, skill)
    if not bench.spans or not bench.flow.terms.alert:
        why = "its WORKFLOW declares no thresholds" if not bench.spans else "it declares no alert"
        return SkillRepaired(name=skill.name, outcome="no-thresholds", why=why)
    recorded, lost = judged_runs(context, skill)
    runs = {run.job: run for run in recorded if bench.is_faithful(run)}
    found = SkillRepaired(
        name=skill.name,
        outcome="too-few",
        why="",
        judged=len(recorded) + lost,
        replayed=len(runs),
        now=bench.now,
        simulated=skill.simulated,
    )
    fitted, held = split({name: run.should for name, run in runs.items()})
    if len(held) < LEAST_TURNED:
        found.why = (
            f"{len(held)} judged runs to prove it by, at least {LEAST_TURNED} are needed; "
            f"{len(runs)} of {found.judged} judged runs can be made again (`lignin job judge`)"
        )
        return found

    def right(values: Values, names: Sequence[str]) -> int:
        return sum(bench.is_right(runs[name], values) for name in names)

    found.fitted = values = fit(bench.spans, fitted, right)
    if values == bench.now:
        found.outcome = "no-better"
        found.why = f"no other values get more of {len(fitted)} runs right"
        return found
    before = {name: bench.is_right(runs[name], bench.now) for name in held}
    proof = prove(before, {name: bench.is_right(runs[name], values) for name in held})
    _tell(found, proof)
    if not proof.is_proven:
        return found
    uses = [*bench.examples([runs[name] for name in (*held, *fitted)], values)][:MOST_EXAMPLES]
    return _proposed(
        context, found, head, {f"{skill.name}/{bench.file}": bench.moved(values)}, uses
    )


def _tell(found: SkillRepaired, proof: Proof) -> None:
    """Say what the held-out runs say."""
    found.held_out, found.right_before, found.right_after = proof.runs, proof.before, proof.after
    found.gained, found.lost, found.chance = proof.gained, proof.lost, round(proof.chance, 6)
    moved = ", ".join(
        f"{name} {found.now[name]:g} to {new:g}" for name, new in found.fitted.items()
    )
    found.why = (
        f"{moved}: {proof.before} to {proof.after} of {proof.runs} held-out runs right, "
        f"by chance {proof.chance:.1%}"
    )
    found.outcome = "proposed" if proof.is_proven else "not-proven"


def _proposed(
    context: Context,
    found: SkillRepaired,
    head: str,
    files: Mapping[str, File],
    examples: Sequence[Mapping[str, Json]],
) -> SkillRepaired:
    """The repair as a version and a proposal; the one that is there where it was proposed before."""
    with context.view() as view:
        _, revision = context.harness.stable(view, head)
    origin = Origin(
        source="job repair",
        author=context.scope.actor.sub,
        simulated=found.simulated,
        examples=examples,
    )
    patch = patch_of_draft(context, revision, files, origin)
    new = patch[found.name].new

    def decide(view: View) -> tuple[str, list[Change]]:
        for row in every_row(view, "proposal"):
            is_same = row.body["patch"].get(found.name, {}).get("new") == new
            if row.body["head"] == head and is_same and row.state != "superseded":
                found.outcome = "proposed-already"
                return row.key, []
        proposal, change = context.harness.propose(
            view,
            context.scope,
            head=head,
            patch=patch,
            claim="admit",
            hypothesis=f"{found.name}: {found.why}",
            facts={
                "repair": found.model_dump(mode="json", exclude={"outcome", "proposal", "decision"})
            },
            base=revision.digest,
        )
        return proposal, [change]

    found.proposal = context.decide_and_commit(decide)
    if found.outcome == "proposed":
        decide_proposal(context, ProposalDecide(proposal=found.proposal, approve=False, reject=""))
    found.decision = show(context, ProposalRef(proposal=found.proposal)).state
    return found
