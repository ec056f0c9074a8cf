"""Whether an attempt got out: by what it says and, where it can be seen, by what happened outside."""

from collections.abc import Callable

from escapes import cases
from escapes.cases import Case
from escapes.traps import Traps
from lignin.adapters.sandbox.ns import NamespaceSandbox
from lignin.adapters.sandbox.spawning import SpawnerProcess
from lignin.domain.artifacts import File
from lignin.ports.sandbox import Execution, Limits, Observed, PythonCall, Sandbox

SMALL = Limits(wall_s=20, cpu_s=10, memory_bytes=256 << 20, work_bytes=8 << 20)


def without(*walls: str) -> NamespaceSandbox:
    """The tier with some walls left out, the others and the unprivileged user as the outer cap."""
    return NamespaceSandbox(SpawnerProcess(0, frozenset(walls)))


def run(sandbox: Sandbox, text: str, limits: Limits = SMALL) -> Observed:
    """Call `f` of a file with this text."""
    files = {"tool.py": File(content=text.encode())}
    action = PythonCall(file="tool.py", function="f", arguments={})
    return sandbox.run(Execution(files=files, action=action, limits=limits))


def attempt(
    sandbox: Sandbox,
    case: Case,
    traps: Traps,
    program: Callable[[Case, dict[str, str]], str] = cases.program,
) -> tuple[bool, Observed]:
    """Make an attempt: whether it got out, and what was seen."""
    sprung, seen = spring(sandbox, case, traps, program)
    return seen.returned or sprung, seen


def spring(
    sandbox: Sandbox,
    case: Case,
    traps: Traps,
    program: Callable[[Case, dict[str, str]], str] = cases.program,
) -> tuple[bool, Observed]:
    """Make an attempt: whether it sprang its trap outside, whatever it says, and what was seen."""
    if case.trap:
        traps.sprung(case.trap)
    seen = run(sandbox, program(case, traps.words))
    return bool(case.trap) and traps.sprung(case.trap), seen
