"""One tool per operation: arguments in, structured content out, every call noted with its rationale."""

import contextlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import anyio
from fastmcp.exceptions import FastMCPError
from fastmcp.server.context import Context as Wire
from fastmcp.server.dependencies import get_context
from fastmcp.tools import Tool, ToolResult
from fastmcp.tools.base import InputRequiredToolResult
from mcp.shared.exceptions import MCPError
from mcp_types import (
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequests,
    InputRequiredResult,
    TextContent,
    ToolAnnotations,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import PrivateAttr

from lignin.domain.codec import digest_json
from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError
from lignin.domain.events import Actor
from lignin.interfaces.calls import Call, Calls
from lignin.interfaces.errors import envelope_of
from lignin.interfaces.mcp.teaching import (
    RATIONALE,
    description_of,
    hints_of,
    in_tools,
    input_schema,
    output_schema,
    require_rationale,
    title_of,
    tool_name,
)
from lignin.interfaces.remote import parse_request, with_types
from lignin.operations.calling import Call as Noted
from lignin.operations.calling import Outcome, note_call
from lignin.operations.context import Caller
from lignin.operations.lesson import Recalled
from lignin.operations.registry import Listed, Operation, Response

CANCELLED: ContextVar[threading.Event | None] = ContextVar("cancelled", default=None)
"""Set around a call that runs as a task, so that its cancelling reaches the operation."""
MAX_CONNECTIONS = 1000
_SOUGHT = ("query", "task", "text", "name", "session", "request")
_ODD = re.compile(r"[^a-z0-9._-]+")
_CONFIRM = {
    "type": "object",
    "properties": {"confirm": {"type": "boolean", "title": "Go on?", "default": False}},
    "required": ["confirm"],
}


class Written:
    """Which session each connection's captures belong to, and the names that it captured."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, set[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def session(self, connection: str) -> str:
        """The connection's session; empty where it has none yet."""
        with self._lock:
            return self._known.get(connection, ("", set()))[0]

    def wrote(self, connection: str, name: str) -> str:
        """The session in which a connection captured a name; empty where it did not."""
        with self._lock:
            session, names = self._known.get(connection, ("", set[str]()))
        return session if name.partition("@")[0] in names else ""

    def note(self, connection: str, session: str, name: str) -> None:
        """Remember what a connection captured."""
        with self._lock:
            _, names = self._known.setdefault(connection, (session, set()))
            self._known[connection] = (session, names | {name})
            self._known.move_to_end(connection)
            while len(self._known) > MAX_CONNECTIONS:
                self._known.popitem(last=False)


class OperationTool(Tool):
    """An operation as a tool."""

    _operation: Operation = PrivateAttr()
    _calls: Calls = PrivateAttr()
    _written: Written = PrivateAttr()
    _starts: Operation = PrivateAttr()
    _offered: frozenset[str] = PrivateAttr()

    async def run(self, arguments: dict[str, Any]) -> ToolResult:
        """Answer a call; an error is the envelope that every surface sends."""
        wire = get_context()
        client = client_of(wire)
        call = Call(actor=actor_of(self._calls, client), caller=caller_of(wire, client))
        call.cancelled = CANCELLED.get() or call.cancelled
        values = dict(arguments)
        rationale, given = "", values.pop(RATIONALE, None)
        call.dry_run = values.pop("dry_run", False) is True
        try:
            self._require(arguments)
            rationale = require_rationale(given)
            request = parse_request(self._operation, values, strict=False)
            if self._operation.effect == "govern" and not call.dry_run:
                asked = await _confirmed(self._operation, values, wire)
                if asked is not None:
                    return asked
            call.listener = _listener(wire)
            response = await self._calls.apart(
                lambda: self._made(request, call, client, rationale, connection_of(wire, client))
            )
        except LigninError as error:
            await self._note_refusal(call, values, client, rationale, error)
            envelope = envelope_of(error)
            for part in ("error", "remediation"):
                envelope[part] = in_tools(envelope[part], self._offered)
            text = json.dumps(envelope, ensure_ascii=False)
            return ToolResult(content=[_text(text)], is_error=True)
        said = response.model_dump(mode="json")
        return ToolResult(
            content=[_text(json.dumps(said, ensure_ascii=False))], structured_content=said
        )

    def _require(self, arguments: Mapping[str, Any]) -> None:
        lacking = [name for name in self.parameters["required"] if name not in arguments]
        if lacking:
            raise InvalidRequestError(
                f"{self.name} lacks {', '.join(lacking)}",
                hint=f"it takes {', '.join(self.parameters['properties'])}",
            )

    def _made(
        self, request: Any, call: Call, client: str, rationale: str, connection: str
    ) -> Response:
        request = self._placed(request, call, connection)
        response = self._calls.run_here(self._operation, request, call)
        if self._operation.name == "artifact.capture" and not call.dry_run:
            self._written.note(connection, request.session, str(response.model_dump()["name"]))
        noted = _noted(self._operation, request.model_dump(), client, rationale)
        self._note(call, noted(_outcome(response), ""))
        return response

    def _placed(self, request: Any, call: Call, connection: str) -> Any:
        """The request with what the server knows: the session, and who is accountable."""
        if self._operation.name == "artifact.call" and not request.session:
            session = self._written.wrote(connection, request.name)
            return request.model_copy(update={"session": session}) if session else request
        if self._operation.name != "artifact.capture":
            return request
        owner = request.owner or self._calls.context.scope.actor.sub
        session = request.session or self._written.session(connection)
        if not session and not call.dry_run:
            started = self._calls.run_here(
                self._starts,
                self._starts.request(),
                Call(actor=call.actor, caller=call.caller),
            )
            session = str(started.model_dump()["session"])
        return request.model_copy(update={"session": session, "owner": owner})

    async def _note_refusal(
        self, call: Call, values: Mapping[str, Any], client: str, rationale: str, error: LigninError
    ) -> None:
        noted = _noted(self._operation, values, client, rationale)("refused", error.code)
        try:
            await self._calls.apart(lambda: self._note(call, noted))
        except LigninError:
            return  # the caller hears the first error; where the store is full there is no second

    def _note(self, call: Call, noted: Noted) -> None:
        if not call.dry_run:
            note_call(self._calls.context_of(call), noted)


def operation_tool(
    operation: Operation,
    calls: Calls,
    written: Written,
    starts: Operation,
    offered: frozenset[str],
) -> OperationTool:
    """The tool of an operation.

    Args:
        written: Shared by all tools of a server.
        starts: `session.start`, for captures of a connection that has no session yet.
        offered: The names of all tools of the server, which its hints speak of.
    """
    tool = OperationTool(
        name=tool_name(operation),
        title=title_of(operation, offered),
        description=description_of(operation, offered),
        parameters=input_schema(operation, offered),
        output_schema=with_types(output_schema(operation, offered)),
        annotations=ToolAnnotations.model_validate(hints_of(operation)),
    )
    tool._operation, tool._calls = operation, calls
    tool._written, tool._starts, tool._offered = written, starts, offered
    return tool


def client_of(wire: Wire) -> str:
    """The client's name as it says, in plain letters."""
    rc = wire.request_context
    params = rc.session.client_params if rc is not None else None
    said = params.client_info.name if params is not None else "unknown"
    return _ODD.sub("-", said.lower())[:60].strip("-") or "unknown"


def caller_of(wire: Wire, client: str) -> Caller:
    """What the client says of itself and of the call: Claude Code and Codex name the tool call."""
    rc = wire.request_context
    params = rc.session.client_params if rc is not None else None
    meta: Mapping[str, Any] = (rc.meta if rc is not None else None) or {}
    turn = meta.get("x-codex-turn-metadata")
    turn = turn if isinstance(turn, dict) else {}
    return Caller(
        surface="mcp",
        client=client,
        client_version=params.client_info.version if params is not None else "",
        session=_said(turn.get("session_id")),
        call_id=_said(meta.get("claudecode/toolUseId")) or _said(meta.get("callId")),
        model=_said(turn.get("model")),
    )


def _said(value: Any) -> str:
    return value if isinstance(value, str) else ""


def connection_of(wire: Wire, client: str) -> str:
    """What stays the same over a connection's calls; where each call is its own, the client's name."""
    rc = wire.request_context
    if rc is None or rc.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return client
    return f"{client} {wire.session_id}"


def actor_of(calls: Calls, client: str) -> Actor:
    """Who acts: an agent, whoever started the server, so that none approves its own work."""
    actor = calls.context.scope.actor
    return actor if not actor.is_person else Actor(sub=f"agent:{client}")


async def _confirmed(
    operation: Operation, values: Mapping[str, Any], wire: Wire
) -> ToolResult | None:
    """None where the person says yes; a result that asks, where the protocol asks by answering.

    Raises:
        DeniedError: They do not, or the client cannot ask them.
    """
    told = json.dumps(values, ensure_ascii=False, default=str)[:500]
    message = f"{operation.summary} {tool_name(operation)} {told}: go on?"
    rc = wire.request_context
    if rc is not None and rc.protocol_version in MODERN_PROTOCOL_VERSIONS:
        state = digest_json([operation.name, dict(values)])
        if wire.input_responses is None or wire.request_state != state:
            form = ElicitRequestFormParams(message=message, requested_schema=_CONFIRM)
            asked: InputRequests = {"confirm": ElicitRequest(params=form)}
            _require_asking(wire)
            return InputRequiredToolResult(
                InputRequiredResult(input_requests=asked, request_state=state)
            )
        answer = wire.input_responses.get("confirm")
        action, content = getattr(answer, "action", ""), getattr(answer, "content", None) or {}
        agreed = action == "accept" and content.get("confirm") is True
    else:
        _require_asking(wire)
        try:
            heard = await wire.elicit(message, bool)
        except (FastMCPError, MCPError) as error:
            raise _unasked() from error
        agreed = heard.action == "accept" and heard.data is True
    if not agreed:
        raise DeniedError(
            f"the person did not agree to {operation.name}", hint="ask what they want"
        )
    return None


def _require_asking(wire: Wire) -> None:
    rc = wire.request_context
    able = rc.session.client_capabilities if rc is not None else None
    if able is None or able.elicitation is None:
        raise _unasked()


def _unasked() -> DeniedError:
    return DeniedError(
        "it decides what others are served, and this client cannot ask the person",
        hint="a person does it on the command line, or a client with elicitation",
    )


def _listener(wire: Wire) -> Any:
    async def send(what: str, done: int, total: int | None) -> None:
        # whoever asked may have left: the call goes on
        with contextlib.suppress(Exception):
            await wire.report_progress(done, total, what)

    def tell(what: str, done: int, total: int | None) -> None:
        anyio.from_thread.run(send, what, done, total)

    return tell


def _noted(operation: Operation, values: Mapping[str, Any], client: str, rationale: str) -> Any:
    sought = next((str(values[name]) for name in _SOUGHT if values.get(name)), "")

    def made(outcome: Outcome, error: str) -> Noted:
        return Noted(
            operation=operation.name,
            asked=sought,
            rationale=rationale,
            outcome=outcome,
            error=error,
            client=client,
        )

    return made


def _outcome(response: Response) -> Outcome:
    if isinstance(response, Recalled):
        return "served" if response.artifacts or response.lessons else "empty"
    return "empty" if isinstance(response, Listed) and response.total == 0 else "served"


def _text(text: str) -> TextContent:
    # half a surrogate pair has no bytes
    return TextContent(type="text", text=text.encode(errors="replace").decode())
