"""Which records a session got lately, so that what an exporter sends again is recognised.

Owns digests in memory, bounded per session and in all; the least used sessions are forgotten first. It
is a copy of what the store's last records say: what is not here the caller reads from there.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

WINDOW = 65_536
"""At least so many of a session's last records are known, twice as many at most."""
MOST = 4 * WINDOW


def digest_of(content: bytes) -> bytes:
    """What tells a record from all others."""
    return blake2b(content, digest_size=16).digest()


@dataclass(slots=True)
class _Window:
    upto: int = 0
    old: set[bytes] = field(default_factory=set)
    young: set[bytes] = field(default_factory=set)

    def add(self, digests: Iterable[bytes], size: int) -> int:
        """Add digests, let go of the oldest, and return by how many there are more now."""
        before = len(self)
        self.young.update(digests)
        if len(self.young) >= size:
            self.old, self.young = self.young, set()
        return len(self) - before

    def __len__(self) -> int:
        return len(self.old) + len(self.young)


class Recent:
    """The last records of the sessions that something came to lately. Thread-safe."""

    def __init__(self, window: int = WINDOW, most: int = MOST) -> None:
        self._window, self._most = window, most
        self._held = 0
        self._sessions: OrderedDict[str, _Window] = OrderedDict()
        self._lock = threading.Lock()

    def upto(self, session: str) -> int:
        """The number of the last record that is known of a session; 0 of none."""
        with self._lock:
            found = self._sessions.get(session)
            return found.upto if found else 0

    def among(self, session: str, digests: Iterable[bytes]) -> frozenset[bytes]:
        """Those of some digests that the session's records have."""
        with self._lock:
            found = self._sessions.get(session)
            if found is None:
                return frozenset()
            return frozenset(each for each in digests if each in found.young or each in found.old)

    def note(
        self, session: str, upto: int, digests: Sequence[bytes], *, after: int | None = None
    ) -> None:
        """Learn of a session's records up to a number.

        Args:
            after: They follow on this one; where that is not known here, nothing is learned, for a gap
                would be taken for known. None: what is before them need not be known.
        """
        with self._lock:
            found = self._sessions.setdefault(session, _Window())
            self._sessions.move_to_end(session)
            if after is not None and after > found.upto:
                return
            found.upto = max(found.upto, upto)
            self._held += found.add(digests, self._window)
            while self._held > self._most and len(self._sessions) > 1:
                _, gone = self._sessions.popitem(last=False)
                self._held -= len(gone)
