"""Which tier works on this machine, found by running something in it, and what to do if none does.

Owns the choice of a tier and the remedies it names. Fails closed: without a working tier nothing is
opened unless the caller asks for the unsafe one by name.
"""

import os
import sys
from pathlib import Path

from lignin.adapters.sandbox.none import UnsafeSandbox
from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.domain.artifacts import File
from lignin.domain.errors import LigninError, UnavailableError
from lignin.ports.sandbox import DoctorReport, Execution, PythonCall, Sandbox, TierReport

_PROBE = b"""
import os, socket
def probe(number):
    processes = [name for name in os.listdir('/proc') if name.isdigit()]
    try:
        open('/usr/probe', 'w').close()
        writable = True
    except OSError:
        writable = False
    return [number + 1, len(processes) <= 3, not writable, os.listdir('/work') == []]
"""


def probe() -> DoctorReport:
    """Try each isolating tier by running a function in it and looking at what it saw."""
    report = _probe_namespaces()
    return DoctorReport(tier="ns" if report.works else "", tiers=(report,))


def open_sandbox(*, allow_unsafe: bool = False) -> Sandbox:
    """Return the strongest sandbox that works here; the caller closes it.

    Args:
        allow_unsafe: Where no tier works, run without isolation instead of failing.

    Raises:
        UnavailableError: No tier works and `allow_unsafe` was not given; the hint is the remedy.
    """
    try:
        return _open_probed()
    except LigninError as error:
        if allow_unsafe:
            return UnsafeSandbox()
        hint = "; or: ".join(remedies(error.message))
        raise UnavailableError(f"no sandbox works here: {error.message}", hint=hint) from error


def _probe_namespaces() -> TierReport:
    try:
        _open_probed().close()
    except LigninError as error:
        help_ = remedies(error.message)
        return TierReport(tier="ns", works=False, why_not=error.message, remedies=help_)
    return TierReport(tier="ns", works=True)


def _open_probed() -> NamespaceSandbox:
    sandbox = open_namespace_sandbox()
    seen = sandbox.run(
        Execution(
            files={"probe.py": File(content=_PROBE)},
            action=PythonCall(file="probe.py", function="probe", arguments={"number": 1}),
        )
    )
    if seen.result != [2, True, True, True]:
        sandbox.close()
        told = seen.message or seen.stderr.decode(errors="replace")[-500:] or repr(seen.result)
        raise UnavailableError(f"the namespace sandbox starts and does not hold: {told}")
    return sandbox


def remedies(why_not: str) -> tuple[str, ...]:
    """What could help on this machine, most likely first. Reads kernel settings."""
    if not sys.platform.startswith("linux"):
        return (
            "use a Linux machine or container",
            "accept no isolation at all: LIGNIN_UNSAFE_SANDBOX=1",
        )
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
