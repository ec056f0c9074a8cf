"""What lies in `deploy/` parses, and every command in it is one."""

import os
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from architecture.sources import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return found


def unit(path: Path) -> ConfigParser:
    parsed = ConfigParser(interpolation=None, strict=True)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(path.read_text())
    return parsed


def commands() -> dict[str, list[str]]:
    services = compose()["services"]
    found = {name: each["command"] for name, each in services.items() if "command" in each}
    for path in UNITS:
        found[path.name] = shlex.split(unit(path)["Service"]["ExecStart"])
    return found


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_one_with_the_options_it_has(name: str, tmp_path: Path) -> None:
    program, *arguments = commands()[name]
    assert Path(program).name == "lignin"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LIGNIN_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = str(ROOT / "src")
    environment["LIGNIN_OTLP_TOKEN"] = "a-token"
    done = subprocess.run(
        [sys.executable, "-m", "lignin", *arguments, "--dry-run"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_services_have_the_store_the_key_and_time_to_stop() -> None:
    found = compose()
    assert set(found["services"]) == {"db", "up", "worker"}
    for name in ("up", "worker"):
        service = found["services"][name]
        assert "db/lignin" in service["environment"]["LIGNIN_STORE"]
        assert service["volumes"] == ["home:/var/lib/lignin"]
        assert service["stop_grace_period"] == "60s"
    assert set(found["volumes"]) == {"data", "home"}
    for path in UNITS:
        service = unit(path)["Service"]
        assert (service["User"], service["TimeoutStopSec"]) == ("lignin", "60")


def test_no_password_stands_in_a_file() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert "POSTGRES_PASSWORD: ${LIGNIN_DB_PASSWORD:?" in text
    assert not [path for path in DEPLOY.iterdir() if path.name == ".env"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(path: Path, tmp_path: Path) -> None:
    text = path.read_text().replace("/opt/lignin/bin/lignin", sys.executable)
    copy = tmp_path / path.name
    copy.write_text(text.replace("User=lignin", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if path.stem.rstrip("@") in line]
    assert (done.returncode, told) == (0, []), done.stderr
