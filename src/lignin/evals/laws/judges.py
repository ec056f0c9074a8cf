"""The test that each claim is put to when trials are run for it. Pure.

*Better* is proven on its target and guarded. *No worse and cheaper* is weighed against the last release,
then guarded by the trials that this took and as many more as it needs; what all lose together is what it
bounds itself. *Equivalent* is tried beside the incumbent, trial by trial of the same number: one that comes
to something else refutes it. *Restore* has nothing to show, and is guarded where that is asked for; *no
regression* is the guard alone. What a saving or an effect comes to is not the course's: `lignin.evals.live`
weighs the trials that it asked for.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from lignin.domain.evidence import GateOutcome
from lignin.evals.laws.better import Claim, Judgement, judge_better, told_of_guard
from lignin.evals.laws.claims import (
    NOTHING_WORKS,
    UNBROKEN,
    Kind,
    no_worse_level,
    show_no_worse,
)
from lignin.evals.laws.course import Ask, Course, Heard
from lignin.evals.laws.guard import guard, weigh_seen
from lignin.evals.laws.no_worse import NoWorse, prove_no_worse
from lignin.evals.laws.prove import Proof

GAINLESS = "there is nothing to gain: every live case passes already"
SAME_TRIALS = 3
"""So often each case is tried on both sides where they are to be equivalent."""
_TOGETHER = 8


def judge_no_worse(claim: Claim) -> Course[Judgement]:
    """Decide whether a candidate loses less than the margin against the last release and breaks nothing."""
    rng = random.Random(claim.seed)  # noqa: S311
    asked, heard = claim.asked, Heard()
    course = prove_no_worse(
        claim.compared,
        claim.release,
        rng,
        margin=asked.margin,
        level=no_worse_level(asked.level),
    )
    weighed = yield from heard.through(course)
    shown, proof = show_no_worse(weighed, asked), _proof(weighed)
    if not shown.is_shown:
        # The trials are there: where they show a case broken, no more of the suite's have to say so.
        found = weigh_seen(
            claim.units, claim.bank, rng, claim.care, heard.scores, known=claim.known
        )
        is_refuted = shown.is_refuted or found.verdict == "broken"
        outcome: GateOutcome = "reject" if is_refuted else "undecided"
        return Judgement(
            outcome=outcome, reasons=(shown.told,), proof=proof, guarded=found, weighed=weighed
        )
    guarded = yield from guard(
        claim.units, claim.bank, rng, claim.care, heard.scores, known=claim.known
    )
    outcome, reason = told_of_guard(guarded, shown.told)
    return Judgement(
        outcome=outcome, reasons=(reason,), proof=proof, guarded=guarded, weighed=weighed
    )


def judge_equivalent(claim: Claim) -> Course[Judgement]:
    """Try both side by side; the first trial that scores otherwise ends it."""
    order = random.Random(claim.seed).sample(claim.same, len(claim.same))  # noqa: S311
    pairs = missing = 0
    for _ in range(SAME_TRIALS):
        for start in range(0, len(order), _TOGETHER):
            some = order[start : start + _TOGETHER]
            asks = [Ask(arm, case) for case in some for arm in ("incumbent", "candidate")]
            scores = yield tuple(asks)
            both = [(old, new) for old, new in zip(scores[::2], scores[1::2], strict=True)]
            known = [(old, new) for old, new in both if old is not None and new is not None]
            pairs, missing = pairs + len(known), missing + len(both) - len(known)
            if any(old != new for old, new in known):
                return _same(pairs, missing, "futile", "reject")
    return _same(pairs, missing, "proven", "accept")


def judge_restored(claim: Claim) -> Course[Judgement]:
    """Nothing has to be shown; what was asked to be guarded is."""
    proof = Proof(ended="proven", wealth=1.0, pairs=0, gain=None, missing=0)
    holds = "it restores what stood before"
    if not claim.units:
        return Judgement(outcome="accept", reasons=(holds,), proof=proof)
    rng = random.Random(claim.seed)  # noqa: S311
    guarded = yield from guard(
        claim.units, claim.bank, rng, claim.care, known=claim.known, whole=claim.whole()
    )
    outcome, reason = told_of_guard(guarded, f"{holds}, and what works still works")
    return Judgement(outcome=outcome, reasons=(reason,), proof=proof, guarded=guarded)


def judge_unbroken(claim: Claim) -> Course[Judgement]:
    """Nothing has to be gained, and what works is guarded; where nothing works there is nothing to say."""
    if not claim.units:
        proof = Proof(ended="out of trials", wealth=1.0, pairs=0, gain=None, missing=0)
        return Judgement(outcome="undecided", reasons=(NOTHING_WORKS,), proof=proof)
    restored = yield from judge_restored(claim)
    assert restored.guarded is not None
    outcome, reason = told_of_guard(restored.guarded, UNBROKEN)
    return replace(restored, outcome=outcome, reasons=(reason,))


def judge_gainless(claim: Claim) -> Course[Judgement]:
    """Where every case passes there is nothing to gain; guarded all the same, it may be worse than useless."""
    proof = Proof(ended="futile", wealth=1.0, pairs=0, gain=None, missing=0)
    rng = random.Random(claim.seed)  # noqa: S311
    guarded = yield from guard(claim.units, claim.bank, rng, claim.care, known=claim.known)
    return Judgement(outcome="reject", reasons=(GAINLESS,), proof=proof, guarded=guarded)


JUDGES: Mapping[Kind, Callable[[Claim], Course[Judgement]]] = {
    "better": judge_better,
    "no_worse_and_cheaper": judge_no_worse,
    "equivalent": judge_equivalent,
    "restore": judge_restored,
    "no_regression": judge_unbroken,
}


def judge(claim: Claim) -> Course[Judgement]:
    """Decide a claim by its own test."""
    if claim.asked.claim == "better" and not claim.target:
        return judge_gainless(claim)
    return JUDGES[claim.asked.claim](claim)


def _proof(weighed: NoWorse) -> Proof:
    return Proof(
        ended=weighed.ended,
        wealth=weighed.wealth,
        pairs=weighed.trials,
        gain=weighed.difference,
        missing=weighed.missing,
        path=weighed.path,
    )


def _same(pairs: int, missing: int, ended: str, outcome: GateOutcome) -> Judgement:
    told = "every trial scores the same" if outcome == "accept" else "a trial scores otherwise"
    proof = Proof(ended=ended, wealth=1.0, pairs=pairs, gain=None, missing=missing)  # type: ignore[arg-type]
    return Judgement(outcome=outcome, reasons=(told,), proof=proof)
