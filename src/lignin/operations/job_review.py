"""The review of durable skills: what each did in a period, against what people did with it."""

from datetime import timedelta
from typing import Any

from pydantic import Field

from lignin.domain.events import format_time
from lignin.loops.laws.review import Bars, Judgement, Tally, review, tally
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.registry import Listed, Request, Response, operation
from lignin.operations.reviewing import Skill, skills_of
from lignin.traces.view import told


class JobReview(Request):
    days: float = Field(7.0, gt=0, le=3660, description="look at the jobs of the last so many days")
    head: str = Field(MAIN, description="the head whose versions are judged")
    skill: list[str] = Field(default_factory=list, description="only these; may be repeated")
    precision: float = Field(
        0.5, gt=0, lt=1, description="at least this share of its settled alerts has to be right"
    )
    failures: float = Field(0.2, gt=0, lt=1, description="at most this share of its runs may fail")
    missed: float = Field(
        0.2, gt=0, lt=1, description="at most this share of what it should raise may be missed"
    )


class RunsTold(Response):
    version: str = Field(description="digest of the version")
    runs: int = Field(description="runs that have ended")
    cancelled: int = Field(
        description="of these, runs that were stopped: by somebody, or by a quarantine"
    )
    failures: dict[str, int] = Field(description="runs that failed, by how")
    alerts: int = Field(description="runs that raised something")
    confirmed: int = Field(description="alerts that were right: accepted, or judged so")
    dismissed: int = Field(
        description="alerts that were wrong: dismissed, taken back, or judged so"
    )
    unlooked: int = Field(description="alerts of which nobody said anything")
    missed: int = Field(description="runs that raised nothing and should have, as somebody said")
    quiet: int = Field(description="runs that raised nothing, rightly, as somebody said")
    precision: float | None = Field(description="share of settled alerts that were right")
    interval: list[float] | None = Field(description="where that lies, with 95 %")
    cost_microusd: int = Field(description="what runs spent, as far as they told it")
    tokens: int = Field(description="tokens that they spent, as far as they told it")
    seconds: float = Field(description="seconds that they took, as far as they told it")


class SkillReviewed(RunsTold):
    """The counts are those of the version that is judged."""

    name: str = Field(description="the durable skill")
    verdict: Judgement = Field(description="keep, repair, retire-candidate or too-little-known")
    reasons: list[str] = Field(description="what the verdict rests on")
    lacking: list[str] = Field(description="what would tell more")
    used: bool | None = Field(
        description="whether anybody took note of it; null where one can't say"
    )
    served: bool = Field(description="whether the head serves it")
    simulated: bool = Field(description="whether it was seen nowhere but at the practice desk")
    loops: list[str] = Field(description="active loops that act by it")
    open: int = Field(description="jobs that have not ended")
    others: list[RunsTold] = Field(description="other versions that ran in the period")


class JobsReviewed(Listed):
    since: str = Field(description="jobs that were asked for since then")
    items: list[SkillReviewed] = Field(description="one entry a skill")

    def to_text(self) -> str:
        if not self.items:
            return "no durable skill is served or ran"
        width = max(len(each.name) for each in self.items)
        head = f"{'skill':{width}}  runs  fail  alert  right  wrong  missed  precision     verdict"
        lines = [head]
        for each in self.items:
            lines.append(_line(each, width))
            lines += [f"{'':{width}}  {reason}" for reason in each.reasons]
            lines += [f"{'':{width}}  lacking: {text}" for text in each.lacking]
        return told(lines)


@operation("job.review", effect="read", idempotent=True)
def review_(context: Context, request: JobReview) -> JobsReviewed:
    """Review every durable skill by its jobs: whether it failed, its alerts were right, it was used.

    What a run filed in the inbox is right where a person accepted it and wrong where one dismissed it or
    took it back; `lignin job judge` says so of a run, and what was missed. What nobody said counts neither way.
    """
    since = format_time(context.ledger.now() - timedelta(days=request.days))
    bars = Bars(precision=request.precision, failures=request.failures, missed=request.missed)
    with context.view() as view:
        skills = skills_of(context, view, since=since, head=request.head, names=request.skill)
        items = [_reviewed(skill, bars) for skill in skills]
    return JobsReviewed(since=since, items=items, total=len(items))


def _reviewed(skill: Skill, bars: Bars) -> SkillReviewed:
    by_version = {
        version: tally([run for run in skill.runs if run.version == version])
        for version in dict.fromkeys([skill.version, *(run.version for run in skill.runs)])
    }
    judged = by_version.pop(skill.version)
    verdict = review(judged, skill.watched, bars)
    return SkillReviewed(
        **_told(skill.version, judged),
        name=skill.name,
        verdict=verdict.verdict,
        reasons=list(verdict.reasons),
        lacking=list(verdict.lacking),
        used=verdict.is_used,
        served=skill.served,
        simulated=skill.simulated,
        loops=list(skill.watched.loops),
        open=skill.open,
        others=[RunsTold(**_told(version, each)) for version, each in sorted(by_version.items())],
    )


def _told(version: str, found: Tally) -> dict[str, Any]:
    return {
        "version": version,
        "runs": found.runs,
        "cancelled": found.cancelled,
        "failures": dict(found.failures),
        "alerts": found.alerts,
        "confirmed": found.confirmed,
        "dismissed": found.dismissed,
        "unlooked": found.unlooked,
        "missed": found.missed,
        "quiet": found.quiet,
        "precision": None if found.precision is None else round(found.precision, 4),
        "interval": None if found.interval is None else [round(end, 4) for end in found.interval],
        "cost_microusd": found.microusd,
        "tokens": found.tokens,
        "seconds": found.seconds,
    }


def _line(each: SkillReviewed, width: int) -> str:
    failed = sum(each.failures.values())
    precision = (
        "-" if each.interval is None else f"{each.interval[0]:.0%} to {each.interval[1]:.0%}"
    )
    mark = " (simulated)" if each.simulated else ""
    return (
        f"{each.name:{width}}  {each.runs:4}  {failed:4}  {each.alerts:5}  {each.confirmed:5}  "
        f"{each.dismissed:5}  {each.missed:6}  {precision:12}  {each.verdict}{mark}"
    )
