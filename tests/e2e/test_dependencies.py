"""Artifacts that require packages, proven in the real sandbox with wheels made on the spot."""

import importlib.machinery
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.wheels.cache import WheelCache
from lignin.artifacts.equipped import EquippedSandbox
from lignin.artifacts.laws import candidate_from_files
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.requirements import with_lock
from lignin.artifacts.verify import Verification, Verifier
from lignin.domain.artifacts import File
from lignin.domain.candidates import Candidate
from lignin.domain.examples import Example
from lignin.ports.sandbox import Sandbox
from lignin.ports.wheels import Installed
from lignin.testing.wheels import make_wheel

FLOCK = '''"""Counts flocks."""
import swan


def flock(number: int) -> int:
    """Return the size of a number of flocks."""
    return swan.flock(number)
'''
THREE = "def flock(number):\n    return 3 * number\n"
EXAMPLES = tuple(
    Example(arguments={"number": n}, result=3 * n, origin="author") for n in (1, 3, 4, 7, 11, 20)
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[WheelCache]:
    made = WheelCache(tmp_path / "home", {"PATH": os.defpath})
    yield made
    made.close()


def locked(cache: WheelCache, folder: Path, text: str = FLOCK) -> tuple[Candidate, Installed]:
    """The program with its lock on the wheels of a folder, and the folder they are unpacked to."""
    requires = ("swan",)
    files = {"flock.py": File(content=text.encode())}
    plain = candidate_from_files(files, "", None, EXAMPLES, load_kinds(), requires=requires)
    found = with_lock(plain, requires, cache.lock(requires, folder))
    return found, cache.installed(found.tree.manifest.packages)


def judged(sandbox: Sandbox, candidate: Candidate, packages: Installed) -> Verification:
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())
    equipped = verifier.behind(lambda inner: EquippedSandbox(inner, packages))
    return equipped.verify(candidate.tree, candidate.examples)


def test_a_program_is_proven_with_its_packages_and_only_with_these(
    sandbox: Sandbox, cache: WheelCache, tmp_path: Path
) -> None:
    make_wheel(tmp_path / "good", "swan", "1.0", files={"swan.py": THREE})
    make_wheel(tmp_path / "bad", "swan", "1.1", files={"swan.py": THREE.replace("3", "4")})
    good = judged(sandbox, *locked(cache, tmp_path / "good"))
    bad = judged(sandbox, *locked(cache, tmp_path / "bad"))
    assert (good.verdict, bad.verdict) == ("pass", "fail"), (good.reasons, bad.reasons)
    assert good.key != bad.key
    assert good.policy_digest != bad.policy_digest


def test_a_compiled_module_loads_in_the_sandbox(
    sandbox: Sandbox, cache: WheelCache, tmp_path: Path
) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    shared = Path(sysconfig.get_config_var("DESTSHARED") or "")
    compiled = shared / f"_bisect{suffix}"
    if not compiled.is_file():
        pytest.skip("this interpreter's library has no compiled module in a file")
    number = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    text = "from swan._bisect import bisect_left\ndef flock(number):\n    return 3 * bisect_left(range(10**9), number)\n"
    make_wheel(
        tmp_path / "given",
        "swan",
        files={"swan/__init__.py": text, f"swan/{compiled.name}": compiled.read_bytes()},
        tag=f"{number}-{number}-{platform}",
    )
    found = judged(sandbox, *locked(cache, tmp_path / "given"))
    assert "examples: " not in "".join(found.reasons), found.reasons
    assert {result.check: result.verdict for result in found.results}["examples"] == "pass"


@pytest.mark.parametrize(
    "deed",
    [
        "import os\nTOKEN = os.environ.get('AWS_SECRET_ACCESS_KEY')",
        "import os\nALL = dict(os.environ)",
        "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError:\n    pass",
        "open('/tmp/left', 'w').close()",
        "import subprocess\nsubprocess.run(['true'])",
        "import os\ntry:\n    open(os.path.expanduser('~/.aws/credentials')).read()\nexcept OSError:\n    pass",
        "import json\njson.loads = lambda text: 0",
        "import sys\nFRAME = sys._getframe()",
    ],
    ids=["secret", "environment", "network", "file", "program", "home", "patch", "frames"],
)
def test_what_a_package_does_is_held_against_what_requires_it(
    sandbox: Sandbox, cache: WheelCache, tmp_path: Path, deed: str
) -> None:
    make_wheel(tmp_path / "given", "swan", files={"swan.py": f"{deed}\n{THREE}"})
    found = judged(sandbox, *locked(cache, tmp_path / "given"))
    assert found.verdict == "fail", found.results
