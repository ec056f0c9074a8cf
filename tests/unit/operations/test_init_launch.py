"""`init` writes a command that clients find from a shell in which nothing was activated."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.operations.init import fresh_path
from unit.operations.conftest import Desk


def _program(folder: Path, name: str = "lignin") -> Path:
    folder.mkdir(parents=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return folder


def _with(desk: Desk, **environment: str) -> Desk:
    (desk.context.cwd / "project").mkdir(exist_ok=True)
    return Desk(replace(desk.context, environment=environment))


def _written(desk: Desk, **asked: str) -> tuple[list[str], str]:
    told = desk("init", folder="project", client=["codex"], yes=True, **asked)
    config = (desk.context.cwd / "project/.codex/config.toml").read_text()
    server = tomllib.loads(config)["mcp_servers"]["lignin"]
    return [server["command"], *server["args"]], "\n".join(told.to_do)


def test_a_lignin_on_the_path_of_every_shell_is_written_by_its_name(desk: Desk) -> None:
    words, told = _written(_with(desk, PATH=str(_program(desk.context.cwd / "bin"))))
    assert words == ["lignin", "mcp"]
    assert "fresh shell" not in told


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_a_lignin_of_an_activated_environment_is_written_by_its_path_and_told(
    desk: Desk, variable: str
) -> None:
    folder = desk.context.cwd / "env"
    where = {"PATH": str(_program(folder / "bin")), variable: str(folder)}
    words, told = _written(_with(desk, **where))
    assert words == [sys.executable, "-m", "lignin", "mcp"]
    assert Path(words[0]).is_absolute()
    assert f"clients start {sys.executable} -m lignin" in told


def test_the_environment_of_the_running_python_is_in_no_fresh_shell(desk: Desk) -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("this Python runs in no environment of its own")
    path = fresh_path(_with(desk, PATH=f"{sys.prefix}/bin:/usr/bin").context)
    assert path == "/usr/bin"


def test_a_named_command_that_no_shell_finds_is_written_and_told(desk: Desk) -> None:
    words, told = _written(_with(desk, PATH="/nowhere"), command="elsewhere --quiet")
    assert words == ["elsewhere", "--quiet", "mcp"]
    assert "does not find elsewhere" in told


def test_codex_waits_for_the_server_and_starts_without_it(desk: Desk) -> None:
    _written(_with(desk, PATH=""))
    text = (desk.context.cwd / "project/.codex/config.toml").read_text()
    config = tomllib.loads(text)
    server = config["mcp_servers"]["lignin"]
    assert "required" not in server
    assert server["startup_timeout_sec"] > 10
    assert config["mcp_optional_startup_grace_ms"] == server["startup_timeout_sec"] * 1000
    assert {"LIGNIN_HOME", "LIGNIN_STORE", "LIGNIN_SPACE"} == set(server["env_vars"])


def test_the_wait_of_codex_stands_before_every_table_and_below_a_schema(desk: Desk) -> None:
    path = desk.context.cwd / "project/.codex/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("#:schema https://x/y.json\n[tui]\nanimations = false\n")
    _written(_with(desk, PATH=""))
    assert path.read_text().startswith("#:schema https://x/y.json\n# lignin:begin start\n")
    config = tomllib.loads(path.read_text())
    assert config["tui"] == {"animations": False}
    assert config["mcp_optional_startup_grace_ms"] > 1000
