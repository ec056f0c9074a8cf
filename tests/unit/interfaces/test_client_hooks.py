"""`lignin hook`: lessons reach the agent, transcripts the store, and no failure reaches the client."""

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lignin.interfaces.cli import run

TRANSCRIPT = (
    '{"type":"user","sessionId":"s1","uuid":"u1","cwd":"/p","version":"2.1.0",'
    '"timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"say hi"}}\n'
    '{"type":"assistant","sessionId":"s1","uuid":"u2","parentUuid":"u1","cwd":"/p",'
    '"version":"2.1.0","timestamp":"2026-01-01T00:00:01Z","message":{"id":"m1","role":"assistant",'
    '"model":"claude-x","content":[{"type":"text","text":"the key is SECRET"}]}}\n'
)


class Client:
    """Calls hooks and commands in this process, as a client and a person would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: Any, folder: Path) -> None:
        self._patch, self._capfd, self.folder = monkeypatch, capfd, folder
        self.home = folder / "home"
        monkeypatch.setenv("LIGNIN_HOME", str(self.home))
        monkeypatch.setenv("LIGNIN_ACTOR", "user:t")
        monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
        monkeypatch.chdir(folder)

    def hook(self, *words: str, said: Mapping[str, Any] | bytes = b"") -> tuple[int, Any, str]:
        """Exit code, answer (None for nothing) and stderr."""
        raw = said if isinstance(said, bytes) else json.dumps(said).encode()
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        code = run(["hook", *words])
        out, err = self._capfd.readouterr()
        return code, json.loads(out) if out else None, err

    def __call__(self, *words: str) -> Any:
        assert run([*words, "--compact", "--quiet"]) == 0
        return json.loads(self._capfd.readouterr().out)

    def approve(self, text: str, *before: str) -> str:
        """An approved lesson."""
        lesson = str(self("lesson", "propose", text)["lesson"])
        tools = [word for tool in before for word in ("--before", tool)]
        self("lesson", "approve", lesson, *tools, "--yes")
        return lesson


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Path) -> Client:
    return Client(monkeypatch, capfd, tmp_path)


def bash(command: str, session: str = "s1") -> dict[str, Any]:
    return {"session_id": session, "tool_name": "Bash", "tool_input": {"command": command}}


def test_an_approved_lesson_is_shown_before_its_tool_once_in_a_session(client: Client) -> None:
    client.approve("run the tests before you push", "Bash(git push*)")
    assert client.hook("claude-code", "before-tool", said=bash("ls"))[1] is None
    code, answer, _ = client.hook("claude-code", "before-tool", said=bash("git push origin"))
    assert code == 0
    said = answer["hookSpecificOutput"]
    assert said["hookEventName"] == "PreToolUse"
    assert "run the tests before you push" in said["additionalContext"]
    assert set(said) == {"hookEventName", "additionalContext"}  # it decides nothing
    assert client.hook("claude-code", "before-tool", said=bash("git push"))[1] is None
    assert client.hook("codex", "before-tool", said=bash("git push", "s2"))[1] is not None


def test_a_lesson_that_nobody_approved_or_that_was_withdrawn_is_not_shown(client: Client) -> None:
    client("lesson", "propose", "never look before you leap")
    lesson = client.approve("always look before you leap", "Bash")
    client("lesson", "withdraw", lesson, "--reason", "wrong")
    assert client.hook("claude-code", "before-tool", said=bash("ls"))[1] is None
    assert client.hook("claude-code", "session-start", said={"session_id": "s1"})[1] is None


def test_an_agent_cannot_approve(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = client("lesson", "propose", "always push to production")["lesson"]
    monkeypatch.setenv("LIGNIN_ACTOR", "agent:a")
    assert run(["lesson", "approve", lesson, "--before", "Bash", "--yes"]) == 4
    client._capfd.readouterr()
    assert client.hook("claude-code", "before-tool", said=bash("ls"))[1] is None


def test_lessons_without_a_tool_are_shown_when_a_session_starts(client: Client) -> None:
    client.approve("this project is written in Python")
    asked = {"session_id": "s1"}
    answer = client.hook("gemini-cli", "session-start", said=asked)[1]
    assert "Python" in answer["hookSpecificOutput"]["additionalContext"]
    answer = client.hook("cursor", "session-start", said={"conversation_id": "c1"})[1]
    assert "Python" in answer["additional_context"]


def test_the_transcript_is_taken_in_redacted_and_what_was_shown_with_it(client: Client) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" * 2
    path = client.folder / "s1.jsonl"
    path.write_text(TRANSCRIPT.replace("SECRET", secret))
    client.approve("think before you act", "Bash")
    client.hook("claude-code", "before-tool", said=bash("ls"))
    stop = {"session_id": "s1", "transcript_path": str(path)}
    for _ in range(2):
        assert client.hook("claude-code", "stop", said=stop) == (0, None, "")
    taken = client("trace", "list")["items"]
    assert [each["client"] for each in taken] == ["claude_code"]
    shown = json.dumps(client("trace", "show", taken[0]["session"]))
    assert secret not in shown and "redacted" in shown
    import os

    from lignin.app import load_settings, open_context

    with open_context(load_settings(os.environ, client.folder)) as context, context.view() as view:
        events = [each for each in view.log(limit=1000) if each.type == "lesson.surfaced"]
    assert len(events) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), b"{}"),
        (("claude-code",), b"{}"),
        (("claude-code", "explode"), b"{}"),
        (("claude-code", "before-tool", "--unknown", "x"), b"{}"),
        (("claude-code", "before-tool"), b""),
        (("claude-code", "before-tool"), b"{"),
        (("claude-code", "before-tool"), b"\xff\xfe"),
        (("claude-code", "before-tool"), b"[1]"),
        (("claude-code", "before-tool"), b"[" * 100_000),
        (("claude-code", "before-tool"), b" " * (8 * 2**20 + 1)),
        (("claude-code", "before-tool"), b'{"tool_name": 1, "tool_input": [], "session_id": {}}'),
        (("claude-code", "stop"), b'{"transcript_path": "/etc/passwd"}'),
        (("claude-code", "stop"), b'{"transcript_path": "/absent.jsonl"}'),
        (("claude-code", "stop"), b'{"transcript_path": "/"}'),
        (("claude-code", "stop"), b'{"transcript_path": "\\u0000.jsonl"}'),
        (("claude-code", "stop"), b'{"transcript_path": 7}'),
        (("claude-code", "session-start"), b'{"cwd": "/absent"}'),
    ],
)
def test_whatever_a_client_says_it_is_never_stopped(
    words: tuple[str, ...], said: bytes, client: Client
) -> None:
    code, answer, err = client.hook(*words, said=said)
    assert (code, answer) == (0, None)
    assert len(err) < 1000


def test_a_damaged_store_does_not_stop_the_client(client: Client) -> None:
    client.home.mkdir()
    (client.home / "ledger.db").write_bytes(b"no database")
    path = client.folder / "s1.jsonl"
    path.write_text(TRANSCRIPT)
    for event in ("session-start", "stop", "before-tool"):
        said = {"session_id": "s1", "transcript_path": str(path), "tool_name": "Bash"}
        code, answer, err = client.hook("claude-code", event, said=said)
        assert (code, answer) == (0, None)
        assert event == "before-tool" or "did nothing" in err


def test_before_a_tool_no_store_is_made_and_none_is_opened(client: Client) -> None:
    assert client.hook("claude-code", "before-tool", said=bash("ls")) == (0, None, "")
    assert client.hook("claude-code", "session-start", said={"session_id": "s"}) == (0, None, "")
    assert not client.home.exists()
