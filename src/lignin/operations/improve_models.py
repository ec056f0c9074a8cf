"""What `improve` takes and answers."""

from typing import Any

from pydantic import Field

from lignin.operations.gateplan import BANKED
from lignin.operations.questions import EVERY_CASE
from lignin.operations.registry import Listed, Request, Response, positional
from lignin.operations.suites import SuiteRequest
from lignin.ports.proposer import DRAFT_LIMIT_S
from lignin.traces.view import told

SIMULATED = "simulated: no evidence about real agents"
MOST_TOLD = 3


class Improve(SuiteRequest):
    system: str = Field(
        description="the agent that is to be better, as `eval run` takes it; it reads its harness"
    )
    head: str = Field(
        "", description="the head to improve; default: main, and practice for a simulated agent"
    )
    proposer: list[str] = Field(
        default_factory=lambda: ["mined"],
        description="who proposes: mined, model:PROVIDER:MODEL or command:WORDS; several, comma-separated, "
        "take turns",
    )
    proposer_unsandboxed: bool = Field(
        False,
        description="run a command that proposes as you, outside the sandbox: nothing is hidden from it",
    )
    proposer_network: bool = Field(
        False,
        description="run a command that proposes behind walls that have a network, with what is shared",
    )
    proposer_share: list[str] = Field(
        default_factory=list,
        description="with --proposer-network: a file or folder of yours that it may read",
    )
    proposer_variable: list[str] = Field(
        default_factory=list,
        description="with --proposer-network: a variable of yours that it is given",
    )
    proposer_limit_s: float = Field(
        DRAFT_LIMIT_S, gt=0, le=86_400, description="seconds for one draft"
    )
    prune: bool = Field(
        False, description="propose taking out, one at a time, what no longer earns its context"
    )
    rounds: int = Field(20, ge=1, le=1000, description="at most so many drafts are tried")
    no_progress: int = Field(
        10, ge=1, le=1000, description="stop after so many in a row that were not accepted"
    )
    budget_trials: int | None = Field(None, ge=1, description="at most so many trials are paid")
    budget_usd: float | None = Field(
        None,
        gt=0,
        description="at most so much is paid, as far as trials and judges tell their cost: before each trial "
        "the most that one has cost is set aside, so only those under way can cost more",
    )
    goal: float | None = Field(None, gt=0, le=1, description="stop at this mean score")
    pivot: int = Field(
        2, ge=1, le=100, description="after so many refusals of one kind on a mode, another kind"
    )
    explore: bool = Field(
        False,
        description="go on from what gained and is undecided too; only the whole is gated in the end",
    )
    surface: list[str] = Field(
        default_factory=lambda: ["*/*"],
        description="what may be changed: patterns over SLOT/PATH",
    )
    bank: int = Field(
        BANKED, ge=2, le=100, description="trials of what stands that are to stand beforehand"
    )
    measure: int = Field(
        8, ge=0, le=1000, description="fresh trials of each held-out case, before and after"
    )
    every_case: bool = Field(False, description=EVERY_CASE)
    again: bool = Field(False, description="begin anew, whatever was tried before")


class ImproveRef(Request):
    campaign: str = positional("a campaign's id, as `improve list` shows it")


class ImproveList(Request):
    head: str | None = Field(None, description="only for this head")
    state: str | None = Field(None, description="open or ended")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this campaign")


class ImproveProposers(Request):
    head: str | None = Field(None, description="only campaigns for this head")


class RoundView(Response):
    number: int = Field(description="which round, from 1")
    mode: str = Field(description="the failure mode that was to be mended")
    name: str = Field(description="the mode in words")
    target: int = Field(description="cases that fail in it")
    shown: int = Field(description="of these, cases that the proposer saw")
    proposer: str = Field(description="who was asked")
    ended: str = Field("", description="drafted, nothing, refused or failed")
    why: str = Field("", description="why there is no draft")
    kind: str = Field("", description="what sort of change it is")
    hypothesis: str = Field("", description="why it should help")
    predicted: float | None = Field(None, description="the gain that was predicted")
    outcome: str = Field(
        "", description="accept, reject or undecided; empty where nothing was judged"
    )
    explored: bool = Field(False, description="gone on from although it is undecided")
    reasons: list[str] = Field(default_factory=list, description="every reason")
    gain: float | None = Field(None, description="the gain on the target, -1 to 1")
    interval: list[float] = Field(
        default_factory=list, description="its 95 % interval; empty where there is none"
    )
    trials: int = Field(0, description="trials that its decision rests on")
    paid: int = Field(0, description="trials paid since the campaign began, at its end")
    mean: float | None = Field(description="mean score of the suite before it, by banked trials")
    model: str = Field("", description="the model that wrote the draft, where one did")
    usage: dict[str, int] = Field(default_factory=dict, description="its tokens by kind")
    cost_microusd: int | None = Field(None, description="what asking cost, where that is known")
    proposal: str = Field("", description="the proposal's id; empty where it came to none")
    decision: str = Field("", description="the decision's id; empty where no trial was run")


class HeldOutView(Response):
    cases: int = Field(description="held-out cases; no proposer saw them")
    trials: int = Field(description="fresh trials of each, before and after")
    before: float | None = Field(description="mean score before")
    after: float | None = Field(description="mean score after")
    gain: float | None = Field(description="their difference")
    interval: list[float] = Field(description="its 95 % interval, by cases; empty without one")


class CampaignView(Response):
    campaign: str = Field(description="the campaign's id")
    state: str = Field(description="open or ended")
    system: str = Field(description="the agent")
    simulated: bool = Field(description="true where nothing of it is evidence about real agents")
    head: str = Field(description="the head that is to be better")
    side: str = Field(description="the head on which it explores")
    practice: bool = Field(description="whether the head is one to practise on")
    proposers: list[str] = Field(description="who proposes")
    prune: bool = Field(description="whether it takes out what no longer earns its context")
    opened_at: str = Field(description="when it began")
    stop: str = Field(description="why it stopped; empty while it goes on")
    outcome: str = Field(description="of the whole change: accept, reject, undecided; else empty")
    rounds: int = Field(description="rounds")
    accepted: int = Field(description="drafts accepted on the side head")
    refused: int = Field(description="drafts rejected, or refused before a trial")
    undecided: int = Field(description="drafts that trials did not decide")
    trials: int = Field(description="trials paid since it began")
    usd: float = Field(
        description="dollars paid since it began, as far as trials and proposers tell"
    )
    held_out: HeldOutView | None = Field(description="held-out score before and after")


class CampaignShown(CampaignView):
    proposal: str = Field(description="the proposal of the whole change; empty without one")
    decision: str = Field(description="the decision on it")
    reasons: list[str] = Field(description="what the gate says of the whole change")
    power_told: str = Field("", description="what the suite of that decision was measured to catch")
    gain: float | None = Field(description="its gain on its target")
    interval: list[float] = Field(description="the 95 % interval of that; empty without one")
    next: list[str] = Field(description="what a person does now")
    items: list[RoundView] = Field(description="one entry a round")

    def exit_code(self) -> int:
        return 10 if self.state == "ended" and self.outcome == "undecided" else 0

    def to_text(self) -> str:
        return told(_lines(self))


class CampaignsListed(Listed):
    items: list[CampaignView] = Field(description="this page of the list")


class ProposerView(Response):
    proposer: str = Field(description="who proposes")
    subject: str = Field(description="for which agent")
    simulated: bool = Field(description="whether that is a simulated one")
    drafts: int = Field(description="drafts that were judged")
    accepted: int = Field(description="of these, accepted")
    undecided: int = Field(description="of these, not decided")
    accept_rate: float | None = Field(description="accepted / drafts")
    gain: float = Field(description="the gains of the accepted on their targets, added up")
    trials: int = Field(description="trials that the decisions rest on")
    usage: dict[str, int] = Field(description="the proposer's own tokens by kind")
    cost_microusd: int = Field(description="what the proposer itself cost, where that is known")


class ProposersListed(Listed):
    items: list[ProposerView] = Field(description="one entry a proposer and subject")


class CampaignPlot(Response):
    campaign: str = Field(description="the campaign's id")
    svg: str = Field(description="the picture")

    def to_text(self) -> str:
        return self.svg.rstrip()


def _lines(shown: CampaignShown) -> list[str]:
    label = f" ({SIMULATED})" if shown.simulated else ""
    head = f"{shown.head}, a practice head" if shown.practice else shown.head
    lines = [
        f"{shown.system}{label}",
        f"{shown.campaign} for {head}: {shown.state}{f', {shown.stop}' if shown.stop else ''}",
        f"{shown.accepted} accepted, {shown.refused} refused, {shown.undecided} undecided; "
        f"{shown.trials} trials paid" + (f", ${shown.usd:.4f}" if shown.usd else ""),
        "",
    ]
    for each in shown.items:
        lines += _round_lines(each)
    if shown.outcome:
        gain = _gain(shown.gain, shown.interval)
        lines += ["", f"the whole change: {shown.outcome}{gain}"]
        lines += [f"  {reason}" for reason in shown.reasons[:MOST_TOLD]]
        if shown.power_told:
            lines.append(f"  power of its suite: {shown.power_told}")
    if found := shown.held_out:
        lines.append(
            f"held out: {_share(found.before)} -> {_share(found.after)}"
            f"{_gain(found.gain, found.interval)} "
            f"over {found.cases} cases, {found.trials} fresh trials each"
        )
    return [*lines, *shown.next]


def _round_lines(each: RoundView) -> list[str]:
    if each.ended != "drafted":
        said = f"{each.ended or _unended(each.why)}{f': {each.why}' if each.why else ''}"
        return [f"{each.number:3} {each.proposer} on {each.name}: {said}"]
    outcome = each.outcome or _unended("".join(each.reasons))
    outcome += ", gone on from" if each.explored else ""
    first = f"{each.number:3} {outcome:9} {each.kind}: {each.hypothesis}"
    why = "; ".join(each.reasons[:MOST_TOLD])
    return [
        first,
        f"      on {each.name} ({each.target} cases){_gain(each.gain, each.interval)}: {why}",
    ]


def _unended(why: str) -> str:
    return "not judged" if why else "under way"


def _gain(gain: float | None, interval: list[float]) -> str:
    if gain is None:
        return ""
    between = f" ({interval[0]:+.1%} to {interval[1]:+.1%})" if interval else ""
    return f", gain {gain:+.1%}{between}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


def view_of(body: dict[str, Any]) -> HeldOutView | None:
    """What was measured on held-out cases, where anything was."""
    return HeldOutView(**body) if body else None


def next_steps(told: CampaignView, end: dict[str, Any], state: str) -> list[str]:
    """What a person does with what came out, by the state of its proposal."""
    proposal = end.get("proposal", "")
    if told.state != "ended":
        return ["the same command goes on where it was"]
    if not proposal:
        return ["nothing was accepted: the head stays as it is"]
    if told.outcome != "accept":
        return [f"`lignin gate explain {end['decision']}` says why"] if end.get("decision") else []
    if told.practice:
        return [f"the practice head {told.head} stands there now; it serves nobody"]
    look, apply = f"`lignin proposal show {proposal}`", f"`lignin proposal apply {proposal}`"
    if state == "applied":
        return [f"{told.head} moved to it: {look}"]
    if state == "accepted":
        return [f"look at it: {look}; take it: {apply}"]
    if state not in {"open", "undecided", "reopened"}:
        return [f"its proposal is {state}: {look}"]
    return [
        f"look at it: {look}; take it: `lignin proposal decide {proposal} --approve`, then {apply}"
    ]
