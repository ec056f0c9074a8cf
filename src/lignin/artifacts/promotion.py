"""Whether a version may be promoted: a pure decision over what is known about it.

The gate for harness changes in general comes later and calls this first; what is fixed here is what
no evidence can buy: a verified state, an accountable owner, and a human where authority widens or
where nothing can be run.
"""

from dataclasses import dataclass

from lignin.domain.artifacts import Manifest
from lignin.domain.errors import DeniedError, GateFailedError, UnavailableError
from lignin.domain.events import Actor
from lignin.domain.evidence import GateOutcome, Verdict
from lignin.domain.states.artifacts import VersionState
from lignin.ports.sandbox import EVERY_CAPABILITY, TIER_CAPABILITIES, Capability

GATE = "promotion/2"
_LEAST: frozenset[Capability] = frozenset({"fs", "net"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionCase:
    """Everything the decision looks at. `approved_by` is the human who said yes, or empty.

    `simulated` speaks neither for nor against; an acceptance says it. `tier` is the sandbox tier of
    its verification. `questions` are what the checks leave to a person. `breaks` is what callers of
    the version that is served would find changed, `breaking` that this is meant. `examples` is the
    digest of those that judge it now, `proven_on` of those that its verification had.
    """

    name: str
    state: VersionState
    manifest: Manifest
    executable: bool
    verdict: Verdict | None
    verdict_reasons: tuple[str, ...] = ()
    owner: str = ""
    approved_by: str = ""
    simulated: bool = False
    tier: str = ""
    proven_on: str = ""
    examples: str = ""
    questions: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    breaking: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionDecision:
    """Outcome with every reason, for and against; `hint` what to do where it does not accept."""

    outcome: GateOutcome
    reasons: tuple[str, ...]
    hint: str = ""


def decide_promotion(case: PromotionCase) -> PromotionDecision:
    """Decide on evidence: reject on a failed verification, undecided while something is missing."""
    against: list[str] = []
    missing: list[str] = []
    good: list[str] = []
    if case.state not in {"verified", "promoted", "deprecated"}:
        (against if case.state in {"rejected", "quarantined"} else missing).append(
            f"its state is {case.state}, not verified"
        )
    _weigh_proof(case, against, missing, good)
    if case.simulated:
        good.append("it is known from simulated sessions only")
    said = "breaking is meant" if case.breaking else "callers of the served version would break"
    (good if case.breaking else missing).extend(f"{said}: {reason}" for reason in case.breaks)
    if not case.owner:
        missing.append("nobody is accountable for it: it has no owner")
    for reason in _needs_human(case):
        if case.approved_by:
            good.append(f"{case.approved_by} approved: {reason}")
        else:
            missing.append(f"{reason}: a human must approve it")
    if against:
        return PromotionDecision(
            outcome="reject", reasons=tuple(against + missing), hint=_refusal_hint(case)
        )
    if missing:
        return PromotionDecision(
            outcome="undecided", reasons=tuple(missing), hint=_refusal_hint(case)
        )
    return PromotionDecision(outcome="accept", reasons=tuple(good))


def _weigh_proof(
    case: PromotionCase, against: list[str], missing: list[str], good: list[str]
) -> None:
    """Put what its verification says on the side where it belongs."""
    if case.proven_on not in {"", case.examples}:
        missing.append("its examples are others than it was proven on: verify it again")
    elif case.verdict == "fail":
        against.extend(case.verdict_reasons or ("its verification failed",))
    elif case.verdict != "pass":
        missing.extend(case.verdict_reasons or ("it has no passing verification",))
    elif case.executable and (lacking := lacking_walls(case.manifest, case.tier)):
        missing.append(
            f"its verification ran in the tier {case.tier!r}, which holds no {', '.join(lacking)}: "
            "verify it again where `lignin sandbox doctor` names a stronger one"
        )
    else:
        good.append("its verification passed")


def lacking_walls(manifest: Manifest, tier: str) -> tuple[Capability, ...]:
    """What an artifact needs of a sandbox tier and the tier does not hold, in order of name.

    Everything needs files and network shut. What starts processes, or is let out to hosts, tools or
    secrets, needs all walls.
    """
    granted = manifest.capabilities
    free = granted.processes or granted.hosts or granted.tools or granted.secrets
    needed = EVERY_CAPABILITY if free or manifest.kind == "script" else _LEAST
    return tuple(sorted(needed - TIER_CAPABILITIES.get(tier, frozenset())))


def require_walls(manifest: Manifest, tier: str) -> None:
    """Raise where code may not be run for a caller in a tier.

    Raises:
        UnavailableError: The tier holds less than the artifact needs.
    """
    if lacking := lacking_walls(manifest, tier):
        raise UnavailableError(
            f"the sandbox tier {tier!r} holds no {', '.join(lacking)}, which this artifact needs",
            hint="`lignin sandbox doctor` says what a stronger tier needs",
        )


def require_person(actor: Actor, does: str) -> str:
    """Return who acts, if it is a person acting for himself.

    Names are taken at their word until authority has tokens; what is refused now is an agent that
    says it is one, and anybody acting through an agent.

    Raises:
        DeniedError: An agent, or a person through an agent.
    """
    if not actor.is_person:
        raise DeniedError(
            f"{actor.sub} is an agent; only a person {does}",
            hint="ask the owner; a person in an agent's shell says so with LIGNIN_ACTOR=user:NAME",
        )
    return actor.sub


def require_promotable(case: PromotionCase) -> PromotionDecision:
    """Return the accepting decision.

    Raises:
        GateFailedError: With every reason against it.
    """
    decision = decide_promotion(case)
    if decision.outcome != "accept":
        raise GateFailedError(
            f"{case.name} is not promoted: {'; '.join(decision.reasons)}",
            hint=decision.hint,
            outcome=decision.outcome,
            reasons=list(decision.reasons),
        )
    return decision


def _refusal_hint(case: PromotionCase) -> str:
    """What to do about a decision that does not accept."""
    if case.breaks and not case.breaking:
        return "capture it under another name, or say --breaking where callers are to change"
    return "`lignin artifact show` lists the evidence; --approve where a human must say yes"


def _needs_human(case: PromotionCase) -> list[str]:
    reasons = []
    granted = case.manifest.capabilities
    if case.manifest.needs_human:
        agents = case.manifest.workflow.agents if case.manifest.workflow else ()
        wants = [*granted.hosts, *(f"secret {name}" for name in granted.secrets)]
        wants += [f"agent {name}" for name in agents]
        if granted.spend_microusd:
            wants.append(f"{granted.spend_microusd} micro-USD")
        reasons.append(f"it asks for {', '.join(wants)}")
    reasons.extend(f"its text asks for a look: {question}" for question in case.questions)
    if not case.executable:
        reasons.append(f"a {case.manifest.kind} cannot be run, so no sandbox can prove it")
    return reasons
