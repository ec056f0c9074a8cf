"""A scripted model on this machine: the Messages API of Anthropic and the Responses API of OpenAI, streamed.

A prompt names its script as `[[NAME]]`; the step is how many turns the model took since that prompt, so
the same request has the same answer, however often and in whatever order it is sent. What names no
script (a title, a count of tokens) gets one short text. It is an HTTP proxy too, one that leads nowhere:
what a client asks of any other machine is refused and kept in `elsewhere`.
"""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKENS = {"input": 1000, "output": 20}
"""What every answer is said to have cost, so that costs can be computed."""
_MARK = re.compile(r"\[\[([\w-]+)\]\]")


@dataclass(frozen=True)
class Call:
    """One call of a tool."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """What the client sent: the tools it offers, and what its tools answered since the prompt."""

    tools: Sequence[str]
    results: Sequence[str]
    request: Mapping[str, Any]


Said = str | Call | Sequence[Call]
Step = Said | Callable[[Turn], Said]
Scripts = Mapping[str, Sequence[Step]]


@dataclass
class ModelServer:
    """The server while it runs: where, what it was asked, and what was asked of others."""

    url: str
    scripts: dict[str, Sequence[Step]]
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def answer(self, form: str, body: dict[str, Any]) -> Said:
        """What the script of the last prompt says at this step; "done" past its end."""
        read = _read_messages if form == "messages" else _read_responses
        name, taken, results, tools = read(body)
        if name not in self.scripts or not tools:
            return "local"
        script = self.scripts[name]
        if taken >= len(script):
            return "done"
        step = script[taken]
        return step(Turn(tools, results, body)) if callable(step) else step


def _read_messages(body: dict[str, Any]) -> tuple[str, int, list[str], list[str]]:
    name, taken, results = "", 0, list[str]()
    for message in body.get("messages", []):
        blocks = message["content"]
        blocks = [{"type": "text", "text": blocks}] if isinstance(blocks, str) else blocks
        for block in blocks:
            if block["type"] == "tool_result":
                results.append(_text(block.get("content")))
            elif message["role"] == "user" and (found := _MARK.findall(block.get("text", ""))):
                name, taken, results = found[-1], 0, []
        taken += message["role"] == "assistant"
    return name, taken, results, [tool.get("name", "") for tool in body.get("tools", [])]


def _read_responses(body: dict[str, Any]) -> tuple[str, int, list[str], list[str]]:
    name, turns, results = "", set[str](), list[str]()
    for item in body.get("input", []):
        kind = item.get("type", "message")
        if kind.endswith("_call_output") or kind == "tool_search_output":
            results.append(_text(item.get("output", item)))
        elif kind.endswith("_call") or (kind == "message" and item.get("role") == "assistant"):
            turns.add(str(item.get("call_id", item)).rpartition("-")[0])
        elif item.get("role") == "user" and (found := _MARK.findall(_text(item.get("content")))):
            name, turns, results = found[-1], set(), []
    tools = []
    for tool in body.get("tools", []):
        inner = tool.get("tools") if tool.get("type") == "namespace" else None
        tools += [f"{tool['name']}__{each['name']}" for each in inner] if inner else [
            tool.get("name") or tool.get("type", "")
        ]  # fmt: skip
    return name, len(turns), results, tools


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(_text(each.get("text", "")) for each in content if isinstance(each, dict))
    return json.dumps(content)


def _calls(said: Said) -> Sequence[Call]:
    return [said] if isinstance(said, Call) else [] if isinstance(said, str) else said


def messages_events(said: Said, body: dict[str, Any], ident: str) -> Iterator[dict[str, Any]]:
    """An answer as the Messages API streams it."""
    usage = {"input_tokens": TOKENS["input"], "output_tokens": TOKENS["output"]}
    message = {"id": f"msg_{ident}", "type": "message", "role": "assistant", "content": [],
               "model": body.get("model", ""), "stop_reason": None, "stop_sequence": None,
               "usage": {**usage, "output_tokens": 1}}  # fmt: skip
    yield {"type": "message_start", "message": message}
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for number, call in enumerate(_calls(said)):
        block = {"type": "tool_use", "id": f"toolu_{ident}{number}", "name": call.tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(call.arguments)}
        blocks.append((block, delta))
    if isinstance(said, str):
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": said}))
    for index, (block, delta) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = "end_turn" if isinstance(said, str) else "tool_use"
    delta = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": usage}
    yield {"type": "message_stop"}


def responses_events(said: Said, body: dict[str, Any], ident: str) -> Iterator[dict[str, Any]]:
    """An answer as the Responses API streams it."""
    yield {"type": "response.created", "response": {"id": f"resp_{ident}"}}
    items: list[dict[str, Any]] = []
    namespaces = {t["name"]: t for t in body.get("tools", []) if t.get("type") == "namespace"}
    for number, call in enumerate(_calls(said)):
        item = {"type": "function_call", "id": f"fc_{ident}{number}",
                "call_id": f"call_{ident}-{number}", "name": call.tool,
                "arguments": json.dumps(call.arguments)}  # fmt: skip
        for name in namespaces:
            if call.tool.startswith(f"{name}__"):
                item |= {"name": call.tool.removeprefix(f"{name}__"), "namespace": name}
        items.append(item)
    if isinstance(said, str):
        content = [{"type": "output_text", "text": said}]
        items.append(
            {"type": "message", "role": "assistant", "id": f"msg_{ident}", "content": content}
        )
    for index, item in enumerate(items):
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    usage = {"input_tokens": TOKENS["input"], "input_tokens_details": {"cached_tokens": 0},
             "output_tokens": TOKENS["output"], "output_tokens_details": {"reasoning_tokens": 0},
             "total_tokens": sum(TOKENS.values())}  # fmt: skip
    yield {"type": "response.completed", "response": {"id": f"resp_{ident}", "usage": usage}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: ModelServer
    count = 0
    lock = threading.Lock()

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", 0))
        raw = self.rfile.read(size)
        path = self.path.partition("?")[0]
        if not path.startswith("/"):
            self._refuse()
            return
        body = json.loads(raw or b"{}")
        with self.lock:
            type(self).count += 1
            ident = f"{self.count:06d}"
            self.model.requests.append((path, body))
        if path.endswith("/count_tokens"):
            self._send(json.dumps({"input_tokens": TOKENS["input"]}).encode())
            return
        form = path.rpartition("/")[2]
        if form not in {"messages", "responses"}:
            self._send(b"{}")
            return
        try:
            said = self.model.answer(form, body)
        except Exception as error:
            self.model.failures.append(f"{type(error).__name__}: {error}")
            said = "failed"
        make = messages_events if form == "messages" else responses_events
        if not body.get("stream"):
            self._send(_whole(said, body, ident))
            return
        lines = [
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n"
            for number, event in enumerate(make(said, body, ident))
        ]
        self._send("".join(lines).encode(), "text/event-stream")

    def do_GET(self) -> None:
        if self.path.startswith("/"):
            self._send(b'{"data": [], "models": []}')
        else:
            self._refuse()

    def do_HEAD(self) -> None:
        self._send(b"")

    def do_CONNECT(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        self.model.elsewhere.append(self.path)
        self.send_error(403, "there is no way out of here")
        self.close_connection = True

    def _send(self, content: bytes, kind: str = "application/json") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the requests are kept."""


def _whole(said: Said, body: dict[str, Any], ident: str) -> bytes:
    message = next(messages_events(said, body, ident))["message"]
    content = [{"type": "text", "text": said if isinstance(said, str) else "local"}]
    return json.dumps({**message, "content": content, "stop_reason": "end_turn"}).encode()


@contextlib.contextmanager
def serve_model(scripts: Scripts) -> Iterator[ModelServer]:
    """Serve until the block ends, on a free port of this machine."""
    handler = type("Handler", (_Handler,), {"lock": threading.Lock()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    model = ModelServer(f"http://127.0.0.1:{server.server_port}", dict(scripts))
    handler.model = model  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
