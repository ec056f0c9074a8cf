"""Says whether bytes hold a credential, or ten signs of one, in any of many encodings.

Written apart from the scrubber on purpose: it decodes what it is given and looks for the credential,
where the scrubber encodes the credential and looks for that.
"""

import base64
import binascii
import html
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote_to_bytes

RUN = 10


def holds(secret: str, data: bytes) -> bool:
    """True where any reading of the data shows `RUN` signs in a row of the secret."""
    dense = _dense(secret.encode())
    runs = {dense[at : at + RUN] for at in range(len(dense) - RUN + 1)}
    return any(run in view for view in map(_dense, _readings(data)) for run in runs)


def _dense(data: bytes) -> bytes:
    return re.sub(rb"[^a-z0-9]", b"", data.lower())


def _readings(data: bytes) -> Iterator[bytes]:
    inflated = [made for made in _inflated(data.partition(b"\r\n\r\n")[2]) if made]
    for plain in (data, *inflated, *(more for made in inflated for more in _inflated(made))):
        yield plain
        yield plain[::-1]
        once = unquote_to_bytes(plain)
        yield once
        yield unquote_to_bytes(once)
        yield html.unescape(plain.decode("latin-1")).encode("utf-8")
        yield re.sub(rb"\\(?:u00|x)([0-9a-fA-F]{2})", lambda m: bytes.fromhex(m[1].decode()), plain)
        yield bytes(int(code) for code in re.findall(rb"\d+", plain) if int(code) < 256)
        for run in re.findall(rb"(?:[0-9a-fA-F]{2}[:\s-]?){8,}", plain):
            yield binascii.unhexlify(re.sub(rb"[^0-9a-fA-F]", b"", run)[: len(run) // 2 * 2 - 2])
            with suppress(binascii.Error):
                yield binascii.unhexlify(re.sub(rb"[^0-9a-fA-F]", b"", run))
        yield from _from_base64(plain)


def _from_base64(data: bytes) -> Iterator[bytes]:
    joined = re.sub(rb"[\s\\]", b"", data).replace(b"-", b"+").replace(b"_", b"/")
    for run in re.findall(rb"[A-Za-z0-9+/]{12,}", joined):
        for start in range(4):
            part = run[start:]
            yield base64.b64decode(part[: len(part) // 4 * 4])


def _inflated(body: bytes) -> Iterator[bytes]:
    for window in (31, 15, -15):
        made, left = b"", body
        with suppress(zlib.error):
            while left:
                engine = zlib.decompressobj(window)
                made += engine.decompress(left, 1 << 20)
                left = engine.unused_data
        yield made
