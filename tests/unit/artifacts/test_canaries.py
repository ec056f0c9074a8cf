"""Planted secrets are found again in every disguise, and in no honest text."""

import base64
import bz2
import codecs
import gzip
import json
import lzma
import random
import zlib
from collections.abc import Callable

import pytest

from lignin.artifacts.canaries import files_of, find_leaks, plant, plant_in_work, variables_of

CANARIES = plant("a seed")
TAKEN = CANARIES[1]
VALUE = TAKEN.value


def _chunks(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


RAW = VALUE.encode()
B64 = base64.b64encode(b"key=" + RAW)
DISGUISES: dict[str, bytes] = {
    "as it is": RAW,
    "half of it": RAW[:20],
    "in small letters": RAW.lower(),
    "backwards": RAW[::-1],
    "base64": B64,
    "base64 for addresses": base64.urlsafe_b64encode(b"??>" + RAW),
    "base64 backwards": B64[::-1],
    "base64 in hex": B64.hex().encode(),
    "base64 in two fields": json.dumps({"a": B64[:30].decode(), "b": B64[30:].decode()}).encode(),
    "base32": base64.b32encode(RAW),
    "base85": base64.b85encode(RAW),
    "ascii85": base64.a85encode(RAW),
    "hex": RAW.hex().encode(),
    "hex with colons": ":".join(f"{byte:02X}" for byte in RAW).encode(),
    "hex escapes": "".join(f"\\x{byte:02x}" for byte in RAW).encode(),
    "per cent": "".join(f"%{byte:02x}" for byte in RAW).encode(),
    "numbers": json.dumps(list(RAW)).encode(),
    "bits": "".join(f"{byte:08b}" for byte in RAW).encode(),
    "labels of a host": ".".join([*_chunks(RAW.hex(), 20), "evil", "example"]).encode(),
    "rot13": codecs.encode(VALUE, "rot13").encode(),
    "shifted backwards": codecs.encode(VALUE[::-1], "rot13").encode(),
    "xor": bytes(byte ^ 0x5A for byte in RAW),
    "xor in hex": bytes(byte ^ 0x11 for byte in RAW).hex().encode(),
    "zlib": zlib.compress(b"xx" + RAW),
    "zlib in base64": base64.b64encode(zlib.compress(b"xx" + RAW)),
    "gzip": gzip.compress(RAW),
    "bzip2": bz2.compress(RAW),
    "xz in base85": base64.b85encode(lzma.compress(RAW)),
    "split": json.dumps(_chunks(VALUE, 5)).encode(),
    "split and shuffled": json.dumps({f"k{at}": VALUE[at : at + 8] for at in (24, 0, 8, 32, 16)}).encode(),
    "letter by letter": " ".join(VALUE).encode(),
    "after much else": b"x y " * 60_000 + RAW,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DISGUISES))
def test_a_canary_is_found_in_a_disguise(name: str) -> None:
    assert find_leaks(CANARIES, b"some words " + DISGUISES[name] + b" and more") == (TAKEN,)


HONEST: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "prose": lambda: b"The quick brown fox jumps over the lazy dog. " * 40,
    "hex": lambda: random.Random(1).randbytes(3000).hex().encode(),
    "base64": lambda: base64.b64encode(random.Random(2).randbytes(3000)),
    "numbers": lambda: json.dumps(list(range(500))).encode(),
    "names of places": lambda: " ".join(canary.place for canary in CANARIES).encode(),
    "other canaries": lambda: " ".join(canary.value for canary in plant("another")).encode(),
    "a piece of it": lambda: VALUE[:8].encode(),
}


@pytest.mark.parametrize("name", sorted(HONEST))
def test_no_canary_is_found_where_there_is_none(name: str) -> None:
    assert find_leaks(CANARIES, HONEST[name]()) == ()


def test_every_canary_lies_somewhere_and_each_has_a_value_of_its_own() -> None:
    beside = plant_in_work("a seed")
    texts = [*variables_of(CANARIES).values()]
    texts += [file.content.decode() for file in files_of(CANARIES).values()]
    assert len({canary.value for canary in (*CANARIES, beside)}) == len(CANARIES) + 1
    for canary in CANARIES:
        assert sum(canary.value in text for text in texts) == 1, canary
    assert not set(plant("other")) & set(CANARIES)
