"""The tier without walls, for machines that have no other and only on explicit request.

It isolates nothing: code reads and writes what the user can and reaches the network.
"""

from collections.abc import Mapping
from pathlib import Path

from lignin.adapters.sandbox.process import ProcessSandbox
from lignin.ports.sandbox import Limits


class UnsafeSandbox(ProcessSandbox):
    """Runs code with no isolation at all. Thread-safe."""

    tier = "none"

    def command(
        self,
        folders: Mapping[str, Path],  # noqa: ARG002
        guest: list[str],
        limits: Limits,  # noqa: ARG002
    ) -> list[str]:
        """The guest itself."""
        return guest
