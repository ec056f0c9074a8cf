"""Signed web hooks: vectors of both forms, and everything that is not one."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.domain.signatures import Form, require_signed, sign

# Both vectors are those of the specifications.
GITHUB_KEY, GITHUB_BODY = "It's a Secret to Everybody", b"Hello, World!"
GITHUB_SIGN = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
ID, AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
SIGN = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOW = datetime.fromtimestamp(AT, UTC)


def standard(**more: str) -> dict[str, str]:
    headers = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGN}
    return {**headers, **more}


def taken(
    form: Form, headers: dict[str, str], body: bytes, key: str = KEY, now: datetime = NOW
) -> str:
    return require_signed(form, headers, body, key, now=now, window_s=300)


def test_the_vectors_of_both_specifications_hold() -> None:
    given = {"x-hub-signature-256": GITHUB_SIGN}
    assert taken("github", given, GITHUB_BODY, GITHUB_KEY).startswith("body/sha256:")
    assert taken("standard", standard(), BODY) == f"id/{ID}"
    assert sign(ID, AT, BODY, KEY) == SIGN


def test_one_of_several_signatures_is_enough_so_that_keys_can_be_changed() -> None:
    assert taken("standard", standard(**{"webhook-signature": f"v1,AAAA {SIGN}"}), BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        standard(**{"webhook-id": "msg_other"}),
        standard(**{"webhook-timestamp": str(AT + 1)}),
        standard(**{"webhook-timestamp": "-1"}),
        standard(**{"webhook-timestamp": "1e9"}),
        standard(**{"webhook-timestamp": "9" * 400}),
        standard(**{"webhook-signature": ""}),
        standard(**{"webhook-signature": SIGN.replace("v1,", "v2,")}),
        standard(**{"webhook-signature": SIGN.lower()}),
        standard(**{"webhook-signature": "v1,\udce9"}),
        standard(**{"webhook-signature": " ".join(["v1,AAAA"] * 500 + [SIGN])}),
        standard(**{"webhook-id": "a/b\n"}),
    ],
)
def test_what_is_altered_or_missing_is_denied(headers: dict[str, str]) -> None:
    with pytest.raises(DeniedError, match="not signed"):
        taken("standard", headers, BODY)


@pytest.mark.parametrize("off_s", [-301, 301, 86400, -(10**8)])
def test_a_time_too_far_off_is_denied_either_way(off_s: int) -> None:
    with pytest.raises(DeniedError, match="s off"):
        taken("standard", standard(), BODY, now=NOW + timedelta(seconds=off_s))


@pytest.mark.parametrize("off_s", [-299, 0, 299])
def test_clocks_may_differ_a_little(off_s: int) -> None:
    assert taken("standard", standard(), BODY, now=NOW + timedelta(seconds=off_s))


def test_a_body_sent_again_under_another_delivery_id_is_the_same_occurrence() -> None:
    given = {"x-hub-signature-256": GITHUB_SIGN}
    first = taken("github", {**given, "x-github-delivery": "1"}, GITHUB_BODY, GITHUB_KEY)
    assert taken("github", {**given, "x-github-delivery": "2"}, GITHUB_BODY, GITHUB_KEY) == first


@pytest.mark.parametrize("key", ["short", "whsec_AAAA", "whsec_***"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(InvalidRequestError):
        taken("standard", standard(), BODY, key=key)


@given(st.binary(max_size=60), st.integers(0, 10**6), st.integers(1, 255))
def test_no_single_byte_of_a_body_can_be_changed(body: bytes, at: int, by: int) -> None:
    body = body or b"x"
    made = hmac.new(GITHUB_KEY.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={made}"}
    place = at % len(body)
    other = body[:place] + bytes([(body[place] + by) % 256]) + body[place + 1 :]
    assert taken("github", headers, body, GITHUB_KEY)
    with pytest.raises(DeniedError):
        taken("github", headers, other, GITHUB_KEY)
    signed = base64.b64encode(made.encode()).decode()
    with pytest.raises(DeniedError):
        taken("standard", standard(**{"webhook-signature": f"v1,{signed}"}), body)
