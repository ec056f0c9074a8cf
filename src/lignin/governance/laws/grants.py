"""A user's grants: which credential may go where, in which header, for which requests.

They are read from a file of the user's own and never from an artifact or the store. A grant alone
opens nothing: the artifact's manifest must declare both the secret's name and the host.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.governance.laws.headers import METHODS, TOKEN, is_reserved
from lignin.governance.laws.urls import Origin, parse_origin, require_plain_path

_SLOT = "{}"
NAME = r"^[a-z][a-z0-9-]{0,30}$"
_SERVER_URL = re.compile(
    r"https://[^\s/@]+(/\S*)?|http://(127\.0\.0\.1|localhost)(:\d{1,5})?(/\S*)?"
)


def _checked_host(text: str) -> str:
    try:
        origin = parse_origin(text)
    except InvalidRequestError as error:
        raise ValueError(error.message) from error
    if origin.scheme != "https":
        raise ValueError("a credential goes to https hosts only")
    return text


def _checked_header(name: str) -> str:
    if not TOKEN.fullmatch(name) or is_reserved(name):
        raise ValueError("no header that may carry a credential")
    return name


def _checked_form(form: str) -> str:
    if form.count(_SLOT) != 1 or not form.isascii() or not form.isprintable():
        raise ValueError(f"printable ASCII with one {_SLOT} where the credential goes")
    return form


def _checked_method(method: str) -> str:
    if method not in METHODS:
        raise ValueError(f"one of {', '.join(sorted(METHODS))}")
    return method


def _checked_path(path: str) -> str:
    try:
        require_plain_path(path)
    except DeniedError as error:
        raise ValueError(error.message) from error
    if not path.startswith("/") or "//" in path or "%" in path:
        raise ValueError("a path begins with a slash and holds no escapes")
    return path


class SecretGrant(BaseModel):
    """Where one credential comes from and the only place it may go.

    Args:
        variable: Environment variable that holds it, or
        file: a file of the user's, readable by nobody else.
        hosts: `name` or `name:port`, https only.
        header: The header that carries it.
        form: That header's value, with `{}` where the credential goes.
        methods: Of the requests that may carry it.
        paths: Prefixes of their paths, by whole segments.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    variable: str = ""
    file: str = ""
    hosts: list[Annotated[str, AfterValidator(_checked_host)]] = Field(min_length=1)
    header: Annotated[str, AfterValidator(_checked_header)] = "Authorization"
    form: Annotated[str, AfterValidator(_checked_form)] = "Bearer {}"
    methods: list[Annotated[str, AfterValidator(_checked_method)]] = ["GET"]
    paths: list[Annotated[str, AfterValidator(_checked_path)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_one_source(self) -> "SecretGrant":
        if bool(self.variable) == bool(self.file):
            raise ValueError("a credential comes from either a variable or a file")
        return self

    @property
    def origins(self) -> frozenset[Origin]:
        """The hosts as origins."""
        return frozenset(map(parse_origin, self.hosts))

    def value(self, credential: str) -> str:
        """Return the header's value with a credential or placeholder in it."""
        return self.form.replace(_SLOT, credential)


class ServerGrant(BaseModel):
    """A tool server that may answer artifacts.

    Args:
        command: Program and arguments of a server that talks over stdin and stdout, or
        url: of one that talks Streamable HTTP: https, or http on this machine.
        variables: Names of variables that the command is given.
        timeout_s: For one call, and for the server to start.
        reset_tool, state_tool: Both or neither: a tool without arguments that puts the server back to
            its start, and one that tells its whole state. With them it is an environment to try
            cases in; what it holds may be thrown away.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    command: list[Annotated[str, Field(min_length=1)]] = []
    url: str = ""
    variables: list[str] = []
    timeout_s: float = Field(default=20.0, gt=0, le=300)
    reset_tool: str = ""
    state_tool: str = ""

    @model_validator(mode="after")
    def _has_both_or_neither(self) -> "ServerGrant":
        if bool(self.reset_tool) != bool(self.state_tool):
            raise ValueError("an environment has both a reset_tool and a state_tool")
        return self

    @model_validator(mode="after")
    def _has_one_way(self) -> "ServerGrant":
        if bool(self.command) == bool(self.url):
            raise ValueError("a server has either a command or a url")
        if self.url and not _SERVER_URL.fullmatch(self.url):
            raise ValueError("https, or http to 127.0.0.1 or localhost; no user name in it")
        return self


class AgentGrant(BaseModel):
    """An agent or model that workflows may ask by a name of the user's.

    Args:
        model: `PROVIDER:MODEL`, or
        command: a command line that reads `{"prompt", "form"}` as JSON and writes its answer. It runs as
            the user, with all that the user may do.
        timeout_s: For one answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    model: str = ""
    command: str = ""
    timeout_s: float = Field(default=300.0, gt=0, le=3600)

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "AgentGrant":
        if bool(self.model) == bool(self.command):
            raise ValueError("an agent is either a model or a command")
        return self


class _GrantsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    secrets: dict[str, SecretGrant] = Field(default_factory=dict)
    servers: dict[Annotated[str, Field(pattern=NAME)], ServerGrant] = Field(default_factory=dict)
    agents: dict[Annotated[str, Field(pattern=NAME)], AgentGrant] = Field(default_factory=dict)
    connectors: dict[str, dict[str, Any]] = Field(default_factory=dict)  # see `laws.connectors`


def parse_grants(text: str) -> Mapping[str, SecretGrant]:
    """Return the secrets of a grants file (TOML, a table `[secrets.NAME]` each).

    Raises:
        InvalidRequestError: Each fault with its place; nothing of a broken file holds.
    """
    return _parse(text).secrets


def parse_servers(text: str) -> Mapping[str, ServerGrant]:
    """Return the tool servers of a grants file (a table `[servers.NAME]` each).

    Raises:
        InvalidRequestError: As `parse_grants`.
    """
    return _parse(text).servers


def parse_agents(text: str) -> Mapping[str, AgentGrant]:
    """Return the agents of a grants file (a table `[agents.NAME]` each).

    Raises:
        InvalidRequestError: As `parse_grants`.
    """
    return _parse(text).agents


def parse_tables(text: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables `[connectors.NAME]` as they are written.

    Raises:
        InvalidRequestError: As `parse_grants`.
    """
    return _parse(text).connectors


def misfit(error: ValidationError, at: str = "") -> InvalidRequestError:
    """The error for a grants file that does not fit: each fault with its place, and nothing of its values."""
    faults = "; ".join(
        f"{at}{'.'.join(map(str, fault['loc'])) or 'top'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_context=False)
    )
    return InvalidRequestError(f"the grants file does not fit its form: {faults}")


def _parse(text: str) -> _GrantsFile:
    try:
        return _GrantsFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequestError(f"the grants file does not parse: {error}") from error
    except ValidationError as error:
        raise misfit(error) from None
