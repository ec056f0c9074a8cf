"""Artifacts: capture, verify, promote, call, retire."""

from lignin.artifacts.promotion import require_person
from lignin.artifacts.proofs import tests_of
from lignin.artifacts.schemas import schema_faults
from lignin.artifacts.store import load_examples, load_tree, trusted_givers
from lignin.artifacts.versions import is_simulated
from lignin.domain.errors import GateFailedError, InvalidRequestError
from lignin.domain.events import Change, format_time
from lignin.domain.states.artifacts import PROVEN, STATES, VersionState
from lignin.operations.artifact_models import (
    ArtifactCall,
    ArtifactList,
    ArtifactMove,
    ArtifactPromote,
    ArtifactReassign,
    ArtifactRef,
    ArtifactRetire,
    ArtifactVerify,
    ArtifactView,
    ArtifactWithdraw,
    Called,
    Expired,
    Nothing,
    Promoted,
    Quarantined,
    SourceView,
    VerificationView,
    VersionList,
    VersionView,
    Withdrawn,
)
from lignin.operations.artifact_views import disputed_examples, failure, reached, version_view
from lignin.operations.choice import (
    Verb,
    find,
    find_callable,
    told_others,
    told_waiting,
    versions_seen,
    visible_page,
)
from lignin.operations.context import Context
from lignin.operations.exits import with_recording
from lignin.operations.flowcall import call_workflow
from lignin.operations.heads import dependants_of, holders, in_step, propose_to_children, take_off
from lignin.operations.judging import verification_view, withdrawn_view
from lignin.operations.lifecycle import (
    call_artifact,
    decide_version,
    promote_versions,
    proven_in,
)
from lignin.operations.recalling import recall, recalling
from lignin.operations.receiving import note_use
from lignin.operations.registry import operation
from lignin.operations.reopening import found_failed
from lignin.operations.taskwork import going_on

MAX_FEEDBACK = 50


@operation("artifact.list", effect="read", idempotent=True)
def list_(context: Context, request: ArtifactList) -> VersionList:
    """List versions of artifacts by name, with their states; an agent sees no drafts of others."""
    with context.view() as view:
        page = visible_page(
            context,
            view,
            state=request.state,
            prefix=request.name,
            after=request.after,
            limit=request.limit,
        )
        failed = found_failed(view, [row.key for row in page.rows])
    return VersionList(
        items=[version_view(row, found_failed=failed.get(row.key)) for row in page.rows],
        total=page.total,
        next_after=page.next_after,
        narrow=f"--state ({', '.join(STATES)}), --name, --after" if page.next_after else None,
    )


@operation("artifact.show", effect="read", idempotent=True)
def show(context: Context, request: ArtifactRef) -> ArtifactView:
    """Show everything about an artifact: contract, files, provenance, evidence, use."""
    with context.view() as view:
        row = find(context, view, request.name)
        name, digest = row.body["name"], row.body["digest"]
        artifact = view.rows([f"artifact/{name}"])[f"artifact/{name}"]
        tree = None if row.state == "expired" else load_tree(view, digest)
        facts = view.rows([f"evidence/{digest}", f"usage/{digest}"])
        seen = versions_seen(context, view, row)
        examples = () if tree is None else load_examples(view, digest)
        judges = () if tree is None else load_examples(view, digest, trusted_givers(view, row))
        tests = [test.to_json() for test in tests_of(view, digest)]
        failed = found_failed(view, [version.key for version in seen])
        given = view.page("feedback", parent=row.key, limit=MAX_FEEDBACK).rows
    evidence, usage = facts.get(f"evidence/{digest}"), facts.get(f"usage/{digest}")
    return ArtifactView(
        name=name,
        kind=row.body["kind"],
        owner=artifact.body["owner"],
        successor=artifact.body["successor"],
        versions=[version_view(each, found_failed=failed.get(each.key)) for each in seen],
        digest=digest,
        state=str(row.state),
        others=told_others(seen, row),
        summary=context.load_kinds()[row.body["kind"]].summary(tree) if tree else "",
        interface=tree.manifest.interface.model_dump() if tree else {},
        capabilities=tree.manifest.capabilities.model_dump() if tree else {},
        requires=list(tree.manifest.requires) if tree else [],
        locked=[str(entry) for entry in tree.manifest.lock] if tree else [],
        files=[dict(entry) for entry in tree.entries()] if tree else [],
        provenance=row.body["provenance"],
        examples=len(judges),
        disputed=disputed_examples(row, judges, examples),
        evidence=dict(evidence.body["latest"]) if evidence else {},
        tests=tests,
        usage=dict(usage.body) if usage else {},
        found_failed=failed.get(row.key),
        feedback=[dict(each.body) for each in given],
    )


@operation("artifact.source", effect="read", idempotent=True)
def source(context: Context, request: ArtifactRef) -> SourceView:
    """Show an artifact's files."""
    with context.view() as view:
        row = find(context, view, request.name)
        tree = load_tree(view, row.body["digest"])
        others = told_others(versions_seen(context, view, row), row)
    files = {path: file.content.decode(errors="replace") for path, file in tree.files.items()}
    return SourceView(
        name=row.body["name"],
        digest=row.body["digest"],
        state=str(row.state),
        others=others,
        files=files,
    )


@operation("artifact.verify", effect="execute", idempotent=True)
def verify(context: Context, request: ArtifactVerify) -> VerificationView:
    """Prove a version in the sandbox: examples, held-out examples, totality, effects and more.

    An unchanged artifact costs no run: the earlier result of the same content answers. Tool calls are
    answered by a recording, the practice desk, or a tool server that is only asked to read.
    """
    row = with_recording(context, request.name, request.recordings)
    return verification_view(context, row, again=request.again, tools=request.tools)


@operation("artifact.withdraw", effect="execute")
def withdraw(context: Context, request: ArtifactWithdraw) -> Withdrawn:
    """Take back examples that you gave; what only they had rejected is judged anew at once.

    NAME is the newest rejected version, else the best. What others gave stays.
    """
    return withdrawn_view(context, request)


@operation("artifact.promote", effect="govern", idempotent=True)
def promote(context: Context, request: ArtifactPromote) -> Promoted:
    """Put a verified version into a harness head, if the gate accepts it.

    NAME is the newest version that is verified. One whose callers would break is refused unless
    that is meant: --breaking.
    """
    with context.view() as view:
        row = find(context, view, request.name, "promote")
        waiting = told_waiting(versions_seen(context, view, row), row)
    approver = require_person(context.scope.actor, "approves") if request.approve else ""
    decision = decide_version(
        context, row, approved_by=approver, head=request.head, breaking=request.breaking
    )
    if decision.outcome != "accept":
        raise GateFailedError(
            f"{row.body['name']} is not promoted: {'; '.join(decision.reasons)}",
            hint=decision.hint,
            outcome=decision.outcome,
            reasons=list(decision.reasons),
        )
    moved = promote_versions(
        context,
        [(row, decision)],
        head=request.head,
        hypothesis=request.hypothesis,
        fence=request.token,
    )
    already = [] if moved.proposal else [f"already promoted in head {request.head}"]
    return Promoted(
        name=row.body["name"],
        digest=row.body["digest"],
        head=request.head,
        revision=moved.revision,
        proposal=moved.proposal,
        reasons=[*already, *decision.reasons, *([] if "@" in request.name else waiting)],
    )


@operation("artifact.call", effect="execute")
def call(context: Context, request: ArtifactCall) -> Called:
    """Call an artifact with JSON arguments, in the sandbox, and get its JSON result.

    NAME is the version in the head's stable revision; NAME@DIGEST pins one. Arguments are checked
    against the interface first. A script takes {"argv": [...], "stdin": "...", "files": {...}}; one
    that ends with another exit code than 0 has answered: the code is in its output, and no error.
    A workflow is run by a job, which goes on when the caller is gone: --wait-s is how long to wait.
    The manifest holds here too: a call that is seen to do what it does not declare has no answer.
    """
    with context.view() as view:
        row = find_callable(context, view, request.name, head=request.head, session=request.session)
        tree = load_tree(view, row.body["digest"])
        proven = proven_in(view, row.body["digest"])
    faults = sorted(
        schema_faults(tree.manifest.interface.input, request.input),
        key=lambda fault: list(map(str, fault.absolute_path)),
    )
    if faults:
        told = "; ".join(
            f"{'/'.join(map(str, fault.absolute_path)) or 'input'}: {fault.message[:200]}"
            for fault in faults[:5]
        )
        raise InvalidRequestError(
            f"the input does not fit {row.body['name']}: {told}",
            hint=f"`lignin artifact show {row.body['name']}` has its interface",
        )
    if tree.manifest.kind == "workflow":
        began_at = format_time(context.clock.now())
        called = call_workflow(context, row, tree.manifest, request)
        note_use(
            context, row.key, began_at, format_time(context.clock.now()), failed=bool(called.error)
        )
        return called
    around = going_on(context, request.task)
    began_at = format_time(context.clock.now())
    observed, output = call_artifact(
        context, row, tree, request.input, tools=request.tools, around=around
    )
    error, message = failure(observed, is_call=tree.manifest.is_function)
    ended_at = format_time(context.clock.now())
    note_use(context, row.key, began_at, ended_at, failed=error is not None)
    return Called(
        name=row.body["name"],
        digest=row.body["digest"],
        state=str(row.state),
        output=output,
        error=error,
        message=message,
        wall_s=round(observed.wall_s, 4),
        tier=observed.tier,
        proven_in=proven,
        simulated=is_simulated(row),
        reached=reached(observed),
    )


@operation("artifact.deprecate", effect="govern")
def deprecate(context: Context, request: ArtifactMove) -> VersionView:
    """Say that a promoted version should no longer be chosen; it is still served."""
    reason = request.reason or "deprecated by a person"
    return _move(context, request.name, "deprecated", reason, verb="deprecate")


@operation("artifact.retire", effect="govern")
def retire(context: Context, request: ArtifactRetire) -> VersionView:
    """Retire a deprecated version; `skill serve` then leaves a forwarding note in its place.

    It leaves every head of the space in the same step; heads that extend those get a proposal.
    """
    with recalling(context):
        return _retired(context, request)


def _retired(context: Context, request: ArtifactRetire) -> VersionView:
    reason = request.reason or "retired by a person"
    with context.view() as view:
        row = find(context, view, request.name, "retire")
        name, digest = row.body["name"], row.body["digest"]
        if row.state not in {"deprecated", "quarantined"}:
            raise InvalidRequestError(
                f"{name}@{digest} is {row.state}; only what is deprecated or quarantined is retired",
                hint="`lignin artifact deprecate` comes first",
            )
        heads = holders(context, view, name, digest)
        changes = [
            change
            for head in heads
            for change in take_off(
                context, view, head, name, reason=f"retired: {reason}", fence=request.token
            )
        ]
    view_after = _move(
        context,
        f"{name}@{digest}",
        "retired",
        reason,
        forward_to=request.forward_to,
        along=tuple(changes),
    )
    for head in heads:
        propose_to_children(context, head)
    return view_after


@operation("artifact.restore", effect="govern")
def restore(context: Context, request: ArtifactVerify) -> VerificationView:
    """Bring a retired version back to verified, with its evidence renewed first."""
    row = with_recording(context, request.name, request.recordings, "restore")
    if row.state != "retired":
        raise InvalidRequestError(f"{request.name} is {row.state}, not retired")
    found = verification_view(context, row, again=True, tools=request.tools)
    if found.verdict == "pass":
        moved = _move(context, f"{found.name}@{found.digest}", "verified", "evidence renewed")
        found.state = moved.state
    return found


@operation("artifact.quarantine", effect="govern")
def quarantine(context: Context, request: ArtifactMove) -> Quarantined:
    """Take a version out of use at once, whatever its state.

    Calls are denied from now on, whoever holds a lease on a head that has it, and in the skill folders
    of this machine a note takes its place (on other machines where `lignin up` or a worker runs, and
    else when a session begins); the slot keeps it until it is cleared, retired or replaced. A quarantine holds in
    its space: the answer names the other spaces that serve the same version, and every version
    here that leans on it, which is refused with it.
    """
    reason = request.reason or "suspected by a person"
    moved = _move(context, request.name, "quarantined", reason, verb="quarantine")
    with context.view() as view:
        heads = holders(context, view, moved.name, moved.digest)
        dependants = dependants_of(context, view, moved.name, moved.digest)
    others = []
    for space in context.ledger.spaces():
        with context.ledger.view(space) as view:
            row = view.row(f"version/{moved.name}@{moved.digest}")
            if space != context.scope.space and row is not None and row.state in PROVEN:
                others.append(space)
    return Quarantined(
        **moved.model_dump(),
        heads=heads,
        other_spaces=others,
        dependants=dependants,
        folders=recall(context),
    )


@operation("artifact.clear", effect="govern")
def clear(context: Context, request: ArtifactMove) -> VerificationView:
    """End a quarantine after a person looked and the evidence was renewed."""
    require_person(context.scope.actor, "clears a quarantine")
    with context.view() as view:
        row = find(context, view, request.name, "clear")
    if row.state != "quarantined":
        raise InvalidRequestError(f"{request.name} is {row.state}, not quarantined")
    found = verification_view(context, row, again=True)
    if found.verdict == "pass":
        reason = request.reason or f"cleared by {context.scope.actor.sub}"
        found.state = _move(context, f"{found.name}@{found.digest}", "verified", reason).state
    return found


@operation("artifact.expire", effect="write", idempotent=True)
def expire(context: Context, request: Nothing) -> Expired:  # noqa: ARG001
    """Let go of drafts that nobody reached for; they come back when they are seen again."""
    with context.view() as view:
        now = context.ledger.now()
        changes = context.artifacts.expire(view, context.scope, now)
        streams = [change.events[0].stream for change in changes]
    if changes:
        context.commit(*changes)
    with context.view() as view:
        rows = view.rows(streams)
    return Expired(let_go=[version_view(rows[stream]) for stream in streams])


@operation("artifact.reassign", effect="govern", idempotent=True)
def reassign(context: Context, request: ArtifactReassign) -> ArtifactView:
    """Hand an artifact over to another accountable owner: by its owner, its successor or a person."""
    with context.view() as view:
        change = context.artifacts.reassign(
            view, context.scope, request.name, owner=request.owner, successor=request.successor
        )
    found = show(context, ArtifactRef(name=request.name))  # a draft may be out of sight afterwards
    context.commit(change)
    return found.model_copy(update={"owner": request.owner, "successor": request.successor})


def _move(
    context: Context,
    name: str,
    to: VersionState,
    reason: str,
    *,
    verb: Verb = "look",
    forward_to: str | None = None,
    along: tuple[Change, ...] = (),
) -> VersionView:
    """Move a version; what becomes verified and still stands in a head is promoted again."""
    with context.view() as view:
        row = find(context, view, name, verb)
        change = context.artifacts.move(
            view,
            context.scope,
            row.body["name"],
            row.body["digest"],
            to,
            reason=reason,
            forward_to=forward_to,
        )
        if to == "verified":
            change = in_step(context, view, row.body["name"], row.body["digest"], change)
    context.commit(*along, change)
    with context.view() as view:
        return version_view(view.rows([row.stream])[row.stream])
