"""How the SDK reaches operations: in this process on a store, or over HTTP at a server.

Both take an operation's name and JSON values, and answer with the operation's own response or raise one of
Lignin's errors. Nothing else leaves.
"""

import json
import os
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol

from pydantic import ValidationError

from lignin import __version__
from lignin.domain import errors
from lignin.domain.errors import (
    DeniedError,
    IntegrityError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from lignin.interfaces.errors import FAMILIES, InternalError, explain_fault
from lignin.interfaces.remote import faults_of
from lignin.operations.context import Caller, Context
from lignin.operations.registry import Operation, Response, load_noun

CLIENT = "lignin_sdk"
"""What the SDK calls itself where uses and sessions are told apart by client."""
PREFIX = "/api/v1"
TIMEOUT_S = 600.0
MAX_ANSWER_BYTES = 256 * 2**20


OpenContext = Callable[[], AbstractContextManager[Context]]


CALLING: ContextVar[tuple[str, str]] = ContextVar("lignin_calling", default=("", ""))
"""The session that calls, and its id of the call: so that a use which both tell of counts once."""


class Transport(Protocol):
    """Asks operations."""

    def ask(self, name: str, values: Mapping[str, Any]) -> Response:
        """The operation's answer.

        Raises:
            LigninError: What the operation says.
        """

    def close(self) -> None:
        """Let go of what is open; it is opened anew where it is asked again."""


def find_operation(name: str) -> Operation:
    """An operation that a program may ask for.

    Raises:
        DeniedError: It decides what others are served.
        NotFoundError: There is none of that name.
    """
    try:
        found = load_noun(name.partition(".")[0])[name]
    except (ImportError, KeyError):
        raise NotFoundError(
            f"no operation {name!r:.100}", hint="`lignin schema` lists them"
        ) from None
    if found.effect == "govern":
        raise DeniedError(
            f"{name} decides what others are served: a program does not",
            hint=f"a person does it: `lignin {name.replace('.', ' ')}`",
        )
    return found


class LocalStore:
    """A store in this process, opened when it is first asked; a forked process opens its own.

    Args:
        open_context: Opens a context on it.
    """

    def __init__(self, open_context: OpenContext) -> None:
        self._open_context = open_context
        self._lock = threading.Lock()
        self._open: tuple[int, Context, ExitStack] | None = None

    def ask(self, name: str, values: Mapping[str, Any]) -> Response:
        operation = find_operation(name)
        try:
            request = operation.request.model_validate(dict(values))
        except ValidationError as error:
            raise InvalidRequestError(
                f"the request does not fit {name}: {faults_of(error)}",
                hint=f"`lignin schema {name}` shows what it takes",
            ) from error
        try:
            session, call_id = CALLING.get()
            caller = Caller(
                surface="sdk",
                client=CLIENT,
                client_version=__version__,
                session=session,
                call_id=call_id,
            )
            context = replace(self._context(), caller=caller)
            answer: Response = operation.run(context, request)
        except Exception as error:
            raise explain_fault(error) from error
        return answer

    def _context(self) -> Context:
        with self._lock:
            if self._open is None or self._open[0] != os.getpid():
                stack = ExitStack()
                context = stack.enter_context(self._open_context())
                self._open = (os.getpid(), context, stack)
            return self._open[1]

    def close(self) -> None:
        with self._lock:
            was, self._open = self._open, None
        if was is not None and was[0] == os.getpid():
            was[2].close()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Elsewhere the token is nobody's business."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Server:
    """A server of `lignin up --http`.

    Args:
        url: Such as http://127.0.0.1:4320.
        token: The server's token; "" where it asks for none.
    """

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise InvalidRequestError(
                "the server's URL is none", hint="such as http://127.0.0.1:4320, without a password"
            )
        self._url, self._token, self._timeout_s = url.rstrip("/"), token, timeout_s
        self._opener = urllib.request.build_opener(_NoRedirect())

    def ask(self, name: str, values: Mapping[str, Any]) -> Response:
        operation = find_operation(name)
        status, body = self._send(operation, values)
        try:
            told = json.loads(body)
            if status != 200:
                raise _error_of(status, told)
            answer: Response = operation.response.model_validate(told)
        except (ValueError, TypeError, AttributeError) as error:
            raise UnavailableError(
                f"{self._url} answered {name} with what is no answer of Lignin (HTTP {status})",
                hint="is it a server of the same version?",
            ) from error
        return answer

    def close(self) -> None:
        """Nothing stays open."""

    def _send(self, operation: Operation, values: Mapping[str, Any]) -> tuple[int, bytes]:
        request = self._request(operation, values)
        try:
            try:
                with self._opener.open(request, timeout=self._timeout_s) as answer:
                    return answer.status, _bounded(answer)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, _bounded(error)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise UnavailableError(
                f"{self._url} cannot be asked: {reason}",
                hint="is `lignin up --http` running there? LIGNIN_URL says where",
            ) from error

    def _request(self, operation: Operation, values: Mapping[str, Any]) -> urllib.request.Request:
        path = f"{self._url}{PREFIX}/{operation.name.replace('.', '/')}"
        headers = {"User-Agent": f"{CLIENT}/{__version__}", "Accept": "application/json"}
        if any(calling := CALLING.get()):
            headers["Lignin-Call"] = " ".join(calling)
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        given = {key: value for key, value in values.items() if value is not None}
        if operation.effect == "read":
            query = urllib.parse.urlencode({k: _word(v) for k, v in given.items()}, doseq=True)
            path = f"{path}?{query}" if query else path
            return urllib.request.Request(path, headers=headers)  # noqa: S310 - http or https
        try:
            body = json.dumps(given, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise InvalidRequestError(f"the values are no JSON: {error}") from error
        headers["Content-Type"] = "application/json"
        return urllib.request.Request(  # noqa: S310 - http or https
            path, data=body, headers=headers, method="POST"
        )


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _bounded(answer: Any) -> bytes:
    body: bytes = answer.read(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise LimitedError(f"an answer of over {MAX_ANSWER_BYTES} bytes", hint="ask for less")
    return body


def _error_of(status: int, told: Mapping[str, Any]) -> LigninError:
    """The error that problem details stand for: by its code, else by the family of its status."""
    by_code = {kind.code: kind for kind in _kinds()}
    by_status = {status: kind for kind, (_, status) in FAMILIES.items()} | {401: DeniedError}
    kind = by_code.get(str(told.get("code"))) or by_status.get(status, InternalError)
    if kind is IntegrityError and told.get("code") != IntegrityError.code:
        kind = InternalError
    fields = {str(key): value for key, value in (told.get("fields") or {}).items()}
    hint = str(told.get("remediation", ""))
    if status == 401:
        hint = "LIGNIN_TOKEN holds it; it is in http.token in the data folder of the server"
    return kind(
        str(told["detail"]), hint=hint, **{k: v for k, v in fields.items() if k != "message"}
    )


def _kinds() -> list[type[LigninError]]:
    known = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each for each in known if issubclass(each, LigninError) and each is not LigninError]
