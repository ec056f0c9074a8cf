"""Proposers: who hands in changes, tried on a failure mode."""

from typing import Any

from pydantic import Field

from lignin.domain.artifacts import File
from lignin.domain.counts import dollars
from lignin.operations.confining import DraftLimits, confined
from lignin.operations.context import Context
from lignin.operations.drafting import Handed, ask, brief_of, head_files, open_proposer
from lignin.operations.heads import MAIN
from lignin.operations.registry import Response, operation, positional
from lignin.traces.view import told

EVERYTHING = "*"


class ProposerTry(DraftLimits):
    proposer: str = positional("model:PROVIDER:MODEL, or command:WORDS")
    mode: str = Field(description="the failure mode to mend, as `trace modes` shows it")
    head: str = Field(MAIN, description="the head whose files it may read and change")
    surface: list[str] = Field(
        default_factory=lambda: [EVERYTHING],
        description="what it may change, as patterns of SLOT/PATH; default: all of it",
    )


class FileChange(Response):
    path: str = Field(description="the file")
    change: str = Field(description="added, changed or removed")
    text: str = Field(description="its new content, its beginning")


class DraftView(Response):
    proposer: str = Field(description="what its accept rate is kept under")
    model: str = Field(description="the model that wrote it, where one did")
    ended: str = Field(description="drafted, nothing, refused or failed")
    why: str = Field(description="why there is no draft")
    kind: str = Field(description="what sort of change it is")
    hypothesis: str = Field(description="why it should help")
    predicted: float | None = Field(description="the gain on the target that is expected")
    files: list[FileChange] = Field(description="what changes")
    shown: list[str] = Field(description="cases that it was shown")
    secrets: list[str] = Field(
        default_factory=list, description="files of a draft that held a secret: it was not kept"
    )
    usage: dict[str, int] = Field(description="tokens by kind")
    cost_microusd: int | None = Field(description="what asking cost, where it is known")

    def exit_code(self) -> int:
        if self.secrets:  # there was a draft, and it is refused
            return 6
        return {"drafted": 0, "nothing": 10, "refused": 6}.get(self.ended, 5)

    def to_text(self) -> str:
        head = f"{self.proposer}: {self.ended}{f': {self.why}' if self.why else ''}"
        lines = [head, self.hypothesis] if self.hypothesis else [head]
        lines += [f"  {each.change} {each.path}" for each in self.files]
        if self.usage:
            used = ", ".join(f"{count} {name}" for name, count in self.usage.items())
            cost = "" if self.cost_microusd is None else f", {dollars(self.cost_microusd)}"
            lines.append(f"{used}{cost}")
        return told(lines)


@operation("proposer.try", effect="execute", remote=False)
def try_(context: Context, request: ProposerTry) -> DraftView:
    """Ask a proposer for one change that mends a failure mode, and show it; nothing is filed.

    It is shown half of the mode's cases that are not held out, their failed runs and the head's files. A
    command works in the sandbox, without a network and without the store.
    """
    _, files = head_files(context, request.head)
    brief = brief_of(context, request.mode, files, request.surface)
    asked = confined(context, request)
    proposer = open_proposer(context, request.proposer, files, Handed(), asked)
    proposed = ask(context, proposer, brief, request.number)
    draft = proposed.draft
    return DraftView(
        proposer=proposer.name,
        model=proposed.model,
        ended=proposed.ended,
        why=proposed.why,
        kind=draft.kind if draft else "",
        hypothesis=draft.hypothesis if draft else "",
        predicted=draft.predicted if draft else None,
        files=file_changes(draft.files, files) if draft else [],
        shown=[case.case for case in brief.cases],
        secrets=list(proposed.secrets),
        usage=dict(proposed.usage),
        cost_microusd=proposed.cost_microusd,
    )


def file_changes(changed: Any, before: Any) -> list[FileChange]:
    """What a draft changes, for a person."""
    return [_change(path, file, path in before) for path, file in sorted(changed.items())]


def _change(path: str, file: File | None, was_there: bool) -> FileChange:
    if file is None:
        return FileChange(path=path, change="removed", text="")
    text = file.content[:2000].decode(errors="replace")
    return FileChange(path=path, change="changed" if was_there else "added", text=text)
