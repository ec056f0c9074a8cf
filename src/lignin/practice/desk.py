"""The practice desk: an order desk over SQLite behind the environment port. All of it is simulated.

Owns the state, its digest and the calling of tools. A call is all or nothing: a refusal leaves the
state as it was. Refuses to know tasks and agents.
"""

import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.environment import EnvironmentKind, RecordedCall, Recording
from lignin.ports.tools import Observation, ToolSpec
from lignin.practice.arguments import find_fault
from lignin.practice.reading import READING_TOOLS
from lignin.practice.toolkit import Counter, Tool, ToolRefusalError
from lignin.practice.world import TABLES, image_of, open_image, open_world, today_of
from lignin.practice.writing import WRITING_TOOLS

TOOLS: Final[Mapping[str, Tool]] = {
    tool.spec.name: tool for tool in (*READING_TOOLS, *WRITING_TOOLS)
}
TOOL_SPECS: Final[Mapping[str, ToolSpec]] = {name: tool.spec for name, tool in TOOLS.items()}


class PracticeDesk:
    """A live environment; see `lignin.ports.environment.Environment`.

    Args:
        seed: Which simulated world; the same seed is the same world everywhere.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._calls: list[RecordedCall] = []
        self._writes = 0
        self._db = open_world(seed)

    @property
    def kind(self) -> EnvironmentKind:
        """Always `live`."""
        return "live"

    @property
    def simulated(self) -> bool:
        """Always true: nothing at this desk is real."""
        return True

    @property
    def seed(self) -> int:
        """The world's seed."""
        return self._seed

    @property
    def today(self) -> str:
        """The one day everything happens on, `YYYY-MM-DD`."""
        return today_of(self._seed).isoformat()

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The desk's tools by name."""
        return TOOL_SPECS

    @property
    def start_state(self) -> Digest:
        """Digest of the world before any call."""
        return _digest_of(image_of(self._seed))

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        """Call one tool; a refusal is an error observation and changes nothing."""
        version = self._writes
        observation = self._answer(tool, arguments)
        self._calls.append(
            RecordedCall(
                tool=tool,
                arguments=dict(arguments),
                observation=observation,
                state_version=version,
            )
        )
        return observation

    def state(self) -> dict[str, Json]:
        """The whole state as JSON: each table's rows in key order."""
        return _dump(self._db)

    def state_digest(self) -> Digest:
        """Digest of `state()`."""
        return _digest_of(self._db.serialize())

    def recording(self) -> Recording:
        """The calls since the last reset."""
        return Recording(start_state=self.start_state, calls=tuple(self._calls))

    def reset(self) -> None:
        """Put the world back to its start."""
        self._db.close()
        self._db = open_world(self._seed)
        self._calls, self._writes = [], 0

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def _answer(self, name: str, arguments: Mapping[str, Json]) -> Observation:
        tool = TOOLS.get(name)
        if tool is None:
            return Observation(error="unknown_tool", message=f"there is no tool {name}")
        fault = find_fault(tool.spec.input, arguments)
        if fault is not None:
            return Observation(error="bad_arguments", message=fault)
        self._db.execute("SAVEPOINT call")
        try:
            result = tool.run(Counter(db=self._db, today=self.today), **arguments)
        except ToolRefusalError as refusal:
            self._db.execute("ROLLBACK TO call")
            return Observation(error=refusal.code, message=str(refusal))
        finally:
            self._db.execute("RELEASE call")
        self._writes += tool.spec.effect == "write"
        return Observation(result=result)


def _dump(db: sqlite3.Connection) -> dict[str, Json]:
    return {
        table: [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY {key}")]  # noqa: S608
        for table, key in TABLES.items()
    }


@lru_cache(maxsize=64)
def _digest_of(image: bytes) -> Digest:
    """Digest of the state that a database's image holds: agents at one task often end in the same."""
    db = open_image(image)
    try:
        return digest_json(_dump(db))
    finally:
        db.close()
