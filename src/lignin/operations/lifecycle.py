"""Verifying, deciding, promoting and calling a version: what several nouns share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lignin.artifacts.compatible import contract_breaks
from lignin.artifacts.plan import mount_dependencies, plan_run
from lignin.artifacts.promotion import (
    GATE,
    PromotionCase,
    PromotionDecision,
    decide_promotion,
    require_walls,
)
from lignin.artifacts.proofs import load_tests
from lignin.artifacts.store import load_examples, load_manifest, load_tree, trusted_givers
from lignin.artifacts.undeclared import undeclared
from lignin.artifacts.versions import is_simulated, version_stream
from lignin.artifacts.workflow.rehearsal import RehearsalSandbox
from lignin.domain.artifacts import Manifest, Tree
from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import DeniedError, UnavailableError
from lignin.domain.events import Change
from lignin.domain.evidence import Verdict
from lignin.domain.examples import Example, examples_digest
from lignin.domain.harness import SlotChange, apply_patch
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.harness.service import Decision
from lignin.operations.context import Context
from lignin.operations.exits import exit_of_call, exit_of_verification
from lignin.operations.heads import ensure_head, propose_to_children, state_changes
from lignin.operations.packages import Equipment, equipment_of
from lignin.operations.programs import require_programs
from lignin.operations.proofs import evidence_of_test
from lignin.ports.broker import Binding
from lignin.ports.ledger import View
from lignin.ports.sandbox import Execution, Limits, Observed, PythonCall

if TYPE_CHECKING:
    from lignin.artifacts.verify import Verifier

CALL_WALL_S = 30.0
JUDGED_WITH: frozenset[str] = PROVEN | {"draft"}
"""States of a dependency in a verification: a test is tried on a program that is a draft still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What a verification came to; `reused` where an earlier result of the same content did."""

    verdict: Verdict
    reasons: Sequence[str]
    checks: Sequence[Mapping[str, Json]]
    state: str
    tier: str
    runs: int
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A head's move: the proposal behind it and the revision it led to."""

    proposal: str
    revision: Digest


def verify_version(
    context: Context,
    row: Row,
    *,
    again: bool = False,
    tools: str = "",
    tell: Callable[[str], None] | None = None,
) -> Proven:
    """Verify a version, or answer with the result of the same content; record what came of it.

    Args:
        tools: What answers its tool calls, where that is not its recording.
        tell: Told each step before it is made, on the caller's thread.
    """
    name, digest = row.body["name"], row.body["digest"]
    verifier = context.open_verifier()
    with context.view() as view:
        tree = load_tree(view, digest)
        examples = load_examples(view, digest, trusted_givers(view, row))
        dependencies = dependencies_of(view, tree.manifest, JUDGED_WITH)
        tests = load_tests(view, digest) if tree.manifest.kind != "test" else {}
        way_out = exit_of_verification(context, view, row, tree.manifest, tools=tools)
        if tree.manifest.kind == "workflow":
            verifier = verifier.behind(RehearsalSandbox)
        if way_out is not None:
            verifier = verifier.behind(way_out.around, binding=way_out.name)
        equipment = equipment_of(context, row, [tree, *dependencies.values(), *tests.values()])
        verifier = _equipped(verifier, equipment, row)
        key = verifier.key(tree, examples, dependencies, tests.values())
        cached = None if again else context.artifacts.cached(view, key)
    if cached is not None:

        def reuse(view: View) -> tuple[None, Sequence[Change]]:
            change = context.artifacts.reuse(view, context.scope, name, digest, cached)
            told = evidence_of_test(context, view, row, cached["verdict"], tuple(cached["reasons"]))
            return None, [*([change] if change else []), *told]

        context.decide_and_commit(reuse)
        return Proven(
            verdict=cached["verdict"],
            reasons=cached["reasons"],
            checks=last_report(context, digest),
            state=_state(context, name, digest),
            tier=cached["tier"],
            runs=0,
            reused=True,
        )
    done = verifier.verify(
        tree,
        examples,
        dependencies=dependencies,
        tests=tests.values(),
        progress=tell,
    )

    def record(view: View) -> tuple[None, Sequence[Change]]:
        change = context.artifacts.record_verification(view, context.scope, name, digest, done)
        return None, [change, *evidence_of_test(context, view, row, done.verdict, done.reasons)]

    context.decide_and_commit(record)
    return Proven(
        verdict=done.verdict,
        reasons=done.reasons,
        checks=tuple(result.to_json() for result in done.results),
        state=_state(context, name, digest),
        tier=done.tier,
        runs=done.runs,
        reused=False,
    )


def last_report(context: Context, digest: Digest) -> Sequence[Mapping[str, Json]]:
    """What each check said the last time, as the kept report has it."""
    with context.view() as view:
        blob = _proof(view.row(f"evidence/{digest}")).get("report")
        report = parse_json(view.blob(blob)) if blob else {}
    return tuple(report.get("results", ()))


def _equipped(verifier: "Verifier", equipment: Equipment, row: Row) -> "Verifier":
    """Return the verifier whose runs have the packages, where there are any.

    Raises:
        UnavailableError: They are not here, and what was proven once is not to be unproven by that.
    """
    if equipment == Equipment():
        return verifier
    if equipment.why_not and row.state != "draft":
        raise UnavailableError(
            f"{row.body['name']} was not run, so its evidence is left as it is: {equipment.why_not}",
            hint=equipment.hint,
        )
    lacking = f"{equipment.why_not}: {equipment.hint}" if equipment.why_not else ""
    return verifier.behind(equipment.around, lacking=lacking)


def decide_version(
    context: Context, row: Row, *, approved_by: str = "", head: str = "", breaking: bool = False
) -> PromotionDecision:
    """Put the case of a version before the promotion gate.

    Args:
        head: Where it would enter: callers of what that head serves must not break.
        breaking: That they do is meant.
    """
    name, digest = row.body["name"], row.body["digest"]
    with context.view() as view:
        rows = view.rows([row.stream, f"artifact/{name}", f"evidence/{digest}"])
        manifest = load_tree(view, digest).manifest
        dependencies_of(view, manifest, PROVEN if manifest.kind != "test" else JUDGED_WITH)
        served = _served(context, view, head, name)
        examples = load_examples(view, digest, trusted_givers(view, row))
    proof = _proof(rows.get(f"evidence/{digest}"))
    return decide_promotion(
        PromotionCase(
            name=name,
            state=rows[row.stream].body["state"],
            manifest=manifest,
            executable=context.load_kinds()[manifest.kind].executable,
            verdict=proof.get("verdict"),
            verdict_reasons=tuple(proof.get("reasons", ())),
            proven_on=proof.get("examples", ""),
            examples=examples_digest(examples),
            owner=rows[f"artifact/{name}"].body["owner"],
            approved_by=approved_by,
            breaks=contract_breaks(served, manifest) if served else (),
            breaking=breaking,
            simulated=is_simulated(rows[row.stream]),
            tier=proof.get("tier", ""),
            questions=tuple(proof.get("questions", ())),
        )
    )


def _proof(evidence: Row | None) -> Mapping[str, Json]:
    return evidence.body["latest"].get("verification", {}) if evidence else {}


def proven_in(view: View, digest: Digest) -> str:
    """The sandbox tier of a version's newest verification; empty where there is none."""
    return str(_proof(view.row(f"evidence/{digest}")).get("tier", ""))


def _served(context: Context, view: View, head: str, name: str) -> Manifest | None:
    """The contract that a head serves under a name; None where there is none."""
    if not head or view.row(f"head/{head}") is None:
        return None
    digest = context.harness.resolve(view, context.harness.stable(view, head)[0]).get(name)
    return load_manifest(view, digest) if digest else None


def promote_versions(
    context: Context,
    accepted: Sequence[tuple[Row, PromotionDecision]],
    *,
    head: str,
    hypothesis: str = "",
    fence: int | None = None,
) -> Moved:
    """Move a head to one revision that holds all the versions: one proposal, one commit.

    A deprecated version that stands in the head already becomes promoted again.

    Args:
        fence: Fencing token of the head's lease.

    Raises:
        GateFailedError: A decision does not accept.
        ConflictError: The head moved meanwhile.
    """
    ensure_head(context, head)
    with context.view() as view:
        stable, revision = context.harness.stable(view, head)
        patch = {
            row.body["name"]: SlotChange(
                expected=revision.slots.get(row.body["name"]), new=row.body["digest"]
            )
            for row, _ in accepted
            if revision.slots.get(row.body["name"]) != row.body["digest"]
        }
        again = _renewed(context, view, head, accepted)
        if not patch:
            if again:
                context.commit(*again)
            return Moved(proposal="", revision=stable)
        proposal, opened = context.harness.propose(
            view,
            context.scope,
            head=head,
            patch=patch,
            claim="admit",
            hypothesis=hypothesis or "proven code saves deriving it again",
        )
        said = _joint_decision(accepted)
        changes = context.harness.apply_unseen(view, context.scope, opened, said, fence=fence)
        after = apply_patch(revision, patch)
        changes = (*changes, *state_changes(context, view, head, revision, after), *again)
    context.commit(*changes)
    propose_to_children(context, head)
    with context.view() as view:
        return Moved(proposal=proposal, revision=context.harness.stable(view, head)[0])


def _renewed(
    context: Context, view: View, head: str, accepted: Sequence[tuple[Row, PromotionDecision]]
) -> list[Change]:
    """Changes that promote again what was deprecated, so that it may be chosen."""
    return [
        context.artifacts.move(
            view,
            context.scope,
            row.body["name"],
            row.body["digest"],
            "promoted",
            reason=f"promoted again in head {head}",
        )
        for row, decision in accepted
        if row.state == "deprecated" and decision.outcome == "accept"
    ]


def _joint_decision(accepted: Sequence[tuple[Row, PromotionDecision]]) -> Decision:
    refused = [decision for _, decision in accepted if decision.outcome != "accept"]
    outcome = refused[0].outcome if refused else "accept"
    reasons = tuple(
        f"{row.body['name']}: {reason}" for row, decision in accepted for reason in decision.reasons
    )
    return Decision(outcome=outcome, reasons=reasons, gate=GATE)


def call_artifact(
    context: Context,
    row: Row,
    tree: Tree,
    arguments: Json,
    *,
    tools: str = "",
    client: str = "",
    around: Callable[[Binding], Binding] | None = None,
) -> tuple[Observed, Json]:
    """Run a version in the sandbox with vetted arguments and count the use; (what ran, result).

    Args:
        client: What the use counts for; default: the surface that took the call.
        around: What its tool calls go through on their way to what answers them.

    Raises:
        DeniedError: It would reach something real that it may not, or it did something that its
            manifest does not declare: then the answer is withheld.
        UnavailableError: The sandbox, or something outside that it asked, failed; or it lacks a program
            that the version declares.
    """
    with context.view() as view:
        dependencies = dependencies_of(view, tree.manifest, PROVEN)
    equipment = equipment_of(context, row, [tree, *dependencies.values()])
    if equipment.why_not:
        raise UnavailableError(
            f"{row.body['name']} was not run: {equipment.why_not}", hint=equipment.hint
        )
    use, execution = _execution(tree, dependencies, arguments)
    sandbox = equipment.around(context.open_sandbox())
    if sandbox.tier != "none":  # that one is opened only where the user accepts to have no wall
        require_walls(tree.manifest, sandbox.tier)
    require_programs(sandbox, tree.manifest, row.body["name"])
    way_out = exit_of_call(context, row, tree.manifest, tools=tools)
    if around and way_out and way_out.binding:
        way_out = replace(way_out, binding=around(way_out.binding))
    observed = (way_out.around(sandbox) if way_out else sandbox).run(execution)
    is_call = isinstance(execution.action, PythonCall)
    granted = tree.manifest.capabilities
    beyond = tuple(undeclared(granted, use, observed, is_command=not is_call))
    if observed.status == "infrastructure" and not beyond:
        raise UnavailableError(f"{row.body['name']} was not run to its end: {observed.message}")
    counted = {
        "name": row.body["name"],
        "client": client or (context.caller.surface if context.caller else "cli"),
        "path": "call",
        "ok": observed.error is None and observed.status == "exited" and not beyond,
        "binding": way_out.name if way_out else "",
    }
    context.commit(context.artifacts.used(context.scope, row.body["digest"], counted))
    if beyond:
        raise DeniedError(
            f"{row.body['name']} {'; '.join(beyond[:5])}, which it does not declare: "
            "its answer is withheld",
            hint=f"`lignin artifact quarantine {row.body['name']}` keeps everybody from it",
        )
    if is_call:
        return observed, observed.result
    stdout = observed.stdout.decode(errors="replace")
    return observed, {"stdout": stdout, "exit_code": observed.exit_code}


def _execution(
    tree: Tree, dependencies: Mapping[str, Tree], arguments: Json
) -> tuple[Example, Execution]:
    manifest = tree.manifest
    files = mount_dependencies(tree, dependencies)
    if manifest.is_function:
        use = Example(arguments=arguments)
    else:
        use = Example(
            argv=tuple(arguments.get("argv", ())),
            stdin=arguments.get("stdin", ""),
            files=arguments.get("files", {}),
        )
    limits = Limits(wall_s=CALL_WALL_S, cpu_s=int(CALL_WALL_S))
    return use, replace(plan_run(manifest, files, use), limits=limits)


def require_dependencies(
    view: View, manifest: Manifest, states: Collection[str] = JUDGED_WITH
) -> None:
    """Raise unless all that a manifest leans on is here and could still be proven.

    Args:
        states: Those that will do; `PROVEN` for what is run or served.

    Raises:
        DeniedError: A dependency is unknown to the space, rejected, quarantined or let go.
    """
    dependencies_of(view, manifest, states)


def dependencies_of(
    view: View, manifest: Manifest, states: Collection[str] = PROVEN
) -> dict[str, Tree]:
    """Every artifact that a manifest leans on, those of its dependencies included.

    Raises:
        DeniedError: One of them is in another state than these, or unknown to the space.
    """
    found: dict[str, Tree] = {}
    pending = dict(manifest.dependencies)
    while pending:
        name, digest = pending.popitem()
        if name in found:
            continue
        row = view.row(version_stream(name, digest))
        if row is None or row.state not in states:
            state = f"{row.state}: {row.body['reason']}" if row else "unknown here"
            raise DeniedError(
                f"the dependency {name}@{digest} is {state.removesuffix(': ')}",
                hint="lean on a version that is verified or promoted",
            )
        found[name] = load_tree(view, digest)
        pending.update(found[name].manifest.dependencies)
    return found


def _state(context: Context, name: str, digest: Digest) -> str:
    with context.view() as view:
        row = view.row(version_stream(name, digest))
    return str(row.state) if row else "unknown"
