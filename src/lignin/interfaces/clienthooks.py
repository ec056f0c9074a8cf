"""`lignin hook CLIENT EVENT`: what an agent client calls, with JSON on standard input.

A hook must never break the client: whatever goes wrong here, the exit code is 0 and one line on stderr says
what it was. (To a client, 2 would mean that the call is refused.) Input is bounded. Before a tool nothing is
opened but the board of lessons; where there is no store yet, only a transcript makes one.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lignin.interfaces.streams import printable, say

MAX_INPUT_BYTES = 8 * 2**20
MAX_TOLD_CHARS = 500
EVENTS = {"session-start": "SessionStart", "before-tool": "PreToolUse", "stop": "Stop"}
"""Our events by the name that most clients give them."""


def run_hook(client: str, event: str) -> int:
    """Answer one hook on stdout; always 0."""
    try:
        told, text = _answered(client, event)
        if told:
            say(f"lignin: {printable(told)[:MAX_TOLD_CHARS]}", err=True)
        if text:
            say(json.dumps(_spoken(client, event, text)))
    except Exception as error:
        why = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
        say(f"lignin: hook {event!r:.40} did nothing: {printable(why)[:MAX_TOLD_CHARS]}", err=True)
    return 0


def _answered(client: str, event: str) -> tuple[str, str]:
    """What the person is told, and what the agent is."""
    from lignin.domain.errors import InvalidRequestError
    from lignin.operations.settings import load_settings
    from lignin.operations.surfacing import Board

    said = _read()
    if event not in EVENTS:
        raise InvalidRequestError(f"there are the events {', '.join(EVENTS)}")
    settings = load_settings(os.environ, _cwd(said))
    told = _in_store(settings, client, event, said) if event != "before-tool" else ""
    if event == "stop":
        return told, ""
    given = said.get("tool_input")
    board = Board(settings.home, settings.environment.get("LIGNIN_STORE", ""), settings.space)
    text = board.show(
        client,
        _word(said, "session_id") or _word(said, "conversation_id"),
        _word(said, "tool_name") if event == "before-tool" else "",
        given if isinstance(given, dict) else {},
    )
    return told, text


def _read() -> Mapping[str, Any]:
    from lignin.domain.errors import InvalidRequestError

    raw = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    if len(raw) > MAX_INPUT_BYTES:
        raise InvalidRequestError(f"more than {MAX_INPUT_BYTES} bytes on stdin")
    said = json.loads(raw)
    if not isinstance(said, dict):
        raise InvalidRequestError("no JSON object on stdin")
    return said


def _in_store(settings: Any, client: str, event: str, said: Mapping[str, Any]) -> str:
    from lignin.app import open_context
    from lignin.domain.errors import NotFoundError
    from lignin.operations.clienthooks import start_session, take_transcript

    try:
        with open_context(settings, create=event == "stop") as context:
            if event == "stop":
                return take_transcript(context, client, said)
            return start_session(context, client)
    except NotFoundError:
        if event == "stop":
            raise
        return ""  # there is no store yet, so there is nothing to show


def _spoken(client: str, event: str, text: str) -> Mapping[str, Any]:
    """The text in the form in which the client adds it to the agent's context."""
    if client == "cursor":
        return {"additional_context": text}
    said = {"hookEventName": EVENTS[event], "additionalContext": text}
    return {"hookSpecificOutput": said}


def _word(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    return value[:300] if isinstance(value, str) else ""


def _cwd(said: Mapping[str, Any]) -> Path:
    """The project, as the client says it, or where it started this."""
    named = os.environ.get("CLAUDE_PROJECT_DIR") or said.get("cwd")
    if isinstance(named, str) and named and "\0" not in named and Path(named).is_dir():
        return Path(named)
    return Path.cwd()
