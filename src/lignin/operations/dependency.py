"""Dependencies: the Python packages of artifacts, locked by hash and kept as wheels."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from lignin.artifacts.proofs import load_tests
from lignin.artifacts.requirements import parse_requirements
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import MANIFEST_PATH, File
from lignin.domain.dependencies import Locked, joint_set
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.operations.choice import find
from lignin.operations.context import Context
from lignin.operations.handover import read_files
from lignin.operations.lifecycle import JUDGED_WITH, dependencies_of
from lignin.operations.packages import declared_of
from lignin.operations.registry import Request, Response, operation, positional
from lignin.ports.wheels import Wheel

FROM = "a folder of wheels to take them from, instead of the index that pip is set up for"


class DependencyLock(Request):
    requires: list[str] = positional(
        "requirements such as 'tabulate>=0.9'; or files whose manifest or script block has them"
    )
    wheels: str = Field("", description=FROM)


class DependencyFetch(Request):
    name: str = positional("the artifact whose lock is fetched")
    wheels: str = Field("", description=FROM)


class DependencyList(Request):
    pass


class DependencyRemove(Request):
    name: str = positional("the package, or NAME==VERSION")


class LockedView(Response):
    name: str = Field(description="the package's normalised name")
    version: str = Field(description="its exact version")
    wheels: list[str] = Field(description="SHA-256 of its wheels")


class LockView(Response):
    requires: list[str] = Field(description="what was asked for, in normal form")
    lock: list[LockedView] = Field(
        description="every package that meets it, as a manifest locks it"
    )


class Fetched(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    fetched: list[str] = Field(description="wheels that came into the cache")
    locked: int = Field(description="packages that the version locks")


class WheelView(Response):
    name: str = Field(description="the package's normalised name")
    version: str = Field(description="its version")
    file: str = Field(description="the wheel's file name")
    digest: str = Field(description="SHA-256 of the wheel")
    size_bytes: int = Field(description="its size")


class WheelsView(Response):
    items: list[WheelView] = Field(description="every wheel, by name and version")


@operation("dependency.lock", effect="execute", idempotent=True, remote=False)
def lock(context: Context, request: DependencyLock) -> LockView:
    """Choose exact wheels for requirements and keep them, for what requires them to be captured.

    They come through pip, from the index that you have set up for it or from a folder. Only wheels
    are taken, and no code of theirs is run. Done again it chooses anew.
    """
    requires = _requires(context, request.requires)
    if not requires:
        raise InvalidRequestError("nothing requires a Python package there")
    found = context.open_wheels().lock(requires, _folder(context, request.wheels))
    return LockView(requires=list(requires), lock=[_locked(entry) for entry in found])


@operation("dependency.fetch", effect="execute", idempotent=True)
def fetch(context: Context, request: DependencyFetch) -> Fetched:
    """Get the wheels that an artifact locks, by their hashes; then it can be run here.

    NAME is an artifact, NAME@DIGEST one version. What its tests and the artifacts that it leans on
    lock comes with it.
    """
    with context.view() as view:
        row = find(context, view, request.name)
        tree = load_tree(view, row.body["digest"])
        others = dependencies_of(view, tree.manifest, JUDGED_WITH)
        tests = load_tests(view, row.body["digest"])
    trees = [tree, *others.values(), *tests.values()]
    wanted = joint_set([each.manifest.packages for each in trees])
    came = context.open_wheels().fetch(wanted, _folder(context, request.wheels))
    return Fetched(
        name=row.body["name"],
        digest=row.body["digest"],
        fetched=list(came),
        locked=len(wanted.lock),
    )


@operation("dependency.list", effect="read", idempotent=True)
def list_(context: Context, request: DependencyList) -> WheelsView:  # noqa: ARG001
    """List the wheels that are kept."""
    return WheelsView(items=_views(context.open_wheels().wheels()))


@operation("dependency.remove", effect="execute", idempotent=True)
def remove(context: Context, request: DependencyRemove) -> WheelsView:
    """Let go of a package's wheels; what locks them can be run again once they are fetched."""
    name, _, version = request.name.partition("==")
    plain = parse_requirements([name])[0]
    gone = context.open_wheels().remove(plain, version)
    if not gone:
        raise NotFoundError(
            f"no wheel of {request.name!r:.100} is kept", hint="`lignin dependency list` has them"
        )
    return WheelsView(items=_views(gone))


def _requires(context: Context, given: Sequence[str]) -> tuple[str, ...]:
    """Requirements as they are given, with those that files among them declare."""
    texts: list[str] = []
    for text in given:
        if text.endswith((".py", MANIFEST_PATH)) or "/" in text or text == ".":
            files: dict[str, File] = read_files(context.path(text))
            texts += declared_of(files)
        else:
            texts.append(text)
    return parse_requirements(texts)


def _folder(context: Context, named: str) -> Path | None:
    if not named:
        return None
    folder = context.path(named)
    if not folder.is_dir():
        raise NotFoundError(f"{folder} does not exist", hint="name a folder of wheels")
    return folder.resolve()


def _locked(entry: Locked) -> LockedView:
    return LockedView(name=entry.name, version=entry.version, wheels=list(entry.wheels))


def _views(wheels: Sequence[Wheel]) -> list[WheelView]:
    return [
        WheelView(
            name=wheel.name,
            version=wheel.version,
            file=wheel.file,
            digest=wheel.digest,
            size_bytes=wheel.size_bytes,
        )
        for wheel in wheels
    ]
