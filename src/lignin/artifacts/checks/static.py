"""What static readers (ruff, bandit) say. Advisory: it is reported and never decides."""

from dataclasses import replace

from lignin.artifacts.check import Check, Observations, conclude
from lignin.domain.evidence import CheckResult

MAX_SHOWN = 20


def judge(observations: Observations) -> CheckResult:
    """Report each finding in words."""
    findings = observations.findings
    said = [f"{f.tool} {f.rule} {f.path}:{f.line} {f.text}" for f in findings[:MAX_SHOWN]]
    if len(findings) > MAX_SHOWN:
        said.append(f"and {len(findings) - MAX_SHOWN} more")
    result = conclude("static", remarks=said, measured={"findings": len(findings)})
    return replace(result, advisory=True)


CHECK = Check(name="static", needs=frozenset({"findings"}), judge=judge)
