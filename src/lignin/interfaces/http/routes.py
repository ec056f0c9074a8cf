"""One route per operation, made from its effect and its models.

What reads is a GET with its request in the query; everything else a POST with its request as JSON, a
`dry_run` parameter, and an `Idempotency-Key` that makes repeating safe. What governs takes a token of its
own, which there is only where the server was started for it. Progress comes as server-sent
events to who accepts them. Names, defaults and errors are those of the command line.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, get_args, get_origin

import anyio
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from lignin.domain.codec import parse_json
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)
from lignin.domain.uses import Surface
from lignin.interfaces.calls import Call, Calls
from lignin.interfaces.errors import status_of
from lignin.interfaces.http.guard import GOVERN_TOKEN_FILE, GOVERNS, SHOWN
from lignin.interfaces.http.openapi import describe
from lignin.interfaces.http.problems import MEDIA, answer_error, problem, problem_of
from lignin.interfaces.remote import parse_request
from lignin.operations.answered import Repeatable, begin, finish, let_go, repeatable
from lignin.operations.context import Caller
from lignin.operations.registry import Operation

PREFIX = "/api/v1"
EVENTS = "text/event-stream"
MAX_UNTOLD = 1000
SDK = "lignin_sdk"
"""What the Python SDK calls itself."""
_OPEN_EFFECTS = frozenset({"read", "write"})
_AGAIN = (UnavailableError, LimitedError, ConflictError)


def path_of(operation: Operation) -> str:
    """The path of an operation."""
    return f"{PREFIX}/{operation.name.replace('.', '/')}"


def method_of(operation: Operation) -> str:
    """GET for what reads, POST for everything else."""
    return "GET" if operation.effect == "read" else "POST"


def operations_router(
    operations: Mapping[str, Operation], calls: Calls, *, govern: bool = False
) -> APIRouter:
    """The routes of all operations that a caller of a server may ask for.

    Args:
        govern: What governs is on, for who shows the token of its own.
    """
    router = APIRouter()
    for operation in operations.values():
        if operation.remote:
            router.add_api_route(
                path_of(operation),
                _endpoint(operation, calls, govern),
                methods=[method_of(operation)],
                **describe(operation),
            )
    return router


def _endpoint(
    operation: Operation, calls: Calls, govern: bool
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            refused = _refused(operation, request, govern)
            if refused is not None:
                return refused
            call, values = await _read(operation, request)
            asked = parse_request(operation, values, strict=operation.effect != "read")
            key = request.headers.get("idempotency-key")
            again = None
            if key is not None and operation.effect != "read":
                again = repeatable(key, operation.name, values, idempotent=operation.idempotent)
                again = None if call.dry_run else again
            made = _Made(operation, asked, call, calls, again)
        except LigninError as error:
            return answer_error(error)
        if EVENTS in request.headers.get("accept", ""):
            return StreamingResponse(made.events(), media_type=EVENTS)
        status, body = await made.answer()
        media = "application/json" if status == 200 else MEDIA
        return _json(status, body, media)

    return answer


def _refused(operation: Operation, request: Request, govern: bool) -> Response | None:
    if not request.scope[SHOWN] and operation.effect not in _OPEN_EFFECTS:
        return problem(
            401,
            f"{operation.name} runs code or decides: that takes the token",
            "no_token",
            "send `Authorization: Bearer TOKEN`; it is in http.token in the data folder",
        )
    if operation.effect != "govern" or (govern and request.scope[GOVERNS]):
        return None
    command = f"`lignin {operation.name.replace('.', ' ')}`"
    return problem(
        403,
        f"{operation.name} decides what others are served: the token of agents does not do that",
        "denied",
        f"a person does it: with the token in {GOVERN_TOKEN_FILE} in the data folder, or {command} there"
        if govern
        else f"a person does it: {command} there, or the server is started with --govern",
    )


class _Made:
    """One call, to be answered at once or with its progress."""

    def __init__(
        self, operation: Operation, asked: Any, call: Call, calls: Calls, again: Repeatable | None
    ) -> None:
        self._operation, self._asked, self._call = operation, asked, call
        self._calls, self._again = calls, again

    async def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and the body."""
        try:
            found: tuple[int, dict[str, Any]] = await self._calls.apart(self._work)
        except LigninError as error:
            return status_of(error), problem_of(error)
        return found

    def _work(self) -> tuple[int, dict[str, Any]]:
        context = self._calls.context_of(self._call)
        if self._again is not None:
            kept = begin(context, self._again)
            if isinstance(kept, dict) and "status" in kept:
                return int(kept["status"]), dict(kept["body"])
            if kept is not None:
                raise ConflictError("the call was made, and its answer was too large to keep")
        try:
            response = self._calls.run_here(self._operation, self._asked, self._call)
            status, body = 200, response.model_dump(mode="json")
        except LigninError as error:
            if self._again is not None and isinstance(error, _AGAIN):
                let_go(context, self._again)
                raise
            status, body = status_of(error), problem_of(error)
        if self._again is not None:
            finish(context, self._again, {"status": status, "body": body})
        return status, body

    async def events(self) -> AsyncIterator[bytes]:
        """Progress as it comes, then `result` or `problem`."""
        send, receive = anyio.create_memory_object_stream[tuple[str, Any]](MAX_UNTOLD)

        def listener(what: str, done: int, total: int | None) -> None:
            try:
                said = {"what": what, "done": done, "total": total}
                anyio.from_thread.run_sync(send.send_nowait, ("progress", said))
            except (anyio.WouldBlock, anyio.BrokenResourceError):
                return  # whoever reads so slowly, or left, misses this one

        self._call.listener = listener

        async def work() -> None:
            status, body = await self.answer()
            await send.send(("result" if status == 200 else "problem", body))
            send.close()

        async with anyio.create_task_group() as group:
            group.start_soon(work)
            async with receive:
                async for kind, said in receive:
                    yield f"event: {kind}\ndata: {_text(said)}\n\n".encode(errors="replace")


async def _read(operation: Operation, request: Request) -> tuple[Call, dict[str, Any]]:
    """The call's own parameters, and the request's values."""
    query: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    call = Call(caller=_caller(request))
    if operation.effect == "read":
        return call, {name: _one(operation, name, values) for name, values in query.items()}
    dry_run = query.pop("dry_run", ["false"])
    if dry_run not in (["true"], ["false"]):
        raise InvalidRequestError("dry_run is true or false")
    if query:
        odd = ", ".join(sorted(query))
        raise InvalidRequestError(
            f"{odd!r:.200} in the query", hint="send the request as a JSON object in the body"
        )
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind != "application/json":
        raise InvalidRequestError(f"content type {kind!r:.80}", hint="send application/json")
    body = await request.body()
    values = parse_json(body) if body else {}
    if not isinstance(values, dict):
        raise InvalidRequestError("the body is no JSON object")
    return replace(call, dry_run=dry_run == ["true"]), values


def _caller(request: Request) -> Caller:
    """Who calls, as the first product of `User-Agent` says, and for which call of which session."""
    product = request.headers.get("user-agent", "").partition(" ")[0]
    name, _, version = product.partition("/")
    surface: Surface = "sdk" if name == SDK else "http"
    session, _, call_id = request.headers.get("lignin-call", "").partition(" ")
    return Caller(
        surface=surface, client=name, client_version=version, session=session, call_id=call_id
    )


def _one(operation: Operation, name: str, values: list[str]) -> Any:
    info = operation.request.model_fields.get(name)
    annotation = info.annotation if info is not None else str
    kinds = [get_origin(each) for each in (annotation, *get_args(annotation))]
    if list in kinds:
        return values
    if len(values) > 1:
        raise InvalidRequestError(f"{name!r:.80} is there {len(values)} times")
    return values[0]


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise DeniedError(f"the answer holds a number that JSON has not: {error}") from error


def _json(status: int, body: Any, media: str) -> Response:
    headers = {"retry-after": "1"} if status in {429, 503} else {}
    content = _text(body).encode(errors="replace")
    return Response(content, status, headers=headers, media_type=media)
