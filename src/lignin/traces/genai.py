"""Messages as OpenTelemetry's GenAI conventions and their forerunners write them.

Owns the reading of one message in each of the dated forms: parts (`gen_ai.input.messages`), events
(`gen_ai.user.message`), numbered attributes (`gen_ai.prompt.0.content`) and the AI SDK's
`ai.prompt.messages`. Source: the conventions at schema 1.42-dev and their change logs.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lignin.domain.traces import ToolCall
from lignin.traces.chat import ROLES, read_calls
from lignin.traces.fields import as_arguments, as_list, as_object, as_text, content_text
from lignin.traces.spans import Message, as_parsed, nest, plain_text

_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
}


def input_messages(
    attributes: Mapping[str, Any], events: Iterable[tuple[str, Mapping[str, Any]]]
) -> tuple[Message, ...]:
    """Return what a model was given, whichever form says it."""
    instructions = as_parsed(attributes.get("gen_ai.system_instructions"))
    first = []
    if instructions:
        parts = {"role": "system", "parts": instructions, "content": instructions}
        first = _from_parts(parts if isinstance(instructions, list) else {**parts, "parts": None})
    for name in ("gen_ai.input.messages", "ai.prompt.messages", "ai.prompt"):
        given = as_parsed(attributes.get(name))
        given = as_object(given).get("messages", given) if isinstance(given, dict) else given
        if isinstance(given, list):
            return (*first, *_all_parts(given))
    numbered = nest(dict(attributes), "gen_ai.prompt")
    if numbered:
        return (*first, *(_numbered(each, number) for number, each in enumerate(numbered)))
    told = [message for message, is_choice in _from_events(events) if not is_choice]
    if not told and isinstance(attributes.get("gen_ai.prompt"), str):
        told = [Message(role="user", text=as_text(attributes["gen_ai.prompt"]))]
    return (*first, *told)


def output_messages(
    attributes: Mapping[str, Any], events: Iterable[tuple[str, Mapping[str, Any]]]
) -> tuple[Message, ...]:
    """Return what a model gave, whichever form says it."""
    given = as_parsed(attributes.get("gen_ai.output.messages"))
    if isinstance(given, list):
        return tuple(_all_parts(given))
    numbered = nest(dict(attributes), "gen_ai.completion")
    if numbered:
        return tuple(_numbered(each, number) for number, each in enumerate(numbered))
    told = [message for message, is_choice in _from_events(events) if is_choice]
    if told:
        return tuple(told)
    text = attributes.get("ai.response.text") or attributes.get("gen_ai.completion")
    calls = as_parsed(attributes.get("ai.response.toolCalls"))
    if text or calls:
        made = tuple(
            ToolCall(
                call_id=as_text(each.get("toolCallId")) or f"call-{number}",
                name=as_text(each.get("toolName")),
                arguments=as_arguments(each.get("args", each.get("input"))),
            )
            for number, each in enumerate(as_list(calls))
            if isinstance(each, dict)
        )
        return (Message(role="assistant", text=as_text(text), calls=made),)
    return ()


def _all_parts(messages: list[Any]) -> list[Message]:
    return [one for each in messages if isinstance(each, dict) for one in _from_parts(each)]


def _from_parts(message: dict[str, Any]) -> list[Message]:
    """Return a message; the results of several calls, which one message may hold, as one each."""
    role = ROLES.get(as_text(message.get("role")), "user")
    parts = as_list(message.get("parts")) or as_list(message.get("content"))
    if not parts:
        text = content_text(message.get("content"))
        calls = read_calls(message.get("tool_calls"), 0)
        answers = as_text(message.get("tool_call_id"))
        return [Message(role=role, text=text, calls=calls, answers=answers)]
    texts, thoughts, results = [], [], []
    made: list[ToolCall] = []
    for number, given in enumerate(parts):
        part = given if isinstance(given, dict) else {"type": "text", "content": given}
        kind = as_text(part.get("type")).replace("-", "_")
        said = plain_text(part.get("content", part.get("text")))
        if kind in {"tool_call", "tool_use"}:
            made.append(_call(part, number))
        elif kind in {"tool_call_response", "tool_result"}:
            results.append(_result(part))
        elif kind in {"reasoning", "thinking"}:
            thoughts.append(said)
        else:
            texts.append(said or (f"[{kind}]" if kind not in {"", "text"} else ""))
    text = "\n".join(each for each in texts if each)
    if results and not (text or made):
        return results
    own = Message(role=role, text=text, reasoning="\n".join(thoughts), calls=tuple(made))
    return [*results, own]


def _call(part: dict[str, Any], number: int) -> ToolCall:
    given = part.get("arguments", part.get("input", part.get("args")))
    return ToolCall(
        call_id=as_text(part.get("id") or part.get("toolCallId")) or f"call-{number}",
        name=as_text(part.get("name") or part.get("toolName")),
        arguments=as_arguments(given),
    )


def _result(part: dict[str, Any]) -> Message:
    held = (part.get(name) for name in ("response", "result", "output", "content"))
    value = next((each for each in held if each is not None), None)
    text = content_text(value) if isinstance(value, list) else plain_text(value)
    answers = part.get("id") or part.get("tool_use_id") or part.get("toolCallId")
    failed = part.get("is_error")
    return Message(
        role="tool",
        text=text or plain_text(value),
        answers=as_text(answers),
        is_error=failed if isinstance(failed, bool) else None,
    )


def _numbered(flat: dict[str, Any], number: int) -> Message:
    calls = tuple(
        _call({**each, "id": each.get("id", f"call-{number}-{place}")}, place)
        for place, each in enumerate(nest(flat, "tool_calls"))
    )
    content = as_parsed(flat.get("content"))
    return Message(
        role=ROLES.get(as_text(flat.get("role")), "user"),
        text=content_text(content) if isinstance(content, list) else plain_text(content),
        reasoning=as_text(flat.get("reasoning_content")),
        calls=calls,
        answers=as_text(flat.get("tool_call_id")),
    )


def event_message(name: str, attributes: Mapping[str, Any], body: Any) -> Message | None:
    """Return the message that an event of the older conventions holds, None for any other."""
    if name not in _EVENTS:
        return None
    body = as_object(as_parsed(body))
    held = {**{key.removeprefix("gen_ai.event."): attributes[key] for key in attributes}, **body}
    message = as_object(as_parsed(held.get("message"))) or held
    calls = as_parsed(message.get("tool_calls", message.get("gen_ai.tool_calls")))
    return Message(
        role=ROLES[_EVENTS[name]],
        text=content_text(as_parsed(message.get("content"))),
        calls=read_calls(calls, 0),
        answers=as_text(held.get("id")) if _EVENTS[name] == "tool" else "",
    )


def _from_events(
    events: Iterable[tuple[str, Mapping[str, Any]]],
) -> Iterable[tuple[Message, bool]]:
    for name, attributes in events:
        if message := event_message(name, attributes, attributes.get("body")):
            yield message, name == "gen_ai.choice"
