"""Reads what came back from a command: the output by itself, and the exit code where it is told.

Clients wrap output in their own way; each wrapper is undone only where it is recognised whole. An
output that a client cut short, or that is missing, is not an observation.
"""

import re
from dataclasses import dataclass

from lignin.domain.codec import parse_json
from lignin.domain.errors import CodecError
from lignin.domain.traces import ToolCall

_CUT = re.compile(
    r"\[[\d,]+ (?:lines|characters|chars|tokens) truncated\]|\.\.\. ?\[.{0,40}truncated.{0,40}\]"
    r"|…\s?\d+ (?:tokens|chars|lines) truncated|^Total output lines: \d+$"
    r"|<(?:output_)?(?:truncated|elided)|Output too large|Command timed out|\[output truncated\]",
    re.MULTILINE | re.IGNORECASE,
)
_SILENT = frozenset(
    [
        "(Bash completed with no output)",
        "(no output)",
        "(no content)",
        "Tool ran without output",
        "Your command ran successfully and did not produce any output.",
    ]
)
_CODEX = re.compile(
    r"(?:Chunk ID: .*\n)?(?:Exit code: (\d+)\n)?(?:Wall time: .*\n)?"
    r"(?:Process exited with code (\d+)\n)?(?:Original token count: \d+\n)?Output:\n"
)
_MINI = re.compile(
    r"\A<returncode>(-?\d+)</returncode>\n<output>\n?(.*?)\n?</output>\s*\Z", re.DOTALL
)
_CLAUDE_CODE = re.compile(r"\A(?:Error: )?Exit code (\d+)(?:\n|\Z)")
_PROMPT = re.compile(r"\n?\(Open file: [^\n]*\)\n\(Current directory: [^\n]*\)\nbash-\$ ?\Z")
_RESET = re.compile(r"\n*Shell cwd was reset to [^\n]*\Z")


@dataclass(frozen=True, slots=True)
class Observed:
    """The output of a command. `exit_code` is None where the trace is silent."""

    stdout: str
    exit_code: int | None


def read_observation(call: ToolCall) -> Observed | None:
    """Return what a shell call printed, or None where that is not wholly known."""
    if call.observation is None or call.arguments.get("run_in_background") is True:
        return None
    text, code = _unwrapped(call.observation.replace("\r\n", "\n"))
    if call.exit_code is not None:
        code = call.exit_code
    elif code is None and call.is_error is False:
        code = 0
    if _CUT.search(text) or (call.is_error and code in {None, 0}):
        return None
    return Observed("" if text.strip() in _SILENT else text, code)


def _unwrapped(text: str) -> tuple[str, int | None]:
    if match := _MINI.match(text):
        return match[2], int(match[1])
    if match := _CLAUDE_CODE.match(text):
        return text[match.end() :], int(match[1])
    if (match := _CODEX.match(text)) and match.end() > len("Output:\n"):
        code = match[1] or match[2]
        return text[match.end() :], int(code) if code else None
    if text.startswith('{"output":'):
        return _from_json(text)
    return _RESET.sub("", _PROMPT.sub("", text)), None


def _from_json(text: str) -> tuple[str, int | None]:
    try:
        value = parse_json(text)
    except CodecError:
        return text, None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(value["output"], str):
        return text, None
    code = metadata.get("exit_code")
    return value["output"], code if isinstance(code, int) else None
