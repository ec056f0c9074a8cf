"""Record batches as zstd segments: the only place that knows their bytes.

A segment is a zstd frame over: the size of a JSON header (4 bytes, big-endian), the header, every
content's length (4 bytes each, `PURGED` where it was purged), the contents one after another. The
header holds the batches' shared envelopes and the digests of purged contents.
"""

import json
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import zstandard

from lignin.domain.codec import digest_bytes, plain_text, raw_digest
from lignin.domain.errors import CodecError, IntegrityError, NotFoundError
from lignin.domain.events import Record, RecordBatch, parse_actor

VERSION = 1
LEVEL = 1
MANY = 8
"""From so many segments on it pays to compress them side by side."""
MAX_SEGMENT_BYTES = 2**30
PURGED = 2**32 - 1
_LENGTH = struct.Struct(">I")
_local = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Some batches of one stream and their contents; None where purged, with the digest kept."""

    batches: tuple[RecordBatch, ...]
    contents: tuple[bytes | None, ...]
    purged: dict[int, str]  # offset in contents -> digest

    def records(self) -> Iterator[Record]:
        """Every record in order."""
        offset, contents, purged = 0, self.contents, self.purged
        for batch in self.batches:
            for number in range(batch.count):
                yield Record(
                    batch.first_seq + number,
                    batch.event_id(number),
                    batch.type,
                    batch.at,
                    batch.position,
                    contents[offset],
                    purged.get(offset),
                )
                offset += 1

    def within(self, first: int, last: int) -> "Segment":
        """The batches that lie between two record numbers (batches are never cut)."""
        batches: list[RecordBatch] = []
        contents: list[bytes | None] = []
        purged: dict[int, str] = {}
        start = 0
        for batch in self.batches:
            end = start + batch.count
            if first <= batch.first_seq and batch.first_seq + batch.count - 1 <= last:
                shift = len(contents) - start
                purged.update({i + shift: d for i, d in self.purged.items() if start <= i < end})
                batches.append(batch)
                contents.extend(self.contents[start:end])
            start = end
        return Segment(batches=tuple(batches), contents=tuple(contents), purged=purged)

    def without(self, seq: int) -> "Segment":
        """The segment after record `seq` was purged."""
        offset = 0
        for batch in self.batches:
            if batch.first_seq <= seq < batch.first_seq + batch.count:
                offset += seq - batch.first_seq
                break
            offset += batch.count
        else:
            raise NotFoundError(
                f"no record {seq} in this segment", hint="`lignin session read` numbers them"
            )
        content = self.contents[offset]
        if content is None:
            return self
        contents = list(self.contents)
        contents[offset] = None
        return replace(
            self,
            contents=tuple(contents),
            purged={**self.purged, offset: digest_bytes(content)},
        )


def join_segments(segments: Sequence[Segment]) -> Segment:
    """One segment of several consecutive ones."""
    purged: dict[int, str] = {}
    contents: list[bytes | None] = []
    for segment in segments:
        purged.update({len(contents) + at: digest for at, digest in segment.purged.items()})
        contents.extend(segment.contents)
    batches = tuple(batch for segment in segments for batch in segment.batches)
    return Segment(batches=batches, contents=tuple(contents), purged=purged)


def encode_segments(segments: Sequence[Segment]) -> list[bytes]:
    """Return the stored bytes of several segments, compressed on all processors."""
    if len(segments) < MANY or "multi_compress_to_buffer" not in zstandard.backend_features:
        return [encode_segment(segment) for segment in segments]
    compressed = _compressor().multi_compress_to_buffer(
        [_plain_bytes(segment) for segment in segments], threads=-1
    )
    return [compressed[number].tobytes() for number in range(len(compressed))]


def encode_segment(segment: Segment) -> bytes:
    """Return the segment's stored bytes."""
    return bytes(_compressor().compress(_plain_bytes(segment)))


def _compressor() -> zstandard.ZstdCompressor:
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return compressor


def _plain_bytes(segment: Segment) -> bytes:
    header = plain_text(
        {
            "batches": [_batch_header(batch) for batch in segment.batches],
            "purged": {str(at): digest for at, digest in segment.purged.items()},
            "v": VERSION,
        }
    ).encode()
    contents = segment.contents
    if segment.purged:
        lengths = [PURGED if content is None else len(content) for content in contents]
    else:
        lengths = [len(content) for content in contents]  # type: ignore[arg-type]
    sizes = struct.pack(f">{len(lengths)}I", *lengths)
    body = b"".join(content for content in contents if content is not None)
    return b"".join((_LENGTH.pack(len(header)), header, sizes, body))


def decode_segment(raw: bytes, *, space: str, stream: str) -> Segment:
    """Read a segment back.

    Raises:
        IntegrityError: The bytes are not what `encode_segment` wrote.
    """
    with _corruption_named(space, stream):
        header, contents = _decode(raw)
        batches = tuple(_read_batch(item, space, stream) for item in header["batches"])
        purged = {int(at): digest for at, digest in header["purged"].items()}
        if purged.keys() != {at for at, content in enumerate(contents) if content is None}:
            raise ValueError("purged records and their digests do not match")
        for digest in purged.values():
            raw_digest(digest)
        return Segment(batches=batches, contents=tuple(contents), purged=purged)


def decode_contents(raw: bytes, *, space: str, stream: str) -> tuple[int, list[bytes | None]]:
    """Read only a segment's first record number and its contents."""
    with _corruption_named(space, stream):
        header, contents = _decode(raw)
        return header["batches"][0]["first_seq"], contents


class _corruption_named:  # noqa: N801 - a context manager, cheaper than a generator's
    def __init__(self, space: str, stream: str) -> None:
        self._space, self._stream = space, stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(
            error,
            ValueError
            | LookupError
            | TypeError
            | AttributeError
            | ArithmeticError
            | RecursionError
            | MemoryError
            | struct.error
            | zstandard.ZstdError
            | CodecError,
        ):
            raise IntegrityError(
                f"a segment of {self._stream!r} in space {self._space!r} is corrupt: {error}",
                hint="restore it from a backup; every other stream still reads",
                stream=self._stream,
            ) from error


def _decode(raw: bytes) -> tuple[dict[str, Any], list[bytes | None]]:
    if not 0 <= zstandard.frame_content_size(raw) <= MAX_SEGMENT_BYTES:
        raise ValueError("its size is not stated or beyond the limit")
    decompressor = getattr(_local, "decompressor", None)
    if decompressor is None:
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    plain: bytes = decompressor.decompress(raw)
    (length,) = _LENGTH.unpack_from(plain)
    header = json.loads(plain[4 : 4 + length])
    if header["v"] != VERSION:
        raise ValueError(f"format {header['v']!r:.20}, this program reads {VERSION}")
    count, start = 0, 4 + length
    for batch in header["batches"]:
        if type(batch["count"]) is not int or batch["count"] < 1:
            raise ValueError("a batch without records")
        count += batch["count"]
    lengths = struct.unpack_from(f">{count}I", plain, start)
    start += 4 * count
    contents: list[bytes | None] = []
    if header["purged"]:
        for size in lengths:
            end = start + (0 if size == PURGED else size)
            contents.append(None if size == PURGED else plain[start:end])
            start = end
    else:
        for size in lengths:
            end = start + size
            contents.append(plain[start:end])
            start = end
    if start != len(plain):
        raise ValueError("lengths do not add up")
    return header, contents


def _batch_header(batch: RecordBatch) -> dict[str, Any]:
    return {
        "actor": batch.actor.to_json(),
        "at": batch.at,
        "correlation_id": batch.correlation_id,
        "count": batch.count,
        "first_id": batch.first_id,
        "first_seq": batch.first_seq,
        "position": batch.position,
        "type": batch.type,
    }


def _read_batch(item: dict[str, Any], space: str, stream: str) -> RecordBatch:
    for name in ("first_seq", "position"):
        if type(item[name]) is not int:
            raise ValueError(f"{name} is no integer")
    for name in ("first_id", "type", "at"):
        if type(item[name]) is not str:
            raise ValueError(f"{name} is no text")
    values = {**item, "actor": parse_actor(item["actor"])}
    return RecordBatch(space=space, stream=stream, **values)
