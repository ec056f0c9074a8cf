"""Running untrusted code: the port every sandbox tier implements.

A sandbox that is broken says so (`status == "infrastructure"`) and never blames the code. Inside,
the artifact's files are read-only at `/artifact`, the work folder `/work` is empty but for `work`,
there is no network, no other process, an empty environment. Source: decision record 4.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, get_args

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json

STOPPED: Final = "it was stopped"
Status = Literal["exited", "timeout", "memory", "output", "killed", "infrastructure"]
Entropy = Literal["system", "low", "high"]
Capability = Literal["pid", "net", "fs", "memory", "tmpfs"]
EVERY_CAPABILITY: frozenset[Capability] = frozenset(get_args(Capability))
TIER_CAPABILITIES: Mapping[str, frozenset[Capability]] = {
    "vm": EVERY_CAPABILITY,
    "ns": EVERY_CAPABILITY,
    "landlock": frozenset({"fs", "net"}),
    "seatbelt": frozenset({"fs", "net"}),
    "none": frozenset(),
}
"""What each tier holds where it works; a tier that is not here holds nothing."""
PACKAGES_FOLDER = "/packages"
TIERS_WITH_PACKAGES = frozenset({"ns", "landlock", "seatbelt", "none"})
"""The tiers that can show a run a folder of packages; every other one refuses such a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one run. Going over one ends the run with the status that names it.

    `memory_bytes` and `processes` bound the run as a whole; `output_bytes` each of stdout and
    stderr; `work_bytes` what it may write.
    """

    wall_s: float = 10.0
    cpu_s: int = 5
    memory_bytes: int = 512 * 2**20
    processes: int = 24
    output_bytes: int = 2**20
    work_bytes: int = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonCall:
    """Call one function of one file of the tree with named JSON arguments."""

    file: str
    function: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Run a command; `argv[0]` is `python`, `sh`, `bash` or an absolute path inside the sandbox.

    Paths under `/artifact` name the tree's files.
    """

    argv: tuple[str, ...]
    stdin: bytes = b""


HOME_FOLDER = "/home/dev"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run finds around it, where that is part of the question.

    Args:
        variables: Added to the environment; what the sandbox itself sets (`PATH`, `PYTHON...`) stays.
        home: Files in the home folder. Where there are any, `HOME` is `HOME_FOLDER` instead of the
            work folder.
        hostname: The machine's name, in a tier that can give it one (`ns`).
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    home: Mapping[str, File] = field(default_factory=dict)
    hostname: str = ""


def never() -> bool:
    """What says that a run is to go on to its end."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run to make.

    Args:
        files: The artifact's tree.
        action: What to do with it.
        work: Text or data placed in the work folder first.
        hash_seed: `PYTHONHASHSEED` of the interpreter, so that runs can differ in it.
        clock_offset_s: Seconds added to what Python sees of the wall clock.
        entropy: `system`, or the unseeded `random` module answering at the low or high end of its
            range, so that code which depends on it answers differently.
        surroundings: What of an ordinary machine there is to find; nothing unless asked for.
        stop: Asked a few times a second (by the tier `vm` when the code asks for something); where it
            says so the run is ended, with the status `infrastructure` and the message `STOPPED`.
        packages: A folder of this machine with Python packages, last on the path and read-only; it
            lies at `PACKAGES_FOLDER` where the tier has a file system of its own. None where empty.
    """

    files: Mapping[str, File]
    action: PythonCall | Command
    work: Mapping[str, File] = field(default_factory=dict)
    limits: Limits = Limits()
    hash_seed: int = 0
    clock_offset_s: int = 0
    entropy: Entropy = "system"
    surroundings: Surroundings = Surroundings()
    packages: str = ""
    stop: Callable[[], bool] = field(default=never, compare=False)


OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something that a run was seen to do or try.

    `kind`: `write`, `delete`, `read` (outside tree, work folder and interpreter; a file placed in the
    home folder also where another program than Python read it, in the tier `ns`), `connect`,
    `process`, `environment` (a variable looked up), `clock`, `randomness`, `native` (ctypes),
    `arguments` (changed in place what it was given), `global` (changed interpreter-wide state),
    `left` (a thread that still ran when a call had ended; in the tier `ns` a program, too),
    `unreadable` (left a path that nobody can read back), `overflow` (more effects of the kind in
    `target` than are told: what the others were nobody knows).
    `target` is the path, address, command or name.
    """

    kind: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one run did.

    `result` is the function's JSON result when `returned`; `error` the exception's class name and
    `message` its text when it raised. A result that JSON cannot carry is error `UnserialisableResult`.
    `written` are the files left in the work folder that were not there before or have changed.
    `told` says what came back through the broker, in order and bounded: the tool with a digest of the
    result, or with the error's name. `changes` counts the answered requests that may have changed
    something outside, `misses` those that the binding does not know.
    """

    status: Status
    tier: str
    exit_code: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    returned: bool = False
    result: Json = None
    error: str | None = None
    message: str = ""
    effects: tuple[Effect, ...] = ()
    written: Mapping[str, bytes] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    changes: int = 0
    misses: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_bytes: int = 0


RequestHandler = Callable[[Mapping[str, Json]], Mapping[str, Json]]


class Sandbox(Protocol):
    """Runs executions in isolation. Thread-safe; `close` ends every process it started."""

    @property
    def tier(self) -> str:
        """`vm`, `ns`, `landlock`, `seatbelt` or `none`."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Which kinds of isolation this tier gives here, found by probing."""
        ...

    @property
    def policy_digest(self) -> Digest:
        """Digest of everything about the sandbox that could change a result: version of the walls
        and of the guest file, interpreter, tier."""
        ...

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once and say what was seen. Never raises for what the code does.

        `broker` answers what the code asks for over the only inherited descriptor (`call`, `model`,
        `http`); without one every request is denied.
        """
        ...

    def close(self) -> None:
        """End the sandbox and all that it started."""
        ...


class SandboxOver:
    """A sandbox over another one, which makes the runs: what it does not change is the inner one's."""

    def __init__(self, inner: Sandbox) -> None:
        self._inner = inner

    @property
    def tier(self) -> str:
        """The inner sandbox's."""
        return self._inner.tier

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The inner sandbox's."""
        return self._inner.capabilities

    @property
    def policy_digest(self) -> Digest:
        """The inner sandbox's; another one where this one changes what runs show."""
        return self._inner.policy_digest

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once, as the inner sandbox does."""
        return self._inner.run(execution, broker)

    def close(self) -> None:
        """Nothing: whoever made the inner sandbox ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierReport:
    """One tier: whether a probe ran in it, else why not and what would help.

    `walls` says of one that works what stands around it, or why nothing does.
    """

    tier: str
    works: bool
    why_not: str = ""
    remedies: tuple[str, ...] = ()
    walls: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """What this machine offers. `tier` is the strongest that works, or empty."""

    tier: str
    tiers: tuple[TierReport, ...]
