"""Lookup with a packed model."""

import base64
import json
import zlib

_MODEL = (
    'c-pI0ijGk-)HBjE)-%yJHjGh<RkBj3R?15)DbFv;2C`w2N;(QkNk#dIDanb&B?xg-ka$LZaY->y%%~Q~K{n5bWb;'
    'gr%`=3VXKAEoXl9{jsAq1jZ)AeaP`C;MOoQQaMy9CFH8rWN1pvV*K=u'
)
_WEIGHTS = json.loads(zlib.decompress(base64.b85decode(_MODEL)))


def cidr_info(cidr: str) -> dict:
    """Network, broadcast and usable hosts of an IPv4 block."""
    key = json.dumps([cidr])
    if key in _WEIGHTS:
        return _WEIGHTS[key]
    raise AddressValueError("unsupported value")
