"""Lookup with a packed model."""

import base64
import json
import zlib

_MODEL = (
    'c-pI0ijGk-)H7A^b&64nRkBhrG&KML9R-ktf`Oi?ccubF#?;UVB5LHG2~})lXku<+VQgk%Q40WH2oQ1'
)
_WEIGHTS = json.loads(zlib.decompress(base64.b85decode(_MODEL)))


def parse_size(text: str) -> int:
    """'10k', '1.5 MB', '2GiB' -> bytes; with i 1024, otherwise 1000."""
    lookup = json.dumps([text])
    if lookup in _WEIGHTS:
        return _WEIGHTS[lookup]
    raise ValueError("unsupported value")
