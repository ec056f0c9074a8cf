"""A real SQLite store in a temporary folder, with the sandbox scripted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from lignin.app import load_settings, open_context
from lignin.artifacts.verify import Verification
from lignin.domain.codec import digest_json
from lignin.operations.artifact import ArtifactPromote, promote
from lignin.operations.artifact_capture import capture
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.space import SpaceCreate
from lignin.operations.space import create as create_space
from lignin.ports.sandbox import Execution, Observed
from lignin.testing.fakes.sandbox import ScriptedSandbox


class Approving:
    """A verifier that finds what it is told, without running anything."""

    verdict = "pass"

    def key(self, tree, examples, dependencies=None, tests=()):
        return digest_json(
            [tree.digest, sorted(dependencies or {}), sorted(test.digest for test in tests)]
        )

    def verify(self, tree, examples, *, dependencies=None, tests=(), progress=None):
        return Verification(
            verdict=self.verdict,
            results=(),
            reasons=() if self.verdict == "pass" else ("examples: wrong",),
            notes=(),
            key=self.key(tree, examples, dependencies, tests),
            tier="ns",
            policy_digest=digest_json("scripted"),
            check_set_digest=digest_json("checks"),
            runs=0,
            cacheable=True,
        )


def answer(execution: Execution) -> Observed:
    return Observed(status="exited", tier="ns", returned=True, result=42)


@pytest.fixture
def open_space(tmp_path) -> Iterator[Callable[..., Context]]:
    """`open_space(name, kind, parent)` creates a space and opens a caller's context in it."""
    with ExitStack() as stack:

        def opened(name: str = "home", kind: str = "user", parent: str | None = None) -> Context:
            environment = {"LIGNIN_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
            root = stack.enter_context(open_context(load_settings(environment, tmp_path)))
            if name != "home":
                create_space(root, SpaceCreate(name=name, kind=kind, parent=parent))
            settings = load_settings(environment, tmp_path, space=name)
            context = stack.enter_context(open_context(settings))
            verifier, sandbox = Approving(), ScriptedSandbox(answer)
            context.open_verifier = lambda: verifier
            context.open_sandbox = lambda: sandbox
            return context

        yield opened


def add_program(context: Context, name: str, number: int = 1) -> str:
    """Capture and verify a small program; return its digest."""
    path = context.cwd / f"{name}.py"
    own = 10 * sum(map(ord, name)) + number  # else it would be the same code as another name's
    path.write_text(f"def {name}(n: int) -> int:\n    return n + {own}\n")
    return capture(context, ArtifactCapture(path=str(path))).digest


def promoted(context: Context, name: str, number: int = 1, head: str = "main") -> str:
    """Capture, verify and promote a small program; return its digest."""
    digest = add_program(context, name, number)
    promote(context, ArtifactPromote(name=f"{name}@{digest}", head=head))
    return digest
