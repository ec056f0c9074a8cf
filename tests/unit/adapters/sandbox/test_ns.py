import pytest

from lignin.adapters.sandbox.ns import NamespaceSandbox
from lignin.domain.artifacts import File
from lignin.ports.sandbox import Command, Execution, PythonCall
from lignin.testing.conformance.sandbox import SandboxConformance
from lignin.testing.conformance.sandbox_walls import SlowWallsConformance, WallsConformance


class TestNamespaceSandbox(SandboxConformance):
    pass


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
