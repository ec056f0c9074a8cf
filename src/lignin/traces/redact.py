"""Secrets out of records, before anything is stored.

Owns the pass over the bytes; `secrets.py` owns what a secret looks like. Invariants: every byte
outside the redacted spans stays, in order; JSON in gives JSON out; a second pass changes nothing;
equal secrets get equal tags under one key, and the tag does not give the secret back.
"""

import hashlib
import hmac
import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import re2

from lignin.domain.errors import InvalidRequestError
from lignin.traces.escapes import shown
from lignin.traces.secrets import DETECTORS
from lignin.traces.shapes import Detector

MIN_KEY_BYTES = 16
_TAG_HEX = 12
_MARKER = re.compile(rb"\[redacted:[a-z0-9-]{1,40}:[0-9a-f]{12}\]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_IN_UNICODE_ESCAPE = re.compile(rb"\\u[0-9a-fA-F]{0,3}\Z")
_BEFORE_BYTES = 96
_TRIGGERS = sorted({trigger for detector in DETECTORS for trigger in detector.triggers})
# One pass of an automaton costs what a few searches for one of them would.
_TRIGGER = re2.compile(b"|".join(map(re2.escape, _TRIGGERS)))
_BY_FIRST = {
    first: [trigger for trigger in _TRIGGERS if trigger[0] == first]
    for first in {trigger[0] for trigger in _TRIGGERS}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """Bytes without secrets, and how many spans each detector took out."""

    content: bytes
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    detector: str


def redact(raw: bytes, key: bytes) -> Redacted:
    """Return a record with every secret span replaced by `[redacted:<detector>:<keyed tag>]`.

    Args:
        raw: One record or a whole file; JSON or plain text.
        key: At least `MIN_KEY_BYTES` secret bytes of the store. Tags compare under one key only.

    Raises:
        InvalidRequestError: The key is too short.
    """
    _require_key(key)
    counts: Counter[str] = Counter()
    content = raw
    # What is left of a value may look like a secret once its neighbour is gone: until it rests.
    while spans := _spans(content):
        content = _replaced(content, spans, key)
        counts.update(span.detector for span in spans)
    return Redacted(content=content, counts=dict(counts))


def redact_all(records: Sequence[bytes], key: bytes) -> list[Redacted]:
    """Return many records, each as `redact` gives it; one search over all finds those it concerns.

    Raises:
        InvalidRequestError: The key is too short.
    """
    _require_key(key)
    return [
        redact(record, key) if suspect else Redacted(content=record)
        for record, suspect in zip(records, _suspects(records), strict=True)
    ]


def _suspects(records: Sequence[bytes]) -> list[bool]:
    """Tell which records hold anything that some detector's pattern matches."""
    records = [shown(record).content for record in records]
    # A line end is a border to every pattern, as the start and the end of a record are.
    joined = b"\n".join(records)
    triggered = _triggered(joined)
    starts = [0, *accumulate(len(record) + 1 for record in records)]
    suspects = [False] * len(records)
    for detector in DETECTORS:
        for place in _places(joined, triggered, detector):
            number = bisect_right(starts, place) - 1
            if suspects[number]:
                continue
            end = starts[number + 1] - 1
            suspects[number] = detector.pattern.match(joined, place, end) is not None
    return suspects


def _triggered(content: bytes) -> Mapping[bytes, Sequence[int]]:
    """Tell where each trigger stands, whatever its case, those that overlap among them."""
    found: dict[bytes, list[int]] = {}
    lowered = content.lower()
    match = _TRIGGER.search(lowered)
    while match is not None:
        start = match.start()
        for trigger in _BY_FIRST[lowered[start]]:
            if lowered.startswith(trigger, start):
                found.setdefault(trigger, []).append(start)
        match = _TRIGGER.search(lowered, start + 1)
    return found


def _places(
    content: bytes, triggered: Mapping[bytes, Sequence[int]], detector: Detector
) -> Iterator[int]:
    """Yield where a match may begin: at a trigger, or at the opening of a pattern without one."""
    match = detector.opening.search(content) if detector.opening is not None else None
    while match is not None:
        yield match.start(1)
        match = detector.opening.search(content, match.start(1) + 1)
    for trigger in detector.triggers:
        yield from triggered.get(trigger, ())


def record_key(raw: bytes, key: bytes) -> bytes:
    """Return the keyed digest (32 bytes) of an unredacted record, to know it when it comes again.

    Raises:
        InvalidRequestError: The key is too short.
    """
    _require_key(key)
    # Its own label: a record that is nothing but a secret must not share that secret's tag.
    return hmac.digest(key, b"record\0" + raw, hashlib.sha256)


def _require_key(key: bytes) -> None:
    if len(key) < MIN_KEY_BYTES:
        raise InvalidRequestError(
            f"a redaction key has at least {MIN_KEY_BYTES} bytes, got {len(key)}"
        )


def _spans(written: bytes) -> list[_Span]:
    """Return what to redact: no two overlap, a detector earlier in the table goes first."""
    view = shown(written)
    spans = _spans_shown(view.content)
    return [_Span(view.start(each.start), view.end(each.end), each.detector) for each in spans]


def _spans_shown(content: bytes) -> list[_Span]:
    triggered = _triggered(content)
    spans: list[_Span] = []
    taken: list[tuple[int, int]] | None = None
    for detector in DETECTORS:
        found = list(_found(content, triggered, detector))
        if not found:
            continue
        if taken is None:
            taken = [match.span() for match in _MARKER.finditer(content)]
        fresh = _free(found, taken)
        spans += fresh
        taken += [(span.start, span.end) for span in fresh]
    return sorted(spans, key=lambda span: span.start)


def _free(found: list[_Span], taken: list[tuple[int, int]]) -> list[_Span]:
    if not taken or not found:
        return found
    free = []
    taken = sorted(taken)
    position = 0
    for span in found:
        while position < len(taken) and taken[position][1] <= span.start:
            position += 1
        if position == len(taken) or taken[position][0] >= span.end:
            free.append(span)
    return free


def _found(
    content: bytes, triggered: Mapping[bytes, Sequence[int]], detector: Detector
) -> Iterator[_Span]:
    position = 0
    for match in _matches(content, triggered, detector):
        start, end = match.span("secret")
        if start < position:
            continue
        before = content[max(0, start - _BEFORE_BYTES) : start]
        if _splits_escape(content[start : start + 1], before):
            continue
        if detector.accept(match["secret"], before):
            yield _Span(start, end, detector.name)
        position = end


def _matches(
    content: bytes, triggered: Mapping[bytes, Sequence[int]], detector: Detector
) -> Iterator[re.Match[bytes]]:
    """Yield matches by position; a record that holds no trigger costs no search of its own."""
    for start in sorted(_places(content, triggered, detector)):
        if match := detector.pattern.match(content, start):
            yield match


def _splits_escape(first: bytes, before: bytes) -> bool:
    """Tell whether a span would begin inside an escape such as a backslash and n."""
    if _IN_UNICODE_ESCAPE.search(before):
        return True
    slashes = len(before) - len(before.rstrip(b"\\"))
    return slashes % 2 == 1 or (slashes > 0 and first in (b"n", b"r", b"t", b"b", b"f", b"u"))


def _replaced(content: bytes, spans: list[_Span], key: bytes) -> bytes:
    plain = _joined(content, spans, key, frozenset())
    if not _is_json(content) or _is_json(plain):
        return plain
    # A number outside any string was a secret: it becomes a string.
    return _joined(content, spans, key, _outside_strings(content, spans))


def _joined(content: bytes, spans: list[_Span], key: bytes, quoted: frozenset[_Span]) -> bytes:
    parts, position = [], 0
    for span in spans:
        tag = hmac.digest(key, _plain(content[span.start : span.end]), hashlib.sha256).hex()
        marker = f"[redacted:{span.detector}:{tag[:_TAG_HEX]}]".encode()
        parts.append(content[position : span.start])
        parts.append(b'"' + marker + b'"' if span in quoted else marker)
        position = span.end
    return b"".join((*parts, content[position:]))


def _plain(secret: bytes) -> bytes:
    """Return a secret without its JSON escapes, so that it is the same in text and in JSON."""
    if b"\\" not in secret:
        return secret
    secret = shown(secret).content
    try:
        return str(json.loads(b'"' + secret + b'"', strict=False)).encode()
    except ValueError:
        return secret


def _outside_strings(content: bytes, spans: list[_Span]) -> frozenset[_Span]:
    strings = [match.span() for match in _STRING.finditer(content)]
    return frozenset(_free(spans, strings))


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True
