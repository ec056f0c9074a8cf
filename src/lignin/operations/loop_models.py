"""Requests and responses of loops and the inbox."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from lignin.operations.registry import Listed, Request, Response, positional


class LoopAdd(Request):
    file: str = positional("a loop's file: TOML or JSON")
    replace: bool = Field(
        False, description="though it is another file than that of the loop there"
    )


class LoopRef(Request):
    name: str = positional("the loop's name")


class LoopMove(LoopRef):
    why: str = Field("", description="why, for whoever looks later")


class LoopsAsked(Request):
    state: str | None = Field(None, description="active, paused or removed")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this loop")


class LoopHistory(LoopRef):
    limit: int = Field(20, ge=1, le=50, description="at most so many runs, the newest first")


class LoopRun(LoopRef):
    given: Any = Field(None, description="what it is given: JSON, @file, or - for stdin")
    id: str = Field(
        "", description="names the occurrence: the same id again starts nothing; default: a new one"
    )
    take_only: bool = Field(False, description="take it, and leave the run to whoever ticks")


class LoopTick(Request):
    drive: bool = Field(True, description="also drive the runs that begin or were left behind")


class LoopAudit(Request):
    file: str = positional("scripts described by their parts, or a loop's file: TOML or JSON")


class LoopNew(Request):
    template: str = positional("a template, as `loop templates` lists them")
    to: str = Field("", description="where to write it; default: LOOP.toml in this folder")


class TemplatesAsked(Request):
    pass


class LoopView(Response):
    name: str = Field(description="the loop's name")
    state: str = Field(description="active, paused or removed")
    trigger: str = Field(description="what starts it")
    shape: str = Field(description="open (one pass) or closed (until the goal)")
    next_at: str | None = Field(None, description="the next tick of its cron line")
    running: str | None = Field(None, description="the run that goes on")
    waiting: int = Field(0, description="runs that wait behind it")
    open_items: int = Field(0, description="its items that are open in the inbox")
    last: str = Field("", description="how the last run that ended did")
    why: str = Field("", description="why it was paused or removed")


class LoopShown(LoopView):
    definition: dict[str, Any] = Field(description="its file")
    budget_today: dict[str, Any] = Field(
        default_factory=dict, description="what its runs of today set aside and spent"
    )
    works_in: str = Field("", description="the folder in which its commands work")
    runs_as_you: list[str] = Field(
        default_factory=list,
        description="command lines of a file just added that run there outside of the sandbox, with all that you may do",
    )
    not_here: list[str] = Field(
        default_factory=list,
        description="connectors and tool servers that a file just added names, and your grants file does not",
    )

    def warnings(self) -> list[str]:
        as_you = [f"{each!r:.80} runs as you, in {self.works_in}" for each in self.runs_as_you]
        return as_you + [
            f"your grants file has no {each}: what it starts or does waits for a machine whose file has it"
            for each in self.not_here
        ]


class LoopsListed(Listed):
    items: list[LoopView] = Field(description="this page of the list")

    def to_text(self) -> str:
        lines = []
        for each in self.items:
            told = f"next {each.next_at}" if each.next_at else each.trigger
            busy = f", {each.running} goes on" if each.running else ""
            last = f", last {each.last}" if each.last else ""
            lines.append(f"{each.name}  {each.state}, {told}{busy}{last}, {each.open_items} open")
        return "\n".join(lines) or "no loops; `lignin loop templates` has files to start from"


class RunView(Response):
    run: str = Field(description="the run's id")
    state: str = Field(
        description="queued, running, waiting; or how it ended: archived, landed, failed, skipped, "
        "replaced or cancelled"
    )
    source: str = Field(description="what started it")
    occurrence: str = Field(description="which one")
    opened_at: str = Field(description="when")
    iterations: int = Field(description="iterations that were filed")
    why: str = Field(description="why it ended, or was passed over")
    spent: dict[str, int] = Field(description="money, tokens and time of its iterations")
    branch: str = Field("", description="the branch that has what it made in worktrees")
    waits_for: str | None = Field(None, description="the item of the inbox that it waits for")


class RunsListed(Listed):
    items: list[RunView] = Field(description="the newest first")

    def to_text(self) -> str:
        return "\n".join(
            f"{each.opened_at[:19]}  {each.run}  {each.state}: {each.why} "
            f"({each.iterations} iterations)"
            for each in self.items
        )


class Ran(Response):
    run: str = Field(description="the run's id")
    decided: str = Field(description="start, queue, replace, skip; known where it was taken before")
    state: str = Field(description="where the run stands")
    why: str = Field("", description="why it ended, or was passed over")
    items: list[str] = Field(default_factory=list, description="items of the inbox that are open")

    def exit_code(self) -> int:
        return {"failed": 6, "skipped": 8}.get(self.state, 0)


class Ticked(Response):
    started: list[str] = Field(description="runs that begin or go on")
    taken: dict[str, list[str]] = Field(description="what became of occurrences, by loop")
    drove: dict[str, str] = Field(description="runs that were driven here, and where they stand")
    faults: dict[str, str] = Field(
        description="loops and connectors that could not be looked at, and why"
    )

    def exit_code(self) -> int:
        return 5 if self.faults else 0


class FindingView(Response):
    script: str = Field(description="the script or loop")
    part: str = Field(description="the part that is missing or weak")
    kind: str = Field(description="missing, weak, or refused: no loop can be added so")
    weight: float = Field(description="what it is ranked by")
    found: str = Field(description="what was found")
    why: str = Field(description="what could go wrong")
    mend: str = Field(description="what to do about it")


class Audited(Response):
    scripts: int = Field(description="how many were looked at")
    whole: int = Field(description="how many have every part, also where one is weak")
    sound: int = Field(description="how many have no finding")
    items: list[FindingView] = Field(description="what is broken, the worst first")

    def exit_code(self) -> int:
        return 6 if self.items else 0

    def to_text(self) -> str:
        weak = self.whole - self.sound
        with_weak = f"; in {weak} of them something is weak" if weak else ""
        lines = [f"{self.whole} of {self.scripts} have every part{with_weak}"]
        for each in self.items:
            lines += [
                f"{each.weight:6.1f}  {each.script}: {each.found}",
                f"        {each.why}; {each.mend}",
            ]
        return "\n".join(lines)


class TemplateView(Response):
    name: str = Field(description="the template's name")
    about: str = Field(description="what it is for")
    built_in: bool = Field(description="whether it runs as it is")


class TemplatesListed(Listed):
    items: list[TemplateView] = Field(description="all there are")


class Written(Response):
    path: str = Field(description="the file that was written")
    next: str = Field(description="what to do now")


class StandingView(Response):
    loop: str = Field(description="the loop")
    change: str = Field(description="the class of change")
    level: str = Field(description="how far it may go now: suggest, draft, approve or automatic")
    earned: str = Field(description="what its decisions earned")
    in_a_row: int = Field(description="decisions in a row that no human changed")
    promote_after: int = Field(description="so many raise it by a level")
    incidents: int = Field(description="what went wrong with its changes")
    why: list[str] = Field(description="what holds it there")


class StandingsListed(Listed):
    items: list[StandingView] = Field(description="one for each class of change")

    def to_text(self) -> str:
        lines = []
        for each in self.items:
            lines.append(f"{each.loop} {each.change}: {each.level}")
            lines += [f"  {why}" for why in each.why]
        return "\n".join(lines) or "it has no class of change: it only suggests"


class InboxAsked(Request):
    state: str | None = Field(
        "open", description="open, snoozed, accepted, dismissed, answered, expired or applied"
    )
    loop: str | None = Field(None, description="only of this loop")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this item")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ItemRef(Request):
    item: str = positional("the item's id")


class ItemSettle(Request):
    item: Annotated[list[str], BeforeValidator(_listed)] = positional(
        "ids of items, each settled by itself", min_length=1, max_length=1000
    )
    how: Literal["accept", "dismiss", "answer", "snooze", "reverse"] = Field(
        "accept",
        description="accept: let it stand, and apply it where the loop may; dismiss: for good; answer: "
        "with --say; snooze: put it off; reverse: take back what was applied, "
        "where it moved a head, and the loop's level with it",
    )
    say: str = Field("", description="an answer, or why")
    changed: bool = Field(
        False, description="you changed what was proposed: it counts as no step up for the loop"
    )
    hours: float = Field(24.0, gt=0, le=8760, description="with snooze: for so long")


class SettledView(Response):
    item: str = Field(description="the item's id")
    state: str = Field(default="", description="its state now; empty where there is no such item")
    title: str = Field(default="", description="what it is")
    applied: dict[str, Any] | None = Field(default=None, description="what was done, by whom, when")
    until: str | None = Field(
        default=None, description="when it is open again, where it is snoozed"
    )
    wakes: str | None = Field(default=None, description="the run that goes on with the answer")
    undone: str = Field(
        default="", description="what became of what was applied, where it was taken back"
    )
    code: str = Field(default="", description="why it was not settled: the error's code")
    error: str = Field(default="", description="and in words; what is settled has none")
    remediation: str = Field(default="", description="what to do about it")


class ItemsSettled(Response):
    items: list[SettledView] = Field(description="each item, in the order asked")
    settled: int = Field(description="how many were settled")
    refused: int = Field(description="how many were not, and stand as they did")

    def exit_code(self) -> int:
        """8 where an item was refused; the others are settled all the same."""
        return 8 if self.refused else 0

    def to_text(self) -> str:
        lines = []
        for each in self.items:
            told = f"{each.item}  {each.state}" + (
                f": {' '.join(each.title.split())}" if each.title else ""
            )
            told += f" (wakes {each.wakes})" if each.wakes else ""
            told += f" ({each.undone})" if each.undone else ""
            if each.error:
                told = f"{each.item}  not settled: {each.error}"
                told += f" ({each.remediation})" if each.remediation else ""
            lines.append(told)
        return "\n".join(lines)


class ItemView(Response):
    item: str = Field(description="the item's id")
    state: str = Field(description="open, snoozed, accepted, dismissed, answered, expired, applied")
    kind: str = Field(description="finding, approval or question")
    loop: str = Field(description="the loop")
    run: str = Field(description="the run that found it")
    title: str = Field(description="what it is")
    change: str = Field(description="the class of change that it proposes, if one")
    level: str = Field(description="how far the loop may go with it")
    seen: int = Field(description="how many runs found it")
    filed_at: str = Field(description="when")
    until: str | None = Field(
        None, description="when it expires by itself, or is open again where it is snoozed"
    )


class ItemShown(ItemView):
    evidence: list[str] = Field(description="what it rests on; foreign text")
    proposed: str = Field(description="what is proposed, in words")
    request: dict[str, Any] = Field(description="and as arguments")
    said: str = Field("", description="what was answered")
    applied: dict[str, Any] | None = Field(None, description="what was done, by whom, when")


class ItemsListed(Listed):
    items: list[ItemView] = Field(description="this page of the list")

    def to_text(self) -> str:
        return (
            "\n".join(
                f"{each.item}  {each.loop}: {' '.join(each.title.split())}"
                + (f" [{each.change}: {each.level}]" if each.change else "")
                + (f" (until {each.until[:16]}Z)" if each.until else "")
                for each in self.items
            )
            or "nothing waits for you"
        )
