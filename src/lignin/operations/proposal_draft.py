"""Proposals to a head made of a draft: by a model, a coding agent, or a person's patch."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import MANIFEST_PATH, File
from lignin.domain.errors import GateFailedError, InvalidRequestError
from lignin.domain.harness import SlotChange, apply_patch
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.claimwork import require_alone
from lignin.operations.confining import DraftLimits, confined
from lignin.operations.context import Context
from lignin.operations.drafting import (
    Handed,
    ask,
    brief_of,
    facts_of,
    head_files,
    open_proposer,
    require_drafted,
)
from lignin.operations.heads import MAIN, ensure_head, removal
from lignin.operations.proposal import ProposalRef, ProposalView, show
from lignin.operations.registry import operation
from lignin.ports.ledger import View, require_known


class DraftAsked(DraftLimits):
    mode: str = Field("", description="the failure mode to mend; a person's patch may do without")
    proposer: str = Field("", description="model:PROVIDER:MODEL, or command:WORDS")
    patch: str = Field("", description="your own change: a unified diff")
    folder: str = Field("", description="your own change: a folder with the files that change")
    hypothesis: str = Field("", description="of your own change: why it should help")
    predict: float | None = Field(
        None, ge=0, le=1, description="of your own change: the gain on its target that you expect"
    )

    @property
    def handed(self) -> Handed:
        return Handed(
            patch=self.patch,
            folder=self.folder,
            hypothesis=self.hypothesis,
            predict=self.predict,
        )


class ProposalDraft(DraftAsked):
    head: str = Field(MAIN, description="the head to change")
    surface: list[str] = Field(
        default_factory=lambda: ["*"],
        description="what may be changed, as patterns of SLOT/PATH; default: all of it",
    )


@operation("proposal.draft", effect="execute")
def draft(context: Context, request: ProposalDraft) -> ProposalView:
    """Have a change to a head drafted, verify its parts, and open the proposal that it is better.

    A model or a coding agent sees half of the mode's cases that are not held out, and nothing that judges.
    What changes more than the surface, or quotes a case, is refused by name. `lignin gate prove` tries it.
    """
    ensure_head(context, request.head)
    revision, files = head_files(context, request.head)
    brief = brief_of(context, request.mode, files, request.surface)
    asked = confined(context, request)
    proposer = open_proposer(context, request.proposer, files, request.handed, asked)
    proposed = ask(context, proposer, brief, request.number)
    drafted = require_drafted(proposed)
    facts = facts_of(proposer.name, brief, proposed, asked)
    slots = _by_slot(drafted.files)
    with context.view() as view:
        held = context.harness.resolved(view, revision)
        trees = {slot: _after(view, held.get(slot), change) for slot, change in slots.items()}
    made = {
        slot: _version(context, slot, tree, request.mode) for slot, tree in trees.items() if tree
    }
    with context.view() as view:
        patch = {
            slot: SlotChange(expected=revision.slots.get(slot), new=made[slot])
            if slot in made
            else removal(context, view, revision, slot)
            for slot in slots
        }
        require_alone(context, view, revision, apply_patch(revision, patch))
        proposal, change = context.harness.propose(
            view,
            context.scope,
            head=request.head,
            patch=patch,
            claim="better",
            hypothesis=drafted.hypothesis,
            facts=facts,
            base=revision.digest,
        )
    context.commit(change)
    return show(context, ProposalRef(proposal=proposal))


def _by_slot(files: Mapping[str, File | None]) -> dict[str, dict[str, File | None]]:
    found: dict[str, dict[str, File | None]] = {}
    for path, file in files.items():
        slot, _, inner = path.partition("/")
        if not inner:
            raise InvalidRequestError(
                f"{path} lies in no slot", hint="paths of a head are SLOT/PATH"
            )
        found.setdefault(slot, {})[inner] = file
    return found


def _after(view: View, held: str | None, changed: Mapping[str, File | None]) -> dict[str, File]:
    """A slot's files after a change; none where nothing but its manifest is left."""
    after = dict(load_tree(view, held).files) if held else {}
    for path, file in changed.items():
        if file is None:
            after.pop(path, None)
        else:
            after[path] = file
    return after if set(after) - {MANIFEST_PATH} else {}


def _version(context: Context, slot: str, files: Mapping[str, File], mode: str) -> str:
    """The digest of a slot's new content, captured and verified.

    Raises:
        GateFailedError: Its verification did not pass.
    """
    with tempfile.TemporaryDirectory(prefix="lignin-slot-") as folder:
        root = Path(folder) / slot
        for path, file in files.items():
            spot = root / path
            spot.parent.mkdir(parents=True, exist_ok=True)
            spot.write_bytes(file.content)
            spot.chmod(int(file.mode, 8))
        asked = {"path": str(root), "name": slot, "mode": mode}
        captured = capture(context, ArtifactCapture.model_validate(asked))
    with context.view() as view:
        row = require_known(view, f"version/{slot}@{captured.digest}")
    if row.state not in PROVEN:
        raise GateFailedError(
            f"{slot} is {row.state}: {row.body.get('reason') or 'its verification did not pass'}",
            hint=f"`lignin artifact show {slot}@{captured.digest[7:19]}` says why",
        )
    digest: str = row.body["digest"]
    return digest
