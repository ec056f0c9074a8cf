"""Arguments of a change that nothing before it told."""

import re

from lignin.domain.codec import Json
from lignin.domain.effects import canonical
from lignin.domain.findings import Finding
from lignin.traces.detector import Case, Detector, Seen
from lignin.traces.runs import values

_MIN_CHARS = 4
_MAX_CHARS = 60
_SHOWN = 3
_TOKEN = re.compile(r"[\w#@+](?:[\w#@.+-]*[\w#@+])?")


def examine(case: Case) -> Seen:
    """Report changes with ids or figures that no user and no observation named before."""
    findings: list[Finding] = []
    count = 0
    known: set[str] = set()
    writes = {made.call.call_id for made in case.run.writes}
    for step in case.run.trajectory.steps:
        if step.role in ("user", "system"):
            known.update(_tokens(step.text))
        for call in step.calls:
            new = _unknown(dict(call.arguments), known) if call.call_id in writes else []
            count += len(new)
            if new and len(findings) < _SHOWN:
                findings.append(
                    Finding(
                        kind="contradiction",
                        step=step.index,
                        call_id=call.call_id,
                        evidence=f"{call.name} was given {new[0]!r}, which nothing before it named.",
                        probability=0.7,
                    )
                )
            known.update(_tokens(call.observation or ""))
    return Seen(findings=tuple(findings), features={"ungrounded": float(min(3, count))})


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.lower())


def _unknown(arguments: dict[str, Json], known: set[str]) -> list[str]:
    leaves = [leaf for _, value in canonical(arguments) for leaf in values(value)]
    return [
        leaf
        for leaf in leaves
        if _MIN_CHARS <= len(leaf) < _MAX_CHARS
        and any(char.isdigit() for char in leaf)
        and not any(char.isspace() for char in leaf)
        and not known.issuperset(_tokens(leaf))
    ]


DETECTOR = Detector(name="contradictions", examine=examine)
