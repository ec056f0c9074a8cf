"""Record batches as zstd segments: the only place that knows their bytes.

A segment is a zstd frame over: the length of a canonical JSON header, the header, the contents one
after another. The header holds the batches' shared envelopes and every content's length, or the
digest of a purged one. Source: performance note on intake; layout is ours, version in the header.
"""

import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import zstandard

from lignin.domain.codec import canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import IntegrityError, LigninError, NotFoundError
from lignin.domain.events import Record, RecordBatch, parse_actor

VERSION = 1
LEVEL = 1
MAX_SEGMENT_BYTES = 2**30
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
        offset = 0
        for batch in self.batches:
            for number in range(batch.count):
                content = self.contents[offset]
                digest = self.purged[offset] if content is None else digest_bytes(content)
                yield Record(
                    seq=batch.first_seq + number,
                    event_id=batch.event_id(number),
                    type=batch.type,
                    at=batch.at,
                    position=batch.position,
                    content=content,
                    content_digest=digest,
                )
                offset += 1

    def within(self, first: int, last: int) -> "Segment":
        """The batches that lie between two record numbers (batches are never cut)."""
        batches, contents, purged, start = [], [], {}, 0
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
            raise NotFoundError(f"no record {seq} in this segment")
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


def encode_segment(segment: Segment) -> bytes:
    """Return the segment's stored bytes."""
    header = canonical_bytes(
        {
            "batches": [_batch_header(batch) for batch in segment.batches],
            "lengths": [-1 if content is None else len(content) for content in segment.contents],
            "purged": {str(at): digest for at, digest in segment.purged.items()},
            "v": VERSION,
        }
    )
    body = b"".join(content for content in segment.contents if content is not None)
    compressor = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=LEVEL)
    return bytes(compressor.compress(_LENGTH.pack(len(header)) + header + body))


def decode_segment(raw: bytes, *, space: str, stream: str) -> Segment:
    """Read a segment back.

    Raises:
        IntegrityError: The bytes are not what `encode_segment` wrote.
    """
    try:
        decompressor = getattr(_local, "decompressor", None)
        if decompressor is None:
            decompressor = _local.decompressor = zstandard.ZstdDecompressor()
        plain: bytes = decompressor.decompress(raw, max_output_size=MAX_SEGMENT_BYTES)
        (length,) = _LENGTH.unpack_from(plain)
        header = parse_json(plain[4 : 4 + length])
        batches = tuple(_read_batch(item, space, stream) for item in header["batches"])
        contents, start = [], 4 + length
        for size in header["lengths"]:
            contents.append(None if size < 0 else plain[start : start + size])
            start += max(size, 0)
        if start != len(plain) or len(contents) != sum(batch.count for batch in batches):
            raise ValueError("lengths do not add up")
        purged = {int(at): digest for at, digest in header["purged"].items()}
    except (
        ValueError,
        KeyError,
        TypeError,
        struct.error,
        zstandard.ZstdError,
        LigninError,
    ) as error:
        raise IntegrityError(
            f"a segment of {stream!r} in space {space!r} is corrupt: {error}",
            hint="restore it from a backup; every other stream still reads",
            stream=stream,
        ) from error
    return Segment(batches=batches, contents=tuple(contents), purged=purged)


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
    values = {**item, "actor": parse_actor(item["actor"])}
    return RecordBatch(space=space, stream=stream, **values)
