"""Connectors: where messages come in from and go out to, as your grants file names them."""

from pathlib import Path
from typing import Any, Final

from pydantic import Field, field_validator

from lignin.artifacts.promotion import require_person
from lignin.connectors.deliveries import Told, load_told
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError
from lignin.domain.messages import Posting, PostingKind
from lignin.domain.states import Row
from lignin.governance.laws.connectors import ConnectorGrant, GitHostGrant, HookGrant, MailGrant
from lignin.operations.connecting import (
    deliver,
    end_delivery,
    open_named,
    poll,
    read_connectors,
    require_connector,
)
from lignin.operations.context import Context
from lignin.operations.exits import SERVER
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.ports.connector import Delivered
from lignin.ports.ledger import View, require_known

UNKNOWN: Final = 10


class ConnectorsAsked(Request):
    pass


class ConnectorRef(Request):
    name: str = positional("a connector of your grants file, or server:NAME")


class TicketAsked(Request):
    name: str = positional("a git host of your grants file")
    ticket: str = positional("the number of an issue", "")
    commit: str = Field(default="", description="what the checks of this commit came to, instead")


class Poll(Request):
    name: str = positional("a connector of your grants file")
    limit: int = Field(default=100, ge=1, le=1000, description="about so many messages at once")


class Send(Request):
    name: str = positional("a connector of your grants file, or server:NAME")
    body: str = Field(default="", description="what it says")
    subject: str = Field(default="", description="one line: of a mail, a ticket or a pull request")
    to: list[str] = Field(default=[], description="a mail's receiver")
    ticket: str = Field(
        default="", description="comment on this ticket, or with --state set its state"
    )
    state: str = Field(
        default="", description="the ticket's new state: open, closed, or one of its states"
    )
    branch: str = Field(
        default="", description="push a commit as this branch and ask to have it pulled"
    )
    base: str = Field(default="", description="the branch that it is to be pulled into")
    commit: str = Field(default="HEAD", description="the commit to push")
    folder: str = Field(default=".", description="the repository that has it")
    tool: str = Field(default="", description="the tool to call, of a server")
    input: str = Field(default="{}", description="its arguments, as a JSON object")
    key: str = Field(
        "",
        max_length=200,
        description="the same key never sends twice; by default what is sent is its own key",
    )

    @field_validator("to", mode="before")
    @classmethod
    def _list_receivers(cls, given: object) -> object:
        """One receiver may stand alone: in a loop's file it is often a reference, such as `$given.author`."""
        return [given] if isinstance(given, str) else given


class Settle(Request):
    delivery: str = positional("a delivery's id, as `connector sent` shows it")
    sent: bool = Field(default=False, description="it arrived")
    lost: bool = Field(default=False, description="it did not arrive, and may be sent again")


class SentAsked(Request):
    connector: str | None = Field(default=None, description="only of this connector")
    state: str | None = Field(default=None, description="begun, sent, refused or unknown")
    limit: int = Field(default=50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(default=None, description="go on after this delivery")


class ConnectorView(Response):
    name: str = Field(description="its name")
    kind: str = Field(description="github, gitea, chat, post, hook or mail")
    place: str = Field(description="the far side")
    comes_in: bool = Field(description="messages come in by it")
    goes_out: bool = Field(description="messages go out by it")
    taken: int = Field(description="messages taken in so far")
    polled_at: str | None = Field(description="when it was last read")


class ConnectorsListed(Response):
    items: list[ConnectorView] = Field(description="the connectors of your grants file")


class ProbedView(Response):
    name: str = Field(description="the connector")
    account: str = Field(description="who you are there, where that is told")
    told: str = Field(description="what was found")


class PolledView(Response):
    name: str = Field(description="the connector")
    new: list[str] = Field(description="messages that were not there before, by id")
    known: int = Field(description="that were")
    more: bool = Field(description="the source has more right now")

    def to_text(self) -> str:
        more = "; there is more" if self.more else ""
        return "\n".join([f"{len(self.new)} new, {self.known} known{more}", *self.new])


class TicketView(Response):
    ticket: str = Field(default="", description="its number")
    subject: str = Field(default="", description="its title: somebody else's words")
    text: str = Field(default="", description="its text: somebody else's words")
    state: str = Field(default="", description="its state")
    author: str = Field(default="", description="who wrote it, as the tracker says")
    labels: list[str] = Field(default=[], description="its labels")
    link: str = Field(default="", description="where it is")
    checks: str = Field(default="", description="of the commit: pass, fail, pending or none")


class DeliveryView(Response):
    delivery: str = Field(description="its id")
    connector: str = Field(description="where it went")
    kind: str = Field(description="what was sent")
    state: str = Field(description="begun, sent, refused, unknown, or dry run")
    attempts: int = Field(description="how often it was tried")
    begun_at: str | None = Field(description="when it was last tried")
    reference: str = Field(default="", description="the far side's name for it")
    link: str = Field(default="", description="where it is")
    answer: Any = Field(default=None, description="what a tool answered")
    why: str = Field(default="", description="why it was not sent, or why that is not known")
    repeated: bool = Field(default=False, description="nothing was sent now: this was known before")

    def exit_code(self) -> int:
        return UNKNOWN if self.state == "unknown" else 0

    def warnings(self) -> list[str]:
        if self.state != "unknown":
            return []
        return [
            f"nobody knows whether {self.delivery} arrived; look, then "
            f"`lignin connector settle {self.delivery} --sent` or `--lost`"
        ]


class DeliveriesListed(Listed):
    items: list[DeliveryView] = Field(description="this page of the list")


@operation("connector.list", effect="read", idempotent=True)
def list_(context: Context, request: ConnectorsAsked) -> ConnectorsListed:  # noqa: ARG001
    """List the connectors of your grants file, and how far each was read."""
    with context.view() as view:
        items = [
            _view(name, each, view.row(f"connector/{name}"))
            for name, each in sorted(read_connectors(context).items())
        ]
    return ConnectorsListed(items=items)


@operation("connector.test", effect="execute", idempotent=True)
def test(context: Context, request: ConnectorRef) -> ProbedView:
    """Reach a connector, show who you are there, and change nothing."""
    found = open_named(context, request.name).probe()
    return ProbedView(name=request.name, account=found.account, told=found.told)


@operation("connector.poll", effect="execute", idempotent=True)
def poll_(context: Context, request: Poll) -> PolledView:
    """Take in what is new at a connector: each occurrence once, however often it is seen.

    `lignin message list` shows what was taken in.
    """
    done = poll(context, request.name, request.limit)
    return PolledView(
        name=request.name, new=list(done.new), known=done.told - len(done.new), more=done.more
    )


@operation("connector.read", effect="execute", idempotent=True)
def read(context: Context, request: TicketAsked) -> TicketView:
    """Read a ticket as it stands at its tracker, or what a commit's checks came to."""
    tracker = open_named(context, request.name).tracker
    if tracker is None:
        raise InvalidRequestError(f"{request.name} is no tracker", hint="a git host is one")
    if request.commit:
        checks = tracker.checks(request.commit)
        return TicketView(checks=checks)
    found = tracker.read(request.ticket)
    return TicketView(
        ticket=found.ticket,
        subject=found.subject,
        text=found.text,
        state=found.state,
        author=found.author,
        labels=list(found.labels),
        link=found.link,
    )


@operation("connector.send", effect="execute", idempotent=True, remote=False)
def send(context: Context, request: Send) -> DeliveryView:
    """Send something by a connector, once: a message, a comment, a ticket, its state, a branch, a call.

    It is noted before it leaves. Repeated after a crash, the same command looks whether it arrived, where the
    far side shows that, and says so where nobody can know.
    """
    posting = posting_of(context, request)
    if context.dry_run:
        return _dry(context, request, posting)
    row, repeated = deliver(context, request.name, posting, request.key)
    with context.view() as view:
        return DeliveryView(**_delivery(view, row), repeated=repeated)


@operation("connector.sent", effect="read", idempotent=True)
def sent(context: Context, request: SentAsked) -> DeliveriesListed:
    """List what was sent, and what became of it."""
    with context.view() as view:
        page = view.page(
            "delivery",
            state=request.state,
            parent=request.connector,
            after=request.after,
            limit=request.limit,
        )
        items = [DeliveryView(**_delivery(view, row)) for row in page.rows]
    return DeliveriesListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--connector, --state, --after" if page.next_after else None,
    )


@operation("connector.settle", effect="govern", idempotent=True)
def settle(context: Context, request: Settle) -> DeliveryView:
    """Say what became of a delivery that nobody knows of: a person looked."""
    if request.sent == request.lost:
        raise InvalidRequestError("it arrived or it did not", hint="--sent or --lost")
    require_person(context.scope.actor, "says what became of a delivery")
    with context.view() as view:
        row = require_known(view, f"delivery/{request.delivery}")
    if request.sent:
        told = Told(delivered=Delivered(reference="settled by a person"))
        row = end_delivery(context, row, "sent", told)
    else:
        row = end_delivery(
            context, row, "refused", Told(why="a person says that it did not arrive")
        )
    with context.view() as view:
        return DeliveryView(**_delivery(view, row))


def posting_of(context: Context, request: Send) -> Posting:
    """What a request means to send.

    Raises:
        InvalidRequestError: It cannot be told, or names no repository.
    """
    is_server = request.name.startswith(SERVER)
    kind = _kind(request, None if is_server else require_connector(context, request.name))
    folder = commit = ""
    if kind == "pull":
        repository = context.repositories().open(context.path(request.folder))
        folder, commit = str(Path(repository.folder)), repository.commit_of(request.commit)
    arguments: Json = {}
    if kind == "call":
        try:
            arguments = parse_json(request.input)
        except CodecError as error:
            raise InvalidRequestError(f"--input is no JSON: {error.message}") from error
        if not isinstance(arguments, dict):
            raise InvalidRequestError("a tool takes a JSON object", hint="--input '{\"a\": 1}'")
    return Posting(
        kind=kind,
        to=tuple(request.to),
        subject=request.subject,
        text=request.body,
        ticket=request.ticket,
        state=request.state,
        branch=request.branch,
        base=request.base,
        commit=commit,
        folder=folder,
        tool=request.tool,
        arguments=arguments,
    )


def _kind(request: Send, grant: ConnectorGrant | None) -> PostingKind:
    """What is meant, by what is given and where it goes."""
    if request.tool:
        return "call"
    if request.branch:
        return "pull"
    if request.state:
        return "state"
    if request.ticket:
        return "comment"
    return "open" if isinstance(grant, GitHostGrant) else "message"


def _dry(context: Context, request: Send, posting: Posting) -> DeliveryView:
    """What would be sent: as far as it can be told without reaching anybody."""
    if not request.name.startswith(SERVER):
        sink = open_named(context, request.name).sink
        if sink is not None:
            sink.certainty(posting)
    return DeliveryView(
        delivery="",
        connector=request.name,
        kind=posting.kind,
        state="dry run",
        attempts=0,
        begun_at=None,
    )


def _view(name: str, grant: ConnectorGrant, row: Row | None) -> ConnectorView:
    comes_in = goes_out = True
    if isinstance(grant, GitHostGrant):
        place, comes_in = f"{grant.url} {grant.repository}", bool(grant.label or grant.comments)
    elif isinstance(grant, HookGrant):
        place, goes_out = f"/hooks/{name}", False
    elif isinstance(grant, MailGrant):
        place, comes_in, goes_out = grant.address, bool(grant.imap), bool(grant.smtp)
    else:
        place, comes_in = grant.host if grant.kind == "chat" else grant.url, False
    return ConnectorView(
        name=name,
        kind=grant.kind,
        place=place,
        comes_in=comes_in,
        goes_out=goes_out,
        taken=row.body["taken"] if row else 0,
        polled_at=row.body["polled_at"] if row else None,
    )


def _delivery(view: View, row: Row) -> dict[str, Any]:
    told = load_told(view, row)
    return {
        "delivery": row.key,
        "connector": row.body["connector"],
        "kind": row.body["kind"],
        "state": row.state,
        "attempts": row.body["attempts"],
        "begun_at": row.body["begun_at"],
        **{name: told[name] for name in ("reference", "link", "answer", "why") if name in told},
    }
