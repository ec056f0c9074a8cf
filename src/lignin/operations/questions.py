"""What `gate prove` is asked: of two systems, or of a proposal, as the question that a decision answers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from lignin.domain.errors import InvalidRequestError
from lignin.domain.states import Row
from lignin.evals.laws.claims import KINDS, Kind
from lignin.evals.laws.no_worse import MARGIN
from lignin.evals.releases import NO_HEAD, line_of
from lignin.operations.claimwork import (
    aims_of,
    altered_by,
    both_harnesses,
    counted_in,
    declared,
    improved_head,
    release_for,
    require_ungraded,
    stood_before,
)
from lignin.operations.context import Context
from lignin.operations.drafting import hidden_from, require_unquoted_change
from lignin.operations.gate import named_cases
from lignin.operations.gateplan import BANKED, Question
from lignin.operations.gatework import campaign_of
from lignin.operations.registry import positional
from lignin.operations.subjects import open_subject
from lignin.operations.suites import SuiteRequest, load_suite, options_of
from lignin.operations.trialwork import SuiteCase
from lignin.ports.ledger import View, require_known
from lignin.ports.system import MadeOfFiles, System

MAX_TOPS = 10
EVERY_CASE = (
    "clear each case that works by itself, not by others of its failure mode; then a break of one case alone "
    "is let go 3 times in 100, for about four trials of each such case, as of a suite without modes"
)


class GateProve(SuiteRequest):
    proposal: str = positional("a proposal's id: its revision against the one it was made on", "")
    system: str = Field("", description="of a proposal: the agent that runs with either revision")
    incumbent: str = Field("", description="what stands: a system, as `eval run` takes it")
    candidate: str = Field("", description="what is proposed: a system")
    target: list[str] = Field(
        default_factory=list,
        description="cases that are to be better, comma-separated or @FILE; default: all that fail",
    )
    must_pass: list[str] = Field(
        default_factory=list, description="cases that must pass in every trial, likewise"
    )
    hidden: list[str] = Field(
        default_factory=list,
        description="cases that whoever made the change did not see, besides those that are held out, "
        "likewise; a drafted proposal says it itself",
    )
    claim: Kind = Field(
        "better",
        description="what is claimed: better, no_worse_and_cheaper (than the last release), "
        "equivalent, restore, or of two systems no_regression: nothing that works breaks; a proposal says it itself",
    )
    saving: str = Field(
        "",
        description="what no_worse_and_cheaper saves: parts, harness_bytes, tokens, context_tokens, "
        "cost_microusd or latency_s; default: any of them",
    )
    margin: float = Field(
        MARGIN, gt=0, lt=1, description="what no_worse_and_cheaper may lose of the mean score"
    )
    release: str = Field(
        "",
        description="the release that it is compared with; default: the last one of the head, or "
        "the last without a head",
    )
    guard: bool = Field(
        False, description="of restore: guard all that works, not only what must pass"
    )
    every_case: bool = Field(False, description=EVERY_CASE)
    alpha: float = Field(
        0.05, gt=0, lt=1, description="the error of all decisions together that share its budget"
    )
    campaign: str = Field(
        "main",
        description="a name to tell decisions by; it begins no error budget anew: all decisions of a space that "
        "are for no head share one, and a proposal has its head's",
    )
    bank: int = Field(
        BANKED, ge=1, le=100, description="trials of the incumbent that are to stand beforehand"
    )
    again: bool = Field(False, description="decide anew what was decided; it counts again")


def question_of(context: Context, request: GateProve) -> Question:
    """What is asked: of two systems, or of a proposal's revision."""
    asked = _asked(context, request)
    with context.view() as view:
        of = _of_proposal if request.proposal else _of_systems
        question = of(context, view, request, asked)
    return _different(question)


def question_on(
    context: Context,
    request: GateProve,
    *,
    systems: tuple[System, System],
    suite: Sequence[SuiteCase],
    target: Sequence[str],
) -> Question:
    """What is asked of a proposal by a campaign, which has opened the agent and fixed its suite.

    Args:
        systems: What stands, and what is proposed.
        suite: Cases that its proposer did not see are held out in it.
        target: The cases that are to be better.
    """
    asked = _asked(context, request) | {"target": tuple(target)}
    with context.view() as view:
        question = _of_proposal(context, view, request, asked)
    incumbent, candidate = systems
    return _different(replace(question, incumbent=incumbent, candidate=candidate, suite=suite))


def _asked(context: Context, request: GateProve) -> dict[str, Any]:
    return {
        "named": named_cases(context, request.case),
        "target": named_cases(context, request.target),
        "must_pass": named_cases(context, request.must_pass),
        "hidden": named_cases(context, request.hidden),
        "alpha": request.alpha,
        "saving": request.saving,
        "margin": request.margin,
        "every_case": request.every_case,
    }


def _different(question: Question) -> Question:
    if question.incumbent.digest == question.candidate.digest:
        raise InvalidRequestError(
            f"incumbent and candidate are the very same system{_made_of(question.candidate)}",
            hint="there is nothing to decide; what else changed is no part of it, unless the command line "
            "names it, or the folder that its program lies in holds it",
            same=question.incumbent.digest,
        )
    return question


def _made_of(system: System) -> str:
    tops = system.made_of if isinstance(system, MadeOfFiles) else ()
    more = f" and {len(tops) - MAX_TOPS} more" if len(tops) > MAX_TOPS else ""
    return f", made of {', '.join(tops[:MAX_TOPS])}{more}" if tops else ""


def _of_systems(
    context: Context, view: View, request: GateProve, asked: dict[str, Any]
) -> Question:
    if not request.incumbent or not request.candidate or request.system:
        raise InvalidRequestError(
            "two systems are needed",
            hint="--incumbent SYS --candidate SYS, or PROPOSAL --system",
        )
    if request.claim == "restore":
        raise InvalidRequestError(
            "only a proposal restores something", hint="`lignin proposal create --claim restore`"
        )
    release = ""
    if request.claim == "no_worse_and_cheaper":
        release = release_for(view, request.release, NO_HEAD).key
    options = options_of(context, request)
    return Question(
        incumbent=open_subject(context, request.incumbent, **options),
        candidate=open_subject(context, request.candidate, **options),
        suite=load_suite(context, view, request),
        campaign=request.campaign,
        claim=request.claim,
        release=release,
        **asked,
    )


def _of_proposal(
    context: Context, view: View, request: GateProve, asked: dict[str, Any]
) -> Question:
    if not request.system or request.incumbent or request.candidate:
        raise InvalidRequestError("of a proposal the agent is needed", hint="PROPOSAL --system SYS")
    row = require_known(view, f"proposal/{request.proposal}")
    claim = _claim(row, request)
    before, after = context.harness.proposed(view, request.proposal)
    require_ungraded(context, view, before, after)
    suite = load_suite(context, view, request)
    require_unquoted_change(context, view, before, after, suite)
    if claim == "restore":
        stood_before(context, view, row)
    asked["hidden"] = tuple(
        dict.fromkeys((*asked["hidden"], *hidden_from(view, row.body["facts"])))
    )
    said = declared(row)
    files = both_harnesses(context, view, before, after)
    options = options_of(context, request)
    incumbent, candidate = (
        open_subject(context, request.system, harness=each, **options) for each in files
    )
    release = ""
    if claim == "no_worse_and_cheaper":
        released = release_for(
            view, request.release, line_of(improved_head(view, row.body["head"]))
        )
        release = released.key
        if released.body["name"] != incumbent.name:
            raise InvalidRequestError(
                f"the release was cut with {released.body['name']!r:.80}, not with this agent",
                hint="--system as it was released, or cut a release with this one",
            )
    is_aimed = claim == "better" and not asked["target"]
    return Question(
        incumbent=incumbent,
        candidate=candidate,
        suite=suite,
        campaign=campaign_of(row),
        proposal=row.key,
        claim=claim,
        release=release,
        is_guarded=claim != "restore" or request.guard,
        aims=aims_of(view, said.mode, suite) if is_aimed else (),
        altered=altered_by(context, view, before, after, suite),
        counted=counted_in(files),
        predicted=said.predicted,
        **asked,
    )


def _claim(row: Row, request: GateProve) -> Kind:
    """The claim is the proposal's; nobody proves another one in its place."""
    claim = next((each for each in KINDS if each == row.body["claim"]), None)
    if claim is None:
        raise InvalidRequestError(
            f"the proposal claims {row.body['claim']!r}, which rests on its versions' own evidence",
            hint="`lignin proposal decide` puts it before the gate",
        )
    if request.claim not in ("better", claim):
        raise InvalidRequestError(
            f"the proposal claims {claim!r}, not {request.claim!r}",
            hint="`lignin proposal create --claim` makes one that claims something else",
        )
    return claim
