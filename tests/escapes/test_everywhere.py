"""The same attempts by an unprivileged user, and inside another sandbox."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig

import pytest

from architecture.sources import ROOT

_AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_IN_BUBBLEWRAP = ("bwrap", "--unshare-all", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc")


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


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["ns", "landlock"])
@pytest.mark.parametrize("inside", [(), _IN_BUBBLEWRAP], ids=["alone", "in bubblewrap"])
def test_nothing_gets_out_for_an_unprivileged_user(inside: tuple[str, ...], tier: str) -> None:
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become another user; the other tests ran as this one")
    if inside and shutil.which(inside[0]) is None:
        pytest.skip("bubblewrap is not installed")
    python = _interpreter_for_anybody()
    paths = (ROOT / "src", ROOT / "tests", sysconfig.get_path("purelib"))
    done = subprocess.run(
        [*_AS_NOBODY, *inside, python, "-B", "-m", "escapes.everywhere", tier],
        env={"PYTHONPATH": ":".join(map(str, paths)), "PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    report = json.loads(done.stdout)
    assert (report["user"], report["out"], report["unmade"]) == (65534, [], [])
    assert report["made"] >= 100
