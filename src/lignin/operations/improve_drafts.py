"""A draft as versions of artifacts: within its surface, captured, verified, as a patch of a head.

What is refused here is refused by name, and before any trial is paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.artifacts.laws import candidate_from_files
from lignin.artifacts.service import Captured
from lignin.artifacts.store import load_tree
from lignin.artifacts.versions import HANDED_OVER
from lignin.domain.artifacts import File
from lignin.domain.candidates import Provenance
from lignin.domain.codec import Digest
from lignin.domain.errors import ConflictError, DeniedError, InvalidRequestError, LimitedError
from lignin.domain.events import Change
from lignin.domain.harness import Revision, SlotChange
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.context import Context
from lignin.operations.handover import refuse_secrets
from lignin.operations.heads import removal
from lignin.operations.lifecycle import verify_version
from lignin.ports.ledger import View, require_known
from lignin.ports.proposer import outside_surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a draft was made into: a patch of the head, or why there is none."""

    patch: Mapping[str, SlotChange]
    refused: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a draft comes from, for the provenance of what it becomes."""

    campaign: str
    proposer: str
    model: str
    mode: str
    simulated: bool


def outside(files: Mapping[str, File | None], surface: Sequence[str]) -> list[str]:
    """The paths of a draft that nobody allowed to change, or that are none of a slot."""
    astray = {path for path in files if not _is_in_slot(path)}
    return sorted(astray.union(outside_surface(files, surface)))


def _is_in_slot(path: str) -> bool:
    parts = path.split("/")
    return len(parts) > 1 and all(part not in ("", ".", "..") for part in parts)


def build(
    context: Context,
    revision: Revision,
    files: Mapping[str, File | None],
    surface: Sequence[str],
    origin: Origin,
) -> Built:
    """Make versions of a draft's files, verified, and the patch that puts them into a head.

    Args:
        revision: What the head stands at.
    """
    if not files:
        return Built(patch={}, refused="an empty draft")
    if wrong := outside(files, surface):
        return Built(patch={}, refused=f"it changes what it may not: {', '.join(wrong[:5])}")
    try:
        refuse_secrets({p: f for p, f in files.items() if f}, None, context.redaction_key)
        patch = {
            slot: _slot(context, revision, slot, changed, origin)
            for slot, changed in sorted(_by_slot(files).items())
        }
    except (InvalidRequestError, ConflictError, DeniedError, LimitedError) as error:
        return Built(patch={}, refused=error.message)
    patch = {slot: change for slot, change in patch.items() if change.expected != change.new}
    return Built(patch=patch, refused="" if patch else "it changes nothing")


def _by_slot(files: Mapping[str, File | None]) -> dict[str, dict[str, File | None]]:
    found: dict[str, dict[str, File | None]] = {}
    for path, file in files.items():
        slot, _, inner = path.partition("/")
        found.setdefault(slot, {})[inner] = file
    return found


def _slot(
    context: Context,
    revision: Revision,
    slot: str,
    changed: Mapping[str, File | None],
    origin: Origin,
) -> SlotChange:
    with context.view() as view:
        held = context.harness.resolved(view, revision).get(slot)
        before = load_tree(view, held) if held else None
        after: dict[str, File] = dict(before.files) if before else {}
        for path, file in changed.items():
            if file is None:
                after.pop(path, None)
            else:
                after[path] = file
        if not after:
            if before is None:
                raise InvalidRequestError(f"there is no slot {slot!r} to take out")
            return removal(context, view, revision, slot)
        known = _known(view, slot, after)
    kind = before.manifest.kind if before else None
    digest = known or _captured(context, slot, after, kind, origin)
    return SlotChange(expected=revision.slots.get(slot), new=digest)


def _known(view: View, slot: str, files: Mapping[str, File]) -> Digest | None:
    """A proven version of the slot's name that has just these files: a routine's, or one tried before."""
    for row in view.page("version", prefix=f"{slot}@", limit=1000).rows:
        if row.state in PROVEN and dict(load_tree(view, row.body["digest"]).files) == dict(files):
            digest: Digest = row.body["digest"]
            return digest
    return None


def _captured(
    context: Context, slot: str, files: Mapping[str, File], kind: str | None, origin: Origin
) -> Digest:
    """Capture and verify.

    Raises:
        InvalidRequestError: It is no artifact, or its verification did not pass.
    """
    candidate = candidate_from_files(files, slot, kind, (), context.load_kinds())
    provenance = Provenance(
        source=f"improve/{origin.campaign}",
        author=origin.proposer,
        model=origin.model,
        how=HANDED_OVER,
        simulated=origin.simulated,
        mode=origin.mode,
    )

    def decide(view: View) -> tuple[Captured, Sequence[Change]]:
        captured = context.artifacts.capture(
            view,
            context.scope,
            replace(candidate, provenance=provenance),
            requested=True,
            owner=context.scope.actor.sub,
            successor=f"space:{context.scope.space}",
            now=context.ledger.now(),
        )
        return captured, [captured.change] if captured.change is not None else []

    captured = context.decide_and_commit(decide)
    with context.view() as view:
        row = require_known(view, f"version/{captured.name}@{captured.digest}")
    if row.state in PROVEN:
        return captured.digest
    proven = verify_version(context, row)
    if proven.state not in PROVEN:
        told = "; ".join(proven.reasons) or proven.verdict
        raise InvalidRequestError(f"{slot} is {proven.state}: {told}")
    return captured.digest
