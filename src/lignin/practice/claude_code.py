"""Writes simulated sessions in Claude Code's own transcript form: one JSON object per line.

What keeps them apart from real ones, in the form itself: `version` is `practice-desk`, `cwd` lies
under `/practice`, the model is a scripted one. Pure: text out, no files.
"""

import json
import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from lignin.domain.codec import Json
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
    numbered,
)

VERSION = "practice-desk"


def transcript_path(script: SessionScript) -> str:
    """Where the client keeps this session, relative to its folder."""
    return f"projects/{script.cwd.replace('/', '-')}/{script.session}.jsonl"


def write_transcript(script: SessionScript) -> str:
    """Return the session's lines, each ended by a newline."""
    transcript = _Transcript(script)
    transcript.summary()
    transcript.user(script.run.task.instruction)
    for step in script.steps:
        transcript.add(step)
    transcript.assistant([{"type": "text", "text": script.run.final_text}], last=True)
    transcript.turn_end()
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in transcript.lines)


class _Transcript:
    """The lines of one session while they are written."""

    def __init__(self, script: SessionScript) -> None:
        self.lines: list[dict[str, Any]] = []
        self._script = script
        self._rng = random.Random(f"claude-{script.session}")  # noqa: S311
        self._now = script.started_at
        self._parent: str | None = None
        self._words = ""
        self._tokens = 2000

    def summary(self) -> None:
        leaf = self._uuid()
        title = f"Practice desk (simulated): {self._script.run.task.family}"
        self.lines.append({"type": "summary", "summary": title, "leafUuid": leaf})

    def user(self, content: Json, **more: Json) -> None:
        message = {"role": "user", "content": content}
        self._line("user", message=message, **more)

    def turn_end(self) -> None:
        took = int((self._now - self._script.started_at).total_seconds() * 1000)
        self._line("system", subtype="turn_duration", durationMs=took, isMeta=False)

    def add(self, step: Step) -> None:
        if isinstance(step, SayStep):
            self._words = f"{self._words}\n\n{step.text}".strip()
            return
        name, tool_input = _tool_use(step, self._script.cwd)
        if isinstance(step, DeskStep) and step.move.words:
            self._words = step.move.words
        call_id = f"toolu_{self._hex(24)}"
        use = {"type": "tool_use", "id": call_id, "name": name, "input": tool_input}
        words = [{"type": "text", "text": self._words}] if self._words else []
        self._words = ""
        self.assistant([*self._thinking(), *words, use])
        text, is_error, detail = _tool_result(step, self._script.cwd)
        result = {"tool_use_id": call_id, "type": "tool_result", "content": text}
        if is_error or isinstance(step, ShellStep):
            result["is_error"] = is_error
        self.user([result], toolUseResult=detail)

    def assistant(self, blocks: list[dict[str, Json]], *, last: bool = False) -> None:
        """One message of the model: a line per content block, all with one message id."""
        message_id, request_id = f"msg_{self._hex(24)}", f"req_{self._hex(24)}"
        usage = {
            "input_tokens": self._rng.randrange(3, 12),
            "cache_creation_input_tokens": self._rng.randrange(100, 900),
            "cache_read_input_tokens": self._tokens,
            "output_tokens": sum(len(json.dumps(block)) for block in blocks) // 4,
            "service_tier": "standard",
        }
        self._tokens += usage["cache_creation_input_tokens"]  # type: ignore[operator]
        for block in blocks:
            message = {
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "model": self._script.run.agent.model,
                "content": [block],
                "stop_reason": "end_turn" if last else "tool_use",
                "stop_sequence": None,
                "usage": usage,
            }
            self._line("assistant", message=message, requestId=request_id)

    def _thinking(self) -> list[dict[str, Json]]:
        if self._rng.random() > 0.2:
            return []
        words = "I keep to the policy and take one step at a time."
        return [{"type": "thinking", "thinking": words, "signature": self._hex(40)}]

    def _line(self, kind: str, **more: Json) -> None:
        self._now += timedelta(milliseconds=self._rng.randrange(400, 6000))
        own = self._uuid()
        self.lines.append(
            {
                "parentUuid": self._parent,
                "isSidechain": False,
                "userType": "external",
                "cwd": self._script.cwd,
                "sessionId": self._script.session,
                "version": VERSION,
                "gitBranch": "main",
                "type": kind,
                **more,
                "uuid": own,
                "timestamp": stamp(self._now),
            }
        )
        self._parent = own

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def _hex(self, length: int) -> str:
        return f"{self._rng.getrandbits(4 * length):0{length}x}"


def stamp(at: datetime) -> str:
    """Return a time as both clients write it: UTC with milliseconds and `Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _tool_use(step: Step, cwd: str) -> tuple[str, dict[str, Json]]:
    if isinstance(step, DeskStep):
        return f"mcp__desk__{step.move.call.tool}", dict(step.move.call.arguments)
    if isinstance(step, WriteStep) and not step.heredoc:
        return "Write", {"file_path": f"{cwd}/{step.path}", "content": step.text}
    if isinstance(step, WriteStep):
        return "Bash", {"command": heredoc_command(step), "description": "Write the file"}
    if isinstance(step, EditStep):
        path = f"{cwd}/{step.path}"
        return "Edit", {"file_path": path, "old_string": step.old, "new_string": step.new}
    if isinstance(step, ReadStep):
        return "Read", {"file_path": f"{cwd}/{step.path}"}
    assert isinstance(step, ShellStep)
    return "Bash", {"command": step.command, "description": step.description}


def heredoc_command(step: WriteStep) -> str:
    """Return the shell command that writes a step's file."""
    folder = step.path.rpartition("/")[0]
    return f"mkdir -p {folder} && cat > {step.path} <<'EOF'\n{step.text}EOF"


def _tool_result(step: Step, cwd: str) -> tuple[Json, bool, Json]:
    """Return content, whether it is an error, and the structured `toolUseResult`."""
    if isinstance(step, DeskStep):
        blocks = [{"type": "text", "text": step.move.observation.to_text()}]
        return blocks, step.move.observation.is_error, blocks
    if isinstance(step, WriteStep) and not step.heredoc:
        path = f"{cwd}/{step.path}"
        detail = {"type": "create", "filePath": path, "content": step.text, "structuredPatch": []}
        return f"File created successfully at: {path}", False, detail
    if isinstance(step, WriteStep):
        return "", False, _shell_detail("", "")
    if isinstance(step, EditStep):
        return _edit_result(step, f"{cwd}/{step.path}")
    if isinstance(step, ReadStep):
        return _read_result(step, f"{cwd}/{step.path}")
    assert isinstance(step, ShellStep)
    return _shell_result(step)


def _shell_detail(stdout: str, stderr: str) -> dict[str, Json]:
    return {"stdout": stdout, "stderr": stderr, "interrupted": False, "isImage": False}


def _shell_result(step: ShellStep) -> tuple[str, bool, Json]:
    if step.printed is None:
        text = f"Command timed out after {TIMED_OUT_S // 60}m 0s"
        return text, True, f"Error: {text}"
    stdout, stderr = step.printed.stdout.rstrip("\n"), step.printed.stderr.rstrip("\n")
    text = "\n".join(part for part in (stdout, stderr) if part)
    if step.printed.exit_code:
        text = f"Exit code {step.printed.exit_code}\n{text}"
        return text, True, f"Error: {text}"
    return text, False, _shell_detail(stdout, stderr)


def _edit_result(step: EditStep, path: str) -> tuple[str, bool, Json]:
    line = step.before[: step.before.index(step.old)].count("\n")
    old_lines, new_lines = step.before.split("\n"), step.after.split("\n")
    first = max(0, line - 3)
    span = slice(first, line + 4)
    patch = [f" {text}" for text in old_lines[first:line]]
    patch += [f"-{old_lines[line]}", f"+{new_lines[line]}"]
    patch += [f" {text}" for text in old_lines[line + 1 : line + 4]]
    count = len(old_lines[span])
    hunk = {"oldStart": first + 1, "oldLines": count, "newStart": first + 1, "newLines": count}
    shown = numbered("\n".join(new_lines[span]) + "\n", first + 1)
    detail = {
        "filePath": path,
        "oldString": step.old,
        "newString": step.new,
        "originalFile": step.before,
        "structuredPatch": [{**hunk, "lines": patch}],
        "userModified": False,
        "replaceAll": False,
    }
    head = f"The file {path} has been updated. Here's the result of running `cat -n` on a snippet of the edited file:"
    return f"{head}\n{shown}", False, detail


def _read_result(step: ReadStep, path: str) -> tuple[str, bool, Json]:
    lines = step.text.count("\n")
    file = {
        "filePath": path,
        "content": step.text,
        "numLines": lines,
        "startLine": 1,
        "totalLines": lines,
    }
    return numbered(step.text), False, {"type": "text", "file": file}
