"""A sandbox whose runs find a set of Python packages. Owns the joining of the two.

The set's digest is part of the policy digest, so that what was proven with one set is no proof for
another.
"""

from dataclasses import replace

from lignin.domain.codec import Digest, digest_json
from lignin.ports.sandbox import Execution, Observed, RequestHandler, Sandbox, SandboxOver
from lignin.ports.wheels import Installed


class EquippedSandbox(SandboxOver):
    """The sandbox port over another sandbox, for the runs of one artifact."""

    def __init__(self, inner: Sandbox, packages: Installed) -> None:
        super().__init__(inner)
        self._packages = packages

    @property
    def policy_digest(self) -> Digest:
        """The inner sandbox's, with the set."""
        return digest_json([self._inner.policy_digest, self._packages.digest])

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once among the packages."""
        equipped = replace(execution, packages=str(self._packages.folder))
        return self._inner.run(equipped, broker)
