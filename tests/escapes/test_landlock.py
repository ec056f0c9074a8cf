"""The attempts in the `landlock` tier: files and network are held, what is shared is not changed.

Bounds there are watched, and some of what `ns` bounds is not claimed: `UNBOUNDED`.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from escapes import shared
from escapes.judge import SMALL, attempt, run
from escapes.shared import CASES, OLDER, OWN, UNCLAIMED
from escapes.test_bombs import _TELL, BOMBS
from escapes.test_escapes import _ABSENT
from escapes.traps import Traps
from lignin.adapters.sandbox import kernel
from lignin.adapters.sandbox.landlock import LandlockSandbox, open_landlock_sandbox
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Limits

_CAP = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts")
_SCOPES = 6
_SAMPLE = (*tuple(CASES)[::4], *OWN)
_CONTROLLED = [name for name, case in CASES.items() if case.off]
UNBOUNDED = {
    "memory of the kernel in sockets": "it belongs to no process, and there is no group",
    "disk": "each file is bounded: `a file is bounded in size`",
    "disk by many files": "each file is bounded, not all together",
    "memory shared by a file": "it lies in a file on disk",
    "processor": "each process is bounded; what is watched together is time",
    "time by a stopped process": "signals stay inside by Landlock; `time` is the same bound",
}


class Without(LandlockSandbox):
    """The tier with some walls left out; where rights are, in namespaces as an outer cap."""

    def command(self, folders: Mapping[str, Path], guest: list[str], limits: Limits) -> list[str]:
        confined = super().command(folders, guest, limits)
        return [*_CAP, *confined] if "capabilities" in self.off else confined

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        if "environment" in self.off:
            options["env"] = {**os.environ, **options["env"]}
        if "descriptors" in self.off:
            options.update(close_fds=False, pass_fds=())
            os.set_inheritable(int(command[-1]), True)
        return super().start(command, **options)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[LandlockSandbox]:
    try:
        opened = open_landlock_sandbox()
    except UnavailableError as error:
        pytest.skip(error.message)
    with contextlib.closing(opened):
        yield opened


def _sampled(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=() if name in _SAMPLE else pytest.mark.slow) for name in names]


def _unscoped(name: str) -> frozenset[str]:
    return frozenset({"scope"}) if name in OLDER else frozenset()


@pytest.mark.parametrize("name", _sampled(list(CASES)))
def test_attempt_is_held(sandbox: LandlockSandbox, traps: Traps, name: str) -> None:
    with contextlib.closing(LandlockSandbox(_unscoped(name))) as opened:
        out, seen = attempt(
            opened if name in OLDER else sandbox, CASES[name], traps, shared.program
        )
    assert not out, (seen.result, "it got out")
    assert seen.status != "infrastructure", seen.message
    assert seen.error not in {"NameError", "SyntaxError", "TypeError", "ArgumentError"}, (
        seen.message
    )


@pytest.mark.parametrize("name", _sampled(_CONTROLLED))
def test_attempt_gets_through_where_its_wall_is_left_out(
    sandbox: LandlockSandbox, traps: Traps, name: str
) -> None:
    case = CASES[name]
    with contextlib.closing(Without(case.off | _unscoped(name))) as opened:
        out, seen = attempt(opened, case, traps, shared.program)
    for path, text in (("mine", "kept"), ("secret", "CANARY-file")):
        Path(traps.words["FOLDER"], path).write_text(text)  # what got through may have taken it
    if not out and any(f"[Errno {number}]" in seen.message for number in _ABSENT):
        pytest.skip(f"the kernel here has no {name}: {seen.message}")
    assert out, (seen.status, seen.error, seen.message, seen.stderr)


def test_every_case_has_a_control_or_says_why_not() -> None:
    assert len(CASES) >= 120
    assert len(_CONTROLLED) >= 60
    assert all(bool(case.off) != bool(case.why_no_control) for case in CASES.values())


def test_a_signal_to_everybody_stays_inside(sandbox: LandlockSandbox) -> None:
    with subprocess.Popen(["sleep", "60"]) as witness:
        run(sandbox, "def f():\n    import os\n    os.kill(-1, 9)")
        assert witness.poll() is None
        witness.kill()


def test_a_sandbox_with_a_wall_left_out_is_known_by_its_policy_digest(
    sandbox: LandlockSandbox,
) -> None:
    with contextlib.closing(LandlockSandbox(frozenset({"landlock"}))) as opened:
        assert opened.policy_digest != sandbox.policy_digest


def test_copying_with_modes_and_times_goes_on(sandbox: LandlockSandbox) -> None:
    text = "def f():\n    import shutil\n    shutil.copy2('/usr/bin/env', 'a')\n    shutil.copy('a', 'b')\n    return 1"
    assert run(sandbox, text).result == 1


@pytest.mark.skipif(kernel.landlock_version() < _SCOPES, reason="Landlock keeps no signals in")
def test_a_child_may_signal_itself_and_its_siblings(sandbox: LandlockSandbox) -> None:
    text = "def f():\n    import os\n    p = os.fork()\n    if p == 0: os.abort()\n    return os.WTERMSIG(os.waitpid(p, 0)[1])"
    assert run(sandbox, text).result == 6


@pytest.mark.parametrize("name", sorted(BOMBS.keys() - UNBOUNDED.keys()))
def test_bomb_is_bounded_and_goes_on_where_the_bound_is_raised(
    sandbox: LandlockSandbox, name: str
) -> None:
    bomb = BOMBS[name]
    if name in ("processes", "threads"):  # slow enough to be watched
        body = bomb.body.replace("tell(n)", "tell(n); time.sleep(.02)").replace("(.5,)", "(3,)")
        bomb = replace(bomb, body=body)
    held = run(sandbox, _TELL + "    " + bomb.body, bomb.bounded)
    steps = len(held.stdout.split())
    assert steps < bomb.steps, held
    assert not held.returned
    assert held.status in {bomb.status or "killed", "killed"}, held
    assert held.wall_s < bomb.bounded.wall_s + 2
    free = run(sandbox, _TELL + "    " + bomb.body, bomb.raised)
    assert (free.status, len(free.stdout.split())) == ("exited", bomb.steps), free


def test_a_file_is_bounded_in_size(sandbox: LandlockSandbox) -> None:
    text = "def f():\n    open('x', 'wb').write(bytes(9 << 20))\n    return 1"
    assert not run(sandbox, text).returned
    assert run(sandbox, text, replace(SMALL, work_bytes=16 << 20)).result == 1


def test_what_is_not_claimed_is_known() -> None:
    assert UNBOUNDED.keys() <= BOMBS.keys()
    assert all(UNCLAIMED.values())
