"""Which tier works on this machine, found by running something in it, and what to do if none does.

Owns the choice of a tier and the remedies it names. Fails closed: without a working tier nothing is
opened unless the caller asks for the unsafe one by name, and a tier that is asked for is the one that
is opened or none. What runs elsewhere is opened only where it is asked for.
"""

import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lignin.adapters.sandbox.landlock import open_landlock_sandbox
from lignin.adapters.sandbox.none import UnsafeSandbox
from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.adapters.sandbox.seatbelt import open_seatbelt_sandbox
from lignin.adapters.sandbox.vm import Provider, RemoteSandbox
from lignin.adapters.sandbox.vm_daytona import DaytonaProvider
from lignin.adapters.sandbox.vm_docker import DockerProvider
from lignin.adapters.sandbox.vm_e2b import E2bProvider
from lignin.adapters.sandbox.vm_modal import ModalProvider
from lignin.domain.artifacts import File
from lignin.domain.errors import InvalidRequestError, LigninError, UnavailableError
from lignin.ports.sandbox import DoctorReport, Execution, PythonCall, Sandbox, TierReport

_PROBE = b"""
import os, socket
def probe(number):
    try:
        processes = [name for name in os.listdir('/proc') if name.isdigit()]
    except OSError:
        processes = []
    try:
        open('/usr/probe', 'w').close()
        writable = True
    except OSError:
        writable = False
    return [number + 1, len(processes) <= 3, not writable, os.listdir('.') == []]
"""
_REMOTE_PROBE = b"""
import os, socket
def probe(number):
    try:
        open('/usr/probe', 'w').close()
        writable = True
    except OSError:
        writable = False
    try:
        socket.create_connection(('1.1.1.1', 53), 2).close()
        reached = True
    except OSError:
        reached = False
    return [number + 1, not reached, not writable, os.listdir('.') == []]
"""
_HERE: Mapping[str, Callable[[], Sandbox]] = {
    "ns": open_namespace_sandbox,
    "landlock": open_landlock_sandbox,
    "seatbelt": open_seatbelt_sandbox,
}
"""The tiers of this machine, the strongest first."""
_ELSEWHERE: Mapping[str, Callable[[str], Provider]] = {
    "docker": DockerProvider,
    "e2b": E2bProvider,
    "modal": ModalProvider,
    "daytona": DaytonaProvider,
}
"""The services of the tier `vm`, each made from the image to start from."""
CHOICES = (*_HERE, *(f"vm:{name}" for name in _ELSEWHERE))
_REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EINVAL, errno.ENOSYS, errno.EUSERS)
"""How a kernel, or who has set it up, says that it gives no namespaces or mounts."""
_SHORTAGES: Mapping[int, str] = {
    errno.EMFILE: "let this process open more files: ulimit -n 1024",
    errno.ENFILE: "let this machine open more files: sysctl fs.file-max",
    errno.EAGAIN: "let this user have more processes: ulimit -u",
    errno.ENOMEM: "let this process have more memory: ulimit -v, or the container's bound",
}
"""What this process was given too little of, and how to give it more."""
_UNKNOWN = "no setting is known that would help: please report it with these words"
_ASK = (
    f"LIGNIN_SANDBOX={', '.join(CHOICES[len(_HERE) :])}, with :IMAGE after it if not the usual",
    "a Docker daemon, or: pip install 'lignin[e2b]', 'lignin[modal]' or 'lignin[daytona]'",
)


def probe(choice: str = "") -> DoctorReport:
    """Try each isolating tier by running a function in it and looking at what it saw.

    Args:
        choice: The one tier to try; see `open_sandbox`.
    """
    tried = _openers(choice)
    reports = tuple(
        _probed(tier, tried[tier]) if tier in tried else _unasked(tier, choice)
        for tier in ("vm", *_HERE)
    )
    best = next((report.tier for report in reports if report.works), "")
    return DoctorReport(tier=best, tiers=reports)


def open_sandbox(*, choice: str = "", allow_unsafe: bool = False) -> Sandbox:
    """Return the strongest sandbox that works here, or the one asked for; the caller closes it.

    A weaker tier says so in `capabilities` and in every run; whoever decides on what it has shown
    looks at that.

    Args:
        choice: One of `CHOICES`, for `vm` with `:IMAGE` after it if not the usual; no other is
            opened then.
        allow_unsafe: Where no tier works and none was asked for, run without isolation.

    Raises:
        InvalidRequestError: There is no such choice.
        UnavailableError: No tier works and `allow_unsafe` was not given; the hint is the remedy.
    """
    failed: LigninError | None = None
    for tier, opener in _openers(choice).items():
        try:
            return _open_probed(tier, opener)
        except LigninError as error:
            failed = failed or error  # what keeps the strongest one from working helps most
    assert failed is not None
    if choice:
        raise UnavailableError(f"{choice} does not work: {failed.message}", hint=failed.hint)
    if allow_unsafe:
        return UnsafeSandbox()
    hint = "; or: ".join(remedies(failed.message))
    raise UnavailableError(f"no sandbox works here: {failed.message}", hint=hint) from failed


def _openers(choice: str) -> Mapping[str, Callable[[], Sandbox]]:
    tier, _, rest = choice.partition(":")
    name, _, image = rest.partition(":")
    if not choice:
        return _HERE
    if tier in _HERE and not rest:
        return {tier: _HERE[tier]}
    if tier == "vm" and name in _ELSEWHERE:
        return {"vm": lambda: _open_remote(name, image)}
    raise InvalidRequestError(
        f"there is no sandbox {choice!r} to choose", hint=f"it is one of {', '.join(CHOICES)}"
    )


def _open_remote(name: str, image: str) -> Sandbox:
    try:
        return RemoteSandbox(_ELSEWHERE[name](image))
    except ImportError as error:
        raise UnavailableError(
            f"the client of {name} is not installed: {error}", hint=f"pip install 'lignin[{name}]'"
        ) from error


def _unasked(tier: str, choice: str) -> TierReport:
    why_not = f"not asked for: LIGNIN_SANDBOX is {choice}" if choice else "not asked for"
    return TierReport(
        tier=tier, works=False, why_not=why_not, remedies=_ASK if tier == "vm" else ()
    )


def _probed(tier: str, opener: Callable[[], Sandbox]) -> TierReport:
    try:
        opened = _open_probed(tier, opener)
    except LigninError as error:
        help_ = remedies(error.message) if tier == "ns" else (error.hint,) if error.hint else ()
        return TierReport(tier=tier, works=False, why_not=error.message, remedies=help_)
    opened.close()
    if not isinstance(opened, NamespaceSandbox):
        return TierReport(tier=tier, works=True)
    return TierReport(tier=tier, works=True, walls=opened.walls, remedies=opened.outer_remedies)


def _open_probed(tier: str, opener: Callable[[], Sandbox]) -> Sandbox:
    opened = opener()
    content = _REMOTE_PROBE if tier == "vm" else _PROBE
    seen = opened.run(
        Execution(
            files={"probe.py": File(content=content)},
            action=PythonCall(file="probe.py", function="probe", arguments={"number": 1}),
        )
    )
    if seen.result == [2, True, True, True]:
        return opened
    opened.close()
    hint = opened.provider.needs if isinstance(opened, RemoteSandbox) else ""
    told = seen.message or seen.stderr.decode(errors="replace")[-500:] or repr(seen.result)
    does = "does not start" if seen.status == "infrastructure" else "starts and does not hold"
    raise UnavailableError(f"the {tier} sandbox {does}: {told}", hint=hint)


def remedies(why_not: str) -> tuple[str, ...]:
    """What could help on this machine, most likely first. Reads kernel settings.

    Walls are to be taken down, here or around the container, only where what was said is that the
    kernel refuses: nothing else is helped by it.
    """
    if not sys.platform.startswith("linux"):
        return (
            "use a Linux machine or container",
            "accept no isolation at all: LIGNIN_UNSAFE_SANDBOX=1",
        )
    if short := [how for number, how in _SHORTAGES.items() if os.strerror(number) in why_not]:
        return tuple(short)
    if not any(os.strerror(number) in why_not for number in _REFUSALS):
        return (_UNKNOWN,)
    found = []
    if _setting("user/max_user_namespaces") == "0":
        found.append("as root: sysctl user.max_user_namespaces=15000")
    if _setting("kernel/unprivileged_userns_clone") == "0":
        found.append("as root: sysctl kernel.unprivileged_userns_clone=1")
    if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        found.append(
            "as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor "
            f"profile that grants userns to {os.path.realpath(sys.executable)}"
        )
    if Path("/.dockerenv").exists() or "container" in os.environ:
        found.append(
            "start the container with --security-opt seccomp=unconfined "
            "--security-opt systempaths=unconfined"
        )
    if "proc" in why_not and not found:
        found.append("show an unmasked /proc (Docker: --security-opt systempaths=unconfined)")
    found.append("accept no isolation at all: LIGNIN_UNSAFE_SANDBOX=1")
    return tuple(found)


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""
