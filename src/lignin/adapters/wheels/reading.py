"""Reading one wheel: what it says it is, and whether it may be unpacked at all. Changes nothing.

A wheel is foreign data from a name on an index. It is refused where its parts could land outside a
folder, be something else than plain files, fill the disk, or bring programs; where its name is not
the one in its metadata; and where its content is not what its own record says.
"""

import stat
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from installer.exceptions import InstallerError
from installer.sources import WheelFile
from packaging.metadata import parse_email
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from lignin.domain.artifacts import require_safe_path
from lignin.domain.errors import IntegrityError, InvalidRequestError, LimitedError

MAX_WHEEL_BYTES = 500 * 2**20
MAX_UNPACKED_BYTES = 2 * 2**30
MAX_ENTRIES = 30_000
MAX_FILE_BYTES = 1 * 2**30
_MAX_RATIO = 200  # of a whole wheel; text packs to a twentieth at best
_SMALL_BYTES = 16 * 2**20
_ENCRYPTED = 0x1
_MAX_METADATA_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a wheel says of itself: normalised name, version, and what it requires in turn."""

    name: str
    version: str
    requires: tuple[str, ...]


def named(file: str) -> tuple[str, str, frozenset[Tag]]:
    """Return (normalised name, version, tags) that a wheel's file name says.

    Raises:
        InvalidRequestError: It is not the name of a wheel.
    """
    try:
        name, version, _, tags = parse_wheel_filename(file)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise InvalidRequestError(
            f"{file!r:.100} is no wheel: {error}",
            hint="only wheels are taken: to make one of a source archive would run its code",
        ) from error
    return str(name), str(version), tags


@cache
def _ranks() -> dict[Tag, int]:
    return {tag: rank for rank, tag in enumerate(sys_tags())}


def rank(file: str) -> int | None:
    """How well a wheel fits the running interpreter, 0 best; None where it does not."""
    return min((_ranks()[tag] for tag in named(file)[2] if tag in _ranks()), default=None)


@contextmanager
def opened(path: Path) -> Iterator[WheelFile]:
    """Open a wheel that has been vetted.

    Raises:
        IntegrityError: It is no archive, or broken in a way that shows only now.
    """
    try:
        with WheelFile.open(path) as wheel:
            yield wheel
    except (zipfile.BadZipFile, InstallerError, KeyError, UnicodeDecodeError, EOFError) as error:
        raise IntegrityError(f"{path.name}: {error}"[:500]) from error
    except (NotImplementedError, RuntimeError) as error:  # a compression or encryption unknown here
        raise IntegrityError(f"{path.name}: cannot be read: {error}"[:500]) from error


def read(path: Path) -> About:
    """Return what a wheel is, once it is known that it may be unpacked and is what its record says.

    Raises:
        InvalidRequestError: It is no wheel, wants another Python, or brings programs.
        IntegrityError: An entry is not a plain file in its place, names differ, or content is not as
            recorded.
        LimitedError: It is too large, or unpacks to too much.
    """
    name, version, _ = named(path.name)
    if path.stat().st_size > MAX_WHEEL_BYTES:
        raise LimitedError(f"{path.name} has more than {MAX_WHEEL_BYTES} bytes")
    with opened(path) as wheel:
        with zipfile.ZipFile(path) as archive:
            _vet(path, archive.infolist())
        wheel.validate_record(validate_contents=True)
        text = wheel.read_dist_info("METADATA")
    about = _about(path.name, text)
    if (about.name, Version(about.version)) != (name, Version(version)):
        raise IntegrityError(
            f"{path.name} is named otherwise inside: {about.name} {about.version}",
            hint="a package that is not what its name says is not taken",
        )
    return about


def about(path: Path) -> About:
    """Return what a wheel says of itself, without looking at the rest of it."""
    with opened(path) as wheel:
        return _about(path.name, wheel.read_dist_info("METADATA"))


def _about(file: str, text: str) -> About:
    if len(text) > _MAX_METADATA_BYTES:
        raise LimitedError(f"{file}: its metadata has {len(text)} characters")
    found, _ = parse_email(text)
    if "name" not in found or "version" not in found:
        raise IntegrityError(f"{file}: its metadata names no package")
    wanted = found.get("requires_python", "")
    try:
        fits = SpecifierSet(wanted).contains(sys.version.split()[0], prereleases=True)
        version = str(Version(found["version"]))
    except (InvalidSpecifier, InvalidVersion) as error:
        raise IntegrityError(f"{file}: {error}") from error
    if not fits:
        raise InvalidRequestError(f"{file} wants Python {wanted}; this is {sys.version.split()[0]}")
    return About(
        name=str(canonicalize_name(found["name"])),
        version=version,
        requires=tuple(found.get("requires_dist", ())),
    )


def _vet(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_ENTRIES:
        raise LimitedError(f"{path.name} has {len(entries)} entries; at most {MAX_ENTRIES}")
    seen: set[str] = set()
    total = 0
    for entry in entries:
        place = entry.filename.rstrip("/")
        try:
            require_safe_path(place)
        except InvalidRequestError as error:
            raise IntegrityError(f"{path.name}: {error.message}") from error
        if place in seen:
            raise IntegrityError(f"{path.name} has {place!r} twice")
        seen.add(place)
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise IntegrityError(f"{path.name}: {place!r} is no plain file")
        if entry.flag_bits & _ENCRYPTED:
            raise IntegrityError(f"{path.name}: {place!r} is encrypted")
        folder, _, rest = place.partition("/")
        top = folder
        if folder.endswith(".data") and rest.partition("/")[0] in ("purelib", "platlib"):
            top = rest.partition("/")[2].partition("/")[0]
        if top.partition(".")[0] in sys.stdlib_module_names and not entry.is_dir():
            raise InvalidRequestError(
                f"{path.name} brings {place}, which would stand in for the standard library"
            )
        if folder.endswith(".data") and rest.split("/")[0] == "scripts":
            raise InvalidRequestError(
                f"{path.name} brings programs of its own ({place})",
                hint="only what Python imports is taken",
            )
        total += entry.file_size
        if entry.file_size > MAX_FILE_BYTES or total > MAX_UNPACKED_BYTES:
            raise LimitedError(f"{path.name} unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    packed = max(1, path.stat().st_size)
    if total > _SMALL_BYTES and total / packed > _MAX_RATIO:
        raise LimitedError(f"{path.name} unpacks to {total // packed} times its size")
