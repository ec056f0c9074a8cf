"""A server on this machine that speaks as the interfaces of language models do, and says what it is told.

Chat completions as OpenAI's at `/v1/chat/completions`, messages as Anthropic's at `/v1/messages`. What it
was asked is kept, so that a test can look at what really left.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lignin.domain.codec import Json

INPUT_TOKENS, OUTPUT_TOKENS = 120, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers once.

    Args:
        value: Handed in as the answer in the form that was asked for; with `tool`, the arguments of a
            call of that tool.
        broken: Arguments that are no JSON, in place of `value`.
        refuses: It will not answer, in these words.
        status: An HTTP status that is no answer; `retry_after` its header.
        waits_s: It says nothing for so long.
        cut: The answer ends because it is too long.
        raw: The whole body in place of an answer, however broken.
    """

    text: str = ""
    value: Mapping[str, Json] | None = None
    tool: str = "answer"
    broken: str = ""
    refuses: str = ""
    status: int = 200
    retry_after: str = ""
    waits_s: float = 0.0
    cut: bool = False
    raw: str = ""


@dataclass(slots=True)
class ModelServer:
    """The server as a test sees it: its address, what it was asked, as JSON, and with which keys."""

    address: str = ""
    asked: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    left: list[Reply] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def environment(self, key: str = "test-key") -> dict[str, str]:
        """The variables that lead here."""
        return {
            "OPENAI_API_KEY": key,
            "OPENAI_BASE_URL": f"{self.address}/v1",
            "ANTHROPIC_API_KEY": key,
            "ANTHROPIC_BASE_URL": self.address,
        }


@contextmanager
def model_server(replies: Sequence[Reply]) -> Iterator[ModelServer]:
    """Serve while a block lasts; each ask gets the next reply, the last one again and again."""
    seen = ModelServer(left=list(replies))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(seen))
    seen.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        seen.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(seen: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.asked.append(json.loads(body))
            seen.keys.append(self.headers.get("x-api-key") or self.headers["Authorization"])
            reply = seen.left.pop(0) if len(seen.left) > 1 else seen.left[0]
            if reply.waits_s:
                seen.stopped.wait(reply.waits_s)
            is_chat = self.path.endswith("/chat/completions")
            answer = reply.raw or json.dumps(_body(reply, seen.asked[-1], is_chat=is_chat))
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has given up
                self._send(reply, answer.encode())

        def _send(self, reply: Reply, answer: bytes) -> None:
            self.send_response(reply.status)
            if reply.retry_after:
                self.send_header("Retry-After", reply.retry_after)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    return Handler


def _body(reply: Reply, asked: Mapping[str, Any], *, is_chat: bool) -> Json:
    if reply.status != 200:
        words = reply.text or "it does not work"
        return {"type": "error", "error": {"type": "error", "message": words}}
    return _chat(reply, asked) if is_chat else _message(reply, asked)


def _has_call(reply: Reply) -> bool:
    return reply.value is not None or bool(reply.broken)


def _chat(reply: Reply, asked: Mapping[str, Any]) -> Json:
    message: dict[str, Json] = {"role": "assistant", "content": reply.text or None}
    reason = "length" if reply.cut else "stop"
    if reply.refuses:
        message["refusal"] = reply.refuses
    elif _has_call(reply):
        arguments = reply.broken or json.dumps(reply.value)
        function = {"name": reply.tool, "arguments": arguments}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        reason = "length" if reply.cut else "tool_calls"
    return {
        "id": "chat_1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": INPUT_TOKENS,
            "completion_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
        },
    }


def _message(reply: Reply, asked: Mapping[str, Any]) -> Json:
    content: list[Json] = [{"type": "text", "text": reply.text}] if reply.text else []
    reason = "max_tokens" if reply.cut else "end_turn"
    if reply.refuses:
        content, reason = [{"type": "text", "text": reply.refuses}], "refusal"
    elif _has_call(reply):
        given: Json = reply.broken or dict(reply.value or {})
        content.append({"type": "tool_use", "id": "call_1", "name": reply.tool, "input": given})
        reason = "max_tokens" if reply.cut else "tool_use"
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }
