"""Connectors as operations work with them: opened by the grants file, read into the ledger, sent by it.

Owns the order of things around a delivery: it is begun on the ledger, then sent, then what became of it is
noted. Killed anywhere, the same command finds out the rest or says that nobody knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lignin.connectors.deliveries import Deliveries, Told, delivery_id
from lignin.connectors.laws.deliveries import decide_step
from lignin.connectors.messages import Messages, cursor_of
from lignin.connectors.tool_sink import ToolSink
from lignin.domain.codec import canonical_bytes, parse_json
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import Change, parse_time
from lignin.domain.messages import Message, Posting
from lignin.domain.states import Row
from lignin.domain.states.connectors import DeliveryState
from lignin.governance.laws.connectors import (
    ConnectorGrant,
    GitHostGrant,
    MailGrant,
    credential_of,
    git_address,
    may_receive,
    parse_connectors,
    settings_of,
    web_of,
)
from lignin.governance.laws.urls import Url, parse_origin, parse_url
from lignin.governance.proxy import Outside, checked_address
from lignin.governance.web import GrantedWeb, GrantedWire, outside_of
from lignin.operations.context import Context
from lignin.operations.exits import SERVER, granted_server, server_exchange
from lignin.ports.broker import SecretValue
from lignin.ports.connector import Certainty, Connector, ConnectorAsked, Probed, Sink, Wire
from lignin.ports.ledger import View
from lignin.traces.redact import redact

DIAL_S: Final = 15.0
_FOREIGN = ("text", "subject", "author", "link")


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll brought: the ids of what is new, how many the source told, and whether it has more."""

    new: tuple[str, ...]
    told: int
    more: bool


def read_connectors(context: Context) -> Mapping[str, ConnectorGrant]:
    """The connectors of the user's grants file."""
    return parse_connectors(context.open_exits().read_grants())


def require_connector(context: Context, name: str) -> ConnectorGrant:
    """The grant of one connector.

    Raises:
        NotFoundError: The grants file has none of that name.
    """
    known = read_connectors(context)
    if name not in known:
        raise NotFoundError(
            f"your grants file has no connector {name!r:.60}",
            hint=f"there are {', '.join(known) or 'none'}; see docs/how-to/connect.md",
        )
    return known[name]


def open_named(context: Context, name: str, tool: str = "") -> Connector:
    """Open a connector of the grants file, or with `server:NAME` a tool server as one.

    Args:
        tool: The tool to call there.
    """
    if name.startswith(SERVER):
        return _tool_server(context, name, tool)
    grant = require_connector(context, name)
    exits = context.open_exits()
    outside = Outside(
        transport=exits.transport(),
        vault=exits.vault(),
        monotonic=exits.monotonic,
        entropy=exits.entropy,
    )
    asked = ConnectorAsked(
        name=name, kind=grant.kind, settings=settings_of(grant), secret=_secret(context, grant)
    )
    url = web_of(grant)
    if url is not None:
        asked = replace(asked, web=GrantedWeb(url, credential_of(grant), _by(outside, grant, url)))
    if isinstance(grant, GitHostGrant):
        address = parse_url(git_address(grant))
        by, origin = _by(outside, grant, address), address.origin
        asked = replace(
            asked,
            git_url=str(address),
            git_address=lambda: checked_address(by, origin.host, origin.port, timeout_s=DIAL_S),
        )
    if isinstance(grant, MailGrant):
        asked = replace(
            asked,
            wires=_wires(context, grant, outside),
            may_receive=lambda address: may_receive(grant, address),
        )
    return context.open_connector(asked)


def connector_secret(context: Context, grant: ConnectorGrant) -> SecretValue:
    """The credential of a connector that must have one.

    Raises:
        UnavailableError: It is not there, or not kept privately.
    """
    secret = _secret(context, grant)
    if secret is None:
        raise UnavailableError("the connector has no key", hint="variable or file")
    return secret


def poll(context: Context, name: str, most: int) -> Polled:
    """Take in what is new at a source: all of it with the place where reading goes on, or nothing."""
    source = open_named(context, name).source
    if source is None:
        raise InvalidRequestError(f"nothing comes in by polling {name}")
    with context.view() as view:
        cursor = cursor_of(view, name)
    batch = source.poll(cursor, most=most)
    messages = [cleaned(context, each) for each in batch.messages]
    service = Messages(context.ids)

    def decide(view: View) -> tuple[tuple[str, ...], list[Change]]:
        new, taking = service.take(view, context.scope, messages)
        changes = [taking] if taking else []
        # Where somebody else read on meanwhile, the place stays his: both batches are taken.
        if cursor_of(view, name) == cursor and (batch.cursor != cursor or new):
            changes.append(service.move(view, context.scope, name, batch.cursor, len(new)))
        return new, changes

    return Polled(new=context.decide_and_commit(decide), told=len(messages), more=batch.more)


def take_message(context: Context, message: Message) -> bool:
    """Take in one message that was brought; false where it was there already."""
    service, known = Messages(context.ids), cleaned(context, message)

    def decide(view: View) -> tuple[bool, list[Change]]:
        new, taking = service.take(view, context.scope, [known])
        return bool(new), [taking] if taking else []

    return context.decide_and_commit(decide)


def cleaned(context: Context, message: Message) -> Message:
    """A message without secrets in what somebody wrote."""
    wrote = {name: getattr(message, name) for name in _FOREIGN}
    found = redact(canonical_bytes(wrote), context.redaction_key)
    return replace(message, **parse_json(found.content)) if found.counts else message


def deliver(
    context: Context, name: str, posting: Posting, key: str, *, by_file: bool = False
) -> tuple[Row, bool]:
    """Send a posting under a key, once; return what is known of it, and whether that was known before.

    Args:
        key: The same key never sends twice. Empty: what is sent is its own key, but for a state that is
            set and a call that does no harm twice.
        by_file: A loop's file, which a person added, says to send it.

    Raises:
        ConflictError: Something else was sent under the key, or somebody is at it right now.
        LigninError: It was not sent, and why.
    """
    if not by_file:
        _require_person_asks(context)
    _require_no_secret(context, posting)
    sink = open_named(context, name, posting.tool).sink
    if sink is None:
        raise InvalidRequestError(f"nothing can be sent to {name}")
    certainty = sink.certainty(posting)
    if not key:
        key = context.ids.new("key") if _may_recur(posting, certainty) else posting.digest
    delivery = delivery_id(name, key)
    stream = f"delivery/{delivery}"
    with context.view() as view:
        row = view.row(stream)
    step = decide_step(row, posting.digest, certainty, context.clock.now())
    if row is not None:
        if step == "tell":
            return row, True
        if step == "doubt":
            why = "whoever sent it ended before its answer came"
            return end_delivery(context, row, "unknown", Told(why=why)), True
        if step == "look":
            found = sink.find(posting, delivery, parse_time(row.body["first_at"]))
            if found is not None:
                return end_delivery(context, row, "sent", Told(delivered=found)), True
    began = Deliveries(context.ids).begin(
        context.scope,
        row,
        posting,
        connector=name,
        delivery=delivery,
        now=context.clock.now(),
    )
    context.commit(began)
    return _send(context, sink, posting, delivery, certainty), False


def _send(
    context: Context, sink: Sink, posting: Posting, delivery: str, certainty: Certainty
) -> Row:
    with context.view() as view:
        row = view.row(f"delivery/{delivery}")
    assert row is not None
    try:
        made = sink.send(posting, delivery)
    except LigninError as error:
        if not error.fields.get("is_uncertain"):
            end_delivery(context, row, "refused", Told(why=error.message))
            raise
        row = end_delivery(context, row, "unknown", Told(why=error.message))
        if certainty == "repeatable":  # nobody has to look: it is tried again like a reading
            hint = "it does no harm to send this again: try later"
            raise UnavailableError(error.message, hint=hint) from error
        return row
    return end_delivery(context, row, "sent", Told(delivered=made))


def end_delivery(context: Context, row: Row, state: DeliveryState, told: Told) -> Row:
    """Note what became of a delivery, and return it."""
    content = redact(canonical_bytes(told.to_json()), context.redaction_key).content
    context.commit(Deliveries(context.ids).end(context.scope, row, state, content))
    with context.view() as view:
        after = view.row(row.stream)
    assert after is not None
    return after


def _require_person_asks(context: Context) -> None:
    """No agent sends by itself."""
    actor = context.scope.actor
    if any(each.startswith("agent:") for each in (actor.sub, *actor.act)):
        raise DeniedError(
            "an agent sends nothing by itself",
            hint="a person does, or an action of kind 'send' in a loop's file",
        )


def _require_no_secret(context: Context, posting: Posting) -> None:
    """Nothing that looks like a secret leaves."""
    found = redact(canonical_bytes(posting.to_json()), context.redaction_key)
    if found.counts:
        raise DeniedError(
            f"what is to be sent holds what looks like a secret ({', '.join(found.counts)})",
            hint="take it out",
        )


def _may_recur(posting: Posting, certainty: Certainty) -> bool:
    """Whether the same thing sent later is meant anew: it says what is to be, not what happened."""
    return posting.kind in {"state", "call"} and certainty == "repeatable"


def _secret(context: Context, grant: ConnectorGrant) -> SecretValue | None:
    if not grant.has_secret:
        return None
    return context.open_exits().vault().read(variable=grant.variable, file=grant.file)


def _by(outside: Outside, grant: ConnectorGrant, url: Url) -> Outside:
    return outside_of(outside, private=grant.private, is_plain=url.origin.scheme == "http")


def _wires(context: Context, grant: MailGrant, outside: Outside) -> dict[str, Wire]:
    dialler = context.open_exits().dialler()
    by = outside_of(outside, private=grant.private, is_plain=grant.tls == "none")
    found: dict[str, Wire] = {}
    for name, place in (("smtp", grant.smtp), ("imap", grant.imap)):
        if place:
            origin = parse_origin(place)
            found[name] = GrantedWire(
                origin.host, origin.port, by, dialler, is_secure=grant.tls == "implicit"
            )
    return found


def _tool_server(context: Context, name: str, tool: str) -> Connector:
    if not tool:
        tools = granted_server(context, name.removeprefix(SERVER))
        told = f"{len(tools)} tools"
        return Connector(name=name, kind="server", probe=lambda: Probed(account="", told=told))
    tools, handle = server_exchange(context, name.removeprefix(SERVER), tool)
    return Connector(
        name=name,
        kind="server",
        probe=lambda: Probed(account="", told=f"{len(tools)} tools"),
        sink=ToolSink(tools, handle),
    )
