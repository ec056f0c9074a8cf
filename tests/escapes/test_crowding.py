"""Code cannot hide what it does behind a crowd of harmless effects, nor what it leaves behind an error."""

from collections.abc import Iterator

import pytest

from escapes.judge import run
from lignin.adapters.sandbox.landlock import LandlockSandbox, open_landlock_sandbox
from lignin.adapters.sandbox.ns import NamespaceSandbox
from lignin.artifacts.undeclared import undeclared
from lignin.domain.artifacts import Capabilities
from lignin.domain.errors import UnavailableError
from lignin.domain.examples import Example
from lignin.ports.sandbox import Effect, Observed


@pytest.fixture(scope="module")
def landlock() -> Iterator[LandlockSandbox]:
    try:
        opened = open_landlock_sandbox()
    except UnavailableError as error:
        pytest.skip(f"no Landlock on this machine: {error}")
    yield opened
    opened.close()


@pytest.fixture(params=["namespace", "landlock"])
def either(request: pytest.FixtureRequest) -> NamespaceSandbox | LandlockSandbox:
    found: NamespaceSandbox | LandlockSandbox = request.getfixturevalue(
        "sandbox" if request.param == "namespace" else "landlock"
    )
    return found


def _beyond(seen: Observed, **declared: object) -> list[str]:
    capabilities = Capabilities(**declared)  # type: ignore[arg-type]
    return list(undeclared(capabilities, Example(arguments={}), seen, is_command=False))


_CROWD = "def f():\n    import os, socket, subprocess\n    for n in range(1500): os.environ.get(f'LC_{n}')\n"


def test_a_crowd_of_harmless_effects_hides_nothing(
    either: NamespaceSandbox | LandlockSandbox,
) -> None:
    after = (
        "    open('left', 'w').close()\n    subprocess.run(['/bin/true'])\n"
        "    try: socket.getaddrinfo('example.org', 80)\n    except OSError: pass\n"
        "    os.path.exists(os.path.expanduser('~/.ssh/id'))\n    os.environ.get('TOKEN')\n    return 1\n"
    )
    seen = run(either, _CROWD + after)
    assert seen.result == 1
    assert Effect(kind="overflow", target="environment") in seen.effects
    found = _beyond(seen)
    for word in ("started the process /bin/true", "connected to example.org:80", "left the file"):
        assert any(word in fault for fault in found), (word, found)
    assert any(each.kind == "read" and each.target.endswith("/.ssh/id") for each in seen.effects)


def test_more_effects_than_are_told_are_never_declared(sandbox: NamespaceSandbox) -> None:
    assert any("more effects" in fault for fault in _beyond(run(sandbox, _CROWD)))


def test_reading_all_of_usr_is_no_overflow(sandbox: NamespaceSandbox) -> None:
    text = "def f():\n    import os\n    return [os.path.exists(f'/usr/share/{n}') for n in range(1500)]"
    seen = run(sandbox, text)
    assert seen.returned
    assert _beyond(seen) == []
    assert Effect(kind="read", target="/usr") in seen.effects


_SHUT = """def f():
    import os
    os.mkdir('d'); open('d/x', 'w').write('in a folder'); os.chmod('d', 0o444)
    os.mkdir('e'); open('e/y', 'w').write('in a locked one'); os.chmod('e', 0)
    os.close(os.open('z', os.O_CREAT | os.O_WRONLY, 0))
    os.environ.get('TOKEN')
    os.chmod('/work', 0)
    return 1
"""


def test_a_folder_without_rights_is_read_back_as_any_other(sandbox: NamespaceSandbox) -> None:
    seen = run(sandbox, _SHUT)
    assert (seen.status, seen.result) == ("exited", 1)
    wanted = {"d/x": b"in a folder", "e/y": b"in a locked one", "z": b""}
    assert seen.written == wanted
    found = _beyond(seen, paths=("d", "d/x", "e", "e/y", "z"))
    assert found == ["read the variable TOKEN", "wrote to /work"]


def test_a_path_that_nobody_can_name_is_the_codes_doing(
    either: NamespaceSandbox | LandlockSandbox,
) -> None:
    text = "def f():\n    import os\n    os.environ.get('TOKEN')\n    for _ in range(30): os.mkdir('a' * 200); os.chdir('a' * 200)\n    open('x', 'w').close()\n    os.chdir('/usr')\n"
    seen = run(either, text)
    assert seen.status == "exited"
    found = _beyond(seen, paths=("*",))
    assert any(fault.startswith("left what cannot be read back (/work/aaa") for fault in found)
    assert "read the variable TOKEN" in found


def test_any_depth_of_folders_is_read_back(either: NamespaceSandbox | LandlockSandbox) -> None:
    text = "def f():\n    import os\n    for _ in range(1100): os.mkdir('d'); os.chdir('d')\n    open('x', 'w').close()\n    os.chdir('/usr')\n"
    seen = run(either, text)
    assert seen.status == "exited"
    assert list(seen.written) == ["d/" * 1100 + "x"]


def test_names_that_are_no_text_are_told(sandbox: NamespaceSandbox) -> None:
    text = "def f():\n    open(b'/work/\\xff', 'w').close(); open(b'/tmp/\\xfe', 'w').close()\n"
    seen = run(sandbox, text)
    assert list(seen.written) == ["\\xff"]
    assert Effect(kind="write", target="/tmp/\\xfe") in seen.effects


_NAMED = """def f():
    import os, subprocess
    os.environ.get('TOKEN')
    os.symlink('/bin/sleep', b'\\xff')
    subprocess.Popen([b'./\\xff', b'%s'])
    import time; time.sleep(.3)
    return 1
"""


@pytest.mark.parametrize("sleep_s", ["0.1", "5"])
def test_a_process_whose_name_is_no_text_stops_no_supervisor(
    either: NamespaceSandbox | LandlockSandbox, sleep_s: str
) -> None:
    seen = run(either, _NAMED % sleep_s)
    assert (seen.status, seen.result) == ("exited", 1)
    assert any(effect.kind == "process" for effect in seen.effects)


def test_files_that_are_not_read_back_are_told(either: NamespaceSandbox | LandlockSandbox) -> None:
    text = "def f():\n    for name in 'ab':\n        with open(name, 'wb') as file: file.truncate(6 << 20)\n    return 1"
    seen = run(either, text)
    assert list(seen.written) == ["a"]
    assert any("more effects" in fault for fault in _beyond(seen, paths=("a", "b")))
