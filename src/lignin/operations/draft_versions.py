"""A draft as versions of artifacts: captured, verified, as a patch of a head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.artifacts.store import load_tree
from lignin.artifacts.versions import HANDED_OVER
from lignin.domain.artifacts import MANIFEST_PATH, File
from lignin.domain.candidates import Provenance
from lignin.domain.codec import Digest, Json
from lignin.domain.errors import GateFailedError, InvalidRequestError
from lignin.domain.harness import Revision, SlotChange
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.artifact_capture import take_over
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.heads import removal
from lignin.operations.lifecycle import verify_version
from lignin.ports.ledger import View, require_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a draft comes from, for the provenance of what it becomes.

    Args:
        source: What asked for it.
        author: Who proposed it.
        examples: Recorded uses by which what becomes of it is judged, besides those it has.
    """

    source: str
    author: str
    model: str = ""
    mode: str = ""
    simulated: bool = False
    examples: Sequence[Mapping[str, Json]] = ()


def patch_of_draft(
    context: Context, revision: Revision, files: Mapping[str, File | None], origin: Origin
) -> dict[str, SlotChange]:
    """Make verified versions of a draft's files; return the patch that puts them into a head.

    Args:
        revision: What the head stands at.
        files: By `SLOT/PATH`; None where one goes.

    Raises:
        InvalidRequestError: They change nothing, lie in no slot, or make no artifact.
        GateFailedError: The verification of one did not pass.
    """
    patch = {
        slot: _slot(context, revision, slot, changed, origin)
        for slot, changed in sorted(_by_slot(files).items())
    }
    patch = {slot: change for slot, change in patch.items() if change.expected != change.new}
    if not patch:
        raise InvalidRequestError("it changes nothing", hint="hand in files that differ")
    return patch


def _by_slot(files: Mapping[str, File | None]) -> dict[str, dict[str, File | None]]:
    found: dict[str, dict[str, File | None]] = {}
    for path, file in files.items():
        slot, _, inner = path.partition("/")
        if not slot or any(part in ("", ".", "..") for part in inner.split("/")):
            raise InvalidRequestError(
                f"{path} lies in no slot", hint="paths of a head are SLOT/PATH"
            )
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
        if not set(after) - {MANIFEST_PATH}:
            if before is None:
                raise InvalidRequestError(f"there is no slot {slot!r} to take out")
            return removal(context, view, revision, slot)
        known = _known(view, slot, after)
    kind = before.manifest.kind if before else None
    digest = known or _version(context, slot, after, kind, origin)
    return SlotChange(expected=revision.slots.get(slot), new=digest)


def _known(view: View, slot: str, files: Mapping[str, File]) -> Digest | None:
    """A proven version of the slot's name that has just these files: a routine's, or one tried before."""
    for row in view.page("version", prefix=f"{slot}@", limit=1000).rows:
        if row.state in PROVEN and dict(load_tree(view, row.body["digest"]).files) == dict(files):
            digest: Digest = row.body["digest"]
            return digest
    return None


def _version(
    context: Context, slot: str, files: Mapping[str, File], kind: str | None, origin: Origin
) -> Digest:
    provenance = Provenance(
        source=origin.source,
        author=origin.author,
        model=origin.model,
        how=HANDED_OVER,
        simulated=origin.simulated,
        mode=origin.mode,
    )
    examples = [*origin.examples] or None
    named = {"path": origin.source, "name": slot, "kind": kind, "examples": examples}
    asked = ArtifactCapture.model_validate(named)
    captured, _ = take_over(context, files, asked, provenance)
    with context.view() as view:
        row = require_known(view, f"version/{captured.name}@{captured.digest}")
    if row.state not in PROVEN:
        proven = verify_version(context, row)
        if proven.state not in PROVEN:
            told = "; ".join(proven.reasons) or proven.verdict
            raise GateFailedError(
                f"{slot} is {proven.state}: {told}",
                hint=f"`lignin artifact show {slot}@{captured.digest[7:19]}` says why",
            )
    return captured.digest
