"""The tier of remote machines, over stand-ins of each service's client that really run the guest."""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lignin.adapters.sandbox.vm import Provider, RemoteSandbox, joined
from lignin.adapters.sandbox.vm_daytona import DaytonaProvider
from lignin.adapters.sandbox.vm_docker import DockerProvider
from lignin.adapters.sandbox.vm_e2b import E2bProvider
from lignin.adapters.sandbox.vm_modal import ModalProvider
from lignin.domain.artifacts import File
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import EVERY_CAPABILITY, Limits
from lignin.testing.conformance.sandbox import SandboxConformance, call, command
from lignin.testing.conformance.sandbox_surroundings import SurroundingsConformance
from unit.adapters.sandbox.standins import daytona, e2b, machines, modal
from unit.adapters.sandbox.standins.machines import Cloud

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not Path(machines.interpreter()).exists(),
    reason="the stand-ins are made of Linux processes and an interpreter for everybody",
)
SERVICES: dict[str, Callable[[Cloud], Provider]] = {
    "e2b": lambda cloud: E2bProvider(sdk=e2b.client(cloud)),
    "modal": lambda cloud: ModalProvider(sdk=modal.client(cloud)),
    "daytona": lambda cloud: DaytonaProvider(sdk=daytona.client(cloud)),
}


@dataclass
class Service:
    """One service, what its stand-in holds, and the tier over it."""

    cloud: Cloud
    sandbox: RemoteSandbox


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    cloud = Cloud()
    sandbox = RemoteSandbox(SERVICES[request.param](cloud))
    yield Service(cloud, sandbox)
    cloud.faults = {}
    sandbox.close()
    assert cloud.left == []


class DockerHere:
    """A Docker whose containers are local machines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "docker"
        script = Path(machines.__file__).with_name("docker.py")
        self.program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} {folder} "$@"\n')
        self.program.chmod(0o755)

    @property
    def containers(self) -> list[str]:
        held = self.folder / "containers"
        return sorted(path.name for path in held.iterdir()) if held.exists() else []


@pytest.fixture
def docker(tmp_path: Path) -> DockerHere:
    return DockerHere(tmp_path)


@pytest.fixture
def contained(docker: DockerHere) -> Iterator[RemoteSandbox]:
    opened = RemoteSandbox(DockerProvider(program=str(docker.program)))
    yield opened
    opened.close()
    assert docker.containers == []


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RemoteSandbox]:
    opened = RemoteSandbox(SERVICES["e2b"](Cloud()))
    yield opened
    opened.close()


class TestRemoteSandbox(SandboxConformance, SurroundingsConformance):
    """The whole suite over one service; what differs between services is below."""


def test_each_service_runs_a_function_and_leaves_nothing(service: Service) -> None:
    work = {"given.txt": File(content=b"1")}
    body = "def f(n):\n    print('said')\n    open('new', 'w').write('x')\n    return n + 1"
    seen = call(service.sandbox, body, arguments={"n": 1}, work=work)
    assert (seen.tier, seen.status, seen.result, seen.stdout) == ("vm", "exited", 2, b"said\n")
    assert seen.written == {"new": b"x"}
    assert service.cloud.paths
    assert service.cloud.left == []


def test_a_run_with_packages_is_refused_before_a_machine_is_made(service: Service) -> None:
    seen = call(service.sandbox, "def f():\n    return 1", packages="/usr")
    assert (seen.status, seen.result) == ("infrastructure", None)
    assert "no Python packages" in seen.message
    assert not service.cloud.paths


def test_docker_runs_a_function_and_leaves_nothing(
    contained: RemoteSandbox, docker: DockerHere
) -> None:
    seen = call(contained, "def f():\n    return 1")
    assert (seen.tier, seen.result, docker.containers) == ("vm", 1, [])


def test_each_service_answers_requests_in_turns(service: Service) -> None:
    body = (
        "import lignin_guest\ndef f():\n"
        "    return [lignin_guest.call('add', {'n': n}) for n in range(3)]"
    )
    asked = []
    seen = call(
        service.sandbox,
        body,
        broker=lambda request: asked.append(request) or {"result": len(asked)},
    )
    assert (seen.result, len(asked)) == ([1, 2, 3], 3)


def test_a_request_does_not_use_up_the_time_of_the_run(service: Service) -> None:
    body = "import lignin_guest\ndef f():\n    return lignin_guest.call('slow', {})"
    slow = threading.Event()
    seen = call(
        service.sandbox,
        body,
        limits=Limits(wall_s=1.5),
        broker=lambda _request: {"result": slow.wait(2.5)},
    )
    assert (seen.status, seen.result) == ("exited", False)


def test_the_network_is_shut_and_rights_are_none(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        body = f"""
            import os, socket
            def f():
                status = dict(l.split(':\\t') for l in open('/proc/self/status').read().splitlines() if ':\\t' in l)
                try:
                    socket.create_connection(("127.0.0.1", {listener.getsockname()[1]}), 1)
                    return "through"
                except OSError:
                    return [os.getuid(), status["NoNewPrivs"], sorted(os.environ)]
        """
        seen = call(service.sandbox, body)
    user = 65534 if os.getuid() == 0 else os.getuid()
    assert seen.result[:2] == [user, "1"]
    assert "LIGNIN_HOME" not in seen.result[2] and len(seen.result[2]) <= 7


def test_a_stand_in_writes_to_its_own_folder_alone(tmp_path: Path) -> None:
    machines.begin(name := f"lignin-{tmp_path.name.replace('_', '-')}-{os.getpid()}")
    try:
        places = [tmp_path / "x", Path("/x"), Path("/tmp", f"x-{name}"), Path("/dev/shm", name)]
        own = machines.FOLDER / name / "x"
        for place in (*places, own):
            script = f"echo {machines.FOLDER}/{name}; touch {place}"
            words = machines.command(["/bin/sh", "-c", script], network=False)
            done = subprocess.run(words, capture_output=True, check=False)
            assert (done.returncode == 0) == (place in (own, places[-1])), done
        assert own.exists()
        assert not any(place.exists() for place in places)
    finally:
        machines.end(name)
    assert machines.traces(name) == []


@pytest.mark.skipif(os.getuid() != 0, reason="else the courier is the code's own user")
def test_code_cannot_write_the_courier_s_mail(service: Service) -> None:
    body = "def f():\n    open('../out-0', 'w').write('{}')"
    assert call(service.sandbox, body).error == "PermissionError"
    assert call(service.sandbox, "def f():\n    open('../job.zip')").error == "FileNotFoundError"


@pytest.mark.parametrize("operation", ["make", "write", "run", "read"])
def test_an_outage_is_no_fault_of_the_code_and_leaves_no_machine(
    service: Service, operation: str
) -> None:
    service.cloud.faults = {operation: [ConnectionError("the service is down")]}
    seen = call(service.sandbox, "def f():\n    return 1")
    assert (seen.status, seen.returned) == ("infrastructure", False)
    assert "the service is down" in seen.message
    assert service.cloud.left == []
    assert call(service.sandbox, "def f():\n    return 1").result == 1


def test_an_interruption_ends_the_machine(service: Service) -> None:
    service.cloud.faults = {"read": [KeyboardInterrupt()]}
    with pytest.raises(KeyboardInterrupt):
        call(service.sandbox, "def f():\n    return 1")
    assert service.cloud.left == []


def test_what_was_printed_before_the_time_was_over_is_kept(service: Service) -> None:
    body = "import time\ndef f():\n    print('part', flush=True)\n    time.sleep(60)"
    seen = call(service.sandbox, body, limits=Limits(wall_s=1))
    assert (seen.status, seen.stdout, seen.exit_code) == ("timeout", b"part\n", None)
    assert service.cloud.left == []


def _news(**end: object) -> bytes:
    return json.dumps({"frames": "", "end": end}).encode()


_TIMES = {"wall_s": 1, "cpu_s": 1, "memory_bytes": 1}
_ENDED = {"stdout": "", "stderr": "", "written": {}, "deleted": [], "temporary": [], "exit_code": 0}
_ENDED["home"] = {"write": [], "delete": []}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"[]",
        lambda raw: b'{"frames": "?", "end": null}',
        lambda raw: b'{"frames": "", "end": 3}',
        lambda raw: _news(status="fine", **_ENDED),
        lambda raw: _news(status="exited", exit_code=0),
        lambda raw: _news(
            **{**_TIMES, **_ENDED, "status": "exited", "written": {"../../etc/x": ""}}
        ),
        lambda raw: b" " * (1 << 30),
    ],
    ids=[
        "half",
        "nothing",
        "a list",
        "no base64",
        "a number",
        "odd status",
        "fields",
        "path",
        "flood",
    ],
)
def test_half_an_answer_is_an_outage(service: Service, spoil: Callable[[bytes], bytes]) -> None:
    service.cloud.spoil = spoil
    seen = call(service.sandbox, "def f():\n    return 1", limits=Limits(work_bytes=1 << 20))
    assert (seen.status, seen.returned, seen.result) == ("infrastructure", False, None)
    assert service.cloud.left == []


def test_an_end_that_makes_sense_is_believed(service: Service) -> None:
    service.cloud.spoil = lambda raw: _news(
        **{**_TIMES, **_ENDED, "status": "exited", "written": {"x": "eA=="}}
    )
    assert call(service.sandbox, "def f():\n    return 1").written == {"x": b"x"}


def test_a_forged_result_is_none(service: Service) -> None:
    def forge(raw: bytes) -> bytes:
        news = json.loads(raw)
        said = b'{"type": "result", "returned": true, "result": 7, "key": "guessed"}'
        news["frames"] = base64.b64encode(len(said).to_bytes(4, "big") + said).decode()
        return json.dumps(news).encode()

    service.cloud.spoil = forge
    seen = call(service.sandbox, "def f():\n    return 1")
    assert (seen.returned, seen.error) == (False, "BrokenChannel")


def test_a_machine_that_is_not_ended_is_remembered_and_ended_later(service: Service) -> None:
    service.cloud.faults = {"destroy": [ConnectionError("no")] * 3}
    assert call(service.sandbox, "def f():\n    return 1").result == 1
    (lost,) = service.sandbox.lost
    assert lost.startswith("lignin-")
    assert service.cloud.left != []
    assert call(service.sandbox, "def f():\n    return 1").result == 1
    assert (service.sandbox.lost, service.cloud.left) == ((), [])


def test_closing_says_what_could_not_be_ended(service: Service) -> None:
    service.cloud.faults = {"destroy": [ConnectionError("no")] * 6}
    call(service.sandbox, "def f():\n    return 1")
    with pytest.warns(RuntimeWarning, match="ends by itself"):
        service.sandbox.close()
    service.cloud.destroy()
    service.sandbox.close()


def test_a_closed_sandbox_makes_no_machine(service: Service) -> None:
    service.sandbox.close()
    seen = call(service.sandbox, "def f():\n    return 1")
    assert (seen.status, service.cloud.asked) == ("infrastructure", [])


def test_closing_ends_a_run_that_is_under_way(service: Service) -> None:
    started, seen = threading.Event(), []

    def run() -> None:
        body = "import lignin_guest, time\ndef f():\n    lignin_guest.call('x', {})\n    time.sleep(60)"
        told = {"result": 1}
        seen.append(
            call(
                service.sandbox,
                body,
                broker=lambda _r: (started.set(), told)[1],
                limits=Limits(wall_s=4),
            )
        )

    thread = threading.Thread(target=run)
    thread.start()
    assert started.wait(20)
    service.sandbox.close()
    thread.join(40)
    assert not thread.is_alive()
    assert seen[0].result is None
    assert service.sandbox.lost == ()
    assert service.cloud.left == []


def test_every_machine_ends_by_itself_and_has_no_network(service: Service) -> None:
    call(service.sandbox, "def f():\n    return 1", limits=Limits(wall_s=20))
    (asked,) = service.cloud.asked
    assert asked.get("timeout", 80) == 80 and asked.get("ttl_minutes", 2) == 2


def test_files_and_rights_of_the_tree_arrive(service: Service) -> None:
    files = {
        "run.sh": File(content=b"#!/bin/sh\necho ran; exit 3\n", mode="0755"),
        "deep/a.txt": File(content=b"a"),
    }
    seen = command(service.sandbox, "/artifact/run.sh", files=files)
    assert (seen.stdout, seen.exit_code) == (b"ran\n", 3)


def test_daemons_end_with_the_run(service: Service) -> None:
    seen = command(service.sandbox, "sh", "-c", "(setsid sleep 300 &); echo done")
    assert (seen.status, seen.stdout) == ("exited", b"done\n")
    assert service.cloud.left == []


@pytest.mark.parametrize(
    ("body", "limits", "status"),
    [
        (
            "import os, time\ndef f():\n    for n in range(30):\n        if os.fork() == 0: time.sleep(9); os._exit(0)\n        time.sleep(.05)\n    return 1",
            Limits(processes=8),
            "killed",
        ),
        (
            "import os, time\ndef f():\n    for n in range(6):\n        if os.fork() == 0: k = bytearray(b'x') * (30 << 20); time.sleep(9); os._exit(0)\n        time.sleep(.2)\n    time.sleep(1)\n    return 1",
            Limits(memory_bytes=96 << 20),
            "memory",
        ),
    ],
    ids=["processes", "memory"],
)
def test_the_courier_bounds_what_runs_together(
    service: Service, body: str, limits: Limits, status: str
) -> None:
    seen = call(service.sandbox, body, limits=limits)
    assert (seen.status, seen.returned) == (status, False)


def test_it_claims_every_wall_and_is_known_by_service_and_image() -> None:
    made = [RemoteSandbox(make(Cloud())) for make in SERVICES.values()]
    made.append(RemoteSandbox(E2bProvider("other", sdk=e2b.client(Cloud()))))
    assert len({one.policy_digest for one in made}) == 4
    assert all((one.tier, one.capabilities) == ("vm", EVERY_CAPABILITY) for one in made)


@pytest.mark.parametrize("word", ["run", "exec"])
def test_docker_s_complaint_is_told_and_nothing_is_left(
    contained: RemoteSandbox, docker: DockerHere, word: str
) -> None:
    (docker.folder / f"fail-{word}").write_text("the daemon is not running")
    seen = call(contained, "def f():\n    return 1")
    assert seen.status == "infrastructure"
    assert "the daemon is not running" in seen.message
    assert docker.containers == []


def test_a_container_that_is_gone_already_is_no_leak(
    contained: RemoteSandbox, docker: DockerHere
) -> None:
    def broker(_request: object) -> dict[str, int]:
        for name in docker.containers:
            (docker.folder / "containers" / name).unlink()
            machines.end(name)
        return {"result": 1}

    body = "import lignin_guest\ndef f():\n    return lignin_guest.call('x', {})"
    assert call(contained, body, broker=broker).status == "infrastructure"
    assert contained.lost == ()


def test_a_missing_docker_is_an_outage(tmp_path: Path) -> None:
    opened = RemoteSandbox(DockerProvider(program=str(tmp_path / "none")))
    assert call(opened, "def f():\n    return 1").status == "infrastructure"


def test_a_stream_is_not_read_beyond_its_bound() -> None:
    def flood() -> Iterator[bytes]:
        for _ in range(4):
            yield b"x" * 10
        raise AssertionError("read on")

    with pytest.raises(UnavailableError, match="longer than 30"):
        joined(flood(), 30)
