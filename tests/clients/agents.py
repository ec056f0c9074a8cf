"""A project with Claude Code and Codex in it, a store behind them, and a scripted model: all on this machine.

The clients get an empty home, no credentials, and a proxy that leads nowhere. Lignin serves them MCP and
takes their telemetry on one port, as `lignin up --http` does.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.model_server import Call, ModelServer, Said, Step, Turn
from lignin.app import load_settings, open_context
from lignin.interfaces.http.serve import load_token, serve
from lignin.operations.context import Context, Serving
from lignin.operations.registry import load_operations

PACKAGES = Path(__file__).parent / "node_modules"
LIGNIN = Path(sys.executable).parent / "lignin"
OPERATIONS = load_operations()
TOOLS = ("artifact_call", "artifact_capture", "artifact_search", "artifact_show")
LOADS_TOOLS = {"query": "select:" + ",".join(f"mcp__lignin__{tool}" for tool in TOOLS)}
WAITS = {"yield_time_ms": 300_000}
_CODEX = """\
model = "gpt-5.1-codex"
model_provider = "local"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
allow_login_shell = false
[features]
plugins = false
remote_plugin = false
apps = false
[analytics]
enabled = false
[projects."{project}"]
trust_level = "trusted"
[model_providers.local]
name = "local"
base_url = "{model}/v1"
wire_api = "responses"
env_key = "LOCAL_KEY"
"""
_SERVED = """\
[mcp_servers.lignin]
url = "{url}/mcp"
bearer_token_env_var = "LIGNIN_TOKEN"
required = true
startup_timeout_sec = 60
[otel]
log_user_prompt = true
exporter = {{ otlp-http = {{ endpoint = "{url}/v1/logs", protocol = "binary", \
headers = {{ Authorization = "Bearer {token}" }} }} }}
"""


def claude_program() -> Path | None:
    """The native program of Claude Code; None where npm brought none for this machine."""
    return next(iter(PACKAGES.glob("@anthropic-ai/claude-code-*/claude")), None)


def codex_program() -> Path | None:
    """The native program of Codex; None where npm brought none for this machine."""
    return next(iter(PACKAGES.glob("@openai/codex-*/vendor/*/bin/codex")), None)


@dataclass(frozen=True)
class Workshop:
    """Where the clients work."""

    root: Path
    context: Context
    url: str
    token: str
    model: ModelServer

    @property
    def home(self) -> Path:
        """The person's home, empty at first."""
        return self.root / "home"

    @property
    def project(self) -> Path:
        """The folder that the clients are started in."""
        return self.root / "project"

    def do(self, name: str, /, **request: Any) -> Any:
        """An operation, by the person."""
        operation = OPERATIONS[name]
        return operation.run(self.context, operation.request(**request))

    def environment(self) -> dict[str, str]:
        """What every client gets: no way out but this machine, and a shell that finds `lignin`."""
        return {
            "PATH": f"{LIGNIN.parent}:/usr/bin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
            "LIGNIN_HOME": str(self.context.home),
            "HTTP_PROXY": self.model.url,
            "HTTPS_PROXY": self.model.url,
            "NO_PROXY": "127.0.0.1",
        }

    def claude(
        self, script: str, *words: str, telemetry: bool | None = True
    ) -> tuple[str, list[dict[str, Any]]]:
        """Run Claude Code on a script of the model; returns its session and what it streamed.

        Args:
            telemetry: Whether its environment has it send any; None leaves that to its settings.
        """
        header = f"Bearer {self.token}"
        server = {"type": "http", "url": f"{self.url}/mcp", "headers": {"Authorization": header}}
        config = self.root / "mcp.json"
        config.write_text(json.dumps({"mcpServers": {"lignin": server}}))
        variables = {
            "ANTHROPIC_BASE_URL": self.model.url,
            "ANTHROPIC_API_KEY": "local",
            "CLAUDE_CODE_TMPDIR": str(self.root / "tmp"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        sending = {
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1" if telemetry else "0",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization={header}",
            "OTEL_LOG_TOOL_DETAILS": "1",
            "OTEL_LOGS_EXPORT_INTERVAL": "500",
        }
        program = claude_program()
        assert program is not None
        done = self._run(
            [str(program), "-p", _asked(script), "--output-format", "stream-json", "--verbose",
             "--strict-mcp-config", "--mcp-config", str(config), "--model", "claude-opus-5-5",
             "--allowedTools", "Bash Read Write Skill Agent ToolSearch mcp__lignin", *words],
            variables if telemetry is None else variables | sending,
        )  # fmt: skip
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return str(told[-1]["session_id"]), told

    def codex(
        self, script: str, *words: str, served: bool = True
    ) -> tuple[str, list[dict[str, Any]]]:
        """Run Codex on a script of the model; returns its session and what it streamed.

        Args:
            served: Whether its own settings name Lignin; else only the project's may.
        """
        folder = self.home / ".codex"
        folder.mkdir(exist_ok=True)
        settings = _CODEX + _SERVED if served else _CODEX
        (folder / "config.toml").write_text(
            settings.format(
                project=self.project, model=self.model.url, url=self.url, token=self.token
            )
        )
        program = codex_program()
        assert program is not None
        done = self._run(
            [str(program), "exec", "--skip-git-repo-check", "--json", *words, _asked(script)],
            {"LOCAL_KEY": "local", "LIGNIN_TOKEN": self.token},
        )
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return str(told[0]["thread_id"]), told

    def _run(
        self, command: list[str], variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, env={**self.environment(), **variables}, cwd=self.project, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert self.model.failures == []
        return done


def once_ended(then: Callable[[Turn], Said]) -> list[Step]:
    """Steps that wait for a command which Codex let go on, as it says with its session's number."""

    def step(turn: Turn) -> Said:
        going = re.search(r"Process running with session ID (\d+)", turn.results[-1])
        if going is None:
            return then(turn)
        return Call("write_stdin", {"session_id": int(going[1]), "chars": "", **WAITS})

    return [step] * 12


def _asked(script: str) -> str:
    is_whole = script.startswith("/") or "[[" in script
    return script if is_whole else f"please do [[{script}]]"


@contextlib.contextmanager
def open_workshop(root: Path, model: ModelServer) -> Iterator[Workshop]:
    """An empty home, a project, a store, and Lignin serving them."""
    for name in ("home", "project", "tmp", "lignin"):
        (root / name).mkdir()
    settings = load_settings(
        {
            "LIGNIN_HOME": str(root / "lignin"),
            "HOME": str(root / "home"),
            "PATH": os.environ.get("PATH", ""),
            "LIGNIN_ACTOR": "user:tester",
        },
        root / "project",
    )

    @contextlib.contextmanager
    def open_copy() -> Iterator[Context]:
        with open_context(settings, dry_run=True) as copy:
            yield copy

    with (
        open_context(settings) as context,
        serve(context, Serving(address="127.0.0.1:0"), open_copy) as url,
    ):
        yield Workshop(root, context, url, load_token(context.home), model)
