"""What every tier of the sandbox port does, whatever its walls.

Subclass `SandboxConformance` in a test module that has a `sandbox` fixture. The walls themselves
are the subject of `sandbox_walls`. Needs pytest, which production code does not.
"""

import textwrap
from collections.abc import Mapping

import pytest

from lignin.domain.artifacts import File
from lignin.domain.codec import Json, is_digest
from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.ports.sandbox import (
    STOPPED,
    Command,
    Execution,
    Limits,
    Observed,
    PythonCall,
    Sandbox,
)

PATIENT = Limits(wall_s=60, cpu_s=30)
"""What a run gets where time is not what is tested: a loaded machine may be many times slower."""


def call(sandbox: Sandbox, body: str, **options: object) -> Observed:
    """Run `body` as the text of a file that defines `f`, and call `f` with `arguments`."""
    files = {"tool.py": File(content=textwrap.dedent(body).encode())}
    arguments = options.pop("arguments", {})
    broker = options.pop("broker", None)
    action = PythonCall(file="tool.py", function="f", arguments=arguments)  # type: ignore[arg-type]
    options.setdefault("limits", PATIENT)
    execution = Execution(files=files, action=action, **options)  # type: ignore[arg-type]
    return sandbox.run(execution, broker)  # type: ignore[arg-type]


def command(sandbox: Sandbox, *argv: str, **options: object) -> Observed:
    """Run a command, with `stdin` and any other field of `Execution`."""
    action = Command(argv=argv, stdin=options.pop("stdin", b""))  # type: ignore[arg-type]
    files = options.pop("files", {})
    options.setdefault("limits", PATIENT)
    return sandbox.run(Execution(files=files, action=action, **options))  # type: ignore[arg-type]


def effects(observed: Observed) -> set[tuple[str, str]]:
    """The effects as pairs."""
    return {(effect.kind, effect.target) for effect in observed.effects}


QUIET = {
    "imports": "import csv, decimal, logging, pathlib, urllib.parse, sqlite3, zoneinfo\n    return 1",
    "seeded instance": "import random\n    return random.Random(42).randint(1, 9)",
    "restored module": "import random\n    s = random.getstate()\n    random.seed(3)\n    random.random()\n    random.setstate(s)",
    "monotonic clocks": "import time\n    time.sleep(0.001)\n    return time.monotonic() > 0 < time.perf_counter()",
    "own file": "import os\n    return open(os.path.dirname(__file__) + '/tool.py').read() != ''",
    "logging": "import logging\n    logging.getLogger('x').warning('w')",
    "given time": "import time, datetime\n    return time.gmtime(0).tm_year + datetime.datetime(2020, 1, 2).year",
    "own class": "class A:\n        pass\n    a = A()\n    a.x = 1\n    return a.x",
    "doctest": "import doctest\n    return doctest.testmod().failed",
    "event loop": "import asyncio\n    asyncio.run(asyncio.sleep(0))",
    "thread that ends": "import threading\n    threading.Thread(target=len, args=([],)).start()",
    "thread pool": "from concurrent.futures import ThreadPoolExecutor as P\n    return list(P(2).map(abs, [-1]))",
    "parsed date": "import datetime\n    return repr(datetime.datetime.strptime('2024', '%Y'))",
    "command line": "import argparse\n    return vars(argparse.ArgumentParser().parse_args([]))",
    "decimal": "from decimal import Decimal\n    return str(Decimal('1.10') * 2)",
    "json": "import json\n    return json.loads(json.dumps([1.5]))",
    "regular expressions": "import re\n    return re.sub('a', 'b', 'banana')",
}
NOTED = {
    "thread left at work": (
        "import threading, time\n    threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
        "left",
        "a thread",
    ),
    "time.time": ("import time\n    time.time()", "clock", "time.time"),
    "datetime.now": (
        "import datetime\n    datetime.datetime.now()",
        "clock",
        "datetime.now",
    ),
    "date.today": ("import datetime\n    datetime.date.today()", "clock", "datetime.today"),
    "strftime": ("import time\n    time.strftime('%Y')", "clock", "time.strftime"),
    "random": ("import random\n    random.random()", "randomness", "random"),
    "reseeded module": ("import random\n    random.seed(3)", "global", "random.seed"),
    "process number": ("import os\n    os.getpid()", "randomness", "os.getpid"),
    "question": ("import os\n    os.path.exists('/etc/passwd')", "read", "/etc/passwd"),
    "question at home": ("import os\n    os.path.exists('x')", "read", "/work/x"),
    "exit function": (
        "import atexit\n    atexit.register(lambda: open('bye.txt', 'w').close())",
        "write",
        "/work/bye.txt",
    ),
    "patched pattern": (
        "import json\n    json.encoder.ESCAPE = json.encoder.ESCAPE_ASCII",
        "global",
        "json.encoder.ESCAPE",
    ),
    "shuffle": ("import random\n    random.shuffle([1, 2])", "randomness", "random"),
    "unseeded instance": ("import random\n    random.Random()", "randomness", "random.Random()"),
    "os.urandom": ("import os\n    os.urandom(2)", "randomness", "os.urandom"),
    "uuid4": ("import uuid\n    uuid.uuid4()", "randomness", "os.urandom"),
    "secrets": ("import secrets\n    secrets.choice([1, 2, 3])", "randomness", "random.SystemRandom"),
    "variable": ("import os\n    os.environ.get('MODE')", "environment", "MODE"),
    "getenv": ("import os\n    os.getenv('MODE')", "environment", "MODE"),
    "write": ("open('x.txt', 'w').close()", "write", "/work/x.txt"),
    "temporary file": ("import tempfile\n    tempfile.TemporaryFile().close()", "write", "/tmp"),
    "delete": ("import os\n    os.remove('given.txt')", "delete", "/work/given.txt"),
    "read": ("import pathlib\n    pathlib.Path('/proc/version').read_text()", "read", "/proc/version"),
    "connect": (
        "import socket\n    s = socket.socket()\n    s.connect_ex(('127.0.0.1', 9))",
        "connect",
        "127.0.0.1:9",
    ),
    "process": ("import subprocess\n    subprocess.run(['true'])", "process", "true"),
    "shell": ("import os\n    os.system('true')", "process", "true"),
    "native": ("import ctypes\n    ctypes.CDLL(None)", "native", "the C library"),
    "builtin": ("import builtins\n    builtins.extra = 1", "global", "builtins.extra"),
    "patched json": ("import json\n    json.dumps = repr", "global", "json.dumps"),
    "patched class": (
        "import json\n    json.JSONEncoder.default = lambda s, o: 1",
        "global",
        "json.encoder.JSONEncoder.default",
    ),
    "module replaced": ("import sys, json\n    sys.modules['json'] = sys", "global", "sys.modules json"),
    "search path": ("import sys\n    sys.path.append('/x')", "global", "sys.path"),
    "working folder": ("import os\n    os.chdir('/')", "global", "os.chdir"),
    "signal": (
        "import signal\n    signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "global",
        "signal 10",
    ),
    "variable set": ("import os\n    os.environ['A'] = '1'", "global", "os.environ A"),
    "warnings": ("import warnings\n    warnings.simplefilter('ignore')", "global", "warnings.filters"),
    "recursion": ("import sys\n    sys.setrecursionlimit(5000)", "global", "sys.setrecursionlimit"),
}  # fmt: skip


class SandboxConformance:
    """Behaviour of `run`, without any claim about isolation."""

    def test_policy_digest_is_a_stable_digest(self, sandbox: Sandbox) -> None:
        assert is_digest(sandbox.policy_digest)
        assert sandbox.policy_digest == sandbox.policy_digest

    def test_function_answers_with_its_result_and_its_prints_are_apart(
        self, sandbox: Sandbox
    ) -> None:
        seen = call(
            sandbox, "def f(n):\n    print('said')\n    return (n, {'a': [n]})", arguments={"n": 2}
        )
        assert (seen.status, seen.returned, seen.result) == ("exited", True, [2, {"a": [2]}])
        assert (seen.stdout, seen.exit_code, seen.tier) == (b"said\n", 0, sandbox.tier)

    @pytest.mark.parametrize("value", ["{1}", "float('nan')", "{1: 2}", "object()", "b''", "2**60"])
    def test_result_that_json_cannot_carry_is_an_error(self, sandbox: Sandbox, value: str) -> None:
        seen = call(sandbox, f"def f():\n    return {value}")
        assert (seen.returned, seen.error) == (False, "UnserialisableResult")

    def test_exception_is_reported_by_name_and_text(self, sandbox: Sandbox) -> None:
        seen = call(sandbox, "class Odd(Exception):\n    pass\ndef f():\n    raise Odd('why')")
        assert (seen.returned, seen.error, seen.message) == (False, "Odd", "why")
        assert b"tool.py" in seen.stderr
        assert b"lignin_guest" not in seen.stderr

    def test_exit_without_an_answer_is_no_result(self, sandbox: Sandbox) -> None:
        seen = call(sandbox, "import os\ndef f():\n    os._exit(7)")
        assert (seen.status, seen.exit_code, seen.returned) == ("exited", 7, False)

    def test_faulty_syntax_and_missing_function_are_errors_of_the_code(
        self, sandbox: Sandbox
    ) -> None:
        assert call(sandbox, "def f(:").error == "SyntaxError"
        assert call(sandbox, "def g():\n    pass").error == "AttributeError"

    def test_file_is_loaded_as_a_module_that_can_import_its_neighbours(
        self, sandbox: Sandbox
    ) -> None:
        files = {
            "tool.py": File(content=b"import near\ndef f():\n    return [near.A, __name__]\n"),
            "near.py": File(content=b"A = 5\n"),
        }
        action = PythonCall(file="tool.py", function="f", arguments={})
        seen = sandbox.run(Execution(files=files, action=action))
        assert (seen.result, seen.effects) == ([5, "tool"], ())

    @pytest.mark.parametrize("name", QUIET)
    def test_ordinary_code_shows_no_effect(self, sandbox: Sandbox, name: str) -> None:
        seen = call(sandbox, f"def f():\n    {QUIET[name]}")
        assert (seen.error, effects(seen)) == (None, set())

    @pytest.mark.parametrize("name", NOTED)
    def test_effect_is_noted(self, sandbox: Sandbox, name: str) -> None:
        body, kind, target = NOTED[name]
        work = {"given.txt": File(content=b"1")}
        seen = call(sandbox, f"def f():\n    {body}", work=work)
        assert (kind, target) in effects(seen), (seen.effects, seen.stderr)

    def test_changed_argument_is_noted_by_name(self, sandbox: Sandbox) -> None:
        body = "def f(xs, ys):\n    xs.append(1)\n    return ys"
        seen = call(sandbox, body, arguments={"xs": [], "ys": [2]})
        assert effects(seen) == {("arguments", "xs")}

    def test_effects_before_a_hard_end_are_kept(self, sandbox: Sandbox) -> None:
        seen = call(sandbox, "import os, time\ndef f():\n    time.time()\n    os._exit(0)")
        assert ("clock", "time.time") in effects(seen)

    def test_clock_can_be_moved(self, sandbox: Sandbox) -> None:
        body = """
            import datetime, time
            def f():
                day = datetime.datetime.now(datetime.timezone.utc)
                return [time.time(), time.time_ns() / 1e9, day.timestamp(), time.gmtime().tm_year]
        """
        now = call(sandbox, body).result
        later = call(sandbox, body, clock_offset_s=10 * 366 * 86400).result
        assert all(3e8 < b - a < 3.5e8 for a, b in zip(now[:3], later[:3], strict=True))
        assert later[3] - now[3] in (10, 11)

    def test_unseeded_draws_answer_at_the_ends_of_their_range(self, sandbox: Sandbox) -> None:
        body = """
            import os, random, secrets
            def f():
                return [random.random(), random.randint(1, 6), random.choice("abc"),
                        random.sample(range(9), 2), os.urandom(2).hex(), secrets.randbelow(10),
                        random.gauss(0, 1)]
        """
        low = call(sandbox, body, entropy="low").result
        high = call(sandbox, body, entropy="high").result
        assert low == [0.0, 1, "a", [0, 1], "0000", 0, -3.0]
        assert high == [1 - 2**-53, 6, "c", [8, 7], "ffff", 9, 3.0]

    def test_seeded_draws_are_the_same_at_any_entropy(self, sandbox: Sandbox) -> None:
        body = """
            import random
            def f():
                random.seed(3)
                return [random.random(), random.randint(1, 99), random.Random(5).random()]
        """
        results = [call(sandbox, body, entropy=end).result for end in ("system", "low", "high")]
        assert results[0] == results[1] == results[2]
        assert results[0][0] == pytest.approx(0.23796462709189137)

    def test_hash_seed_decides_the_order_of_sets(self, sandbox: Sandbox) -> None:
        body = "def f():\n    return list({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})"
        first, again, other = (call(sandbox, body, hash_seed=seed).result for seed in (1, 1, 2))
        assert first == again
        assert sorted(first) == sorted(other)
        assert first != other

    def test_shell_reads_standard_input_and_leaves_files(self, sandbox: Sandbox) -> None:
        work = {"old.txt": File(content=b"old"), "same.txt": File(content=b"same")}
        seen = command(
            sandbox,
            "sh",
            "-c",
            "cat; cat old.txt; echo n > old.txt; exit 3",
            stdin=b"in ",
            work=work,
        )
        assert (seen.stdout, seen.exit_code, seen.status) == (b"in old", 3, "exited")
        assert seen.written == {"old.txt": b"n\n"}

    def test_python_program_is_observed_like_a_function(self, sandbox: Sandbox) -> None:
        script = b"import sys, time\ntime.time()\nprint(sys.argv, __name__)\nsys.exit(4)\n"
        files = {"run.py": File(content=script)}
        seen = command(sandbox, "python", "/artifact/run.py", "a", files=files)
        assert seen.exit_code == 4
        assert seen.stdout.endswith(b"run.py', 'a'] __main__\n")
        assert ("clock", "time.time") in effects(seen)

    def test_python_program_that_fails_prints_its_traceback(self, sandbox: Sandbox) -> None:
        seen = command(sandbox, "python", "-c", "1/0")
        assert (seen.exit_code, seen.error) == (1, "ZeroDivisionError")
        assert seen.stderr.startswith(b'Traceback (most recent call last):\n  File "<string>"')

    def test_missing_program_is_no_fault_of_the_code(self, sandbox: Sandbox) -> None:
        seen = command(sandbox, "cobol", "x")
        assert seen.status == "infrastructure"
        assert "cobol" in seen.message

    def test_wall_time_is_bounded(self, sandbox: Sandbox) -> None:
        seen = call(
            sandbox, "import time\ndef f():\n    time.sleep(100)", limits=Limits(wall_s=0.3)
        )
        assert (seen.status, seen.returned) == ("timeout", False)
        assert seen.wall_s < 60

    def test_a_run_that_nobody_wants_any_more_is_ended(self, sandbox: Sandbox) -> None:
        asked = list[bool]()

        def stop() -> bool:
            asked.append(len(asked) > 1)
            return asked[-1]

        body = "import time\ndef f():\n    time.sleep(600)"
        seen = call(sandbox, body, limits=Limits(wall_s=600), stop=stop)
        assert (seen.status, seen.message, seen.returned) == ("infrastructure", STOPPED, False)
        assert seen.wall_s < 60

    def test_output_is_bounded_and_cut(self, sandbox: Sandbox) -> None:
        body = "def f():\n    while True:\n        print('x' * 1000)"
        seen = call(sandbox, body, limits=Limits(output_bytes=5000))
        assert (seen.status, len(seen.stdout)) == ("output", 5000)

    def test_allocation_over_the_bound_is_named_memory(self, sandbox: Sandbox) -> None:
        seen = call(
            sandbox,
            "def f():\n    return len(bytearray(1 << 31))",
            limits=Limits(memory_bytes=128 << 20),
        )
        assert seen.status == "memory"

    def test_signal_to_itself_is_named_killed(self, sandbox: Sandbox) -> None:
        seen = call(sandbox, "import os\ndef f():\n    os.kill(os.getpid(), 9)")
        assert (seen.status, seen.exit_code) == ("killed", -9)

    def test_request_is_answered_by_the_broker(self, sandbox: Sandbox) -> None:
        asked: list[Mapping[str, Json]] = []

        def broker(request: Mapping[str, Json]) -> Mapping[str, Json]:
            asked.append(request)
            if request["tool"] == "no":
                raise DeniedError("not yours")
            return {"result": request["arguments"]["n"] + 1}

        body = """
            import lignin_guest
            def f():
                try:
                    lignin_guest.call("no", {})
                except lignin_guest.ToolError as error:
                    return [lignin_guest.call("add", {"n": 1}), error.name]
        """
        seen = call(sandbox, body, broker=broker)
        assert (seen.result, [item["type"] for item in asked]) == ([2, "denied"], ["call", "call"])

    def test_request_without_a_broker_is_denied(self, sandbox: Sandbox) -> None:
        body = "import lignin_guest\ndef f():\n    lignin_guest.call('x', {})"
        seen = call(sandbox, body)
        assert (seen.error, "Denied" in seen.message) == ("ToolError", True)

    @pytest.mark.parametrize("noise", ["b'\\xff' * 64", "b'\\0\\0\\0\\2[]'", "b'\\0\\0\\0\\3{x}'"])
    def test_noise_on_the_channel_is_the_codes_fault(self, sandbox: Sandbox, noise: str) -> None:
        seen = call(sandbox, f"import os\ndef f():\n    os.write(3, {noise})\n    return 1")
        assert (seen.status, seen.returned, seen.error) == ("exited", False, "BrokenChannel")

    def test_nothing_is_left_for_the_next_run(self, sandbox: Sandbox) -> None:
        plant = "import json, builtins\ndef f():\n    json.LEFT = builtins.LEFT = 1\n    open('left', 'w').close()"
        look = "import json, builtins, os\ndef f():\n    return [hasattr(json, 'LEFT'), hasattr(builtins, 'LEFT'), os.listdir()]"
        call(sandbox, plant)
        assert call(sandbox, look).result == [False, False, []]

    def test_bad_request_is_refused_before_anything_runs(self, sandbox: Sandbox) -> None:
        with pytest.raises(InvalidRequestError):
            call(sandbox, "", hash_seed=-1)
        with pytest.raises(InvalidRequestError):
            call(sandbox, "", work={"../x": File(content=b"")})
        with pytest.raises(InvalidRequestError):
            call(sandbox, "", limits=Limits(wall_s=0))
        with pytest.raises(InvalidRequestError):
            command(sandbox)
