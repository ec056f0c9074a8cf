"""Workflows on a store, run by their job's body over a journal that a test can kill and look into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lignin.artifacts.promotion import PromotionDecision
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.store import load_tree
from lignin.artifacts.verify import Verifier
from lignin.domain.codec import Json
from lignin.domain.states import Row
from lignin.jobs.service import load_job
from lignin.operations.bodies import workflow
from lignin.operations.flowcall import start_workflow
from lignin.operations.jobkind import Work
from lignin.operations.lifecycle import promote_versions
from lignin.testing.fakes.guest import InProcessSandbox
from unit.artifacts.workflow_world import Journal, World
from unit.operations.conftest import Desk, open_desk

COUNT = '''"""Counts."""

WORKFLOW = {"state": {"seen": {"form": {"type": "integer"}, "initial": 0}}}

def add(one: int, other: int) -> int:
    return one + other

def count(ctx, times: int) -> dict:
    """Adds up, one a step, and counts its runs."""
    total = 0
    for place in range(times):
        total = ctx.step(f"add {place}", add, total, 1)
    state = ctx.state("seen")
    seen = state.get() + 1
    state.swap(seen)
    return {"version": "one", "total": total, "seen": seen}
'''


@dataclass
class FlowDesk:
    """The operations, and runs of workflows by hand."""

    desk: Desk
    kept: dict[str, list[Json]] = field(default_factory=dict)
    signals: dict[str, Json] = field(default_factory=dict)

    def keep(self, text: str, name: str, *, promote: bool = True, **request: Any) -> str:
        """File a workflow as verified, by word of its tests here, and return its digest."""
        captured = self.desk(
            "artifact.capture",
            path=self.desk.write(f"{name}.py", text),
            name=name,
            verify=False,
            **request,
        )
        self.move(name, captured.digest, "verified")
        if promote:
            self.serve(name, captured.digest)
        return str(captured.digest)

    def move(self, name: str, digest: str, to: Any, reason: str = "by the test") -> None:
        context = self.desk.context
        with context.view() as view:
            change = context.artifacts.move(view, context.scope, name, digest, to, reason=reason)
        context.commit(change)

    def serve(self, name: str, digest: str) -> None:
        """Move the head to a version, past the gate."""
        accepted = PromotionDecision(outcome="accept", reasons=("by the test",))
        promote_versions(
            self.desk.context, [(self.row(name, digest), accepted)], head="main", hypothesis="test"
        )

    def row(self, name: str, digest: str) -> Row:
        with self.desk.context.view() as view:
            found = view.row(f"version/{name}@{digest}")
        assert found is not None
        return found

    def start(self, name: str, digest: str, *, tools: str = "", **arguments: Json) -> str:
        """Open the job of a run."""
        context = self.desk.context
        with context.view() as view:
            manifest = load_tree(view, digest).manifest
        return start_workflow(context, self.row(name, digest), manifest, arguments, tools=tools)

    def run(
        self,
        job: str,
        *,
        dies_at: int | None = None,
        when: str = "after",
        then: Callable[[int], None] = lambda _: None,
    ) -> Any:
        """One attempt at a job's run; what its body gave."""
        context = self.desk.context
        with context.view() as view:
            found = load_job(view, job)
        kept = self.kept.setdefault(job, [])
        world = World(signals=self.signals)
        journal = Journal(world, kept, dies_at=dies_at, when=when, then=then, run_id=found.run)
        return workflow.KIND.body(Work(context=context, run=journal, job=found))


@contextmanager
def open_flow_desk(folder: Path) -> Iterator[FlowDesk]:
    """A desk whose sandbox runs the vetted code of these tests in this process."""
    sandbox = InProcessSandbox()
    with open_desk(folder, sandbox) as desk:  # type: ignore[arg-type]
        checks = load_plugins("lignin.artifacts.checks", "CHECK").values()
        verifier = Verifier(sandbox, checks, load_kinds(), scanners=())
        context = replace(
            desk.context, open_sandbox=lambda: sandbox, open_verifier=lambda: verifier
        )
        yield FlowDesk(desk=Desk(context))
