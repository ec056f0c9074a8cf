"""A user's connectors, as the grants file tells them: where messages may come from and go to.

A connector is authority of the user's own: it names one far side, the one credential for it and how far that
goes. What is not named is denied. A credential is named by its place and never written into the file.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.governance.laws.grants import NAME, SecretGrant, misfit, parse_tables
from lignin.governance.laws.urls import Origin, Url, parse_origin, parse_url

_HERE = frozenset({"localhost"})
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9._-]{1,100}")
_LABEL = re.compile(r"[^,/\x00-\x1f]{1,50}(/[^,/\x00-\x1f]{1,50})?")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_DOMAIN = re.compile(r"@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_PRINTABLE = r"^[ -~]{1,200}$"
Repository = Annotated[str, Field(pattern=f"^{_REPOSITORY.pattern}$")]
Label = Annotated[str, Field(pattern=f"^{_LABEL.pattern}$")]


def _url(text: str) -> str:
    try:
        url = parse_url(text)
    except DeniedError as error:
        raise ValueError(error.message) from error
    if url.query or "%" in url.path or "//" in url.path:
        raise ValueError("an address without a query and escapes")
    return text.rstrip("/")


def _place(text: str) -> str:
    try:
        parse_origin(text)
    except InvalidRequestError as error:
        raise ValueError(error.message) from error
    if "://" in text or ":" not in text:
        raise ValueError("HOST:PORT")
    return text


def _receiver(text: str) -> str:
    if not _ADDRESS.fullmatch(text) and not _DOMAIN.fullmatch(text):
        raise ValueError("a mail address, or @DOMAIN for all of a domain")
    return text


def _mailbox(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("a mail address")
    return text


BaseUrl = Annotated[str, AfterValidator(_url)]
Place = Annotated[str, AfterValidator(_place)]


class _Grant(BaseModel):
    """What every connector has: the place of its credential, and whether it may lead inward.

    `private` lets it reach addresses of this machine and of private networks; without it only the public
    internet. Plain http and mail without TLS are for this machine alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    variable: str = ""
    file: str = ""
    private: bool = False

    @property
    def has_secret(self) -> bool:
        """Whether a place of a credential is named."""
        return bool(self.variable or self.file)

    @model_validator(mode="after")
    def _one_place(self) -> "_Grant":
        if self.variable and self.file:
            raise ValueError("a credential comes from either a variable or a file")
        return self

    def _require_secret(self) -> None:
        if not self.has_secret:
            raise ValueError("name where the credential is: variable, or file")


class GitHostGrant(_Grant):
    """One repository at a git host.

    Args:
        url: Of its REST interface.
        repository: OWNER/NAME.
        label: Open issues with it come in; without one, none do.
        comments: Comments come in.
        states: Labels of which a ticket has one at most: what `state` sets.
        account: Who we are there, where the host does not say.
        git_url: Where branches are pushed; by default found from `url`.
        branches: Prefix of the branches that may be pushed.
    """

    kind: Literal["github", "gitea"]
    url: BaseUrl
    repository: Repository
    label: Label | Literal[""] = ""
    comments: bool = False
    states: list[Label] = Field(default=[], max_length=20)
    account: str = Field("", pattern=r"^[A-Za-z0-9\[\]_.-]{0,100}$")
    git_url: BaseUrl | Literal[""] = ""
    branches: str = Field("lignin/", pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$")

    @model_validator(mode="after")
    def _is_whole(self) -> "GitHostGrant":
        self._require_secret()
        _require_safe(self.url, private=self.private)
        if self.git_url:
            _require_safe(self.git_url, private=self.private)
        if len({each.lower() for each in self.states}) < len(self.states):
            raise ValueError("each state once")
        return self


class ChatGrant(_Grant):
    """A chat's incoming web hook: a URL that is itself the credential, on a host that is named here."""

    kind: Literal["chat"]
    host: str
    repeatable: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "ChatGrant":
        self._require_secret()
        _require_safe(str(_origin(self.host)), private=self.private)
        return self


class PostGrant(_Grant):
    """A URL that takes JSON, signed as Standard Webhooks where a key is named.

    `repeatable` says that the far side drops a second message with the same `webhook-id`.
    """

    kind: Literal["post"]
    url: BaseUrl
    repeatable: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "PostGrant":
        _require_safe(self.url, private=self.private)
        return self


class HookGrant(_Grant):
    """Web hooks that come in at `/hooks/NAME`, signed with a key.

    Args:
        form: `github` (`X-Hub-Signature-256`) or `standard` (`webhook-signature`).
        window_s: How far a signed time may be off, in seconds.
    """

    kind: Literal["hook"]
    form: Literal["github", "standard"]
    window_s: int = Field(300, ge=1, le=3600)

    @model_validator(mode="after")
    def _is_whole(self) -> "HookGrant":
        self._require_secret()
        return self


class MailGrant(_Grant):
    """A mailbox.

    Args:
        address: Ours.
        user: To log in with; by default the address.
        smtp, imap: HOST:PORT; without one nothing goes out, or comes in.
        tls: `implicit`, `starttls`, or `none`, which is for this machine alone.
        receivers: Who may be written to: addresses, or `@DOMAIN`. Nobody else.
        mailbox: What is read; it is never changed.
        repeatable: All receivers drop a second mail with the same Message-ID.
    """

    kind: Literal["mail"]
    address: Annotated[str, AfterValidator(_mailbox)]
    user: str = Field("", pattern=r"^[!-~]{0,200}$")
    smtp: Place | Literal[""] = ""
    imap: Place | Literal[""] = ""
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    receivers: list[Annotated[str, AfterValidator(_receiver)]] = Field(default=[], max_length=1000)
    mailbox: str = Field("INBOX", pattern=_PRINTABLE)
    repeatable: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> "MailGrant":
        places = [each for each in (self.smtp, self.imap) if each]
        if not places:
            raise ValueError("smtp, imap or both")
        if self.imap:
            self._require_secret()
        for place in places:
            if self.tls == "none" and not (self.private and parse_origin(place).host in _HERE):
                raise ValueError("without TLS only localhost is reached, with private = true")
        return self


ConnectorGrant = Annotated[
    GitHostGrant | ChatGrant | PostGrant | HookGrant | MailGrant, Field(discriminator="kind")
]
_ANY: TypeAdapter[ConnectorGrant] = TypeAdapter(ConnectorGrant)


def parse_connectors(text: str) -> Mapping[str, ConnectorGrant]:
    """Return the connectors of a grants file (a table `[connectors.NAME]` each).

    Raises:
        InvalidRequestError: Each fault with its place; nothing of a broken file holds.
    """
    found = {}
    for name, table in parse_tables(text).items():
        if not re.fullmatch(NAME, name):
            raise InvalidRequestError(
                f"connectors.{name!r:.40} is no name", hint="small letters, digits and dashes"
            )
        try:
            found[name] = _ANY.validate_python(table)
        except ValidationError as error:
            raise misfit(error, f"connectors.{name}.") from None
    return found


def settings_of(grant: ConnectorGrant) -> Mapping[str, Json]:
    """The settings as JSON; nothing of them is secret."""
    return grant.model_dump(mode="json")


def git_address(grant: GitHostGrant) -> str:
    """Where the repository is pushed to: as the file says, else where such hosts have it."""
    if grant.git_url:
        return grant.git_url
    origin = parse_url(grant.url).origin
    host = "github.com" if origin.host == "api.github.com" else origin.authority
    return f"{origin.scheme}://{host}/{grant.repository}.git"


def web_of(grant: ConnectorGrant) -> Url | None:
    """The URL that a connector asks over HTTP; None where it asks none."""
    if isinstance(grant, ChatGrant):
        return parse_url(str(_origin(grant.host)))
    if isinstance(grant, GitHostGrant | PostGrant):
        return parse_url(grant.url)
    return None


def credential_of(grant: ConnectorGrant) -> SecretGrant | None:
    """The narrow grant of a connector's credential: one header, the paths of one repository.

    Where the credential is a key or a password it goes into no header.
    """
    if not isinstance(grant, GitHostGrant):
        return None
    url = parse_url(grant.url)
    root = url.path.rstrip("/")
    # Made of vetted parts: a credential otherwise goes to https alone, here also to this machine.
    return SecretGrant.model_construct(
        variable=grant.variable,
        file=grant.file,
        hosts=[str(url.origin)],
        header="Authorization",
        form="token {}" if grant.kind == "gitea" else "Bearer {}",
        methods=["GET", "POST", "PATCH", "DELETE"],
        paths=[f"{root}/repos/{grant.repository}/", f"{root}/user"],
    )


def may_receive(grant: MailGrant, address: str) -> bool:
    """Whether a mail may go to an address."""
    wanted = address.lower()
    known = {each.lower() for each in grant.receivers}
    return bool(_ADDRESS.fullmatch(address)) and (
        wanted in known or f"@{wanted.rpartition('@')[2]}" in known
    )


def _origin(host: str) -> Origin:
    try:
        return parse_origin(host)
    except InvalidRequestError as error:
        raise ValueError(error.message) from error


def _require_safe(url: str, *, private: bool) -> None:
    origin = parse_url(url).origin
    if origin.scheme == "http" and not (private and origin.host in _HERE):
        raise ValueError("https; http for localhost alone, with private = true")
