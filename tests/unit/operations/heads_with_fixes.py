"""A head with a history of accepted fixes, and an agent whose behaviour is what its harness says.

The agent passes a case where some text of its harness names it, and no text forbids it. Nothing of it
is a real agent; what it shows is the machinery.
"""

import json
from typing import Any

from unit.operations.conftest import Desk

READS = """
import random

def run(task, seed, tools):
    words = " ".join(text for path, text in sorted(task["harness"].items()) if path.endswith(".md"))
    named, forbidden = f"do {task['case']}." in words, f"skip {task['case']}." in words
    rate = 0.03 if forbidden or not named else 0.97
    return {"resolved": random.Random(f"{task['case']} {seed} {words}").random() < rate}
"""
AGENT = "python:reads:run"
SUITE = "suite.jsonl"


class Harnessed:
    """A head whose skills say which cases are done."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def prepare(self, cases: int = 8, modes: int = 0) -> "Harnessed":
        """The agent, its suite and an empty head."""
        desk = self.desk
        desk.write("reads.py", READS)
        rows = [
            {"case": f"c{n}", **({"mode": f"m{n % modes}"} if modes else {})} for n in range(cases)
        ]
        desk.write(SUITE, "\n".join(map(json.dumps, rows)))
        desk("head.create", name="main")
        return self

    def skill(self, name: str, *lines: str) -> str:
        """A version of a skill; returns NAME@DIGEST."""
        text = "\n".join(lines)
        path = f"{name}-{len(lines)}-{sum(text.encode())}/{name}"
        self.desk.write(
            f"{path}/SKILL.md", f"---\nname: {name}\ndescription: What to do.\n---\n\n{text}\n"
        )
        captured = self.desk("artifact.capture", path=path)
        return f"{name}@{captured.digest}"

    def propose(self, *put: str, claim: str = "better") -> str:
        return str(self.desk("proposal.create", put=list(put), claim=claim).proposal)

    def prove(self, proposal: str, **more: Any) -> Any:
        return self.desk(
            "gate.prove", proposal=proposal, system=AGENT, unsandboxed=True, suite=SUITE, **more
        )

    def approve(self, proposal: str) -> None:
        decided = self.desk("proposal.decide", proposal=proposal, approve=True)
        assert decided.state == "accepted", decided.decision
        assert self.desk("proposal.apply", proposal=proposal).state == "applied"

    def fix(self, name: str, *lines: str, target: list[str]) -> str:
        """Put a skill on the head by proof; returns the decision."""
        proposal = self.propose(self.skill(name, *lines))
        told = self.prove(proposal, target=target)
        assert told.verdict == "accept", told.reasons
        self.approve(proposal)
        return str(told.decision)

    def slip_in(self, name: str, *lines: str) -> str:
        """Put a skill on the head that only a person approved; returns the proposal."""
        proposal = self.propose(self.skill(name, *lines), claim="admit")
        self.approve(proposal)
        return proposal

    def six_moves(self) -> str:
        """Three fixes, and a bad accept that only a person approved among harmless ones; returns that."""
        self.fix("first", "do c0.", "do c1.", target=["c0", "c1"])
        self.fix("second", "do c2.", "do c3.", target=["c2", "c3"])
        self.slip_in("manners", "be kind.")
        guilty = self.slip_in("haste", "skip c1.", "be quick.")
        self.slip_in("style", "be brief.")
        self.slip_in("tone", "be calm.")
        self.fix("third", "do c4.", target=["c4"])
        return guilty

    def ask(self, operation: str, **more: Any) -> Any:
        return self.desk(
            operation, system=AGENT, head="main", unsandboxed=True, suite=SUITE, **more
        )
