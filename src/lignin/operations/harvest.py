"""From sessions to proven artifacts: find code, capture it, verify what is due, promote what holds.

What every refused piece was refused for is kept; so is where each kept one came from.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lignin.artifacts.laws import recognise
from lignin.artifacts.promotion import PromotionDecision
from lignin.artifacts.service import Captured
from lignin.domain.candidates import Candidate, Provenance, Refusal
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.domain.traces import Snippet
from lignin.operations.context import Context
from lignin.operations.lifecycle import (
    Moved,
    Proven,
    decide_version,
    promote_versions,
    verify_version,
)
from lignin.operations.proofs import joined, subjects_of
from lignin.ports.ledger import View
from lignin.traces.code import find_code
from lignin.traces.intake import TakenSession

VERIFY_THREADS = 2


@dataclass(slots=True, kw_only=True)
class Harvest:
    """What was found in some sessions and what became of it."""

    sessions: int = 0
    snippets: int = 0
    captured: list[Captured] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A version that was verified, and whether the gate then took it."""

    row: Row
    proven: Proven
    moved: Moved | None
    reasons: tuple[str, ...]


def capture_code(context: Context, sessions: Iterable[TakenSession], harvest: Harvest) -> None:
    """Capture the code that agents wrote in some sessions; adds to `harvest`."""
    kinds = context.load_kinds()
    for session in sessions:
        harvest.sessions += 1
        snippets = list(find_code(session.trajectory))
        harvest.snippets += len(snippets)
        pieces = [recognise(each, _provenance(session, each), kinds) for each in snippets]
        harvest.refused += [piece for piece in pieces if isinstance(piece, Refusal)]
        candidates = [piece for piece in pieces if isinstance(piece, Candidate)]
        # Tests last: they join the programs that their session wrote.
        for found in sorted(candidates, key=lambda one: one.tree.manifest.kind == "test"):
            try:
                harvest.captured.append(_capture(context, found))
            except InvalidRequestError as error:
                harvest.refused.append(_refusal(found, error))
            except LigninError as error:
                if error.code != "conflict":
                    raise
                harvest.refused.append(_refusal(found, error))


def verify_due(context: Context, *, ready: bool = False) -> Iterator[tuple[Row, Proven]]:
    """Verify every draft whose time has come: asked for, seen twice, or asking for authority.

    Args:
        ready: Also those seen once that have enough examples to be judged.
    """
    context.open_verifier()  # before the threads: it is made once
    done: set[str] = set()
    for tests in (True, False):  # tests first: those that count then prove their subjects
        with context.view() as view:
            due = [
                (row, reason)
                for row, reason in context.artifacts.due(view, ready=ready)
                if (row.body["kind"] == "test") == tests
            ]
            if not tests:
                due += _to_renew(view, due, done)
        with ThreadPoolExecutor(VERIFY_THREADS) as pool:
            proofs = pool.map(lambda item: _verified(context, item[0]), due)
            for number, ((row, why), proven) in enumerate(zip(due, proofs, strict=True), start=1):
                context.progress(f"verified {row.body['name']} ({why})", number, len(due))
                done.add(row.stream)
                yield row, proven


def _verified(context: Context, row: Row) -> Proven:
    """Verify one version; what is wrong with it alone must not end the others' verification."""
    try:
        return verify_version(context, row)
    except (InvalidRequestError, NotFoundError, DeniedError, LimitedError, ConflictError) as error:
        return Proven(
            verdict="inconclusive",
            reasons=(f"could not be judged: {error.message}",),
            checks=(),
            state=str(row.state),
            tier="",
            runs=0,
            reused=False,
        )


def _to_renew(view: View, due: list[tuple[Row, str]], tests: set[str]) -> list[tuple[Row, str]]:
    """Subjects of tests that were judged just now, where they are not due anyhow."""
    known = {row.stream for row, _ in due}
    found: dict[str, tuple[Row, str]] = {}
    for test in view.rows(tests).values():
        for row in subjects_of(view, test.body["digest"]) if test.state in PROVEN else ():
            if row.stream not in known and row.state in PROVEN | {"draft"}:
                found[row.stream] = (row, f"{test.body['name']} counts for it")
    return list(found.values())


def promote_proven(context: Context, rows: Sequence[tuple[Row, Proven]], head: str) -> list[Judged]:
    """Put every proven version before the gate; all that it accepts moves the head in one step.

    Of several versions of one artifact the one seen most often enters; the others stay verified.
    """
    accepted: dict[str, tuple[Row, PromotionDecision]] = {}
    reasons: dict[str, tuple[str, ...]] = {}
    for number, (row, proven) in enumerate(rows):
        context.progress(f"deciding on {row.body['name']}", number, len(rows))
        reasons[row.stream] = tuple(proven.reasons)
        if proven.verdict == "pass" and row.body["kind"] == "test":
            reasons[row.stream] = (counts_for(context, row),)
        elif proven.verdict == "pass":
            decision = decide_version(context, row, head=head)
            reasons[row.stream] = decision.reasons
            best = accepted.get(row.body["name"])
            if decision.outcome == "accept" and _is_better(row, best):
                accepted[row.body["name"]] = (row, decision)
    moved = promote_versions(context, list(accepted.values()), head=head) if accepted else None
    entered = {row.stream for row, _ in accepted.values()}
    return [
        Judged(
            row=row,
            proven=proven,
            moved=moved if row.stream in entered else None,
            reasons=reasons[row.stream],
        )
        for row, proven in rows
    ]


def counts_for(context: Context, row: Row) -> str:
    """What a proven test is: a check of its subjects, which no head serves."""
    with context.view() as view:
        names = sorted(subject.body["name"] for subject in subjects_of(view, row.body["digest"]))
    return f"counts as a check of {', '.join(names) or 'the code it carries'}"


def _is_better(row: Row, best: tuple[Row, PromotionDecision] | None) -> bool:
    return best is None or bool(row.body["sightings"] > best[0].body["sightings"])


def _capture(context: Context, candidate: Candidate) -> Captured:
    with context.view() as view:
        captured = context.artifacts.capture(
            view,
            context.scope,
            joined(context, view, candidate),
            requested=False,
            owner=context.scope.actor.sub,
            successor=f"space:{context.scope.space}",
            now=context.ledger.now(),
        )
    if captured.change is not None:
        context.commit(captured.change)
    return captured


def _refusal(candidate: Candidate, error: LigninError) -> Refusal:
    return Refusal(name=candidate.name, reason=error.message, provenance=candidate.provenance)


def _provenance(session: TakenSession, snippet: Snippet) -> Provenance:
    trajectory = session.trajectory
    return Provenance(
        source=f"{trajectory.source}#{snippet.path}" if snippet.path else trajectory.source,
        session=session.session_id,
        event=snippet.index,
        author=trajectory.agent or trajectory.format,
        model=trajectory.model,
        task="" if trajectory.task_id is None else str(trajectory.task_id),
        how=snippet.how,
        simulated=trajectory.simulated,
    )
