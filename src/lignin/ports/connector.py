"""Connectors: where messages come in from and go out to. A source, a sink, or a tracker, which is both.

Nothing is promised of the far side but what it shows. A source hands out everything at least once, each
occurrence under the same name; who takes it in takes it once. A sink says how much it can know about what
it sent before: an effect in flight at a crash is unknown until somebody looks (decision record 5).

Conformance: `lignin.testing.conformance.connector`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from lignin.domain.codec import Json
from lignin.domain.messages import Message, Posting
from lignin.ports.broker import SecretValue, Socket

Certainty = Literal["found", "repeatable", "none"]
"""What can be done about a posting of which nobody knows whether it arrived: look whether it is there
(`found`), send it again because the far side drops a second one (`repeatable`), or ask a person."""
Checks = Literal["pass", "fail", "pending", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a poll brought.

    Args:
        messages: In the order of the source.
        cursor: Where to go on; opaque, JSON text.
        more: There is more right now.
    """

    messages: tuple[Message, ...]
    cursor: str
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What the far side has of a posting: its own name for it, where a person finds it, what it answered."""

    reference: str
    link: str = ""
    answer: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it stands. `state` is the tracker's own: `open`, `closed`, or what a label says."""

    ticket: str
    subject: str
    text: str
    state: str
    is_open: bool
    author: str
    labels: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What was found without changing anything: who we are there, and what may be done."""

    account: str
    told: str


class Source(Protocol):
    """Where messages come in from."""

    def poll(self, cursor: str, *, most: int) -> Batch:
        """Return what is new since a cursor, at least once.

        Args:
            cursor: Of the last batch that was kept; "" at the first time.
            most: About so many messages at once.

        Raises:
            InvalidRequestError: No cursor of this source.
            LimitedError: The far side says to wait; `retry_at` among its fields.
            DeniedError, NotFoundError, UnavailableError: It cannot be read now.
        """
        ...


class Sink(Protocol):
    """Where postings go."""

    def certainty(self, posting: Posting) -> Certainty:
        """Return what can be known about such a posting later.

        Raises:
            InvalidRequestError: It sends no such thing; or the posting misses a part.
            DeniedError: It may not go there.
        """
        ...

    def find(self, posting: Posting, key: str, since: datetime) -> Delivered | None:
        """Return what is there of a posting that was begun at some time, or None where it is not.

        Raises:
            UnavailableError: It cannot be known now.
        """
        ...

    def send(self, posting: Posting, key: str) -> Delivered:
        """Send once. The key goes along where the far side can keep it.

        Raises:
            UnavailableError: It may have arrived or not (`is_uncertain` among its fields), or surely not.
            LigninError: Any other says that it was not sent.
        """
        ...


class Tracker(Protocol):
    """What an issue tracker has beside: tickets that can be read again, and commits with checks."""

    def read(self, ticket: str) -> Ticket:
        """Return a ticket as it stands.

        Raises:
            NotFoundError: There is none.
        """
        ...

    def checks(self, commit: str) -> Checks:
        """Return what the checks of a commit came to at the far side."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector that was opened: the parts that it has."""

    name: str
    kind: str
    probe: Callable[[], Probed]
    source: Source | None = None
    sink: Sink | None = None
    tracker: Tracker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebReply:
    """A reply whose body was vetted: whole, within bounds, and without the credential."""

    status: int
    headers: Mapping[str, str]
    body: str


class Web(Protocol):
    """HTTP to one granted origin. The credential is put in on the way; whoever asks never sees it."""

    def ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        secret_target: SecretValue | None = None,
    ) -> WebReply:
        """Ask once and return whatever was answered; no redirect is followed.

        Args:
            target: Path and query below the granted URL.
            secret_target: A path and query that is itself the credential, in place of `target`.

        Raises:
            DeniedError: The origin, its address or the path may not be reached.
            UnavailableError: No whole reply; `reached` among its fields tells whether the request may have
                arrived.
            LimitedError: The reply is too large.
        """
        ...


class Wire(Protocol):
    """A stream of bytes, as mail servers are spoken to, over a socket that may become a secure one."""

    def open(self, *, timeout_s: float) -> Socket:
        """Connect to the granted host, at an address that was checked; over TLS where that is meant.

        Raises:
            DeniedError: It has an address that may not be reached.
            UnavailableError: No connection, or a certificate that is not the host's.
        """
        ...

    def secure(self, plain: Socket) -> Socket:
        """Go on over TLS (STARTTLS).

        Raises:
            UnavailableError: The certificate is not the host's.
        """
        ...


def _nobody(_address: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorAsked:
    """Which connector is wanted, with all it may use.

    Args:
        settings: Of the user's grants file; nothing of them is secret.
        secret: The credential, where it goes into no header.
        web: Reaches it over HTTP.
        wires: Reach its mail servers, `smtp` and `imap`.
        may_receive: Whether a mail may go to an address.
        git_url, git_address: Where branches are pushed to, and what returns the address to connect to.
    """

    name: str
    kind: str
    settings: Mapping[str, Json]
    secret: SecretValue | None = None
    web: Web | None = None
    wires: Mapping[str, Wire] = field(default_factory=dict)
    may_receive: Callable[[str], bool] = _nobody
    git_url: str = ""
    git_address: Callable[[], str] | None = None
