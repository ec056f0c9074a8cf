"""A journal in memory; what it was given stays there after a crash. Several may share one record."""

from collections.abc import Mapping

from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import ConflictError
from lignin.ports.journal import Made


class MemoryJournal:
    """See `lignin.ports.journal.Journal`.

    Args:
        shared: The journal of somebody else on the same task.
    """

    def __init__(self, shared: "MemoryJournal | None" = None) -> None:
        self.told: list[tuple[str, Made]] = shared.told if shared else []
        self._seen = len(self.told)

    def tag(self, tool: str, arguments: Mapping[str, Json]) -> str:
        """A digest."""
        return digest_json([tool, dict(arguments)])

    def made(self) -> tuple[Made, ...]:
        """The last that was noted of each call."""
        self._seen = len(self.told)
        last = {made.number: made for _, made in self.told}
        return tuple(last[number] for number in sorted(last))

    def intend(self, made: Made) -> None:
        """Note it, unless somebody else was quicker."""
        if self._seen != len(self.told):
            raise ConflictError("somebody else noted something since")
        self._note("intend", made)

    def settle(self, made: Made) -> None:
        """Note it."""
        self._note("settle", made)

    def _note(self, what: str, made: Made) -> None:
        self.told.append((what, made))
        self._seen += 1
