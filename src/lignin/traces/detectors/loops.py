"""The same call again and again."""

from collections import Counter

from lignin.domain.effects import Effect
from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen

_LOOP = 3


def examine(case: Case) -> Seen:
    """Report calls that were repeated word for word with the same answer."""
    seen: Counter[tuple[Effect, str]] = Counter()
    findings = []
    for made in case.run.made:
        key = (made.effect, made.call.observation or "")
        seen[key] += 1
        if seen[key] == _LOOP:
            findings.append(
                Finding(
                    kind="loop",
                    step=made.step,
                    call_id=made.call.call_id,
                    evidence=f"{made.call.name} was called the same way {_LOOP} times or more, "
                    "with the same answer.",
                    probability=0.58,
                )
            )
    repeats = sum(count - 1 for count in Counter(made.effect for made in case.run.made).values())
    return Seen(findings=tuple(findings), features={"repeats": float(min(4, repeats))})


DETECTOR = Detector(name="loops", examine=examine)
