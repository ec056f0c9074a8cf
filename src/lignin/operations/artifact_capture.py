"""Capturing an artifact: somebody hands over what they wrote and hears whether it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lignin.artifacts.service import Captured
from lignin.artifacts.versions import HANDED_OVER
from lignin.domain.artifacts import File, make_tree
from lignin.domain.candidates import Provenance
from lignin.domain.errors import InvalidRequestError
from lignin.domain.events import Change
from lignin.domain.examples import Example
from lignin.operations.artifact_models import (
    ArtifactCapture,
    CaptureView,
)
from lignin.operations.context import Context
from lignin.operations.exits import read_recording, recording_change
from lignin.operations.handover import read_context, read_files, refuse_secrets
from lignin.operations.judging import capture_view
from lignin.operations.lifecycle import (
    require_dependencies,
)
from lignin.operations.packages import read_candidate
from lignin.operations.proofs import joined, with_subjects
from lignin.operations.registry import operation
from lignin.ports.ledger import View, require_known


@operation("artifact.capture", effect="execute", idempotent=True)
def capture(context: Context, request: ArtifactCapture) -> CaptureView:
    """Hand over a file or folder that you wrote; hear at once whether it holds.

    Until it is proven, no other agent sees it; the people of the space do. It can be proven with at least three
    examples, or with tests of its own; a part of the examples is held out as the judge.
    """
    provenance = Provenance(
        source=request.path or "handed over as text",
        session=request.session,
        author=context.scope.actor.sub,
        task=request.task,
        how=HANDED_OVER,
        mode=request.mode,
        context=read_context(request.context),
    )
    files = _files(context, request)
    captured, examples = take_over(context, files, request, provenance)
    return capture_view(context, captured, examples, request)


def _files(context: Context, request: ArtifactCapture) -> Mapping[str, File]:
    if request.files is not None and request.path:
        raise InvalidRequestError("both a path and files", hint="hand over one of them")
    if request.path:
        return read_files(context.path(request.path))
    if not request.files:
        raise InvalidRequestError(
            "nothing is handed over",
            hint="--files with their texts, or a file or folder of this machine",
        )
    return make_tree(
        {path: File(content=text.encode(errors="replace")) for path, text in request.files.items()}
    ).files


def take_over(
    context: Context, files: Mapping[str, File], request: ArtifactCapture, provenance: Provenance
) -> tuple[Captured, Sequence[Example]]:
    """File handed-over files as a version, which is not verified yet; also return their examples.

    Raises:
        ConflictError, DeniedError, InvalidRequestError, LimitedError, UnavailableError: It is not taken.
    """
    refuse_secrets(files, request.examples, context.redaction_key, request.context)
    if request.kind in {None, "test"}:
        with context.view() as view:
            files = with_subjects(context, view, files)
    recording = read_recording(context, request.recordings) if request.recordings else None
    candidate = read_candidate(context, files, request)
    with context.view() as view:
        require_dependencies(view, candidate.tree.manifest)
        if request.mode:
            require_known(view, f"mode/{request.mode}")

    def decide(view: View) -> tuple[Captured, Sequence[Change]]:
        captured = context.artifacts.capture(
            view,
            context.scope,
            joined(context, view, replace(candidate, provenance=provenance)),
            requested=True,
            owner=request.owner or context.scope.actor.sub,
            successor=request.successor or f"space:{context.scope.space}",
            now=context.ledger.now(),
        )
        changes = [captured.change] if captured.change is not None else []
        if recording is not None:
            changes.append(recording_change(context, captured.digest, recording))
        return captured, changes

    return context.decide_and_commit(decide), candidate.examples
