"""The recorded steps of one run, and the comparison of what is asked with what was recorded.

Every step of a workflow is one step of the engine under one name (`STEP`), so that it is this file which
says what a replay does otherwise, and in which words. A record is JSON: what was asked, when it was done,
and its value or its error.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from lignin.artifacts.workflow.asks import Ask, told
from lignin.domain.codec import Digest, Json, canonical_bytes
from lignin.domain.errors import IntegrityError, LimitedError
from lignin.domain.workflows import MAX_RUN_BYTES
from lignin.ports.engine import Run

STEP: Final = "step"
Record = Mapping[str, Json]
Make = Callable[[bool], Record]


class DivergedError(IntegrityError):
    """A replay asked for something else than the run did before. `step`, `expected`, `got` say what."""

    code = "diverged"


class StoppedError(Exception):
    """The version may take no further step; the record of it says why. Never leaves this package."""

    def __init__(self, why: Mapping[str, Json]) -> None:
        super().__init__(str(why["message"]))
        self.why = why


class MovedError(Exception):
    """The run goes on with another version. Never leaves this package."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(digest)
        self.digest = digest


class FailedError(Exception):
    """The code failed here, for a reason that a replay need not find again. Never leaves this package."""

    def __init__(self, error: Mapping[str, Json]) -> None:
        super().__init__(str(error["message"]))
        self.error = error


class Records:
    """What was recorded, in the order that the code asks in.

    Args:
        run: Records steps; gives what was recorded before in place of doing it again.
        retry: How long to wait before a step with an error is made again, after so many attempts.
        most: The most steps.
    """

    def __init__(self, run: Run, retry: Callable[[Record, int], float | None], most: int) -> None:
        self._run = run
        self._retry = retry
        self._most = most
        self._kept: list[Record] = []
        self._base = self._next = self._bytes = 0

    @property
    def kept(self) -> Sequence[Record]:
        """Every step so far, each with its last attempt."""
        return self._kept

    @property
    def place(self) -> int:
        """How many steps the code has asked for since its beginning."""
        return self._next

    def rewind(self) -> None:
        """Begin a replay: what is asked next is compared with the first step."""
        self._next = self._base

    def begin_anew(self) -> None:
        """From here on other code asks: a replay of it begins with the next step."""
        self._base = self._next = len(self._kept)

    def take(self, ask: Ask, do: Make, life: str = "") -> Record:
        """Return what a step gave, making it where it was not made before.

        Args:
            do: Makes it; its record lacks only what was asked. Told true, it only says that nobody knows
                whether it was made.
            life: Where the step must not be made twice: names this process. It is recorded first that
                the step begins; found begun by another, it is not made.

        Raises:
            DivergedError: Another step stands here.
            StoppedError, MovedError, FailedError: So it was recorded.
            LimitedError: More steps, or more bytes, than a run may have.
        """
        if self._next < len(self._kept):
            record = self._kept[self._next]
            require_same(self._next, record["ask"], ask)
            self._next += 1
            return record
        if len(self._kept) >= self._most:
            raise LimitedError(
                f"the run has made {self._most} steps, the most that it may",
                hint="workflow.max_steps in its manifest; or end, and go on in the next run",
            )
        record = self._made(ask, do, life)
        self._bytes += len(canonical_bytes(dict(record)))
        if self._bytes > MAX_RUN_BYTES:
            raise LimitedError(f"the steps of the run hold more than {MAX_RUN_BYTES} bytes")
        self._kept.append(record)
        self._next += 1
        return record

    def _made(self, ask: Ask, do: Make, life: str) -> Record:
        attempt = 1
        while True:
            begun = life and self._step(ask, lambda: {"begun": life}).get("begun")
            record = self._step(ask, partial(do, begun != life))
            if "error" not in record:
                return record
            wait_s = self._retry(record, attempt)
            if wait_s is None:
                return record
            self._run.sleep(wait_s)
            attempt += 1

    def _step(self, ask: Ask, do: Callable[[], Record]) -> Record:
        record = self._run.step(STEP, lambda: {"ask": ask.to_json(), **do()})
        if not isinstance(record, Mapping) or "ask" not in record:
            raise IntegrityError("a recorded step of the run is none of a workflow's")
        if "stopped" in record:
            raise StoppedError(record["stopped"])
        if "moved" in record:
            raise MovedError(record["moved"])
        if "failed" in record:
            raise FailedError(record["failed"])
        require_same(self._next, record["ask"], ask)
        return record

    def fail(self, error: Mapping[str, Json]) -> None:
        """Record that the code failed; it is not asked again."""
        self._run.step(STEP, lambda: {"ask": _FAILURE.to_json(), "failed": dict(error)})

    def require_all_asked(self) -> None:
        """Raise where the code ended before it asked for all that it asked for before."""
        if self._next < len(self._kept):
            expected = told(self._kept[self._next]["ask"])
            raise diverged(self._next, expected, "the end of the code")


_FAILURE: Final = Ask(op="begin", name="failure", target="failure", given=None)


def require_same(place: int, before: Mapping[str, Json], ask: Ask) -> None:
    """Raise where a replay asks for something else than was recorded at a place."""
    if before["digest"] == ask.digest:
        return
    expected, got = told(before), str(ask)
    if expected == got:
        expected, got = (
            f"{expected} of {before.get('given')!r:.200}",
            f"{got} of {ask.given!r:.200}",
        )
    raise diverged(place, expected, got)


def diverged(place: int, expected: str, got: str) -> DivergedError:
    """The error that a replay went another way at a place, counted from 0."""
    return DivergedError(
        f"step {place + 1} of the replay is {got}, and was {expected}",
        hint="what a workflow asks for may hang on its input and on what its steps gave, on nothing else",
        step=place + 1,
        expected=expected,
        got=got,
    )
