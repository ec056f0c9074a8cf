"""Whether a sandbox has the programs that a script cannot do without; asked of the sandbox itself."""

from lignin.domain.artifacts import Manifest
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Command, Execution, Sandbox

_ASK = 'for each in "$@"; do command -v "$each" >/dev/null || echo "$each"; done'


def require_programs(sandbox: Sandbox, manifest: Manifest, name: str) -> None:
    """Raise where a declared program is not to be found in the sandbox.

    Raises:
        UnavailableError: Which are not there, or the sandbox failed.
    """
    wanted = manifest.capabilities.programs
    if not wanted:
        return
    seen = sandbox.run(Execution(files={}, action=Command(argv=("sh", "-c", _ASK, "sh", *wanted))))
    if seen.status != "exited":
        raise UnavailableError(f"{name} was not run: {seen.message or seen.status}")
    lacking = seen.stdout.decode(errors="replace").split("\n")[:-1]
    if lacking:
        raise UnavailableError(
            f"{name} was not run: the sandbox ({seen.tier}) does not have {', '.join(lacking)}",
            hint="it finds what lies in /usr/bin and /bin of this machine; install it there, or "
            "make the script's steps where the programs are",
        )
