"""The wheel cache of one user: wheels by content, sets made of them, locks that were resolved.

    wheels/<sha256>/<file name>    a wheel; its bytes are hashed on the way in and before each unpacking
    sets/<digest>/                 what is mounted, read-only; `<digest>.json` names its wheels,
                                   `<digest>.content` tells whether it was changed since
    locks/<digest>.json            the lock that some requirements were resolved to

All of it can be made anew, so that none of it is in the store.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lignin.adapters.wheels import reading
from lignin.adapters.wheels.closure import require_closed
from lignin.adapters.wheels.resolver import Pip
from lignin.adapters.wheels.unpacking import discard, is_unchanged, unpack
from lignin.domain.codec import Digest, canonical_bytes, digest_json, parse_json, raw_digest
from lignin.domain.dependencies import Locked, PackageSet
from lignin.domain.errors import (
    IntegrityError,
    InvalidRequestError,
    LigninError,
    UnavailableError,
)
from lignin.ports.wheels import Installed, Wheel

_FORM = 1  # of a set's folder; goes into its name
_LOCK = TypeAdapter(tuple[Locked, ...])


class WheelCache:
    """The wheels port over a folder and pip.

    Args:
        home: Lignin's data folder.
        environment: The user's variables, for pip.
        keeps: False in a dry run: nothing stays, sets are made in a folder that `close` takes away.
    """

    def __init__(self, home: Path, environment: Mapping[str, str], *, keeps: bool = True) -> None:
        self._kept, self._sets, self._locks = home / "wheels", home / "sets", home / "locks"
        self._pip = Pip(environment)
        self._keeps = keeps
        self._passing = None if keeps else tempfile.TemporaryDirectory(prefix="lignin-sets-")
        if self._passing is not None:
            self._sets = Path(self._passing.name)
        self._looked_at: set[Path] = set()

    def lock(self, requires: tuple[str, ...], folder: Path | None = None) -> tuple[Locked, ...]:
        """See the port."""
        with _workplace() as into:
            self._pip.resolve(requires, into, folder)
            files = sorted(into.iterdir())
            read = [(file, reading.read(file)) for file in files]
            require_closed(requires, {about.name: about for _, about in read})
            lock = tuple(
                Locked(name=about.name, version=about.version, wheels=(_digest(file),))
                for file, about in sorted(read, key=lambda each: each[1].name)
            )
            if self._keeps:
                for file in files:
                    self._keep(file)
                body = canonical_bytes([entry.model_dump(mode="json") for entry in lock])
                _write(self._lock_file(requires), body)
        return lock

    def known_lock(self, requires: tuple[str, ...]) -> tuple[Locked, ...] | None:
        """See the port."""
        file = self._lock_file(requires)
        if file.is_file():
            with contextlib.suppress(ValidationError, InvalidRequestError):  # else it is made anew
                lock = _LOCK.validate_python(parse_json(file.read_bytes()))
                if not self.missing(PackageSet(requires=requires, lock=lock)):
                    return lock
        with _workplace() as view:
            for wheel in self.wheels():
                with contextlib.suppress(FileExistsError):
                    place = self._kept / raw_digest(wheel.digest).hex() / wheel.file
                    (view / wheel.file).symlink_to(place)
            if any(view.iterdir()):
                with contextlib.suppress(LigninError):
                    return self.lock(requires, view)
        return None

    def fetch(self, wanted: PackageSet, folder: Path | None = None) -> Sequence[str]:
        """See the port."""
        absent = [entry for entry in wanted.lock if not self._cached(entry)]
        if not absent:
            return ()
        with _workplace() as into:
            self._pip.fetch(absent, into, folder)
            files = sorted(into.iterdir())
            known = {wheel for entry in absent for wheel in entry.wheels}
            for file in files:
                reading.read(file)
                if _digest(file) not in known:
                    raise IntegrityError(f"{file.name} is not the wheel that the lock names")
                if self._keeps:
                    self._keep(file)
            return tuple(file.name for file in files)

    def missing(self, wanted: PackageSet) -> Sequence[str]:
        """See the port."""
        return tuple(str(entry) for entry in wanted.lock if not self._cached(entry))

    def installed(self, wanted: PackageSet) -> Installed:
        """See the port."""
        chosen = {entry.name: self._chosen(entry) for entry in wanted.lock}
        facts = {
            "form": _FORM,
            "interpreter": f"{sys.implementation.cache_tag} {sys.version}",
            "requires": sorted(wanted.requires),
            "wheels": {name: path.parent.name for name, path in chosen.items()},
        }
        digest = digest_json(facts)
        place = self._sets / raw_digest(digest).hex()
        if place.is_dir() and place not in self._looked_at and not is_unchanged(place):
            discard(place)  # somebody edited it, or a Lignin before this one made it
        self._looked_at.add(place)
        if not place.is_dir():
            for entry in wanted.lock:
                _require_content(chosen[entry.name], entry)
            about = {name: reading.read(path) for name, path in chosen.items()}
            _require_names(wanted.lock, about)
            require_closed(wanted.requires, about)
            _write(place.with_suffix(".json"), canonical_bytes(facts))
            unpack([chosen[name] for name in sorted(chosen)], place)
        return Installed(folder=place, digest=digest)

    def wheels(self) -> Sequence[Wheel]:
        """See the port."""
        found = []
        for path in self._kept.glob("*/*.whl"):
            with contextlib.suppress(InvalidRequestError):
                name, version, _ = reading.named(path.name)
                found.append(
                    Wheel(
                        name=name,
                        version=version,
                        file=path.name,
                        digest=f"sha256:{path.parent.name}",
                        size_bytes=path.stat().st_size,
                    )
                )
        return sorted(found, key=lambda wheel: (wheel.name, wheel.version, wheel.file))

    def remove(self, name: str, version: str = "") -> Sequence[Wheel]:
        """See the port."""
        gone = [
            wheel
            for wheel in self.wheels()
            if wheel.name == name and version in {"", wheel.version}
        ]
        if not self._keeps:
            return gone
        for wheel in gone:
            hexadecimal = raw_digest(wheel.digest).hex()
            for kept in (*self._sets.glob("*.json"), *self._locks.glob("*.json")):
                with contextlib.suppress(OSError):
                    if hexadecimal in kept.read_text():
                        discard(kept.with_suffix(""))
                        kept.with_suffix(".content").unlink(missing_ok=True)
                        kept.unlink()
            shutil.rmtree(self._kept / hexadecimal, ignore_errors=True)
        return gone

    def close(self) -> None:
        """See the port."""
        if self._passing is not None:
            for made in Path(self._passing.name).iterdir():
                discard(made)
            self._passing.cleanup()

    def _keep(self, file: Path) -> None:
        """Copy a wheel into its place by content: what is there under a hash has had it."""
        self._kept.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        staged = self._kept / f".{secrets.token_hex(8)}"
        try:
            with file.open("rb") as given, staged.open("xb") as kept:
                while part := given.read(1 << 20):
                    digest.update(part)
                    kept.write(part)
                kept.flush()
                os.fsync(kept.fileno())
            folder = self._kept / digest.hexdigest()
            folder.mkdir(mode=0o700, exist_ok=True)
            staged.chmod(0o400)
            staged.replace(folder / file.name)
        finally:
            staged.unlink(missing_ok=True)

    def _path(self, digest: Digest) -> Path | None:
        return next(iter(sorted((self._kept / raw_digest(digest).hex()).glob("*.whl"))), None)

    def _cached(self, entry: Locked) -> list[Path]:
        return [path for wheel in entry.wheels if (path := self._path(wheel)) is not None]

    def _chosen(self, entry: Locked) -> Path:
        """The wheel of a locked package that fits this interpreter best."""
        there = self._cached(entry)
        if not there:
            raise UnavailableError(f"the wheel of {entry} is not in the cache")
        ranked = [(rank, path) for path in there if (rank := reading.rank(path.name)) is not None]
        if not ranked:
            raise InvalidRequestError(
                f"{there[0].name} is not made for this Python and machine",
                hint=f"lock {entry.name} here: `lignin dependency lock {entry.name}`",
            )
        return min(ranked)[1]

    def _lock_file(self, requires: tuple[str, ...]) -> Path:
        named = digest_json([list(requires), sys.version, sys.platform, os.uname().machine])
        return self._locks / f"{raw_digest(named).hex()}.json"


@contextmanager
def _workplace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lignin-wheels-") as root:
        into = Path(root) / "wheels"
        into.mkdir()
        yield into


def _digest(file: Path) -> Digest:
    with file.open("rb") as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"


def _require_content(path: Path, entry: Locked) -> None:
    if _digest(path) not in entry.wheels:
        raise IntegrityError(
            f"{path.name} in the cache is not what it was",
            hint=f"`lignin dependency remove {entry.name}`, then fetch it again",
        )


def _require_names(lock: Sequence[Locked], about: Mapping[str, reading.About]) -> None:
    for entry in lock:
        found = about[entry.name]
        if (found.name, found.version) != (entry.name, entry.version):
            raise IntegrityError(
                f"the lock says {entry}; the wheel is {found.name} {found.version}"
            )


def _write(file: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged = file.with_name(f".{secrets.token_hex(8)}")
    staged.write_bytes(body)
    staged.replace(file)
