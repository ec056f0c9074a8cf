"""Segments compressed side by side are the bytes that each would be alone."""

import pytest

from lignin.adapters.store.segments import MANY, Segment, encode_segment, encode_segments
from lignin.domain.events import Actor, RecordBatch


def _segment(number: int) -> Segment:
    contents = tuple(b"%d of %d " % (at, number) * 40 for at in range(1 + number % 5))
    batch = RecordBatch(
        space="team",
        stream=f"record/s{number}",
        type="session.record",
        first_seq=1,
        count=len(contents),
        first_id="evt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        position=number + 1,
        at="2026-01-01T00:00:00.000000Z",
        actor=Actor(sub="user:a"),
    )
    return Segment(batches=(batch,), contents=contents, purged={})


@pytest.mark.parametrize("count", [0, 1, MANY - 1, MANY, 3 * MANY])
def test_together_is_as_alone(count: int) -> None:
    segments = [_segment(number) for number in range(count)]
    assert encode_segments(segments) == [encode_segment(segment) for segment in segments]
