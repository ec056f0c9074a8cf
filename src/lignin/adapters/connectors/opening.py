"""Opens a connector of the user's grants file: settings and what it may use in, its parts out."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from lignin.adapters.connectors.git_host import GitHost, connector_of, headers_of
from lignin.adapters.connectors.git_push import GitPush
from lignin.adapters.connectors.hooks import HookSink
from lignin.adapters.connectors.mail import Account, Mail, MailIn, MailOut
from lignin.adapters.connectors.rest import Rest
from lignin.domain.errors import InvalidRequestError
from lignin.ports.clock import Clock
from lignin.ports.connector import Connector, ConnectorAsked

Part = TypeVar("Part")


def open_connector(
    asked: ConnectorAsked, clock: Clock, environment: Mapping[str, str]
) -> Connector:
    """Return the connector that is wanted. Nothing is reached before it is used.

    Raises:
        InvalidRequestError: No kind of this name, or one that is only listened to.
    """
    opened = _OPENERS.get(asked.kind)
    if opened is None:
        raise InvalidRequestError(
            f"{asked.name} is a connector of kind {asked.kind}: nothing is asked of it",
            hint="`lignin up --otlp default` listens for its web hooks",
        )
    return opened(asked, clock, environment)


def _git_host(asked: ConnectorAsked, clock: Clock, environment: Mapping[str, str]) -> Connector:
    rest = Rest(asked.name, _given(asked.web), clock.now, headers_of(asked.kind))
    push = GitPush(asked.git_url, asked.secret, environment, _given(asked.git_address))
    return connector_of(asked.name, GitHost(asked.name, asked.settings, rest, push, now=clock.now))


def _hook(asked: ConnectorAsked, clock: Clock, _environment: Mapping[str, str]) -> Connector:
    sink = HookSink(
        asked.name, asked.settings, _given(asked.web), secret=asked.secret, now=clock.now
    )
    return Connector(name=asked.name, kind=asked.kind, probe=sink.probe, sink=sink)


def _mail(asked: ConnectorAsked, clock: Clock, _environment: Mapping[str, str]) -> Connector:
    settings = asked.settings
    account = Account(
        address=str(settings["address"]),
        user=str(settings["user"] or settings["address"]),
        secret=asked.secret,
        tls=str(settings["tls"]),
    )
    out = into = None
    if "smtp" in asked.wires:
        out = MailOut(
            asked.name,
            account,
            asked.wires["smtp"],
            may_receive=asked.may_receive,
            is_repeatable=bool(settings["repeatable"]),
            now=clock.now,
        )
    if "imap" in asked.wires:
        mailbox = str(settings["mailbox"])
        into = MailIn(asked.name, account, asked.wires["imap"], mailbox=mailbox, now=clock.now)
    mail = Mail(out, into, account.address)
    return Connector(name=asked.name, kind="mail", probe=mail.probe, source=into, sink=out)


def _given(part: Part | None) -> Part:
    if part is None:
        raise AssertionError("whoever asks for a connector gives what it is reached with")
    return part


_OPENERS: Mapping[str, Callable[[ConnectorAsked, Clock, Mapping[str, str]], Connector]] = {
    "github": _git_host,
    "gitea": _git_host,
    "chat": _hook,
    "post": _hook,
    "mail": _mail,
}
