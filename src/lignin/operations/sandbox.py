"""The sandbox that runs untrusted code."""

from pydantic import Field

from lignin.operations.context import Context
from lignin.operations.registry import Request, Response, operation


class SandboxDoctor(Request):
    pass


class Tier(Response):
    tier: str = Field(description="the tier's name")
    works: bool = Field(description="whether it ran a trial here")
    why_not: str = Field(description="what stopped it")
    walls: str = Field(description="what stands around it besides its own walls, or why nothing")
    install: list[str] = Field(description="commands that would help")


class Diagnosis(Response):
    tier: str | None = Field(description="the strongest tier that works; none where none does")
    tiers: list[Tier] = Field(description="every tier, strongest first")

    def to_text(self) -> str | None:
        lines = []
        for one in self.tiers:
            works = ", ".join(filter(None, ("works here", one.walls)))
            lines.append(f"{one.tier}: {works if one.works else one.why_not}")
            lines += [f"  what may help: {remedy}" for remedy in one.install]
        used = f"runs use: {self.tier}" if self.tier else "no tier works here, so nothing is run"
        return "\n".join([used, *lines])

    def exit_code(self) -> int:
        return 0 if self.tier else 5


@operation("sandbox.doctor", effect="read", idempotent=True)
def doctor(context: Context, request: SandboxDoctor) -> Diagnosis:  # noqa: ARG001
    """Say by trying which sandbox tier works here, why others don't, and what to install."""
    found = context.diagnose()
    tiers = [
        Tier(
            tier=t.tier,
            works=t.works,
            why_not=t.why_not,
            walls=t.walls,
            install=list(t.remedies),
        )
        for t in found.tiers
    ]
    return Diagnosis(tier=found.tier or None, tiers=tiers)
