"""A sandbox whose runs find a set of Python packages. Owns the joining of the two.

The set's digest is part of the policy digest, so that what was proven with one set is no proof for
another.
"""

from dataclasses import replace

from lignin.domain.codec import Digest, digest_json
from lignin.ports.sandbox import Capability, Execution, Observed, RequestHandler, Sandbox
from lignin.ports.wheels import Installed


class EquippedSandbox:
    """The sandbox port over another sandbox, for the runs of one artifact."""

    def __init__(self, inner: Sandbox, packages: Installed) -> None:
        self._inner = inner
        self._packages = packages

    @property
    def tier(self) -> str:
        """The inner sandbox's."""
        return self._inner.tier

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The inner sandbox's."""
        return self._inner.capabilities

    @property
    def policy_digest(self) -> Digest:
        """The inner sandbox's, with the set."""
        return digest_json([self._inner.policy_digest, self._packages.digest])

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once among the packages."""
        equipped = replace(execution, packages=str(self._packages.folder))
        return self._inner.run(equipped, broker)

    def close(self) -> None:
        """Nothing: whoever made the inner sandbox ends it."""
