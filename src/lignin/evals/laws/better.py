"""The claim "better": proven on its target, else where it helps, and nothing that works is broken. Pure."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lignin.domain.evidence import GateOutcome
from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.breaks import named_breaks
from lignin.evals.laws.claims import Asked
from lignin.evals.laws.course import Course, Heard
from lignin.evals.laws.guard import Guarded, guard
from lignin.evals.laws.no_worse import NoWorse
from lignin.evals.laws.prove import Effort, Proof, prove
from lignin.evals.laws.retarget import Search, retarget
from lignin.evals.laws.siblings import Siblings, settle_siblings
from lignin.evals.laws.watch import Care, Unit
from lignin.evals.laws.whole import Whole

DECLARED_SHARE = 0.8
"""Of the evidence that the declared target counts for; the rest is kept for where it helps instead."""

_OUTCOMES: Mapping[str, GateOutcome] = {
    "holds": "accept",
    "broken": "reject",
    "unclear": "undecided",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is to be decided.

    Args:
        asked: The claim with its margin and saving.
        release, compared: Of "no worse": the last release's trials, and the cases of both.
        same: Of "equivalent": the cases that have to come to the same.
        target: Cases that are to be better.
        others: Cases that may be better instead.
        hidden: Cases that the proposer did not see.
        units: What must not break.
        bank: The incumbent's trials that were paid before.
        level: The error that this proposal may make, from 0 to 1.
        seed: Chooses the order; the same seed and trials give the same decision.
        known: The candidate's trials on record, by case: they may speak against it.
        at_times: Cases that pass at times, outside the target: they say something of all that works.
        weighs_all: Whether cases of the target are guarded and all that works is weighed together, as those
            of before were not.
    """

    target: tuple[str, ...]
    others: tuple[str, ...]
    units: tuple[Unit, ...]
    bank: Bank
    level: float
    seed: str
    asked: Asked = field(default_factory=Asked)
    release: Bank = field(default_factory=Bank)
    compared: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    effort: Effort = field(default_factory=Effort)
    search: Search = field(default_factory=Search)
    care: Care = field(default_factory=Care)
    known: Mapping[str, Banked] = field(default_factory=dict)
    at_times: tuple[str, ...] = ()
    weighs_all: bool = True

    def whole(self) -> Whole | None:
        """All that works, where it is to be weighed together."""
        if not self.weighs_all:
            return None
        cases = [case for unit in self.units for case in unit.cases]
        return Whole(self.bank, cases, self.at_times, self.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The outcome, with what each part came to; `reasons` say why in words.

    `weighed` is what a comparison with the last release came to, `siblings` what the hidden cases did;
    `proved_by` is how many trials were asked for before what works was guarded.
    """

    outcome: GateOutcome
    reasons: tuple[str, ...]
    proof: Proof
    instead: tuple[str, ...] = ()
    proof_instead: Proof | None = None
    guarded: Guarded | None = None
    weighed: NoWorse | None = None
    siblings: Siblings | None = None
    proved_by: int | None = None


def judge_better(claim: Claim) -> Course[Judgement]:
    """Decide whether a candidate is better, on what its maker did not see too, and breaks nothing."""
    rng = random.Random(claim.seed)  # noqa: S311
    bank = claim.bank
    needed, heard = 1 / claim.level, Heard()
    proof = yield from heard.through(
        prove(claim.target, bank, needed / DECLARED_SHARE, rng, claim.effort)
    )
    instead: tuple[str, ...] = ()
    proof_instead: Proof | None = None
    if proof.ended != "proven":
        instead = yield from heard.through(retarget(claim.others, bank, rng, claim.search))
        if not instead:
            return _refused(proof, "nothing shows a gain")
        left = needed - DECLARED_SHARE * proof.wealth
        proof_instead = yield from heard.through(
            prove(instead, bank, left / (1 - DECLARED_SHARE), rng, claim.effort)
        )
        if proof_instead.ended != "proven":
            return _refused(proof, "nothing shows a gain", instead, proof_instead)
    proven = proof_instead or proof
    siblings = yield from heard.through(settle_siblings(proven.differences, claim.hidden, rng))
    if siblings is not None and siblings.told:
        return Judgement(
            outcome="reject" if siblings.settled == "overfitted" else "undecided",
            reasons=(siblings.told,),
            proof=proof,
            instead=instead,
            proof_instead=proof_instead,
            siblings=siblings,
        )
    guarded = yield from _guarded(claim, instead or claim.target, heard, rng)
    outcome, reason = told_of_guard(guarded, "it is better, and what works still works")
    return Judgement(
        outcome=outcome,
        reasons=(reason,),
        proof=proof,
        instead=instead,
        proof_instead=proof_instead,
        guarded=guarded,
        siblings=siblings,
        proved_by=heard.asks,
    )


def _guarded(
    claim: Claim, proven: Sequence[str], heard: Heard, rng: random.Random
) -> Course[Guarded]:
    """What works, in the target or not, by the trials that proved the gain and as many more as it takes."""
    if not claim.weighs_all:
        left = tuple([unit for unit in claim.units if not set(proven).issuperset(unit.cases)])
        return (yield from guard(left, claim.bank, rng, claim.care))
    return (
        yield from guard(
            claim.units,
            claim.bank,
            rng,
            claim.care,
            heard.scores,
            known=claim.known,
            whole=claim.whole(),
        )
    )


def told_of_guard(guarded: Guarded, holds: str) -> tuple[GateOutcome, str]:
    """The outcome of what was shown and then guarded, in words; `holds` where nothing breaks."""
    if guarded.verdict == "holds":
        return "accept", holds
    told = []
    if guarded.verdict == "broken":
        if guarded.broken:
            told.append(f"it breaks {named_breaks(guarded.broken, guarded.culprits)}")
        if guarded.is_shown_fallen:
            told.append("what works passes less often as a whole")
    else:
        if guarded.unclear:
            told.append(f"whether it breaks {', '.join(guarded.unclear)} is not clear")
        if guarded.is_unclear_whole:
            told.append("whether what works passes less often as a whole is not clear")
    return _OUTCOMES[guarded.verdict], "; ".join(told)


def _refused(
    proof: Proof,
    reason: str,
    instead: tuple[str, ...] = (),
    proof_instead: Proof | None = None,
) -> Judgement:
    tried = proof_instead or proof
    outcome: GateOutcome = "undecided" if tried.ended == "out of trials" else "reject"
    return Judgement(
        outcome=outcome,
        reasons=(reason,),
        proof=proof,
        instead=instead,
        proof_instead=proof_instead,
    )
