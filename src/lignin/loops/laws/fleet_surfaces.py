"""Whether two patterns of paths may name the same path. Pure.

Exact for `*` and `?`, which also stand for `/` as in `fnmatch`; two character classes are taken to meet.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

_TOKEN = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_WILD = re.compile(r"[*?\[]")


def outside(paths: Sequence[str], surface: Sequence[str]) -> list[str]:
    """The paths that no pattern of a surface names."""
    return sorted(p for p in paths if not any(fnmatchcase(p, pattern) for pattern in surface))


def overlap(one: Sequence[str], other: Sequence[str]) -> tuple[str, str] | None:
    """The first pair of patterns of two surfaces that may name the same path, None where none may."""
    return next(((a, b) for a in one for b in other if meet(a, b)), None)


def meet(one: str, other: str) -> bool:
    """True where some path fits both patterns."""
    first, second = (_WILD.split(each, maxsplit=1)[0] for each in (one, other))
    if not (first.startswith(second) or second.startswith(first)):
        return False
    a, b = _TOKEN.findall(one), _TOKEN.findall(other)
    # row[j]: the rest of `one` from i and the rest of `other` from j can stand for the same text
    below = [False] * len(b) + [True]
    for j in range(len(b) - 1, -1, -1):
        below[j] = _many(b[j]) and below[j + 1]
    for i in range(len(a) - 1, -1, -1):
        row = [False] * len(b) + [_many(a[i]) and below[-1]]
        for j in range(len(b) - 1, -1, -1):
            if _many(a[i]) or _many(b[j]):
                row[j] = below[j] or row[j + 1]
                continue
            row[j] = below[j + 1] and _same(a[i], b[j])
        below = row
    return below[0]


def _many(token: str) -> bool:
    return token[0] == "*"


def _same(one: str, other: str) -> bool:
    """True where two tokens may stand for the same character."""
    if len(one) > 1 or one == "?":
        return len(other) > 1 or other == "?" or one == "?" or fnmatchcase(other, one)
    return other == "?" or (fnmatchcase(one, other) if len(other) > 1 else one == other)
