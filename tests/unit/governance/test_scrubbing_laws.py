import base64
import copy
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.errors import DeniedError, InvalidRequestError, LimitedError
from lignin.governance.laws.bodies import decode_body
from lignin.governance.laws.scrubbing import MASK, Scrubber, require_scrubbable
from lignin.ports.broker import SecretValue

SECRET = "tok-9f3Kq7Zx1LmW+b/4="
SCRUBBER = Scrubber([SecretValue(SECRET)])


@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, 6))
def test_whole_credential_is_masked_among_any_bytes(before: bytes, after: bytes, how: int) -> None:
    ways = [bytes, bytes.upper, bytes.hex, base64.b64encode, base64.urlsafe_b64encode]
    ways += [lambda raw: raw[::-1], lambda raw: json.dumps(raw.decode())]
    made = ways[how](SECRET.encode())
    form = made.encode() if isinstance(made, str) else made
    masked = SCRUBBER.mask(before + form + after)
    assert MASK in masked
    assert not SCRUBBER.leaks(masked)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_credential_within_base64_is_found_at_any_offset(before: bytes, after: bytes) -> None:
    coded = base64.b64encode(before + SECRET.encode() + after)
    assert SCRUBBER.leaks(coded)
    assert not SCRUBBER.leaks(SCRUBBER.mask(coded))


@given(st.text(alphabet="abcdefghij 0123456789-_/+\n", max_size=400))
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert SCRUBBER.mask(text.encode()) == text.encode()
    assert not SCRUBBER.leaks(text.encode())


@pytest.mark.parametrize("start", [0, 1, 2])
def test_piece_of_fifteen_signs_is_noticed(start: int) -> None:
    dense = "tok9f3kq7zx1lmwb4"
    assert SCRUBBER.leaks(b"... " + dense[start : start + 15].encode())
    assert not SCRUBBER.leaks(b"... " + dense[start : start + 11].encode())


def test_overlapping_credentials_are_masked_together() -> None:
    scrubber = Scrubber([SecretValue("abcdefgh12345678"), SecretValue("12345678ijklmnop")])
    assert scrubber.mask(b"<abcdefgh12345678ijklmnop>") == b"<" + MASK + b">"


@pytest.mark.parametrize(
    "text", ["", "short", "eleven-11-x", "two words and more", "ü" * 20, "a\nb" * 9]
)
def test_credential_that_cannot_be_told_from_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        require_scrubbable(SecretValue(text))
    assert not text or text not in str(caught.value)


def test_secret_shows_itself_to_nobody() -> None:
    secret = SecretValue(SECRET)
    shown = f"{secret} {secret!r} {secret!s:>9} {[secret]} {vars(type(secret)).get('_text')!r}"
    assert SECRET not in shown
    assert "_text" not in repr(getattr(secret, "__dict__", {}))
    with pytest.raises(TypeError):
        copy.copy(secret)  # by the same way as every serialiser


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bomb_is_bounded(coding: str) -> None:
    bomb = (gzip.compress if coding == "gzip" else zlib.compress)(bytes(50 << 20))
    with pytest.raises(LimitedError):
        decode_body(bomb, coding, max_bytes=1 << 20)


def test_every_member_of_a_coding_is_read() -> None:
    two = gzip.compress(b"one ") + gzip.compress(b"two")
    assert decode_body(two, "gzip", max_bytes=9) == b"one two"
    with pytest.raises(LimitedError):
        decode_body(two, "gzip", max_bytes=6)


ONE = gzip.compress(b"one", mtime=0)


@pytest.mark.parametrize("broken", [b"x", ONE[:-3], ONE + b"x"])
def test_broken_coding_is_withheld(broken: bytes) -> None:
    with pytest.raises(DeniedError):
        decode_body(broken, "gzip", max_bytes=9)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "gzip;q=1", "chunked"])
def test_coding_that_cannot_be_read_is_withheld(coding: str) -> None:
    with pytest.raises(DeniedError):
        decode_body(b"x", coding, max_bytes=9)
