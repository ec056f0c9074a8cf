"""Canonical JSON, ids, record templates, wire frames and segments hold their laws for any value."""

import contextlib
import json
import string
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from lignin.adapters.store import wire
from lignin.adapters.store.segments import (
    Segment,
    decode_contents,
    decode_segment,
    encode_segment,
    join_segments,
)
from lignin.domain import codec
from lignin.domain.codec import canonical_bytes, digest_bytes, parse_json, plain_text
from lignin.domain.errors import CodecError, ConflictError, IntegrityError, InvalidRequestError
from lignin.domain.events import (
    GENESIS,
    Actor,
    Blob,
    Change,
    NewEvent,
    Purge,
    Receipt,
    RecordBatch,
    Records,
    link,
    link_records,
)
from lignin.domain.ids import make_id

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
INTEGERS = st.integers(1 - 2**53, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda f: abs(f) < 2**53 or abs(f) >= 1e21
)
LEAVES = st.none() | st.booleans() | INTEGERS | TEXT
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(string.printable), inner),
    max_leaves=20,
)
VALUES = st.recursive(
    LEAVES | FLOATS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
)
NASTY = st.sampled_from(
    [
        '"',
        "\\",
        "*D*",
        "*I*",
        '"seq":-7',
        '"event_id":"*I*"',
        "\\u0000",
        "é",
        "\U0001f600",
        "\u2028",
    ]
)
NAMES = st.lists(NASTY | st.text(string.printable, max_size=3), min_size=1, max_size=6).map("".join)


@given(VALUES)
def test_canonical_bytes_are_those_of_rfc8785(value: object) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(PLAIN)
def test_the_quick_encoder_writes_the_same_bytes(value: object) -> None:
    assert codec._is_plain(value, 0)
    assert plain_text(value).encode() == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(VALUES)
def test_canonical_bytes_parse_back_to_the_value(value: object) -> None:
    assert parse_json(canonical_bytes(value)) == value


def test_keys_are_ordered_by_utf16_units() -> None:
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), 2.0**53, float("nan"), float("inf"), 1e17, {1: 2}, {"a": {1}}, b"x", "\ud800"]
    + [["\ud800", 1.5], {"\ud800": 1}, object()],
)
def test_a_value_without_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(CodecError):
        canonical_bytes(value)


@pytest.mark.parametrize(
    "raw",
    ['{"a":1,"a":2}', "NaN", "-Infinity", "[1,]", "", "9007199254740993", b"\xff", "[" * 5000]
    + ["[" * 300 + "]" * 300, '{"a":[{"b":1,"b":1}]}', "1 2"],
)
def test_json_that_is_not_ours_is_refused(raw: str | bytes) -> None:
    with pytest.raises(CodecError):
        parse_json(raw)


@given(st.binary(max_size=200))
def test_parsing_any_bytes_gives_a_value_or_a_codec_error(raw: bytes) -> None:
    with contextlib.suppress(CodecError):
        parse_json(raw)


@settings(max_examples=40)
@given(
    actor=st.builds(Actor, sub=NAMES, act=st.lists(NAMES, max_size=2).map(tuple)),
    space=NAMES,
    stream=NAMES,
    kind=NAMES,
    correlation_id=st.none() | NAMES,
    first_seq=st.integers(1, 10**9),
    count=st.sampled_from([1, 2, 1026]),
)
def test_a_record_is_chained_by_its_canonical_envelope(
    actor: Actor,
    space: str,
    stream: str,
    kind: str,
    correlation_id: str | None,
    first_seq: int,
    count: int,
) -> None:
    batch = RecordBatch(
        space=space,
        stream=stream,
        type=kind,
        first_seq=first_seq,
        count=count,
        first_id="evt_0123456789ABCDEFGHJKMNPQRS",
        position=7,
        at="2026-01-02T03:04:05.678901Z",
        actor=actor,
        correlation_id=correlation_id,
    )
    hashes = [bytes([n % 256]) * 32 for n in range(count)]
    expected = GENESIS
    for offset, payload_hash in enumerate(hashes):
        envelope = rfc8785.dumps(
            {
                "actor": actor.to_json(),
                "at": batch.at,
                "cause": None,
                "correlation_id": correlation_id,
                "decision_id": None,
                "event_id": batch.event_id(offset),
                "idempotency_key": None,
                "payload_digest": "sha256:" + payload_hash.hex(),
                "position": 7,
                "schema_version": 1,
                "seq": first_seq + offset,
                "space": space,
                "stream": stream,
                "type": kind,
            }
        )
        expected = link(expected, envelope, payload_hash)
    assert link_records(GENESIS, batch, hashes) == expected


def test_ids_within_a_large_batch_stay_apart_and_in_order() -> None:
    batch = _batch(count=5000)
    ids = [batch.event_id(number) for number in range(5000)]
    assert ids == sorted(set(ids))


def _batch(first_seq: int = 1, count: int = 1, actor: str = "a") -> RecordBatch:
    return RecordBatch(
        space="s",
        stream="record/x",
        type="t",
        first_seq=first_seq,
        count=count,
        first_id="evt_0123456789ABCDEFGHJKMNPQRS",
        position=first_seq,
        at="2026-01-02T03:04:05.678901Z",
        actor=Actor(sub=actor),
    )


@given(st.integers(0, 10**12), st.integers(1, 10**10))
def test_ids_are_ordered_by_time(at_ms: int, later_ms: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    first = make_id("evt", at=at, entropy=b"\xff" * 10)
    assert first < make_id("evt", at=at + timedelta(milliseconds=later_ms), entropy=bytes(10))


SHORT = st.text(st.characters(exclude_categories=("Cs",)), max_size=3)
CHANGES = st.builds(
    Change,
    space=SHORT,
    actor=st.builds(Actor, sub=SHORT, act=st.lists(SHORT, max_size=2).map(tuple)),
    events=st.lists(
        st.builds(
            NewEvent,
            stream=SHORT,
            type=SHORT,
            payload=st.dictionaries(SHORT, LEAVES | FLOATS, max_size=2),
            event_id=SHORT,
            schema_version=st.integers(1, 9),
        ),
        max_size=3,
    ).map(tuple),
    records=st.lists(
        st.builds(
            Records,
            stream=SHORT,
            type=SHORT,
            first_id=SHORT,
            contents=st.lists(st.binary(max_size=9), max_size=3).map(tuple),
            expect_seq=st.none() | st.integers(0, 9),
        ),
        max_size=2,
    ).map(tuple),
    purges=st.lists(st.builds(Purge, stream=SHORT, seq=INTEGERS), max_size=2).map(tuple),
    expects=st.dictionaries(SHORT, INTEGERS, max_size=2),
    fences=st.dictionaries(SHORT, INTEGERS, max_size=2),
    blobs=st.lists(
        st.builds(Blob, stream=SHORT, digest=SHORT, content=st.binary(max_size=9)), max_size=2
    ).map(tuple),
    forgets=st.lists(SHORT, max_size=2).map(tuple),
    idempotency_key=st.none() | SHORT,
    correlation_id=st.none() | SHORT,
)


@settings(max_examples=30)
@given(st.lists(CHANGES, max_size=2).map(tuple))
def test_a_unit_survives_the_wire(unit: tuple[Change, ...]) -> None:
    assert wire.decode_unit(wire.encode_unit(unit)[4:]) == unit


@settings(max_examples=40)
@given(st.lists(CHANGES, min_size=1, max_size=1).map(tuple), st.data())
def test_a_damaged_frame_is_a_unit_or_an_invalid_request(
    unit: tuple[Change, ...], data: st.DataObject
) -> None:
    body = bytearray(wire.encode_unit(unit)[4:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    del body[data.draw(st.integers(0, len(body))) :]
    try:
        found = wire.decode_unit(bytes(body))
    except InvalidRequestError:
        return
    assert isinstance(found, tuple)


@given(st.recursive(LEAVES, lambda i: st.lists(i) | st.dictionaries(TEXT, i), max_leaves=10))
def test_any_json_as_a_frame_is_a_unit_or_an_invalid_request(header: object) -> None:
    raw = json.dumps(header).encode()
    with contextlib.suppress(InvalidRequestError):
        wire.decode_unit(wire.LENGTH.pack(len(raw)) + raw)
    with contextlib.suppress(InvalidRequestError):
        wire.decode_answer(raw)


def test_answers_survive_the_wire() -> None:
    receipt = Receipt(space="s", first_position=1, last_position=2, event_ids=("a",), repeated=True)
    assert wire.decode_answer(wire.encode_answer((receipt,))[4:]) == (receipt,)
    error = ConflictError("no", hint="again", actual=3, current={"a": None})
    found = wire.decode_answer(wire.encode_answer(error)[4:])
    assert isinstance(found, ConflictError)
    assert (found.message, found.hint, found.fields) == ("no", "again", error.fields)


CONTENTS = st.lists(st.none() | st.binary(max_size=40), min_size=1, max_size=6)


def _segment(batches: list[list[bytes | None]]) -> Segment:
    contents = [content for batch in batches for content in batch]
    starts = [1 + sum(map(len, batches[:n])) for n in range(len(batches))]
    return Segment(
        batches=tuple(_batch(s, len(b)) for s, b in zip(starts, batches, strict=True)),
        contents=tuple(contents),
        purged={at: digest_bytes(b"") for at, item in enumerate(contents) if item is None},
    )


@given(st.lists(CONTENTS, min_size=1, max_size=4))
def test_a_segment_survives_storage(batches: list[list[bytes | None]]) -> None:
    segment = _segment(batches)
    raw = encode_segment(segment)
    assert decode_segment(raw, space="s", stream="record/x") == segment
    assert decode_contents(raw, space="s", stream="record/x") == (1, list(segment.contents))
    parts = [segment.within(b.first_seq, b.first_seq + b.count - 1) for b in segment.batches]
    assert join_segments(parts) == segment


@given(st.lists(CONTENTS, min_size=1, max_size=3), st.data())
def test_a_damaged_segment_is_a_segment_or_an_integrity_error(
    batches: list[list[bytes | None]], data: st.DataObject
) -> None:
    plain = bytearray(zstandard.decompress(encode_segment(_segment(batches))))
    for _ in range(data.draw(st.integers(1, 5))):
        plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    raw = zstandard.compress(bytes(plain))
    if data.draw(st.booleans()):
        raw = raw[: data.draw(st.integers(0, len(raw)))]
    for decode in (decode_segment, decode_contents):
        try:
            decode(raw, space="s", stream="record/x")
        except IntegrityError as error:
            assert "record/x" in error.message


def test_a_segment_that_claims_a_giant_size_is_refused_before_it_is_unpacked() -> None:
    giant = bytearray(zstandard.ZstdCompressor().compress(b"x" * 300_000))
    bomb = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(10**6))
    giant[5:9] = b"\xff\xff\xff\xff"
    for raw in (bytes(giant), bomb):
        with pytest.raises(IntegrityError):
            decode_segment(raw, space="s", stream="record/x")
