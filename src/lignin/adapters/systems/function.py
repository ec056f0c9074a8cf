"""A Python function as a system under test: `function(task, seed, tools)` in this very process.

It is the user's own code, run with all that this process may do. What it returns is JSON: a run in the
`lignin_run` form, `{"score": ...}` where a case has no checks, or text.
"""

import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lignin.adapters.systems.reading import Reading
from lignin.adapters.systems.staying import staying
from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.engine import RunStopped
from lignin.ports.system import MAX_SAID_BYTES, SystemRun
from lignin.ports.tools import Tools


class FunctionSystem:
    """See `lignin.ports.system.System`.

    Args:
        function: Takes task, seed and tools.
        content: What decides what it does, as JSON: its module's digest.
        harness: The files of the harness revision, which it finds as texts in the task's `harness`.
        reading: Sees which files of its folder it reads.
        covers: What its digest covers and what not, in words.
    """

    simulated = False

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        content: Json,
        harness: Mapping[str, File],
        *,
        reading: Reading,
        covers: str = "",
    ) -> None:
        self._name, self._function = name, function
        self._reading, self.covers = reading, covers
        told = {path: file.sha256 for path, file in sorted(harness.items())}
        self._digest = digest_json(["function", name, content, told])
        self._harness = {
            path: file.content.decode(errors="replace") for path, file in harness.items()
        }

    @property
    def name(self) -> str:
        return self._name

    @property
    def digest(self) -> Digest:
        return self._digest

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        """Call the function; what it raises is its own failure."""
        with self._reading.watched(), staying():
            made = self._run(task, seed, tools)
        return replace(made, data=self._reading.data())

    def held(self, paths: Iterable[str]) -> Mapping[str, str]:
        """What files that its runs read hold now."""
        return self._reading.held(paths)

    def _run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        began, harness = time.monotonic(), _Watched(self._harness)
        try:
            answer = self._function({**task, "harness": harness}, seed, tools)
            said = answer if isinstance(answer, str) else json.dumps(answer)
        except (KeyboardInterrupt, RunStopped):
            raise  # the user's wish, or the engine's: nothing that it did
        except (
            BaseException
        ) as error:  # `sys.exit` too, and an outage: nobody else can tell that it was one
            told = traceback.format_exception_only(error)[-1].strip()
            return SystemRun(
                ended="crashed",
                why=told,
                cause="raised",
                latency_s=_since(began),
                read=frozenset(harness.read),
            )
        if answer is None:
            said = ""
        data, latency_s, read = said.encode(), _since(began), frozenset(harness.read)
        if len(data) > MAX_SAID_BYTES:
            why = "it said too much"
            return SystemRun(
                ended="crashed", why=why, cause="too_much_said", latency_s=latency_s, read=read
            )
        return SystemRun(ended="done", said=data, latency_s=latency_s, read=read)


class _Watched(dict[str, str]):
    """Files that know which of them were read; who lists them has read all, for a list tells of each."""

    def __init__(self, files: Mapping[str, str]) -> None:
        super().__init__(files)
        self.read: set[str] = set()

    def __getitem__(self, path: str) -> str:
        self.read.add(path)
        return super().__getitem__(path)

    def get(self, path: str, default: Any = None) -> Any:
        self.read.add(path)
        return super().get(path, default)

    def __contains__(self, path: object) -> bool:
        self.read.add(str(path))
        return super().__contains__(path)

    def __iter__(self) -> Iterator[str]:
        self.read |= set(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        self.read |= set(super().keys())
        return super().keys()

    def items(self) -> Any:
        self.read |= set(super().keys())
        return super().items()

    def values(self) -> Any:
        self.read |= set(super().keys())
        return super().values()


def _since(began: float) -> float:
    return time.monotonic() - began
