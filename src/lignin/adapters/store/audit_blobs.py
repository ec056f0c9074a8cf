"""The part of `verify` that is about blobs: their bytes, their books, and who speaks of them."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, func, select

from lignin.adapters.store import read, tables
from lignin.domain.codec import Digest, parse_json
from lignin.domain.errors import LigninError
from lignin.domain.states import Row
from lignin.domain.states.blobs import needed_blobs

Named = Mapping[str, set[Digest]]


def check(
    connection: Connection, space: str, faults: list[str], rows: Mapping[str, Row], named: Named
) -> int:
    """Check every blob that a space refers to, and that it refers to just what it needs.

    Args:
        faults: Grows by what is found.
        rows: The space's state as its log gives it.
        named: Per stream the digests that its events speak of.

    Returns:
        How many blobs were read.
    """
    refs = _references(connection, space)
    contents = {digest: _checked(connection, digest, faults) for digest in _digests(refs)}
    allowed = {stream: set(digests) for stream, digests in named.items()}
    for stream, digest in needed_blobs(rows.values()):
        wanted = [digest]
        if stream.startswith("version/"):
            files = _file_digests(contents.get(digest))
            allowed.setdefault(stream, set()).update(files)
            wanted += files
        for each in wanted:
            if (stream, each) not in refs:
                faults.append(f"{stream!r} needs {each}, and the space has no reference to it")
    for stream, digest in sorted(refs):
        if stream not in rows or digest not in allowed.get(stream, {digest}):
            faults.append(f"{stream!r} refers to {digest}, which no event of it names")
    return len(contents)


def _references(connection: Connection, space: str) -> set[tuple[str, Digest]]:
    table = tables.blob_ref
    query = select(table.c.stream, table.c.digest).where(table.c.space == space)
    return {(stream, digest) for stream, digest in connection.execute(query)}


def _digests(refs: Iterable[tuple[str, Digest]]) -> list[Digest]:
    return sorted({digest for _, digest in refs})


def _checked(connection: Connection, digest: Digest, faults: list[str]) -> bytes | None:
    """A tree's entries if the bytes are one (None else), with every fault of the blob noted."""
    row = connection.execute(select(tables.blob).where(tables.blob.c.digest == digest)).first()
    if row is None:
        faults.append(f"the blob {digest} is missing; restore a backup")
        return None
    chunk = tables.blob_chunk
    found = connection.execute(
        select(func.count()).select_from(chunk).where(chunk.c.digest == digest)
    ).scalar_one()
    try:
        content = read.read_blob(connection, digest)
    except LigninError as error:
        faults.append(error.message)
        return None
    if (row.size, row.chunks) != (len(content), found):
        faults.append(
            f"the blob {digest} has {len(content)} bytes in {found} chunks; its row says "
            f"{row.size} in {row.chunks}"
        )
    return content if content.startswith(b'[{"mode"') else None


def _file_digests(entries: bytes | None) -> list[Digest]:
    if entries is None:
        return []
    try:
        return [f"sha256:{entry['sha256']}" for entry in parse_json(entries)]
    except (LigninError, LookupError, TypeError):
        return []  # what the service says of such a tree is clearer
