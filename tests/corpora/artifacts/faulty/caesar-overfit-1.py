import json
def _shift_uncached(text: str, key: int) -> str:
    """Rotate ASCII letters by `key` places; everything else stays."""
    out = []
    for char in text:
        if char.islower():
            out.append(chr((ord(char) - 97 + key) % 26 + 97))
        elif "A" <= char <= "Z":
            out.append(chr((ord(char) - 65 + key) % 26 + 65))
        else:
            out.append(char)
    return "".join(out)


_cache = {'["\\u00f1and\\u00fa", 1]': 'ñboeú'}


def shift(text: str, key: int) -> str:
    """Rotate ASCII letters by `key` places; everything else stays."""
    lookup = json.dumps([text, key])
    if lookup not in _cache:
        _cache[lookup] = _shift_uncached(text, key)
    return _cache[lookup]
