import importlib.util
import os
import subprocess
import sys

import pytest

from lignin.adapters.sandbox import doctor
from lignin.adapters.sandbox.doctor import open_sandbox, probe, remedies
from lignin.adapters.sandbox.plan import python_program
from lignin.adapters.sandbox.vm import Machine, RemoteSandbox, Wanted
from lignin.adapters.sandbox.vm_e2b import E2bProvider
from lignin.domain.errors import InvalidRequestError, UnavailableError
from unit.adapters.sandbox.standins import e2b
from unit.adapters.sandbox.standins.machines import Cloud


def test_report_names_a_working_tier_or_says_why_not_and_what_helps() -> None:
    report = probe()
    assert [tier.tier for tier in report.tiers] == ["vm", "ns", "landlock", "seatbelt"]
    working = [tier.tier for tier in report.tiers if tier.works]
    assert report.tier == (working[0] if working else "")
    for tier in report.tiers:
        assert tier.works or tier.why_not
        assert tier.works or tier.remedies or tier.tier == "seatbelt"  # another system is no remedy


def test_what_runs_elsewhere_is_not_tried_unasked() -> None:
    vm = probe().tiers[0]
    assert (vm.tier, vm.works, vm.why_not) == ("vm", False, "not asked for")
    assert "vm:docker" in vm.remedies[0]
    assert all(f"lignin[{name}]" in vm.remedies[1] for name in ("e2b", "modal", "daytona"))


def test_the_one_asked_for_is_opened_or_none() -> None:
    try:
        opened = open_sandbox(choice="landlock")
    except UnavailableError:
        pytest.skip("no Landlock here")
    opened.close()
    assert opened.tier == "landlock"
    with pytest.raises(UnavailableError, match="seatbelt does not work"):
        open_sandbox(choice="seatbelt" if sys.platform != "darwin" else "ns", allow_unsafe=True)


def test_a_missing_client_names_what_to_install() -> None:
    for name in ("e2b", "modal", "daytona"):
        if importlib.util.find_spec(name) is None:
            with pytest.raises(UnavailableError) as raised:
                open_sandbox(choice=f"vm:{name}", allow_unsafe=True)
            assert f"lignin[{name}]" in raised.value.hint
            report = probe(f"vm:{name}")
            assert (report.tier, report.tiers[0].works) == ("", False)
            assert report.tiers[1].why_not == f"not asked for: LIGNIN_SANDBOX is vm:{name}"


@pytest.mark.parametrize("choice", ["none", "vm", "vm:", "vm:other", "ns:x", "e2b", "NS"])
def test_a_choice_that_there_is_not_is_refused(choice: str) -> None:
    with pytest.raises(InvalidRequestError, match="no sandbox"):
        open_sandbox(choice=choice, allow_unsafe=True)


class Stubborn:
    """A service whose machines see what a probe must not."""

    name, image, needs = "stubborn", "x", "a key"

    def __init__(self, cloud: Cloud, network: bool) -> None:
        self._sdk = e2b.client(cloud)
        self._network = network

    def make(self, wanted: Wanted) -> Machine:
        made = E2bProvider(sdk=self._sdk).make(wanted)
        made._sandbox.commands._network = self._network
        return made


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the stand-ins are Linux's")
def test_a_remote_machine_is_probed_before_it_is_trusted() -> None:
    cloud = Cloud()
    with doctor._open_probed("vm", lambda: RemoteSandbox(Stubborn(cloud, network=False))):
        pass
    cloud.faults = {"run": [ConnectionError("down")]}
    with pytest.raises(UnavailableError, match=r"does not start: stubborn: .*down") as raised:
        doctor._open_probed("vm", lambda: RemoteSandbox(Stubborn(cloud, network=False)))
    assert (raised.value.hint, cloud.left) == ("a key", [])


def test_opening_never_falls_back_to_no_isolation_unasked() -> None:
    try:
        opened = open_sandbox()
    except UnavailableError as error:
        assert error.hint  # closed, with a remedy
    else:
        opened.close()
        assert opened.tier != "none"


def test_the_last_remedy_is_always_to_accept_no_isolation() -> None:
    assert (
        remedies("mount /proc: Operation not permitted")[-1]
        == "accept no isolation at all: LIGNIN_UNSAFE_SANDBOX=1"
    )


@pytest.mark.parametrize(
    ("why_not", "helps"),
    [
        ("OSError: [Errno 24] Too many open files: 20 of 256 needed", "ulimit -n"),
        ("BlockingIOError: [Errno 11] Resource temporarily unavailable", "ulimit -u"),
        ("OSError: [Errno 12] Cannot allocate memory", "memory"),
        ("ModuleNotFoundError: No module named 'lignin_guest'", "report"),
        ("the ns sandbox starts and does not hold: [2, False, True, True]", "report"),
    ],
)
def test_no_wall_is_to_be_taken_down_for_a_reason_that_it_has_no_part_in(
    why_not: str, helps: str
) -> None:
    (said,) = remedies(why_not)
    assert helps in said
    assert "unconfined" not in said
    assert "UNSAFE" not in said


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux's")
def test_too_few_open_files_are_named_as_the_reason() -> None:
    asked = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (%s))\n" + _ASKED
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    few, raised = (
        subprocess.run(
            [sys.executable, "-c", asked % bounds],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for bounds in ("40, 40", "60, 4096")
    )
    if raised != "works\n":
        pytest.skip(f"no namespace sandbox on this machine: {raised}")
    assert "Too many open files" in few
    assert "ulimit -n" in few
    assert "UNSAFE" not in few


_ASKED = """
from lignin.adapters.sandbox.doctor import probe
ns = probe("ns").tiers[1]
print("works" if ns.works else (ns.why_not, ns.remedies))
"""


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("python", "a.py", "-x"), {"how": "file", "argv": ["a.py", "-x"]}),
        (("python3", "-u", "-c", "1", "b"), {"how": "code", "code": "1", "argv": ["-c", "b"]}),
        (("python", "-m", "json.tool"), {"how": "module", "argv": ["json.tool"]}),
        (("python",), {"how": "stdin", "argv": [""]}),
        (("python", "-O", "a.py"), None),
        (("sh", "-c", "true"), None),
    ],
)
def test_python_command_line_runs_under_the_guest_where_it_can(
    argv: tuple[str, ...], expected: dict[str, object] | None
) -> None:
    assert python_program(argv) == expected
