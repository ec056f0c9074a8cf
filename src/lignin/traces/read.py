"""Trace files and folders: the shell around the importers.

Owns reading from disk: gzip, size bounds, clear errors, the walk over a folder. Refuses to parse,
to write, and to follow links to folders. The order of what it finds is that of the paths.
"""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
    UnavailableError,
)
from lignin.traces.archive import is_archive
from lignin.traces.importer import HEAD_BYTES, Importer, find_importer

MAX_TRACE_BYTES = 1024 * 1024 * 1024
EMPTY = "empty"
_GZIP = b"\x1f\x8b"
_SUFFIXES = (".jsonl", ".json", ".traj", ".jsonl.gz", ".json.gz", ".traj.gz", ".eval")
_CHUNK_BYTES = 1024 * 1024
_NOT_WALKED = frozenset({".git", "node_modules", "__pycache__", ".venv"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTraces:
    """Trace files below a root, sorted by path, and why files that looked like it are not among
    them (path to reason).
    """

    paths: tuple[Path, ...]
    skipped: Mapping[Path, str] = field(default_factory=dict)


def read_trace(path: Path, max_bytes: int = MAX_TRACE_BYTES) -> tuple[str, bytes]:
    """Return a trace file's name and its bytes, unpacked where they are gzip.

    Args:
        path: The file.
        max_bytes: Bound on the unpacked size.

    Raises:
        NotFoundError: There is no such file.
        InvalidRequestError: It is a folder, binary, or damaged gzip.
        DeniedError: It may not be read.
        LimitedError: It is larger than `max_bytes`.
        UnavailableError: The disk or network file system failed.
    """
    content, complete = _read(path, max_bytes)
    if not complete:
        raise LimitedError(
            f"{path}: over {max_bytes} bytes unpacked, which is the bound for one trace",
            hint="split the file, or raise the bound",
            path=str(path),
        )
    if _is_binary(content):
        raise InvalidRequestError(
            f"{path}: is binary, expected JSON text", hint="name a transcript file", path=str(path)
        )
    return path.name, content


def _is_binary(content: bytes) -> bool:
    if is_archive(content):
        return False
    # A transcript may hold a run of NULs after a crash; it still begins as text.
    return b"\0" in content[:64] and not content.lstrip(b"\0 \t\r\n").startswith((b"{", b"["))


def _read(path: Path, max_bytes: int) -> tuple[bytes, bool]:
    """Return at most `max_bytes` unpacked bytes, and whether that is all of the file."""
    try:
        with path.open("rb") as stream:
            head = stream.read(2)
            chunks = _chunks(head, stream)
            unpacked = _unpacked(path, chunks) if head == _GZIP else chunks
            return _gather(unpacked, max_bytes)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{path}: there is no such file", hint="check the path", path=str(path)
        ) from error
    except IsADirectoryError as error:
        raise InvalidRequestError(
            f"{path}: is a folder, expected a file",
            hint="search the folder for traces first",
            path=str(path),
        ) from error
    except PermissionError as error:
        raise DeniedError(
            f"{path}: may not be read by this user",
            hint="check the file's permissions",
            path=str(path),
        ) from error
    except OSError as error:
        raise UnavailableError(
            f"{path}: cannot be read: {error.strerror or error}", hint="try again", path=str(path)
        ) from error


def _chunks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield head
    while chunk := stream.read(_CHUNK_BYTES):
        yield chunk


def _unpacked(path: Path, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield gzip's content piece by piece, so that a bomb is stopped by the size bound."""
    engine = zlib.decompressobj(wbits=31)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                yield engine.decompress(rest, _CHUNK_BYTES)
                rest = engine.unconsumed_tail
                if engine.eof:
                    rest, engine = engine.unused_data, zlib.decompressobj(wbits=31)
        # A file cut short gives what it holds; the importer reports the unfinished line.
        yield engine.flush()
    except zlib.error as error:
        raise InvalidRequestError(
            f"{path}: damaged gzip: {error}", hint="unpack or copy the file again", path=str(path)
        ) from error


def _gather(chunks: Iterator[bytes], max_bytes: int) -> tuple[bytes, bool]:
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            return b"".join(parts)[:max_bytes], False
    return b"".join(parts), True


def find_traces(root: Path, importers: Sequence[Importer]) -> FoundTraces:
    """Return the trace files at or below a path.

    Looks at `*.jsonl`, `*.json`, `*.traj`, plain or gzip, and `*.eval`: a Claude Code `projects` folder with its
    `agent-*.jsonl`, a Codex `sessions` tree, or any other. A file counts if an importer
    recognises its first bytes.

    Raises:
        NotFoundError: There is nothing at `root`.
    """
    if not root.exists():
        raise NotFoundError(
            f"{root}: there is no such file or folder", hint="check the path", path=str(root)
        )
    skipped: dict[Path, str] = {}
    paths = []
    for path in sorted(_walk(root, skipped)):
        if reason := _reason_against(path, importers):
            skipped[path] = reason
        else:
            paths.append(path)
    return FoundTraces(paths=tuple(paths), skipped=skipped)


def _walk(root: Path, skipped: dict[Path, str]) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return

    def note(error: OSError) -> None:
        skipped[Path(error.filename)] = f"folder cannot be read: {error.strerror}"

    for folder, inner, names in os.walk(root, onerror=note):
        inner[:] = [name for name in inner if name not in _NOT_WALKED]
        yield from (Path(folder, name) for name in names if name.endswith(_SUFFIXES))


def _reason_against(path: Path, importers: Sequence[Importer]) -> str:
    if not path.is_file():
        return "no regular file"
    try:
        head, _ = _read(path, HEAD_BYTES)
        if not head.strip():
            return EMPTY
        if _is_binary(head):
            return "binary"
        found = find_importer(importers, path.name, head)
    except LigninError as error:
        return error.message
    return "" if found else "no importer recognises it"


def own_trace_roots(home: Path, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the folders where this user's Claude Code and Codex keep sessions, where they exist.

    Args:
        home: The user's home folder.
        environment: Read for `CLAUDE_CONFIG_DIR` and `CODEX_HOME`.
    """
    claude = Path(environment.get("CLAUDE_CONFIG_DIR") or home / ".claude") / "projects"
    codex = Path(environment.get("CODEX_HOME") or home / ".codex") / "sessions"
    return tuple(root for root in (claude, codex) if root.is_dir())
