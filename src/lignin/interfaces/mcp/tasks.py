"""Tasks for long work (SEP-2663): a call that is not done soon becomes a task that the client polls.

For clients that say they take tasks. A task is known by an unguessable handle, lives in this process,
and is forgotten an hour after it ended; what its operation committed is in the ledger either way.
"""

import asyncio
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fastmcp.server.context import Context as Wire
from fastmcp.server.extensions import (
    MethodBinding,
    ServerExtension,
    ToolCallContinuation,
    ToolCallOutcome,
)
from fastmcp.tools import ToolResult
from fastmcp.tools.base import InputRequiredToolResult
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict, Field

from lignin.domain.events import format_time
from lignin.interfaces.mcp.tools import CANCELLED

GRACE_S = 2.0
"""A call that ends within it answers at once."""
TTL = timedelta(hours=1)
POLL_MS = 1000
MAX_TASKS = 100
Status = Literal["working", "completed", "failed", "cancelled"]


class TaskParams(RequestParams):
    """Which task."""

    model_config = ConfigDict(populate_by_name=True)
    task_id: str = Field(alias="taskId", max_length=100)


class UpdateParams(TaskParams):
    """Answers to what a task asked; ours ask nothing."""

    input_responses: dict[str, Any] = Field(default_factory=dict, alias="inputResponses")


class TaskView(BaseModel):
    """A task on the wire."""

    result_type: str = Field(serialization_alias="resultType")
    task_id: str = Field(serialization_alias="taskId")
    status: Status
    created_at: str = Field(serialization_alias="createdAt")
    last_updated_at: str = Field(serialization_alias="lastUpdatedAt")
    ttl_ms: int = Field(serialization_alias="ttlMs")
    poll_interval_ms: int = Field(serialization_alias="pollIntervalMs")
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class Done(BaseModel):
    """That a request about a task was taken."""

    result_type: str = Field(default="complete", serialization_alias="resultType")


@dataclass(slots=True)
class _Running:
    task_id: str
    work: "asyncio.Task[ToolCallOutcome]"
    cancelled: threading.Event
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None

    @property
    def status(self) -> Status:
        if self.cancelled.is_set():
            return "cancelled"
        if not self.work.done():
            return "working"
        return "failed" if self.work.cancelled() or self.work.exception() else "completed"

    def view(self, result_type: str) -> TaskView:
        status = self.status
        made = TaskView(
            result_type=result_type,
            task_id=self.task_id,
            status=status,
            created_at=format_time(self.created_at),
            last_updated_at=format_time(self.ended_at or datetime.now(UTC)),
            ttl_ms=int(TTL.total_seconds() * 1000),
            poll_interval_ms=POLL_MS,
        )
        if result_type == "task":
            return made
        if status == "completed":
            made.result = _wire_result(self.work.result())
        elif status == "failed":
            made.error = {"code": INTERNAL_ERROR, "message": "the call failed"}
        return made


class Tasks(ServerExtension):
    """`tasks/get`, `tasks/update`, `tasks/cancel`, and the calls that become tasks."""

    identifier = "io.modelcontextprotocol/tasks"

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._running: OrderedDict[str, _Running] = OrderedDict()

    def methods(self) -> Sequence[MethodBinding]:
        """The three methods, in the versions that have extensions."""
        versions = frozenset(MODERN_PROTOCOL_VERSIONS)
        return (
            MethodBinding("tasks/get", TaskParams, self._get, versions),
            MethodBinding("tasks/update", UpdateParams, self._update, versions),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, versions),
        )

    async def intercept_tool_call(
        self, params: CallToolRequestParams, context: Wire, call_next: ToolCallContinuation
    ) -> ToolCallOutcome:
        """Wait a little for a call; go on with it as a task where the client takes tasks."""
        if not self._is_taken(context):
            return await call_next()
        tool = await context.fastmcp.get_tool(params.name)
        hints = tool.annotations if tool is not None else None
        if hints is None or hints.read_only_hint or hints.destructive_hint:
            return await call_next()  # reading is quick; what asks a person answers in rounds
        self._forget()
        if len(self._running) >= MAX_TASKS:
            return await call_next()
        cancelled = threading.Event()
        CANCELLED.set(cancelled)
        work = asyncio.ensure_future(call_next())
        done, _ = await asyncio.wait({work}, timeout=self._grace_s)
        if done:
            return work.result()
        running = _Running(secrets.token_urlsafe(24), work, cancelled)
        work.add_done_callback(lambda _: _ended(running))
        self._running[running.task_id] = running
        return running.view("task")

    def _is_taken(self, context: Wire) -> bool:
        """True where the client says, with this very request, that it takes tasks."""
        rc = context.request_context
        said: Any = ((rc.meta if rc else None) or {}).get(CLIENT_CAPABILITIES_META_KEY)
        named = said.get("extensions") if isinstance(said, dict) else None
        return isinstance(named, dict) and self.identifier in named

    def _forget(self) -> None:
        now = datetime.now(UTC)
        for key, each in list(self._running.items()):
            if each.ended_at is not None and now - each.ended_at > TTL:
                del self._running[key]

    def _known(self, task_id: str) -> _Running:
        self._forget()
        found = self._running.get(task_id)
        if found is None:
            raise MCPError(code=INVALID_PARAMS, message="no such task, or it was forgotten")
        return found

    async def _get(self, context: Any, params: TaskParams) -> TaskView:  # noqa: ARG002
        return self._known(params.task_id).view("complete")

    async def _update(self, context: Any, params: UpdateParams) -> Done:  # noqa: ARG002
        self._known(params.task_id)
        if params.input_responses:
            raise MCPError(code=INVALID_PARAMS, message="the task asked for nothing")
        return Done()

    async def _cancel(self, context: Any, params: TaskParams) -> Done:  # noqa: ARG002
        running = self._known(params.task_id)
        if not running.work.done():
            running.cancelled.set()
        return Done()


def _ended(running: _Running) -> None:
    running.ended_at = datetime.now(UTC)
    if not running.work.cancelled():
        running.work.exception()  # seen, so that nobody warns that it was not


def _wire_result(outcome: ToolCallOutcome) -> dict[str, Any]:
    assert isinstance(outcome, ToolResult) and not isinstance(outcome, InputRequiredToolResult)
    said: dict[str, Any] = {
        "resultType": "complete",
        "content": [each.model_dump(by_alias=True, exclude_none=True) for each in outcome.content],
        "isError": outcome.is_error,
    }
    if outcome.structured_content is not None:
        said["structuredContent"] = outcome.structured_content
    return said
