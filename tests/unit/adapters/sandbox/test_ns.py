from pathlib import Path

import pytest

from lignin.adapters.sandbox.ns import MAX_SPAWNERS, NamespaceSandbox
from lignin.domain.artifacts import File
from lignin.ports.sandbox import HOME_FOLDER, Command, Execution, PythonCall, Surroundings
from lignin.testing.conformance.sandbox import SandboxConformance, call
from lignin.testing.conformance.sandbox_packages import (
    PackagesConformance,
    ShutPackagesConformance,
    packed,
    with_swan,
)
from lignin.testing.conformance.sandbox_surroundings import SurroundingsConformance
from lignin.testing.conformance.sandbox_walls import SlowWallsConformance, WallsConformance


class TestNamespaceSandbox(SandboxConformance, SurroundingsConformance):
    pass


class TestPackages(PackagesConformance, ShutPackagesConformance):
    pass


def test_the_mode_of_a_package_cannot_be_changed(sandbox: NamespaceSandbox, tmp_path: Path) -> None:
    body = "import os, swan\ndef f():\n    os.chmod(os.path.dirname(swan.__file__), 0o777)"
    seen = call(sandbox, body, packages=with_swan(tmp_path))
    assert (seen.error, "Read-only file system" in seen.message) == ("OSError", True)


def test_the_least_used_sets_of_packages_are_closed(
    sandbox: NamespaceSandbox, tmp_path: Path
) -> None:
    for number in range(MAX_SPAWNERS + 2):
        folder = packed(tmp_path / str(number), {"swan.py": f"VERSION = {number}"})
        body = "import swan\ndef f():\n    return swan.VERSION"
        assert call(sandbox, body, packages=folder).result == number
        assert len(sandbox._spawners) <= MAX_SPAWNERS


class TestWalls(WallsConformance):
    pass


@pytest.mark.slow
class TestWallsUnderRepetition(SlowWallsConformance):
    pass


def test_all_capabilities_are_claimed(sandbox: NamespaceSandbox) -> None:
    assert sandbox.capabilities == {"pid", "net", "fs", "memory", "tmpfs"}


def test_a_shell_is_seen_to_lose_a_given_file_and_to_leave_one_in_tmp(
    sandbox: NamespaceSandbox,
) -> None:
    action = Command(
        argv=("sh", "-c", "rm given.txt; echo x > /tmp/log; echo y > /tmp/gone; rm /tmp/gone")
    )
    work = {"given.txt": File(content=b"x"), "kept.txt": File(content=b"x")}
    seen = sandbox.run(Execution(files={}, action=action, work=work))
    assert [(effect.kind, effect.target) for effect in seen.effects] == [
        ("delete", "/work/given.txt"),
        ("write", "/tmp/log"),
    ]


def test_a_function_is_seen_to_leave_a_file_in_tmp_and_not_one_that_it_takes_away(
    sandbox: NamespaceSandbox,
) -> None:
    body = "def f(keep):\n    import tempfile\n    with tempfile.NamedTemporaryFile(delete=not keep):\n        return 1\n"
    for keep in (True, False):
        action = PythonCall(file="a.py", function="f", arguments={"keep": keep})
        seen = sandbox.run(Execution(files={"a.py": File(content=body.encode())}, action=action))
        left = [effect for effect in seen.effects if effect.target.startswith("/tmp/")]
        assert bool(left) is keep


def test_any_program_is_seen_to_read_a_file_of_the_home_folder_and_not_one_it_only_lists(
    sandbox: NamespaceSandbox,
) -> None:
    home = {name: File(content=b"x") for name in (".netrc", ".aws/credentials")}
    for command, read in (
        ("cat ~/.netrc", [".netrc"]),
        ("ls -lR ~", []),
        ("find ~ -type f", []),
        ("cat ~/.netrc >/dev/null; touch -r ~/.aws ~/.netrc", []),
    ):
        action = Command(argv=("sh", "-c", command))
        seen = sandbox.run(Execution(files={}, action=action, surroundings=Surroundings(home=home)))
        reads = [effect.target for effect in seen.effects if effect.kind == "read"]
        assert reads == [f"{HOME_FOLDER}/{name}" for name in read], command
    assert [(effect.kind, effect.target) for effect in seen.effects] == [
        ("write", f"{HOME_FOLDER}/.netrc")
    ], "who sets the time of access back is seen to change the file"


def test_the_machine_has_the_name_that_is_asked_for(sandbox: NamespaceSandbox) -> None:
    around = Surroundings(hostname="thinkpad")
    for argv in (
        ("/usr/bin/uname", "-n"),
        ("python", "-c", "import socket; print(socket.gethostname())"),
    ):
        action = Command(argv=argv)
        seen = sandbox.run(Execution(files={}, action=action, surroundings=around))
        assert seen.stdout == b"thinkpad\n", seen


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("sleep 30 & exit 0", ["sleep 30"]),
        ("(setsid sleep 31 >/dev/null 2>&1 &)", ["sleep 31"]),
        ("seq 100000 | sort | head -n 1", []),
        ("sleep 0.01 & wait", []),
    ],
)
def test_a_program_that_outlives_the_code_is_told(
    sandbox: NamespaceSandbox, command: str, left: list[str]
) -> None:
    seen = sandbox.run(Execution(files={}, action=Command(argv=("sh", "-c", command))))
    assert [effect.target for effect in seen.effects if effect.kind == "left"] == left


def test_a_result_that_is_too_large_is_an_error_with_the_bound_and_never_null(
    sandbox: NamespaceSandbox,
) -> None:
    code = File(content=b"def f(n):\n    return 'x' * n\n")
    action = PythonCall(file="a.py", function="f", arguments={"n": 8 * 2**20})
    seen = sandbox.run(Execution(files={"a.py": code}, action=action))
    assert (seen.returned, seen.result, seen.error) == (False, None, "UnserialisableResult")
    assert "too large" in seen.message and f"at most {8 * 2**20}" in seen.message
    action = PythonCall(file="a.py", function="f", arguments={"n": 8 * 2**20 - 200})
    assert sandbox.run(Execution(files={"a.py": code}, action=action)).returned


def test_a_number_that_json_rounds_is_an_error_that_says_what_to_return(
    sandbox: NamespaceSandbox,
) -> None:
    code = File(content=b"def f(n):\n    return 10**n\n")
    for number in (19, 5000):
        action = PythonCall(file="a.py", function="f", arguments={"n": number})
        seen = sandbox.run(Execution(files={"a.py": code}, action=action))
        assert (seen.returned, seen.error) == (False, "UnserialisableResult")
        assert "beyond 2**53" in seen.message and "as strings" in seen.message
