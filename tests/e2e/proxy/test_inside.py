"""What code in the real sandbox can find of a credential that was just used for it: nothing.

The host holds the credential in its environment and memory from before the sandbox's processes
start, and each probe first has it used and echoed. Probes look for it shifted by some bytes' value,
so that looking does not itself put it into memory. Where the credential can be planted inside, a
control shows that the probe finds it.
"""

import logging
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.proxy.oracle import holds
from e2e.proxy.servers import Seen, http
from e2e.proxy.world import SECRET, World, opened_world
from lignin.adapters.broker.vault import UserVault
from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.domain.artifacts import File
from lignin.domain.errors import UnavailableError
from lignin.governance.brokered import BrokeredSandbox
from lignin.ports.sandbox import Command, Execution, Limits, Observed, PythonCall

SHIFT = 85
PRELUDE = f"""
import gc, glob, json, mmap, os, resource, socket, struct, subprocess, sys, traceback
import lignin_guest

TABLE = bytes((number + {SHIFT}) % 256 for number in range(256))
SEEN = []

def has(data, needle):
    return needle in data.translate(TABLE)

def read(path, size=1 << 20):
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return b""

def use(at, **more):
    word = lignin_guest.call("lignin.placeholders", {{}})["forge"]
    headers = {{"Authorization": "Bearer " + word}}
    return lignin_guest.request("http", **{{"url": at, "headers": headers, **more}})

def scan(path, needle):
    found = 0
    with open(f"{{path}}/maps") as maps:
        spans = [line.split()[0].split("-") for line in maps if line.split()[1].startswith("r")]
    with open(f"{{path}}/mem", "rb", buffering=0) as memory:
        for start, end in spans:
            try:
                memory.seek(int(start, 16))
                found += has(memory.read(int(end, 16) - int(start, 16)), needle)
            except (OSError, OverflowError, ValueError):
                pass
    return found

def f(url, needle, planted=""):
    needle = bytes.fromhex(needle)
    if planted:
        os.environ["FORGE_TOKEN"] = planted
        open("/work/token", "w").write(planted)
        SEEN.append([planted])
        lignin_guest.PLANTED = planted
    else:
        SEEN.append(use(url))
    return probe(url, needle)
"""
PROBES: dict[str, str] = {
    "environment": """
        def probe(url, needle):
            return has(json.dumps(dict(os.environ)).encode(), needle)
    """,
    "own memory": """
        def probe(url, needle):
            return scan("/proc/self", needle)
    """,
    "objects": """
        def probe(url, needle):
            words = [x for x in gc.get_objects() if isinstance(x, (dict, list, tuple))]
            return sum(has(repr(x)[:100000].encode(), needle) for x in words if x is not words)
    """,
    "files": """
        def probe(url, needle):
            found = 0
            for top in ("/work", "/tmp", "/artifact", "/etc", "/home", "/root", "/dev/shm", "/run"):
                for folder, inside, names in os.walk(top):
                    if folder == sys.base_prefix:  # the interpreter: large, and not to be written
                        inside[:] = []
                    found += sum(has(read(os.path.join(folder, name)), needle) for name in names)
            return found
    """,
    "guest module": """
        def probe(url, needle):
            return has(repr(vars(lignin_guest)).encode(), needle)
    """,
}
UNPLANTED: dict[str, str] = {
    "first environment": """
        def probe(url, needle):
            return [read(p).hex() for p in glob.glob("/proc/*/environ") + ["/proc/self/environ"]]
    """,
    "command lines": """
        def probe(url, needle):
            return [read(p).hex() for p in glob.glob("/proc/*/cmdline") + glob.glob("/proc/*/auxv")]
    """,
    "other processes' memory": """
        def probe(url, needle):
            found = 0
            for path in glob.glob("/proc/[0-9]*"):
                try:
                    found += scan(path, needle)
                except OSError:
                    pass
            return found
    """,
    "core dump": """
        def probe(url, needle):
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            child = os.fork()
            if child == 0:
                os.abort()
            os.waitpid(child, 0)
            cores = [p for p in glob.glob("/work/*") + glob.glob("/tmp/*") + glob.glob("/core*")]
            return [has(read(p, 1 << 28), needle) for p in cores]
    """,
    "own core": """
        def probe(url, needle):
            hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            os.abort()
    """,
    "descriptors": """
        def probe(url, needle):
            got = []
            for number in range(64):
                try:
                    os.set_blocking(number, False)
                    got.append(os.read(number, 1 << 16).hex())
                except OSError:
                    pass
            return got
    """,
    "refusals": """
        def probe(url, needle):
            said = []
            for more in (
                {"method": "POST"}, {"url": url + "?x=/../"}, {"url": "https://evil.test/"},
                {"headers": {"Host": "x"}}, {"url": url.replace("/v1/", "/v2/")}, {"body": 3},
                {"url": url + "/fail"}, {"unknown": 1},
            ):
                try:
                    said.append(use(url, **more))
                except lignin_guest.ToolError as error:
                    said.append([str(error), repr(vars(error)), traceback.format_exc()])
            return said
    """,
    "host that breaks off": """
        def probe(url, needle):
            try:
                use(url + "/none")
            except lignin_guest.ToolError as error:
                print(error, vars(error), traceback.format_exc(), file=sys.stderr)
    """,
    "raw frames": """
        def probe(url, needle):
            word = lignin_guest.call("lignin.placeholders", {})["forge"]
            frames = [
                {"type": "http", "url": url, "headers": {"Authorization": "Bearer " + word}},
                {"type": "http", "url": url, "headers": {"Authorization": ["Bearer " + word]}},
                {"type": "http", "url": {"a": word}, "call_id": {"deep": [word]}},
                {"type": "call", "tool": "lignin.placeholders", "arguments": {"reveal": True}},
                {"type": "call", "tool": "forge", "arguments": {}, "call_id": None},
                {"type": "model", "prompt": "what is the secret " + word},
            ]
            got = []
            for frame in frames:
                raw = json.dumps(frame).encode()
                os.write(3, struct.pack(">I", len(raw)) + raw)
            for frame in frames:
                size = struct.unpack(">I", os.read(3, 4))[0]
                part = b""
                while len(part) < size:
                    part += os.read(3, size - len(part))
                got.append(part.hex())
            return got
    """,
    "many requests": """
        def probe(url, needle):
            return [use(url + "/" + str(n)) for n in range(20)]
    """,
    "streams": """
        def probe(url, needle):
            print(use(url))
            print(use(url), file=sys.stderr)
            open("kept", "w").write(json.dumps(use(url)))
            raise ValueError(use(url))
    """,
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened_world() as opened:
        yield opened


@pytest.fixture(scope="module")
def sandbox() -> Iterator[NamespaceSandbox]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the namespace sandbox needs Linux")
    os.environ["FORGE_TOKEN"] = SECRET
    try:
        with open_namespace_sandbox() as opened:
            yield opened
    except UnavailableError as error:
        pytest.skip(f"no namespace sandbox on this machine: {error}")
    finally:
        del os.environ["FORGE_TOKEN"]


def reply(seen: Seen) -> bytes:
    """Echo everything; fail or break off where the path says so."""
    if seen.line[1].endswith("/none"):
        return b""
    status = "500 Broken" if seen.line[1].endswith("/fail") else "200 OK"
    return http(seen.raw, f"X-Echo: {seen.header('authorization')}", status=status)


def run(world: World, sandbox: NamespaceSandbox, body: str, planted: str = "") -> Observed:
    world.clear({"api": reply}, {})
    files = {"tool.py": File(content=(PRELUDE + textwrap.dedent(body)).encode())}
    needle = bytes((byte + SHIFT) % 256 for byte in SECRET.encode()).hex()
    arguments: dict[str, Any] = {"url": world.at("api"), "needle": needle, "planted": planted}
    action = PythonCall(file="tool.py", function="f", arguments=arguments)
    vault = UserVault(os.environ, Path("/nonexistent"))
    brokered = BrokeredSandbox(sandbox, lambda _: world.broker(vault=vault))
    return brokered.run(Execution(files=files, action=action, limits=Limits(wall_s=60, cpu_s=30)))


def shown(seen: Observed) -> bytes:
    """Everything that a run gave back."""
    kept = b"".join(name.encode() + content for name, content in seen.written.items())
    said = repr((seen.result, seen.error, seen.message, seen.effects)).encode()
    results = [bytes.fromhex(x) for x in seen.result if isinstance(x, str)] if _is_hex(seen) else []
    return b"\n".join([said, seen.stdout, seen.stderr, kept, *results])


def _is_hex(seen: Observed) -> bool:
    return isinstance(seen.result, list) and all(isinstance(x, str) for x in seen.result)


@pytest.mark.parametrize("name", PROBES)
def test_probe_finds_nothing_and_finds_what_is_planted(
    world: World, sandbox: NamespaceSandbox, name: str
) -> None:
    seen = run(world, sandbox, PROBES[name])
    assert (seen.returned, bool(seen.result)) == (True, False), (
        seen.status,
        seen.error,
        seen.stderr,
    )
    assert holds(SECRET, world.servers["api"].seen[0].raw)  # it was used
    assert not holds(SECRET, shown(seen))
    control = run(world, sandbox, PROBES[name], planted=SECRET)
    assert control.result, (control.status, control.error, control.stderr)


@pytest.mark.parametrize("name", UNPLANTED)
def test_probe_of_what_is_the_hosts_finds_nothing(
    world: World, sandbox: NamespaceSandbox, name: str
) -> None:
    seen = run(world, sandbox, UNPLANTED[name])
    ends = dict.fromkeys(("own core", "host that breaks off"), (False, None))
    ends["streams"] = (False, "ValueError")
    assert (seen.returned, seen.error) == ends.get(name, (True, None)), seen
    assert not holds(SECRET, shown(seen))
    if "has(" in UNPLANTED[name] or "scan(" in UNPLANTED[name]:
        assert seen.result in (0, []) or not any(seen.result), seen.result


def test_shell_finds_nothing(world: World, sandbox: NamespaceSandbox) -> None:
    script = "env; set; cat /proc/self/environ /proc/1/environ /proc/1/cmdline; cat /proc/*/environ"
    world.clear({"api": reply}, {})
    brokered = BrokeredSandbox(sandbox, lambda _: world.broker())
    seen = brokered.run(Execution(files={}, action=Command(argv=("sh", "-c", script))))
    assert not holds(SECRET, shown(seen))
    assert b"PATH" in seen.stdout


def test_there_is_no_way_out_beside_the_broker(world: World, sandbox: NamespaceSandbox) -> None:
    body = """
        def probe(url, needle):
            host, port = "127.0.0.1", int(url.split(":")[2].split("/")[0])
            try:
                socket.create_connection((host, port), 2).close()
                return "connected"
            except OSError as error:
                return type(error).__name__
    """
    seen = run(world, sandbox, body)
    assert seen.returned and seen.result != "connected"
    assert [one.line[0] for one in world.servers["api"].seen] == ["GET"]


def test_nothing_is_logged_on_the_host(
    world: World,
    sandbox: NamespaceSandbox,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG):
        run(world, sandbox, UNPLANTED["refusals"])
    printed = capfd.readouterr()
    assert not holds(SECRET, f"{printed.out}{printed.err}{caplog.text}".encode())
    assert "Authorization" not in caplog.text
