"""What the run changed, against what the other runs of its task changed."""

import math

from lignin.domain.findings import Finding
from lignin.traces.consensus import Belief
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.localise import first_divergence

_BOUND = 0.005
_SUREST = 0.95


def examine(case: Case) -> Seen:
    """Report effects that are not what the reliable runs of the task agree on."""
    belief = case.belief
    if not belief.siblings:
        return Seen()
    features = {
        "reliability": belief.reliability,
        "belief": _log_odds(1 - belief.right),
        "likeness": belief.likeness,
        "agreeing": float(min(belief.agreeing, 5)),
        "rival": float(min(belief.rival, 5)),
        "siblings": float(min(belief.siblings, 5)),
        "wrong": 1 - belief.right,
    }
    if belief.right >= 0.5 or belief.expected is None:
        return Seen(features=features)
    step, call_id = first_divergence(case.run, belief.expected)
    finding = Finding(
        kind="consensus",
        step=step,
        call_id=call_id,
        evidence=_evidence(case, belief),
        probability=min(_SUREST, 1 - belief.right),
    )
    return Seen(findings=(finding,), features=features)


def _log_odds(probability: float) -> float:
    bounded = min(1 - _BOUND, max(_BOUND, probability))
    return math.log(bounded / (1 - bounded))


def _evidence(case: Case, belief: Belief) -> str:
    expected = belief.expected or frozenset()
    missing = {effect.tool for effect in expected - case.run.effects}
    extra = {effect.tool for effect in case.run.effects - expected}
    kinds = (
        ("done otherwise", missing & extra),
        ("not done", missing - extra),
        ("done only here", extra - missing),
    )
    parts = [f"{what}: {', '.join(sorted(tools))}" for what, tools in kinds if tools]
    return (
        f"{belief.agreeing} of {belief.siblings} other runs of the task changed the same; "
        f"against what it most probably should have changed, {'; '.join(parts)}."
    )


DETECTOR = Detector(name="consensus", examine=examine)
