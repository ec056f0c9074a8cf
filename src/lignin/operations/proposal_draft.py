"""Proposals to a head made of a draft: by a model, a coding agent, or a person's patch."""

from pydantic import Field

from lignin.domain.harness import apply_patch
from lignin.operations.claimwork import require_alone
from lignin.operations.confining import DraftLimits, confined
from lignin.operations.context import Context
from lignin.operations.draft_versions import Origin, patch_of_draft
from lignin.operations.drafting import (
    Handed,
    ask,
    brief_of,
    facts_of,
    head_files,
    open_proposer,
    require_drafted,
)
from lignin.operations.heads import MAIN, ensure_head
from lignin.operations.proposal import ProposalRef, ProposalView, show
from lignin.operations.registry import operation


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


@operation("proposal.draft", effect="execute", remote=False)
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
    drafted = require_drafted(proposed, handed_in=not request.proposer)
    facts = facts_of(proposer.name, brief, proposed, asked)
    origin = Origin(
        source="proposal draft", author=proposer.name, model=proposed.model, mode=request.mode
    )
    patch = patch_of_draft(context, revision, drafted.files, origin)
    with context.view() as view:
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
