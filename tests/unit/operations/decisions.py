"""A decision of the gate, made by hand: every part of it says something."""

from typing import Any

from lignin.domain.evidence import GateOutcome
from lignin.operations.gate_prove import Decided

REASONS: dict[GateOutcome, str] = {
    "accept": "it is better, and what works still works",
    "reject": "it breaks what works",
    "undecided": "the trials ran out",
}


def decision(verdict: GateOutcome, **more: Any) -> Decided:
    """One of a verdict."""
    told: dict[str, Any] = {
        "verdict": verdict,
        "claim": "better",
        "reasons": [REASONS[verdict]],
        "faults": [],
        "level": 0.01,
        "evidence": 130.0,
        "needed": 100.0,
        "pairs": 14,
        "gain": 0.5,
        "interval": [0.2, 0.8],
        "path": [1.0, 20.0, 130.0],
        "cases": 9,
        "trials": 61,
        "missing": 1,
        "covered": 0.98,
        "guarded": 5,
        "broken": ["refund|twice", "@all `x` <b>"] if verdict == "reject" else [],
        "unclear": [],
        "doubts": {},
        "savings": [
            {"column": "cost_microusd", "before": 5200.0, "after": 4100.0, "pairs": 12},
            {"column": "latency_s", "before": 2.5, "after": 2.25, "pairs": 12},
        ],
        "margin_left": None,
        "decision": "dec_0123456789ABCDEFGHJKMNPQRS",
        "incumbent": "commit:main:python agent/main.py",
        "candidate": "python agent/main.py",
        "proposal": "",
        "campaign": "main",
        "number": 3,
        "simulated": False,
        "ended": "proven",
        "target": ["c1", "c2"],
        "instead": [],
        "kinds": {"candidate scored": 30, "incumbent scored": 31},
        "bank_trials": 54,
        "power": None,
        "power_told": "never measured",
        "basis": {"told": 9},
    }
    return Decided.model_validate({**told, **more})
