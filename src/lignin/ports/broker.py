"""What the broker reaches the outside with: bindings for tool calls, a transport and a vault for HTTP.

The broker is the only exit of code in a sandbox (decision record 4). What may leave is decided in
`governance`; whoever implements these ports carries it out and decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from lignin.domain.codec import Digest, Json
from lignin.ports.environment import Environment, Recording
from lignin.ports.sandbox import Effect
from lignin.ports.tools import Observation, ToolSpec

Socket: TypeAlias = Any
"""A connected socket of the standard library, which a port cannot name: it would reach outside."""
Scheme = Literal["https", "http"]


class SecretValue:
    """A real credential. It shows itself to nobody but who calls `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The credential itself, for the header it is meant for."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


class Vault(Protocol):
    """Where real credentials come from. They are never in the store."""

    def read(self, *, variable: str, file: str) -> SecretValue:
        """Return the credential in an environment variable or, where that is empty, a file.

        Raises:
            UnavailableError: It is not there, or not kept privately.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request to one address that was checked. `target` is path and query.

    `headers` hold real credentials, so they are not shown.
    """

    scheme: Scheme
    host: str
    port: int
    address: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, as sent: content codings are not undone yet."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A recorded request with its reply."""

    method: str
    url: str
    body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    reply: bytes


class Transport(Protocol):
    """Carries one hop. Follows no redirect, uses no proxy, keeps no cookie, logs nothing."""

    def resolve(self, host: str, port: int, *, timeout_s: float) -> tuple[str, ...]:
        """Return every address of a host, as text.

        Raises:
            UnavailableError: There is none, or no answer in time.
        """
        ...

    def send(self, hop: Hop, *, timeout_s: float, max_bytes: int) -> Reply:
        """Send one request to exactly `hop.address` and return the whole reply.

        Raises:
            UnavailableError: No connection, a certificate that is not the host's, no HTTP, or no
                whole reply in time; with `reached` where the request may have arrived.
            LimitedError: Too large.
        """
        ...


class Dialler(Protocol):
    """Opens plain sockets to addresses that were checked, and secures them."""

    def dial(self, address: str, port: int, *, timeout_s: float) -> Socket:
        """Connect.

        Raises:
            UnavailableError: There is no connection.
        """
        ...

    def secure(self, plain: Socket, host: str) -> Socket:
        """Go on over TLS, with the certificate of a host.

        Raises:
            UnavailableError: It shows another, or speaks no TLS.
        """
        ...


class BoundTools(Protocol):
    """The tools of one run, from its start. Not thread-safe."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools by name."""
        ...

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Call one tool. None where the binding cannot know the answer: the run proves nothing."""
        ...


class Binding(Protocol):
    """What answers the tool calls of runs: chosen at run time, recorded with each run."""

    @property
    def name(self) -> str:
        """`recorded`, `live` and the like."""
        ...

    @property
    def digest(self) -> Digest:
        """Digest of what decides the answers, as far as that can be known."""
        ...

    def begin(self) -> BoundTools:
        """Start a run: nothing of another run is left."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolServer:
    """How a tool server of the user's is reached: a command to start, or an address.

    Args:
        name: As the user calls it.
        command: Program and arguments of a server that talks over stdin and stdout.
        variables: Names of variables that the command is given beside a few harmless ones.
        url: Of a server that talks Streamable HTTP.
        timeout_s: For one call, and for the server to start.
    """

    name: str
    command: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    url: str = ""
    timeout_s: float = 20.0


class Exits(Protocol):
    """Makes what runs reach the outside with. Whoever made it ends what was opened."""

    def read_grants(self) -> str:
        """Return the text of the user's private grants file; empty where there is none.

        Raises:
            UnavailableError: It is not kept privately, or cannot be read.
        """
        ...

    def vault(self) -> Vault:
        """Where real credentials come from."""
        ...

    def transport(self) -> Transport:
        """Carries requests to real hosts."""
        ...

    def dialler(self) -> Dialler:
        """Opens sockets to real hosts."""
        ...

    def replay(self, exchanges: Sequence[Exchange], *, is_sink: bool = False) -> Transport:
        """Answers requests from a recording and sends nothing; a sink answers every other by `{}`."""
        ...

    def recorded(
        self,
        recording: Recording,
        tools: Mapping[str, ToolSpec],
        keys: Mapping[str, Sequence[str]],
    ) -> Binding:
        """Answers tool calls from a recording."""
        ...

    def live(self, open_environment: Callable[[], Environment]) -> Binding:
        """Answers tool calls from an environment, a fresh one for each run."""
        ...

    def server(self, server: ToolServer, *, reads_only: bool) -> Binding:
        """Answers tool calls by a real server; with `reads_only` it is never asked to write.

        Raises:
            UnavailableError: It does not start or answer, or the extra `mcp` is not installed.
        """
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def entropy(self, count: int) -> bytes:
        """Return fresh random bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerReport:
    """What one run asked of the broker.

    Args:
        binding: Name of what answered the calls; empty where there was none.
        binding_digest: Its digest.
        effects: In order and bounded: `call`, `http`, `denied`, `incident` (a placeholder somewhere
            it was not meant for, or a reply that held a credential where it was not masked), and
            `unknown` (a request without an answer, which is not the code's fault).
        hits: Calls that the binding answered.
        misses: Calls that it does not know, and requests that a recording does not.
        outages: Requests that something outside failed: no such tool is bound, no host answers.
        told: What was answered, as `Observed.told`.
        changes: As `Observed.changes`.
        reasons: Why requests have no answer, in words for the host: the code hears less.
    """

    binding: str
    binding_digest: Digest | None
    effects: tuple[Effect, ...]
    hits: int
    misses: int
    outages: int = 0
    told: tuple[str, ...] = ()
    changes: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def is_conclusive(self) -> bool:
        """False where a request had no answer: then the run is neither a pass nor a failure."""
        return self.misses == self.outages == 0

    @property
    def hit_ratio(self) -> float | None:
        """Share of calls that were answered; None without calls."""
        total = self.hits + self.misses
        return self.hits / total if total else None
