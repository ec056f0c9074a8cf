"""Changes that were made before what should come first: consent, and what right runs look up."""

from collections import deque

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.effects import Made
from lignin.traces.runs import Run
from lignin.traces.talk import CONSENT


def examine(case: Case) -> Seen:
    """Report changes without the user's word, where it is asked for, or a customary look-up."""
    bare = unconfirmed(case.run)
    skipped = _skipped(case)
    findings = [
        Finding(
            kind="precondition",
            step=made.step,
            call_id=made.call.call_id,
            evidence=f"{made.call.name} was called though the user had not agreed to it.",
            probability=0.45,
        )
        for made in bare
        if case.asks_consent
    ]
    findings += [
        Finding(
            kind="precondition",
            step=made.step,
            call_id=made.call.call_id,
            evidence=f"{made.call.name} was called without {tool} before it, as runs that went "
            "well have.",
            probability=0.36,
        )
        for made, tool in skipped
    ]
    features = {"unconfirmed": float(min(3, len(bare))), "skipped": float(min(2, len(skipped)))}
    return Seen(findings=tuple(findings), features=features)


def unconfirmed(run: Run) -> tuple[Made, ...]:
    """Changes that the user's last words before them do not agree to; none without a dialogue."""
    if not run.is_dialogue:
        return ()
    found, users = [], deque(run.users)
    agreed = False
    for made in run.writes:
        while users and users[0].index < made.step:
            agreed = bool(CONSENT.search(users.popleft().text))
        if not agreed:
            found.append(made)
    return tuple(found)


def _skipped(case: Case) -> list[tuple[Made, str]]:
    called: set[str] = set()
    found = []
    for made in case.run.made:
        if made.kind == "write" and not made.failed:
            missing = sorted(case.customs.get(made.call.name, frozenset()) - called)
            found += [(made, tool) for tool in missing[:1]]
        called.add(made.call.name)
    return found


DETECTOR = Detector(name="preconditions", examine=examine)
