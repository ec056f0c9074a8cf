"""Writes simulated sessions in Codex's own rollout form: `{timestamp, type, payload}` per line.

What keeps them apart from real ones, in the form itself: the session's `originator` is
`lignin-practice-desk`, `cli_version` is `practice-desk`, `cwd` lies under `/practice`, the model is
a scripted one. Sessions differ, as real ones do, in which shell tool they had (`shell` or the newer
`exec_command`). Pure: text out, no files.
"""

import json
import random
from datetime import timedelta
from typing import Any

from lignin.domain.codec import Json
from lignin.practice.claude_code import heredoc_command, stamp
from lignin.practice.steps import (
    TIMED_OUT_S,
    DeskStep,
    EditStep,
    ReadStep,
    SayStep,
    SessionScript,
    ShellStep,
    Step,
    WriteStep,
)

ORIGINATOR = "lignin-practice-desk"
CLI_VERSION = "practice-desk"


def transcript_path(script: SessionScript) -> str:
    """Where the client keeps this session, relative to its folder."""
    at = script.started_at
    name = f"rollout-{at:%Y-%m-%dT%H-%M-%S}-{script.session}.jsonl"
    return f"sessions/{at:%Y/%m/%d}/{name}"


def write_transcript(script: SessionScript) -> str:
    """Return the session's lines, each ended by a newline."""
    rollout = _Rollout(script)
    rollout.open()
    for step in script.steps:
        rollout.add(step)
    rollout.say(script.run.final_text)
    rollout.tokens()
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in rollout.lines)


class _Rollout:
    """The lines of one session while they are written."""

    def __init__(self, script: SessionScript) -> None:
        self.lines: list[dict[str, Any]] = []
        self._script = script
        self._rng = random.Random(f"codex-{script.session}")  # noqa: S311
        self._now = script.started_at
        self._newer = self._rng.random() < 0.5
        self._total = {"input": 0, "output": 0}

    def open(self) -> None:
        script = self._script
        self._line(
            "session_meta",
            {
                "id": script.session,
                "timestamp": stamp(script.started_at),
                "cwd": script.cwd,
                "originator": ORIGINATOR,
                "cli_version": CLI_VERSION,
                "source": "cli",
                "model_provider": "scripted",
                "instructions": None,
                "git": {"branch": "main"},
            },
        )
        context = f"<environment_context>\n  <cwd>{script.cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>"
        self._message("user", context)
        self._message("user", script.run.task.instruction)
        self._event({"type": "user_message", "message": script.run.task.instruction})
        self._line(
            "turn_context",
            {
                "cwd": script.cwd,
                "approval_policy": "never",
                "sandbox_policy": {"type": "workspace-write", "network_access": False},
                "model": script.run.agent.model,
                "effort": "medium",
                "summary": "auto",
            },
        )

    def say(self, text: str) -> None:
        self._event({"type": "agent_message", "message": text})
        self._message("assistant", text)

    def add(self, step: Step) -> None:
        if isinstance(step, SayStep):
            self.say(step.text)
            return
        if self._rng.random() < 0.2:
            summary = [{"type": "summary_text", "text": "**Taking the next step**"}]
            self._item({"type": "reasoning", "summary": summary, "encrypted_content": None})
        if isinstance(step, DeskStep):
            if step.move.words:
                self.say(step.move.words)
            self._desk_call(step)
        elif isinstance(step, WriteStep) and not step.heredoc:
            self._patch(f"*** Add File: {step.path}\n{_prefixed('+', step.text)}", f"A {step.path}")
        elif isinstance(step, EditStep):
            self._patch(f"*** Update File: {step.path}\n{_hunk(step)}", f"M {step.path}")
        elif isinstance(step, WriteStep):
            self._shell(heredoc_command(step), "", 0)
        elif isinstance(step, ReadStep):
            self._shell(f"cat {step.path}", step.text, 0)
        elif isinstance(step, ShellStep):
            self._shell_step(step)
        if self._rng.random() < 0.4:
            self.tokens()

    def tokens(self) -> None:
        used = {"input": self._rng.randrange(900, 4000), "output": self._rng.randrange(40, 400)}
        self._total = {key: self._total[key] + used[key] for key in used}
        info = {
            "total_token_usage": _usage(self._total),
            "last_token_usage": _usage(used),
            "model_context_window": 200000,
        }
        self._event({"type": "token_count", "info": info, "rate_limits": None})

    def _desk_call(self, step: DeskStep) -> None:
        call_id = self._call_id()
        name, arguments = f"mcp__desk__{step.move.call.tool}", dict(step.move.call.arguments)
        self._call(call_id, name, arguments)
        blocks = [{"type": "text", "text": step.move.observation.to_text()}]
        self._output(call_id, json.dumps(blocks))

    def _shell_step(self, step: ShellStep) -> None:
        if step.printed is None:
            text = f"command timed out after {TIMED_OUT_S * 1000} milliseconds\n"
            self._shell(step.command, text, 124, float(TIMED_OUT_S))
            return
        printed = step.printed
        self._shell(step.command, printed.stdout + printed.stderr, printed.exit_code)

    def _shell(self, command: str, text: str, code: int, took_s: float | None = None) -> None:
        call_id = self._call_id()
        took_s = took_s or self._rng.randrange(1, 9) / 10
        if self._newer:
            self._call(call_id, "exec_command", {"cmd": command, "yield_time_ms": 10000})
            head = f"Chunk ID: {self._hex(6)}\nWall time: {took_s:.4f} seconds"
            tokens = len(text) // 4
            output = f"{head}\nProcess exited with code {code}\nOriginal token count: {tokens}\nOutput:\n{text}"
        else:
            arguments = {"command": ["bash", "-lc", command], "workdir": self._script.cwd}
            self._call(call_id, "shell", arguments)
            metadata = {"exit_code": code, "duration_seconds": took_s}
            output = json.dumps({"output": text, "metadata": metadata})
        self._output(call_id, output)

    def _patch(self, body: str, changed: str) -> None:
        call_id = self._call_id()
        patch = f"*** Begin Patch\n{body}*** End Patch"
        self._item(
            {
                "type": "custom_tool_call",
                "status": "completed",
                "call_id": call_id,
                "name": "apply_patch",
                "input": patch,
            }
        )
        text = f"Success. Updated the following files:\n{changed}\n"
        metadata = {"exit_code": 0, "duration_seconds": 0.0}
        output = json.dumps({"output": text, "metadata": metadata})
        self._item({"type": "custom_tool_call_output", "call_id": call_id, "output": output})

    def _call(self, call_id: str, name: str, arguments: dict[str, Json]) -> None:
        words = json.dumps(arguments)
        self._item({"type": "function_call", "name": name, "arguments": words, "call_id": call_id})

    def _output(self, call_id: str, output: str) -> None:
        self._item({"type": "function_call_output", "call_id": call_id, "output": output})

    def _message(self, role: str, text: str) -> None:
        kind = "output_text" if role == "assistant" else "input_text"
        self._item({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})

    def _item(self, payload: dict[str, Json]) -> None:
        self._line("response_item", payload)

    def _event(self, payload: dict[str, Json]) -> None:
        self._line("event_msg", payload)

    def _line(self, kind: str, payload: dict[str, Json]) -> None:
        self.lines.append({"timestamp": stamp(self._now), "type": kind, "payload": payload})
        self._now += timedelta(milliseconds=self._rng.randrange(1, 2500))

    def _call_id(self) -> str:
        return f"call_{self._hex(24)}"

    def _hex(self, length: int) -> str:
        return f"{self._rng.getrandbits(4 * length):0{length}x}"


def _usage(used: dict[str, int]) -> dict[str, int]:
    return {
        "input_tokens": used["input"],
        "cached_input_tokens": used["input"] // 2,
        "output_tokens": used["output"],
        "reasoning_output_tokens": used["output"] // 4,
        "total_tokens": used["input"] + used["output"],
    }


def _prefixed(sign: str, text: str) -> str:
    return "".join(f"{sign}{line}\n" for line in text.removesuffix("\n").split("\n"))


def _hunk(step: EditStep) -> str:
    """The changed line between up to three lines of context on each side."""
    at = step.before[: step.before.index(step.old)].count("\n")
    old, new = step.before.split("\n"), step.after.split("\n")
    before = "\n".join(old[max(0, at - 3) : at])
    after = "\n".join(old[at + 1 : at + 4]).rstrip("\n")
    head = _prefixed(" ", before) if before else ""
    tail = _prefixed(" ", after) if after else ""
    return f"@@\n{head}-{old[at]}\n+{new[at]}\n{tail}"
