"""What runs reach the outside with, in one place: bindings, transports, the user's own files.

Decides nothing: who may reach what is said in `operations` and `governance`. Keeps the tool servers
that it started and ends them.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lignin.adapters.broker.dialler import SocketDialler
from lignin.adapters.broker.live import LiveBinding
from lignin.adapters.broker.recorded import RecordedBinding
from lignin.adapters.broker.replay import EMPTY, ReplayTransport
from lignin.adapters.broker.tool_server import ServerBinding, require_sdk
from lignin.adapters.broker.transport import HttpTransport
from lignin.adapters.broker.vault import UserVault, read_private
from lignin.ports.broker import Binding, Dialler, Exchange, ToolServer, Transport, Vault
from lignin.ports.environment import Environment, Recording
from lignin.ports.tools import ToolSpec


class UserExits:
    """See `lignin.ports.broker.Exits`.

    Args:
        environment: Variables of the process.
        home: The user's home folder.
        grants: The user's grants file; it need not be there.
    """

    def __init__(self, environment: Mapping[str, str], home: Path, grants: Path) -> None:
        self._environment = environment
        self._home = home
        self._grants = grants
        self._servers: dict[tuple[ToolServer, bool], ServerBinding] = {}

    def read_grants(self) -> str:
        """Return the text of the grants file; it must be this user's alone."""
        is_there = self._grants.exists() or self._grants.is_symlink()
        return read_private(self._grants) if is_there else ""

    def vault(self) -> Vault:
        """Variables and private files."""
        return UserVault(self._environment, self._home)

    def transport(self) -> Transport:
        """Real connections."""
        return HttpTransport()

    def dialler(self) -> Dialler:
        """Real sockets."""
        return SocketDialler()

    def replay(self, exchanges: Sequence[Exchange], *, is_sink: bool = False) -> Transport:
        """Recorded replies."""
        return ReplayTransport(exchanges, otherwise=EMPTY if is_sink else None)

    def recorded(
        self,
        recording: Recording,
        tools: Mapping[str, ToolSpec],
        keys: Mapping[str, Sequence[str]],
    ) -> Binding:
        """Recorded tool calls."""
        return RecordedBinding(recording, tools, keys)

    def live(self, open_environment: Callable[[], Environment]) -> Binding:
        """An environment's tools."""
        return LiveBinding(open_environment)

    def server(self, server: ToolServer, *, reads_only: bool) -> Binding:
        """A tool server's tools; started once."""
        require_sdk()
        made = self._servers.get((server, reads_only))
        if made is None:
            made = ServerBinding(server, self._environment, reads_only=reads_only)
            self._servers[server, reads_only] = made
        return made

    def monotonic(self) -> float:
        """Of this machine."""
        return time.monotonic()

    def entropy(self, count: int) -> bytes:
        """Of this machine."""
        return secrets.token_bytes(count)

    def close(self) -> None:
        """End the servers that were started."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
