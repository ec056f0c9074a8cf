"""Python packages around an artifact: locking them at capture, mounting them where it is run.

Owns what is said where they are not there: nothing was shown about the artifact, and which command
gets them. What comes onto this machine is the user's decision, so nothing is fetched from here.
"""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lignin.artifacts.equipped import EquippedSandbox
from lignin.artifacts.laws import candidate_from_files
from lignin.artifacts.requirements import declared_requirements, with_lock
from lignin.domain.artifacts import MANIFEST_PATH, File, Tree, make_tree
from lignin.domain.candidates import Candidate
from lignin.domain.dependencies import Locked, PackageSet, joint_set
from lignin.domain.errors import UnavailableError
from lignin.domain.states import Row
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.context import Context
from lignin.operations.handover import read_examples
from lignin.ports.sandbox import TIERS_WITH_PACKAGES, Sandbox
from lignin.ports.wheels import Installed


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """The packages of one run; `why_not` says in words why they are not there, with what to do."""

    installed: Installed | None = None
    why_not: str = ""
    hint: str = ""

    def around(self, sandbox: Sandbox) -> Sandbox:
        """Return the sandbox with the packages in it."""
        return sandbox if self.installed is None else EquippedSandbox(sandbox, self.installed)


def read_candidate(
    context: Context, files: Mapping[str, File], request: ArtifactCapture
) -> Candidate:
    """Return what handed-over files are a candidate for, with what they require locked.

    A manifest's own lock is taken where it is for just these requirements; else the one that was
    resolved before, or that the cached wheels allow.

    Raises:
        InvalidRequestError: The files make no candidate, or a requirement is refused.
        UnavailableError: The requirements were never locked here; the hint is the command.
    """
    requires = declared_requirements(files, request.requires, platform.python_version())
    candidate = candidate_from_files(
        files,
        request.name,
        request.kind,
        read_examples(request.examples),
        context.load_kinds(),
        requires=requires,
        about=request.function,
    )
    is_python = candidate.tree.manifest.runtime == "python"
    if not requires or not (is_python or request.requires):
        return candidate  # what a skill's own scripts need is for whoever runs them
    return with_lock(candidate, requires, _lock(context, files, requires) if is_python else ())


def _lock(
    context: Context, files: Mapping[str, File], requires: tuple[str, ...]
) -> tuple[Locked, ...]:
    if MANIFEST_PATH in files:
        manifest = make_tree(files).manifest
        if manifest.lock and declared_requirements({}, manifest.requires, "") == requires:
            return manifest.lock
    lock = context.open_wheels().known_lock(requires)
    if lock is None:
        raise UnavailableError(
            f"it requires {', '.join(requires)}, which is not locked here",
            hint=f"lignin dependency lock {' '.join(map(_quoted, requires))}",
        )
    return lock


def declared_of(files: Mapping[str, File]) -> tuple[str, ...]:
    """Return what files say that they require."""
    return declared_requirements(files, (), platform.python_version())


def equipment_of(context: Context, row: Row, trees: Iterable[Tree]) -> Equipment:
    """Return what the runs of a version and what it leans on need, if this machine has it.

    Raises:
        InvalidRequestError: They lock one package differently, or it is not made for this machine.
        IntegrityError: What is cached is not what is locked.
    """
    wanted = joint_set([tree.manifest.packages for tree in trees])
    if not wanted.requires:
        return Equipment()
    if not wanted.lock:
        return _absent(wanted, f"lignin dependency lock {' '.join(map(_quoted, wanted.requires))}")
    tier = context.open_sandbox().tier
    if tier not in TIERS_WITH_PACKAGES:
        return Equipment(
            why_not=f"the sandbox tier {tier} has no Python packages to show a run",
            hint="LIGNIN_SANDBOX names another",
        )
    wheels = context.open_wheels()
    if missing := wheels.missing(wanted):
        lacking = f"{', '.join(missing[:5])}{' and more' if missing[5:] else ''}"
        return Equipment(
            why_not=f"Python packages that it requires are not in the cache: {lacking}",
            hint=f"lignin dependency fetch {row.body['name']}@{row.body['digest'][7:19]}",
        )
    return Equipment(installed=wheels.installed(wanted))


def _absent(wanted: PackageSet, command: str) -> Equipment:
    return Equipment(
        why_not=f"it requires {', '.join(wanted.requires)} and locks nothing", hint=command
    )


def _quoted(text: str) -> str:
    return text if text.replace("-", "").isalnum() else f"'{text.replace(chr(39), chr(34))}'"
