"""Rows and records of artifacts as the operations answer them. Pure."""

from collections.abc import Sequence

from lignin.artifacts.check import shown_use
from lignin.artifacts.oracle import find_disputes
from lignin.artifacts.versions import is_simulated
from lignin.domain.examples import Example
from lignin.domain.states import Row
from lignin.operations.artifact_models import DisputedExample, VersionView
from lignin.ports.sandbox import Limits, Observed

MAX_REACHED = 50
_OUTSIDE = frozenset({"call", "http", "denied", "incident"})

AFTER_REJECTION = (
    "rejected is final for these very files: change what the reason names and capture again, which "
    "makes a new version. Where an example was wrong, not the code, whoever gave it takes it back "
    "with `lignin artifact withdraw`, and the version is judged anew without it"
)
"""What to do about a rejected version; decision record 2 says why it stays rejected."""


def disputed_examples(
    row: Row, judges: Sequence[Example], examples: Sequence[Example]
) -> list[DisputedExample]:
    """Every input with two answers; those of the givers whose examples judge come first."""
    found = find_disputes([*judges, *examples], is_call=row.body["kind"] in {"program", "workflow"})
    return [
        DisputedExample(input=shown_use(dispute.first), answers=list(dispute.sides()))
        for dispute in found
    ]


def failure(observed: Observed, *, is_call: bool) -> tuple[str | None, str]:
    """The name of what kept a call from its answer (None where it answered) and what it says."""
    bounds = Limits()
    said = {
        "output": f"it printed more than {bounds.output_bytes} bytes, the most that is taken",
        "memory": f"it took more than {bounds.memory_bytes} bytes of memory, the most it may have",
        "timeout": f"it did not end within {observed.wall_s:.0f} s",
    }
    error = observed.error or (None if observed.status == "exited" else observed.status)
    message = observed.message or said.get(observed.status, "")
    if error is None and is_call and not observed.returned:
        error = "no_answer"
        message = message or f"it ended without an answer (exit code {observed.exit_code})"
    return error, message or observed.stderr.decode(errors="replace")[-2000:]


def reached(observed: Observed) -> list[str]:
    """What a run asked of the outside, in words and bounded; no query, header or body."""
    asked = [effect for effect in observed.effects if effect.kind in _OUTSIDE]
    return [f"{effect.kind} {effect.target}" for effect in asked[:MAX_REACHED]]


def version_view(row: Row, *, found_failed: int | None = None) -> VersionView:
    """A version as it is listed."""
    body = row.body
    return VersionView(
        name=body["name"],
        digest=body["digest"],
        kind=body["kind"],
        state=str(row.state),
        reason=body["reason"],
        sightings=body["sightings"],
        simulated=is_simulated(row),
        keep_until=body["keep_until"] if row.state == "draft" else None,
        found_failed=found_failed,
    )
