"""The same attempts by an unprivileged user, and inside another sandbox."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import Any

import pytest

from architecture.sources import ROOT

_AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_IN_BUBBLEWRAP = ("bwrap", "--unshare-all", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
_INSTALLED = shutil.which("bwrap") is not None


def _interpreter_for_anybody() -> str:
    """An interpreter of this version that an unprivileged user may start."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (os.path.realpath(sys.executable), f"/usr/bin/{version}"):
        # by way of a shell: setpriv itself still has root's right to read when it starts a program
        start = (*_AS_NOBODY, "/bin/sh", "-c", '"$0" -c ""', path)
        tried = subprocess.run(start, capture_output=True, check=False)
        if tried.returncode == 0:
            return path
    pytest.skip("every interpreter of this version lies where only root may read, as below /root")


def _tried(tier: str, *first: str) -> dict[str, Any]:
    """What `escapes.everywhere` reports when it is started by way of these words."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user; the other tests ran as this one")
    python = _interpreter_for_anybody()
    paths = (ROOT / "src", ROOT / "tests", sysconfig.get_path("purelib"))
    done = subprocess.run(
        [*first, python, "-B", "-m", "escapes.everywhere", tier],
        env={"PYTHONPATH": ":".join(map(str, paths)), "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    assert (report["out"], report["unmade"]) == ([], [])
    return report


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["ns", "landlock"])
@pytest.mark.parametrize("inside", [(), _IN_BUBBLEWRAP], ids=["alone", "in bubblewrap"])
def test_nothing_gets_out_for_an_unprivileged_user(inside: tuple[str, ...], tier: str) -> None:
    if inside and not _INSTALLED:
        pytest.skip("bubblewrap is not installed")
    report = _tried(tier, *_AS_NOBODY, *inside)
    assert report["user"] == 65534
    assert report["made"] >= 100
    assert tier != "ns" or not _INSTALLED or report["walls"] == "inside bubblewrap"


@pytest.mark.slow
@pytest.mark.skipif(not _INSTALLED, reason="bubblewrap is not installed")
def test_root_gives_itself_up_for_the_outer_wall_and_nothing_gets_out() -> None:
    report = _tried("ns")
    assert (report["user"], report["walls"]) == (0, "inside bubblewrap")


@pytest.mark.skipif(not _INSTALLED, reason="bubblewrap is not installed")
@pytest.mark.parametrize("first", [(), _AS_NOBODY], ids=["root", "nobody"])
def test_the_outer_wall_holds_what_reaches_out_where_ours_is_left_out(
    first: tuple[str, ...],
) -> None:
    report = _tried("outer", *first)
    assert (report["made"] >= 12, report["walls"]) == (True, "inside bubblewrap")
