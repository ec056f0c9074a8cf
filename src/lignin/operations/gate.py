"""The gate: whether a change may be accepted, by the trials of what stands and what is proposed."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.evidence import GateOutcome
from lignin.evals.laws.claims import EXPECTED_GAIN, Asked, Kind
from lignin.evals.laws.complete import Expected
from lignin.evals.laws.levels import level
from lignin.evals.laws.no_worse import MARGIN
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import Table, contents_of, parse_rows, parse_table
from lignin.evals.laws.unseen import told_of_unseen
from lignin.evals.laws.whole import told_of_whole
from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation, positional

MAX_BYTES = 512 * 1024 * 1024
_NAMES = (
    "incumbent",
    "candidate",
    "target",
    "must_pass",
    "hidden",
    "gain",
    "claim",
    "saving",
    "margin",
    "suite",
    "trials",
    "every_case",
    "id",
)


class GateDecide(Request):
    incumbent: str = Field(description="trials of what stands: JSON lines of case, trial, score")
    candidate: str = Field(description="trials of what is proposed, on the same cases")
    target: list[str] = Field(
        default_factory=list,
        description="cases that are to be better, comma-separated or @FILE; default: all together",
    )
    must_pass: list[str] = Field(
        default_factory=list, description="cases that must pass in every trial, likewise"
    )
    hidden: list[str] = Field(
        default_factory=list,
        description="cases of the target that the proposer did not see, likewise",
    )
    gain: float = Field(
        EXPECTED_GAIN, gt=0, le=1, description="the gain on the target that is expected"
    )
    claim: Kind = Field(
        "better",
        description="better, no_worse_and_cheaper (than the last release), equivalent, restore, or no_regression: "
        "nothing that works breaks",
    )
    saving: str = Field(
        "", description="the column that no_worse_and_cheaper makes smaller, such as cost_usd"
    )
    margin: float = Field(
        MARGIN, gt=0, lt=1, description="what no_worse_and_cheaper may lose of the mean score"
    )
    suite: str = Field(
        "",
        description="what both were to be tried on: a file of {case, ...} rows; a side that lacks one of "
        "these cases is not complete",
    )
    trials: int = Field(
        0,
        ge=0,
        description="so many trials or more of each case; a side with fewer is not complete",
    )
    every_case: bool = Field(
        False,
        description="clear each case that works by itself, not with others of its failure mode",
    )
    alpha: float = Field(
        0.05, gt=0, lt=1, description="the error of a whole campaign, of which this is the first"
    )


class GateCampaign(Request):
    file: str = positional(
        "JSON lines: incumbent and candidate (files beside it, or rows), target, must_pass, gain"
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="the error of the whole campaign")


class GateVerdict(Response):
    verdict: GateOutcome = Field(description="accept, reject or undecided")
    claim: Kind = Field(description="what was claimed of the candidate")
    reasons: list[str] = Field(description="every reason, in words")
    faults: list[dict[str, Json]] = Field(description="what keeps the trials from being believed")
    level: float = Field(description="the error that this decision may make")
    evidence: float = Field(description="wealth won by betting against no gain; 1 to begin with")
    needed: float = Field(description="the wealth that proves a gain: 1 / level")
    pairs: int = Field(description="pairs of trials on the target")
    gain: float | None = Field(description="mean difference on the target, from -1 to 1")
    interval: list[float] | None = Field(
        description="its 95 % interval, were other cases drawn like these; for reading: what is proven is proven "
        "on these, and an interval of few cases may hold 0 all the same"
    )
    path: list[float] = Field(description="the wealth after each round of pairs")
    cases: int = Field(description="cases of the incumbent")
    trials: int = Field(description="trials of both")
    missing: int = Field(description="trials that tell nothing, or that only the other side has")
    covered: float = Field(description="the share that tells something")
    guarded: int = Field(description="cases, or modes of cases, that work and must not break")
    guarded_tried: int | None = Field(
        None, description="of these, those that a trial of the candidate tells of"
    )
    broken: list[str] = Field(description="those that are broken")
    broken_before: list[str] = Field(
        default_factory=list,
        description="of these, those that trials on record from before this decision show, and none of its own",
    )
    unclear: list[str] = Field(description="those where more trials are needed to say")
    doubts: dict[str, float] = Field(
        description="how many times likelier broken than sound, of those that failed in trials of the "
        "candidate; below 1 they are likelier sound"
    )
    savings: list[dict[str, Json]] = Field(
        description="cost columns of the trials: before, after, evidence of a saving or a growth"
    )
    hidden: dict[str, Json] | None = Field(
        None,
        description="cases of the target that its proposer did not see: cases, pairs, gain, shown_gain",
    )
    margin_left: float | None = Field(
        description="of no_worse: the margin less what the release's own trials may be wrong by"
    )
    modes: list[dict[str, Json]] = Field(
        default_factory=list,
        description="modes of several cases that work: cases, those tried, and the chance that a break of "
        "one alone, or of all, stays unseen",
    )
    whole: dict[str, Json] | None = Field(
        None,
        description="all that works: cases and trials of the candidate, how many times likelier all fell than "
        "none, the change of their pass rate with its 95 % interval, and the smallest common loss ruled out",
    )

    def exit_code(self) -> int:
        return {"accept": 0, "reject": 6}.get(self.verdict, 10)

    def told_interval(self) -> str:
        """The interval in words, with what it is where it holds 0 beside a gain that was proven; "" without one."""
        if not self.interval:
            return ""
        low, high = self.interval
        note = ""
        if self.verdict == "accept" and self.claim == "better" and low <= 0 <= high:
            note = ", were other cases drawn like these; proven is a gain on these"
        return f" ({low:+.1%} to {high:+.1%}{note})"

    def to_text(self) -> str:
        return "\n".join(_told(self))


class CampaignStep(GateVerdict):
    id: str = Field(description="the proposal, as the file names it, else its place")


class CampaignView(Response):
    items: list[CampaignStep] = Field(description="one verdict a proposal, in order")
    verdicts: dict[str, int] = Field(description="how many of each")
    alpha: float = Field(description="the error of the whole campaign")

    def to_text(self) -> str:
        lines = [", ".join(f"{count} {name}" for name, count in self.verdicts.items())]
        for each in self.items:
            lines += ["", f"{each.id}: {each.verdict}", *(f"  {line}" for line in _told(each)[1:])]
        return "\n".join(lines)


@operation("gate.decide", effect="read", idempotent=True, remote=False)
def decide(context: Context, request: GateDecide) -> GateVerdict:
    """Decide by recorded trials whether a candidate is better and breaks nothing.

    Rows are `{case, trial, score | resolved, error?}`; their order is nothing. A trial without a score
    failed, unless its error begins with "infrastructure". Rows with `of_rows`, or a row `{declares: {rows,
    cases, trials}}`, say what the whole was: a part of it decides nothing. 0 accepted, 6 rejected, 10 undecided.
    """
    asked = Asked(
        target=named_cases(context, request.target),
        must_pass=named_cases(context, request.must_pass),
        hidden=named_cases(context, request.hidden),
        level=level(request.alpha, 1, 0),
        gain=request.gain,
        claim=request.claim,
        saving=request.saving,
        margin=request.margin,
        expected=_expected(request, context.path(request.suite)),
        every_case=request.every_case,
    )
    verdict = decide_recorded(
        _table(context.path(request.incumbent)), _table(context.path(request.candidate)), asked
    )
    return GateVerdict.model_validate(verdict.to_json())


@operation("gate.campaign", effect="read", idempotent=True, remote=False)
def campaign(context: Context, request: GateCampaign) -> CampaignView:
    """Decide a sequence of proposals by recorded trials under one error budget.

    Each needs more evidence the later it comes, and less the more were accepted before it, so that of all
    accepted ones at most a share of alpha does nothing (e-LOND). The same trials count once, whatever they are
    called.
    """
    file = context.path(request.file)
    proposals = parse_rows(_text(file), file.name)
    if not proposals:
        raise InvalidRequestError(
            f"{file.name} proposes nothing",
            hint='a line of JSON for each: {"id": ..., "incumbent": FILE, "candidate": FILE}',
        )
    items: list[CampaignStep] = []
    accepted: dict[str, frozenset[str]] = {}
    for number, proposal in enumerate(proposals, start=1):
        asked = _asked(proposal, number, level(request.alpha, number, len(accepted)), file.parent)
        tables = [_given(proposal, name, file.parent, number) for name in _NAMES[:2]]
        told = decide_recorded(tables[0], tables[1], asked).to_json()
        name, contents = str(proposal.get("id", number)), contents_of(tables[1])
        before = next((each for each, known in accepted.items() if known & contents), None)
        if told["verdict"] == "accept" and before is not None:
            again = f"it is what {before} is, or its trials went as those did: accepted twice, it counts once"
            told["reasons"] = [*told["reasons"], again]
            accepted[before] |= contents
        elif told["verdict"] == "accept":
            accepted[name] = accepted.get(name, frozenset()) | contents
        items.append(CampaignStep.model_validate({**told, "id": name}))
    counted: dict[str, int] = {}
    for each in items:
        counted[each.verdict] = counted.get(each.verdict, 0) + 1
    return CampaignView(items=items, verdicts=counted, alpha=request.alpha)


def _expected(request: GateDecide, suite: Path) -> Expected:
    """What either side has to hold.

    Raises:
        InvalidRequestError: The suite's rows name no case.
    """
    cases: list[str] = []
    for row in parse_rows(_text(suite), suite.name) if request.suite else ():
        name = row.get("case")
        if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
            raise InvalidRequestError(
                f"a row of {suite.name} names no case", hint="rows of {case, ...}"
            )
        cases.append(str(name))
    return Expected(cases=tuple(dict.fromkeys(cases)), trials=request.trials)


def _asked(proposal: Mapping[str, Any], number: int, allowed: float, folder: Path) -> Asked:
    """What a proposal of a campaign asks, checked as `gate decide` checks it."""
    try:
        told = {"incumbent": "", "candidate": "", **proposal}
        told |= dict.fromkeys(("incumbent", "candidate"), "")
        told.pop("id", None)
        for name in ("target", "must_pass", "hidden"):
            if name in told:
                told[name] = [str(case) for case in _list(told[name])]
        request = GateDecide.model_validate(told)
    except ValueError as error:
        raise InvalidRequestError(
            f"proposal {number} is none: {_short(error)}",
            hint=f"it holds {', '.join(_NAMES)}; target, must_pass and hidden are lists of cases",
        ) from None
    return Asked(
        target=tuple(request.target),
        must_pass=tuple(request.must_pass),
        hidden=tuple(request.hidden),
        level=allowed,
        gain=request.gain,
        claim=request.claim,
        saving=request.saving,
        margin=request.margin,
        expected=_expected(request, folder / request.suite),
        every_case=request.every_case,
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    return value


def _short(error: ValueError) -> str:
    return " ".join(str(error).split())[:200]


def _given(proposal: Mapping[str, Any], name: str, folder: Path, number: int) -> Table:
    given = proposal.get(name)
    if isinstance(given, str):
        return _table(folder / given)
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        return parse_table(given)
    raise InvalidRequestError(
        f"proposal {number} has no {name}", hint="name a file of trials, or give the rows"
    )


def _table(path: Path) -> Table:
    return parse_table(parse_rows(_text(path), path.name))


def _text(path: Path) -> str:
    if not path.is_file():
        raise NotFoundError(f"{path} is no file", hint="name a file of trials, one JSON row each")
    if path.stat().st_size > MAX_BYTES:
        raise InvalidRequestError(f"{path} is larger than {MAX_BYTES // 2**20} MiB")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{path} is not UTF-8: {error}") from None


def named_cases(context: Context, given: Iterable[str]) -> tuple[str, ...]:
    """The cases that are named, comma-separated; `@FILE` holds one a line."""
    names: list[str] = []
    for each in given:
        if each.startswith("@"):
            names += [line.strip() for line in _text(context.path(each[1:])).splitlines()]
        else:
            names += each.split(",")
    return tuple(dict.fromkeys(name for name in names if name))


def _told(verdict: GateVerdict) -> Sequence[str]:
    return [
        verdict.verdict,
        *verdict.reasons,
        *_told_of_gain(verdict),
        *_told_of_hidden(verdict.hidden),
        f"{_told_of_guarded(verdict)}, {told_of_broken(verdict)}, {len(verdict.unclear)} unclear; "
        f"{verdict.trials} trials, {verdict.missing} missing",
        *_told_of_doubts(verdict),
        *told_of_missed(verdict),
    ]


def told_of_missed(verdict: GateVerdict) -> list[str]:
    """What the guard may have missed, in words: in modes, and of all that works together."""
    whole = told_of_whole(verdict.whole) if verdict.whole else ""
    return [told for told in (told_of_unseen(verdict.modes), whole) if told]


def _told_of_guarded(verdict: GateVerdict) -> str:
    if verdict.guarded_tried is not None and verdict.guarded_tried < verdict.guarded:
        return f"{verdict.guarded_tried} of {verdict.guarded} guarded were tried"
    return f"{verdict.guarded} guarded"


def told_of_broken(verdict: GateVerdict) -> str:
    """How many are broken, and how many of them by what was known before."""
    count, before = len(verdict.broken), len(verdict.broken_before)
    known = "" if not before else "known" if before == count else f"{before} of them known"
    return f"{count} broken" + (f" ({known} from earlier trials of the candidate)" if known else "")


def _told_of_doubts(verdict: GateVerdict) -> list[str]:
    """What is likelier broken than sound, and neither called broken nor named as unclear already."""
    told = {*verdict.broken, *verdict.unclear}
    doubts = [name for name, each in verdict.doubts.items() if each > 1 and name not in told]
    return [f"likelier broken than sound, and not shown to be: {_listed(doubts)}"] if doubts else []


def _told_of_hidden(hidden: Mapping[str, Any] | None) -> list[str]:
    if hidden is None:
        return []
    gains = [
        "unknown" if gain is None else f"{gain:+.1%}"
        for gain in (hidden["gain"], hidden["shown_gain"])
    ]
    return [
        f"{hidden['cases']} hidden: gain {gains[0]} over {hidden['pairs']} pairs, {gains[1]} on those shown"
    ]


def _listed(names: Iterable[str]) -> str:
    held = list(names)
    return ", ".join(held[:10]) + (f" and {len(held) - 10} more" if len(held) > 10 else "")


def _told_of_gain(verdict: GateVerdict) -> list[str]:
    """What was measured of a claim that has something to measure."""
    if verdict.claim not in ("better", "no_worse_and_cheaper"):
        return []
    is_better = verdict.claim == "better"
    what, over = ("gain", "pairs") if is_better else ("to the release", "trials")
    told = f"no {over}" if verdict.gain is None else f"{what} {verdict.gain:+.1%}"
    told += verdict.told_interval()
    wealth = f"evidence {verdict.evidence:.3g} of {verdict.needed:.3g} needed"
    return [f"{told} over {verdict.pairs} {over}; {wealth}"]
