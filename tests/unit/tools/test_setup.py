"""Setting up announces what it installs, does it once, and leaves nothing half done unmarked."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[3] / "tools" / "setup.py"
# Stands for `.venv/bin/python`: notes its arguments, fails to install where the file `fail` exists,
# and answers the sandbox doctor with the file `doctor`, by exit code 5 where there is no tier.
PYTHON = r"""#!/bin/sh
echo "$@" >> "{root}/log"
case "$*" in
  *doctor*) cat "{root}/doctor"; grep -q '"tier": null' "{root}/doctor" && exit 5; exit 0;;
  *install\ *) test ! -e "{root}/fail";;
esac
"""
NO_TIER = (
    '{"tier": null, "tiers": [{"tier": "ns", "why_not": "user namespaces are off",'
    ' "install": ["as root: sysctl -w user.max_user_namespaces=10000"]}]}'
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in a path with a space, with a stand-in for an existing `.venv`."""
    root = tmp_path / "a clone"
    (root / "tools").mkdir(parents=True)
    shutil.copy(SETUP, root / "tools" / "setup.py")
    (root / "requirements.txt").write_text("one==1 \\\n    --hash=sha256:00\ntwo==2\n")
    (root / "pyproject.toml").write_text("")
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(root=root))
    python.chmod(0o755)
    return root


def set_up(project: Path, purpose: str = "check", **environment: str) -> tuple[int, str, list[str]]:
    """Run it; return exit status, what it said, and what pip was asked for."""
    (project / "log").unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, str(project / "tools" / "setup.py"), purpose],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    log = project / "log"
    asked = log.read_text().splitlines() if log.exists() else []
    return done.returncode, done.stdout, [line for line in asked if "install" in line]


def test_packages_are_announced_and_installed_by_hash_then_the_project(project: Path) -> None:
    status, said, asked = set_up(project)
    assert status == 0
    assert "installs the 2 packages" in said
    assert "--require-hashes" in asked[0]
    assert asked[1].endswith("--no-deps --no-build-isolation -e .")


def test_a_second_run_is_silent_and_installs_nothing(project: Path) -> None:
    set_up(project)
    assert set_up(project) == (0, "", [])


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_a_changed_lock_or_project_file_installs_again(project: Path, name: str) -> None:
    set_up(project)
    (project / name).write_text("# changed\n")
    assert len(set_up(project)[2]) == 2


def test_a_failed_install_is_tried_again(project: Path) -> None:
    (project / "fail").touch()
    status, said, _ = set_up(project)
    assert status == 1
    assert "pip failed" in said
    (project / "fail").unlink()
    assert len(set_up(project)[2]) == 2


def test_a_linked_environment_is_left_alone(project: Path) -> None:
    (project / ".venv").rename(project / "elsewhere")
    (project / ".venv").symlink_to(project / "elsewhere")
    status, said, asked = set_up(project)
    assert (status, asked) == (0, [])
    assert "used as it is" in said


def test_the_sandbox_tier_that_works_is_named(project: Path) -> None:
    (project / "doctor").write_text(
        '{"tier": "ns", "tiers": [{"tier": "ns", "walls": "inside bubblewrap"}]}'
    )
    status, said, _ = set_up(project, "demo")
    assert status == 0
    assert "the ns tier works here, inside bubblewrap" in said


def test_without_bubblewrap_it_is_installed_or_named_and_the_rest_goes_on(project: Path) -> None:
    programs = project / "programs"
    programs.mkdir()
    for name in ("sh", "cat", "grep", "test"):
        (programs / name).symlink_to(shutil.which(name) or name)
    (project / "doctor").write_text('{"tier": null, "tiers": []}')
    status, said, _ = set_up(project, "demo", PATH=str(programs))
    assert status == 0
    assert "bubblewrap is missing" in said
    assert "apt-get install bubblewrap" in said
    assert "stands on its own walls" in said


def test_where_no_tier_works_the_reason_and_the_remedy_are_named(project: Path) -> None:
    (project / "doctor").write_text(NO_TIER)
    status, said, _ = set_up(project, "demo")
    assert status == 0
    assert "user namespaces are off" in said
    assert "as root: sysctl" in said
    assert "nothing weaker is used" in said


def test_an_unknown_purpose_is_refused(project: Path) -> None:
    status, said, _ = set_up(project, "everything")
    assert status == 1
    assert "usage" in said
