"""Arguments of a change that nothing before it told."""

from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.effects import canonical
from lignin.traces.runs import values

_MIN_CHARS = 4
_MAX_CHARS = 60
_MAX_SEEN_CHARS = 2_000_000


def examine(case: Case) -> Seen:
    """Report changes with ids or figures that no user and no observation named before."""
    findings, count, known = [], 0, ""
    answers = {made.call.call_id: made for made in case.run.made}
    for step in case.run.trajectory.steps:
        if step.role in ("user", "system"):
            known += f" {step.text.lower()}"
        for call in step.calls:
            made = answers.get(call.call_id)
            if made is not None and made.kind == "write":
                new = _unknown(canonical(dict(call.arguments)), known)
                count += len(new)
                if new:
                    findings.append(
                        Finding(
                            kind="contradiction",
                            step=step.index,
                            call_id=call.call_id,
                            evidence=f"{call.name} was given {new[0]!r}, which nothing before it "
                            "named.",
                            probability=0.7,
                        )
                    )
            known = (known + f" {(call.observation or '').lower()}")[-_MAX_SEEN_CHARS:]
    return Seen(findings=tuple(findings[:3]), features={"ungrounded": float(min(3, count))})


def _unknown(arguments: object, known: str) -> list[str]:
    leaves = [leaf for _, value in arguments for leaf in values(value)]  # type: ignore[attr-defined]
    return [
        leaf
        for leaf in leaves
        if _MIN_CHARS <= len(leaf) < _MAX_CHARS
        and any(char.isdigit() for char in leaf)
        and not any(char.isspace() for char in leaf)
        and leaf not in known
    ]


DETECTOR = Detector(name="contradictions", examine=examine)
