"""Prepared projects, as `lignin init` may find them: each a table of files, and what is to come of it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
)

BOM = b"\xef\xbb\xbf"
SETTINGS = ".claude/settings.local.json"


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    to: str


@dataclass(frozen=True)
class Locked:
    """A file or folder without write permission."""

    content: bytes | None = b""


Content = bytes | Link | Locked | None


@dataclass(frozen=True)
class Prepared:
    """A project.

    Args:
        files: Path to bytes, a link, a locked file, or None for an empty folder.
        clients: Named clients; empty for those found.
        refused: The error that `init` must end in, without having written anything.
        kept: Parts that must be left alone.
        below: Where in the tree the project itself is.
    """

    files: Mapping[str, Content]
    clients: tuple[str, ...] = ()
    refused: type[LigninError] | None = None
    kept: frozenset[str] = field(default_factory=frozenset)
    below: str = "."


ALL = ("claude-code", "codex", "cursor", "gemini-cli", "opencode")


def _settings(text: str | bytes, **more: object) -> Prepared:
    content = text.encode() if isinstance(text, str) else text
    return Prepared({SETTINGS: content}, ("claude-code",), **more)  # type: ignore[arg-type]


def _toml(text: str | bytes, **more: object) -> Prepared:
    content = text.encode() if isinstance(text, str) else text
    return Prepared({".codex/config.toml": content}, ("codex",), **more)  # type: ignore[arg-type]


def _says(path: str, content: Content, client: str, **more: object) -> Prepared:
    return Prepared({path: content}, (client,), **more)  # type: ignore[arg-type]


OTHER_SERVER = {"mcpServers": {"forge": {"command": "npx", "args": ["-y", "forge"]}}}
MINE = {"mcpServers": {"lignin": {"command": "/opt/mine", "args": []}}}
HOOKED = {
    "hooks": {
        "Stop": [{"hooks": [{"type": "command", "command": "say done"}]}],
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "check"}]}],
    }
}
DEEP = "{" + '"a": {' * 30 + "}" * 31
LARGE = b'{"a": "' + b"x" * 2**20 + b'"}'

PROJECTS: Mapping[str, Prepared] = {
    # what there is
    "empty folder, every client": Prepared({}, ALL),
    "only the markers of folders": Prepared({".claude": None, ".cursor": None, ".gemini": None}),
    "only AGENTS.md": Prepared({"AGENTS.md": b"# Rules\n"}),
    "every client at once, each with its files": Prepared(
        {
            ".mcp.json": json.dumps(OTHER_SERVER, indent=2).encode(),
            SETTINGS: json.dumps(HOOKED, indent=4).encode() + b"\n",
            ".codex/config.toml": b'model = "m"\n',
            ".codex/hooks.json": json.dumps(HOOKED).encode(),
            ".cursor/mcp.json": json.dumps(OTHER_SERVER, indent="\t").encode(),
            ".cursor/hooks.json": b'{\n  "version": 1,\n  "hooks": {}\n}\n',
            ".gemini/settings.json": b'{"context": {"fileName": "GEMINI.md"}}',
            "GEMINI.md": b"hi",
            "opencode.jsonc": b'{\n  // mine\n  "$schema": "https://opencode.ai/config.json",\n}\n',
            "AGENTS.md": b"a\n",
            "CLAUDE.md": b"b\n",
            "src/main.py": b"print(1)\n",
        },
        ALL,
    ),
    # JSON as people write it
    "an empty object": _settings("{}"),
    "an empty object over lines": _settings("{\n}\n"),
    "an empty object with a space": _settings("{ }\n"),
    "an empty file": _settings(""),
    "a file of blank lines": _settings("\n\n  \n"),
    "a byte order mark": _settings(BOM + b'{\n  "a": 1\n}\n'),
    "a byte order mark and nothing else": _settings(BOM),
    "CRLF": _settings('{\r\n  "a": 1,\r\n  "b": [1, 2]\r\n}\r\n'),
    "mixed line ends": _settings('{\r\n  "a": 1,\n  "b": 2\r\n}'),
    "tabs": _settings('{\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
    "four spaces, no final newline": _settings('{\n    "a": 1\n}'),
    "no indentation": _settings('{\n"a": 1,\n"b": 2\n}\n'),
    "all on one line": _settings('{"a": 1, "env": {"B": "c"}}'),
    "all on one line, no spaces": _settings('{"a":1,"env":{"B":"c"}}'),
    "a trailing comma": _settings('{\n  "a": 1,\n}\n'),
    "trailing commas in line": _settings('{"a": [1, 2,], "env": {"B": "c",},}'),
    "line comments everywhere": _settings(
        '// top\n{\n  // before\n  "a": 1, // beside\n  // after\n}\n// end\n'
    ),
    "a comment after the last value": _settings('{\n  "a": 1 // beside\n}\n'),
    "block comments": _settings('/* top */ {\n  "a": /* in */ 1 /* after */\n  /* last */}\n'),
    "a comment in an empty object": _settings("{\n  // nothing yet\n}\n"),
    "a block comment in an empty object": _settings("{ /* nothing yet */ }"),
    "comment signs in texts": _settings('{\n  "a": "http://x // y /* z */",\n  "b": "\\"//"\n}\n'),
    "unknown keys and unusual values": _settings(
        '{\n  "zz": [1.50e+2, -0, null, true],\n  "\\u00e9": "\\ud83d\\ude00",\n  "é": {}\n}\n'
    ),
    "keys out of order, twice": _settings('{\n  "z": 1,\n  "a": 2,\n  "z": 3\n}\n'),
    "deep": _settings(DEEP),
    "hooks of somebody else": _settings(json.dumps(HOOKED, indent=2)),
    "empty lists of hooks": _settings('{"hooks": {"Stop": [], "PreToolUse": [\n  ]}}'),
    "secrets in the settings": _settings(
        '{\n  "env": {\n    "KEY": "sk-live-0123456789"\n  }\n}\n'
    ),
    "other servers": _says(".mcp.json", json.dumps(OTHER_SERVER).encode(), "claude-code"),
    "a server named lignin that is somebody's": _says(
        ".mcp.json", json.dumps(MINE).encode(), "claude-code", kept=frozenset({"MCP server"})
    ),
    "telemetry that goes elsewhere": _settings(
        '{"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://else"}}'
    ),
    "opencode in JSON": _says("opencode.json", b'{\n  "mcp": {}\n}\n', "opencode"),
    "opencode in JSON with comments": _says("opencode.jsonc", b"{ // mine\n}", "opencode"),
    "gemini with telemetry of its own": _says(
        ".gemini/settings.json",
        b'{\n  "telemetry": {"enabled": false}\n}\n',
        "gemini-cli",
        kept=frozenset({"telemetry"}),
    ),
    # TOML
    "TOML with comments and no final newline": _toml('# mine\nmodel = "m" # beside\n[tui]\na = 1'),
    "TOML with CRLF": _toml('model = "m"\r\n\r\n[mcp_servers.other]\r\ncommand = "x"\r\n'),
    "TOML with a byte order mark": _toml(BOM + b"a = 1\n"),
    "an empty TOML": _toml(""),
    "TOML with a schema at its top": _toml("#:schema https://x/y.json\n\n[tui]\na = [\n[1],\n]\n"),
    "TOML that begins with a text over lines": _toml('a = """\n[b]\n"""\n[c]\n'),
    "TOML with a wait of one's own": _toml(
        "mcp_optional_startup_grace_ms = 5\n", kept=frozenset({"wait for MCP servers"})
    ),
    "a TOML server named lignin": _toml(
        '[mcp_servers.lignin]\ncommand = "mine"\n', kept=frozenset({"MCP server"})
    ),
    "servers as an inline table": _toml(
        'mcp_servers = { mine = { command = "x" } }\n', kept=frozenset({"MCP server"})
    ),
    "servers under dotted keys": _toml('mcp_servers.mine.command = "x"\n'),
    "TOML that ends in an array of tables": _toml("[[a]]\nb = 1\n[[a]]\nb = 2\n"),
    # instructions
    "instructions without a final newline": Prepared({"AGENTS.md": b"# Rules"}, ("codex",)),
    "instructions with CRLF": Prepared({"AGENTS.md": b"# Rules\r\n\r\nmore\r\n"}, ("codex",)),
    "empty instructions": Prepared({"AGENTS.md": b"", "CLAUDE.md": b""}, ("claude-code", "codex")),
    "instructions with a byte order mark": Prepared({"AGENTS.md": BOM}, ("codex",)),
    "CLAUDE.md that includes AGENTS.md": Prepared(
        {"CLAUDE.md": b"@AGENTS.md\n", "AGENTS.md": b"# Rules\n"}, ("claude-code", "codex")
    ),
    "markers of a hand": Prepared(
        {"AGENTS.md": b"<!-- lignin:begin -->\nmine\n<!-- lignin:end -->\n"},
        ("codex",),
        kept=frozenset({"instructions"}),
    ),
    "a marker without its end": Prepared(
        {"AGENTS.md": b"a\n<!-- lignin:begin -->\nb\n"},
        ("codex",),
        kept=frozenset({"instructions"}),
    ),
    # links
    "CLAUDE.md is a link to AGENTS.md": Prepared(
        {"AGENTS.md": b"# Rules\n", "CLAUDE.md": Link("AGENTS.md")}, ("claude-code", "codex")
    ),
    "a settings folder that is a link inside": Prepared(
        {"config/claude/settings.local.json": b"{}", ".claude": Link("config/claude")},
        ("claude-code",),
    ),
    "a link that leads out": Prepared(
        {"outside.json": b"{}", "in/.mcp.json": Link("../outside.json")},
        ("claude-code",),
        refused=DeniedError,
        below="in",
    ),
    "a folder link that leads out": Prepared(
        {"outside/a": b"", "in/.codex": Link("../outside")},
        ("codex",),
        refused=DeniedError,
        below="in",
    ),
    "a link that leads nowhere": Prepared(
        {".mcp.json": Link("absent.json")}, ("claude-code",), refused=InvalidRequestError
    ),
    "a link to itself": Prepared(
        {"AGENTS.md": Link("AGENTS.md")}, ("codex",), refused=InvalidRequestError
    ),
    "skills behind a link that leads out": Prepared(
        {"outside/a": b"", "in/.agents": Link("../outside")},
        ("codex",),
        refused=DeniedError,
        below="in",
    ),
    # nested projects
    "a project in a project": Prepared(
        {"AGENTS.md": b"outer\n", ".mcp.json": b"{}", "packages/a/AGENTS.md": b"inner\n"},
        ("claude-code", "codex"),
        below="packages/a",
    ),
    "a name with spaces and signs": Prepared(
        {"my project é #1/.mcp.json": b"{}"}, ALL, below="my project é #1"
    ),
    # what must be refused before anything is written
    "broken JSON": _settings('{"a": 1,, "b": 2}', refused=InvalidRequestError),
    "JSON that was cut off": _settings('{"a": {"b": 1', refused=InvalidRequestError),
    "two values": _settings("{} {}", refused=InvalidRequestError),
    "single quotes": _settings("{'a': 1}", refused=InvalidRequestError),
    "a list": _settings("[1, 2]", refused=InvalidRequestError),
    "a text where an object belongs": _settings('{"hooks": "none"}', refused=InvalidRequestError),
    "an object where a list belongs": _settings(
        '{"hooks": {"Stop": {}}}', refused=InvalidRequestError
    ),
    "UTF-16": _settings('{"a": 1}'.encode("utf-16"), refused=InvalidRequestError),
    "NaN": _settings('{"a": NaN}', refused=InvalidRequestError),
    "far too deep": _settings("[" * 9999, refused=LimitedError),
    "far too large": _settings(LARGE, refused=LimitedError),
    "broken TOML": _toml("a = \n", refused=InvalidRequestError),
    "a folder in a file's place": Prepared(
        {".mcp.json/a": b"1"}, ("claude-code",), refused=InvalidRequestError
    ),
    "a file in a folder's place": Prepared(
        {".claude": b"text"}, ("claude-code",), refused=InvalidRequestError
    ),
    "a read-only file": Prepared(
        {"AGENTS.md": b"a\n", SETTINGS: Locked(b"{}")}, ("claude-code",), refused=DeniedError
    ),
    "read-only instructions": Prepared(
        {"AGENTS.md": Locked(b"a\n")}, ("codex",), refused=DeniedError
    ),
    "a read-only folder": Prepared({".codex": Locked(None)}, ("codex",), refused=DeniedError),
    "one of many is broken": Prepared(
        {".mcp.json": b"{}", SETTINGS: b"{}", "AGENTS.md": b"a", ".gemini/settings.json": b"{"},
        ALL,
        refused=InvalidRequestError,
    ),
}


def prepare(prepared: Prepared, root: Path) -> Path:
    """Make a project's tree; where the project itself is."""
    locked = []
    for name, content in prepared.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir()
        elif isinstance(content, Link):
            path.symlink_to(content.to)
        elif isinstance(content, Locked):
            path.mkdir() if content.content is None else path.write_bytes(content.content)
            locked.append(path)
        else:
            path.write_bytes(content)
    for path in locked:
        path.chmod(0o555 if path.is_dir() else 0o444)
    (root / prepared.below).mkdir(parents=True, exist_ok=True)
    return root / prepared.below


def tree(root: Path) -> dict[str, tuple[int, bytes | str]]:
    """Every path with its permissions and its bytes, or where it leads."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for parent, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(parent) / name
            mode = path.lstat().st_mode
            content: bytes | str = "folder"
            if path.is_symlink():
                content = f"-> {path.readlink()}"
            elif path.is_file():
                content = path.read_bytes()
            found[str(path.relative_to(root))] = (mode, content)
    return found
