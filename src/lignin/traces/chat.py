"""A conversation while it becomes steps.

Owns the join of tool results to their calls: by id; without one, the oldest open call of that
name; without a name, the oldest open call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lignin.domain.traces import Role, Step, ToolCall
from lignin.traces.fields import (
    as_arguments,
    as_count,
    as_list,
    as_microusd,
    as_object,
    as_text,
    content_text,
)

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}


@dataclass(slots=True)
class Chat:
    """Steps in order, and the calls that wait for their results."""

    steps: list[Step] = field(default_factory=list)
    open_calls: list[tuple[int, int]] = field(default_factory=list)

    def add(self, step: Step) -> Step:
        """Add a step; its unanswered calls wait for results."""
        for place, call in enumerate(step.calls):
            if call.observation is None:
                self.open_calls.append((len(self.steps), place))
        self.steps.append(step)
        return step

    def find(self, call_id: str, name: str = "") -> ToolCall | None:
        """Return the open call that a result is for."""
        at = self._place(call_id, name)
        return self.steps[at[0]].calls[at[1]] if at else None

    def _place(self, call_id: str, name: str) -> tuple[int, int] | None:
        for at in self.open_calls:
            call = self.steps[at[0]].calls[at[1]]
            if (call.call_id == call_id) if call_id else (not name or call.name == name):
                return at
        return None

    def answer(
        self,
        call_id: str,
        observation: str,
        *,
        name: str = "",
        is_error: bool | None = None,
        exit_code: int | None = None,
    ) -> int | None:
        """Put a result on its call; returns the calling step's index, None where nothing asked."""
        at = self._place(call_id, name)
        if at is None:
            return None
        self.open_calls.remove(at)
        step = self.steps[at[0]]
        calls = list(step.calls)
        calls[at[1]] = replace(
            calls[at[1]], observation=observation, is_error=is_error, exit_code=exit_code
        )
        self.steps[at[0]] = replace(step, calls=tuple(calls))
        return step.index


def add_message(chat: Chat, message: dict[str, Any], index: int) -> None:
    """Add a message of the common chat form: `role`, `content`, `tool_calls`; `tool_call_id`, `is_error`.

    Args:
        index: Its place among the messages, from 1.
    """
    role = ROLES.get(as_text(message.get("role")), "user")
    text, reasoning = split_content(message.get("content"))
    parent = None
    if role == "tool":
        flag = message.get("is_error")
        parent = chat.answer(
            as_text(message.get("tool_call_id")),
            text,
            name=as_text(message.get("name")),
            is_error=flag if isinstance(flag, bool) else None,
        )
    spoke = role == "assistant"
    tokens = read_usage(message.get("usage")) if spoke else (None, None)
    chat.add(
        Step(
            index=index,
            role=role,
            text=text,
            reasoning=reasoning or as_text(message.get("reasoning_content")),
            calls=read_calls(message.get("tool_calls"), index) if spoke else (),
            at=as_text(message.get("timestamp")) or None,
            model=as_text(message.get("model")) if spoke else "",
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cost_microusd=as_microusd(message.get("cost")) if spoke else None,
            parent=parent,
        )
    )


def read_calls(items: Any, index: int) -> tuple[ToolCall, ...]:
    """Return tool calls in the shapes that chat services use.

    Args:
        items: Objects with `id` and either `function: {name, arguments}` or `name`/`function` and
            `arguments`; `requestor` where a client names one.
        index: The message's index, for calls without an id.
    """
    calls = []
    for number, item in enumerate(each for each in as_list(items) if isinstance(each, dict)):
        function = as_object(item.get("function")) or item
        name = as_text(function.get("name")) or as_text(item.get("function"))
        given = function.get("arguments", function.get("args", function.get("input")))
        calls.append(
            ToolCall(
                call_id=as_text(item.get("id")) or f"message-{index}-{number}",
                name=name,
                arguments=as_arguments(given),
                requestor="user" if item.get("requestor") == "user" else "assistant",
            )
        )
    return tuple(calls)


def read_usage(usage: Any) -> tuple[int | None, int | None]:
    """Return (input, output) tokens under any of the names that services give them."""
    usage = as_object(usage)
    return (
        _first_count(usage, ("prompt_tokens", "input_tokens", "promptTokens", "input")),
        _first_count(usage, ("completion_tokens", "output_tokens", "completionTokens", "output")),
    )


def _first_count(usage: dict[str, Any], names: Sequence[str]) -> int | None:
    counts = (as_count(usage.get(name)) for name in names)
    return next((count for count in counts if count is not None), None)


def split_content(content: Any) -> tuple[str, str]:
    """Return (text, reasoning) of message content: a string, or blocks of which some reason."""
    blocks = as_list(content)
    if not blocks:
        return content_text(content), ""
    thoughts = [each for each in blocks if _is_reasoning(each)]
    said = content_text([each for each in blocks if not _is_reasoning(each)])
    written = [as_text(t.get("reasoning") or t.get("thinking") or t.get("text")) for t in thoughts]
    return said, "\n".join(each for each in written if each)


def _is_reasoning(block: Any) -> bool:
    return isinstance(block, dict) and as_text(block.get("type")) in {"reasoning", "thinking"}
