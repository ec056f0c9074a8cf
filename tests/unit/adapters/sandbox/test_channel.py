"""What the channel lets in of a broker: declared fields, kinds of error, and words of its own."""

import json
import socket
import struct
from collections.abc import Callable, Mapping

import pytest

from lignin.adapters.sandbox.channel import MAX_EFFECTS, MAX_KINDS, Guest, frame
from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, UnavailableError
from lignin.ports.sandbox import OVERFLOW, Effect

SECRET = "tok-9f3Kq7Zx1LmWb4 at /home/owner/.token"


def asked(broker: Callable[[Mapping[str, Json]], Mapping[str, Json]]) -> tuple[Json, Guest]:
    """What a guest hears to one request, and the host's side of it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(ours, broker, "key")
        theirs.sendall(frame({"type": "call", "tool": "t", "arguments": {}, "call_id": "1"}))
        guest.receive()
        size = struct.unpack(">I", theirs.recv(4))[0]
        return json.loads(theirs.recv(size)), guest


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (DeniedError(SECRET, hint=SECRET), "denied"),
        (UnavailableError(SECRET), "unavailable"),
        (ValueError(SECRET), "broker_failed"),
        (OSError(2, SECRET, SECRET), "broker_failed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_text_of_an_exception_never_goes_in(raised: Exception, kind: str) -> None:
    def broker(_: Mapping[str, Json]) -> Mapping[str, Json]:
        raise raised

    heard, guest = asked(broker)
    assert (heard["error"], set(heard)) == (kind, {"error", "message", "call_id"})
    assert not any(word in json.dumps(heard) for word in SECRET.split())
    assert guest.broken == ""  # the broker's fault is not the guest's


def test_fields_that_an_answer_does_not_declare_stay_outside() -> None:
    heard, _ = asked(lambda _: {"result": 1, "traceback": SECRET})
    assert heard == {"result": 1, "call_id": "1"}


def test_answer_that_is_no_json_is_the_brokers_fault() -> None:
    heard, guest = asked(lambda _: {"result": object()})
    assert (heard["error"], heard["message"]) == ("broker_failed", "the broker failed")
    assert guest.broken == ""


def told(*effects: tuple[str, str]) -> dict[Effect, None]:
    """What the host keeps of effects that a guest tells with its key."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(ours, None, "key")
        for kind, target in effects:
            theirs.sendall(frame({"type": "effects", "key": "key", "effects": [[kind, target]]}))
            guest.receive()
    assert guest.broken == ""
    return guest.effects


def test_a_crowd_of_one_kind_hides_no_other_and_is_told_itself() -> None:
    crowd = [("environment", str(number)) for number in range(MAX_EFFECTS + 5)]
    kept = told(*crowd, ("process", "x"))
    assert len(kept) == MAX_EFFECTS + 2
    assert list(kept)[-2:] == [
        Effect(kind=OVERFLOW, target="environment"),
        Effect(kind="process", target="x"),
    ]


def test_a_crowd_of_kinds_is_told() -> None:
    kept = told(*((f"kind {number}", "x") for number in range(MAX_KINDS + 5)))
    assert len(kept) == MAX_KINDS + 1
    assert Effect(kind=OVERFLOW, target="kinds") in kept
