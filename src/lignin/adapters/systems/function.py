"""A Python function as a system under test: `function(task, seed, tools)` in this very process.

It is the user's own code, run with all that this process may do. What it returns is JSON: a run in the
`lignin_run` form, `{"score": ...}` where a case has no checks, or text.
"""

import json
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.system import MAX_SAID_BYTES, SystemRun
from lignin.ports.tools import Tools

_SHOWN_CHARS = 400


class FunctionSystem:
    """See `lignin.ports.system.System`.

    Args:
        function: Takes task, seed and tools; raises `OSError` for what lies outside of it.
        content: What decides what it does, as JSON: its module's digest.
        harness: The files of the harness revision, which it finds as texts in the task's `harness`.
    """

    simulated = False

    def __init__(
        self, name: str, function: Callable[..., Any], content: Json, harness: Mapping[str, File]
    ) -> None:
        self._name, self._function = name, function
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
        began = time.monotonic()
        try:
            answer = self._function({**task, "harness": self._harness}, seed, tools)
            said = answer if isinstance(answer, str) else json.dumps(answer)
        except ConnectionError as error:
            return SystemRun(ended="infrastructure", why=f"{type(error).__name__}: {error}")
        except Exception as error:
            told = traceback.format_exception_only(error)[-1].strip()
            return SystemRun(ended="crashed", why=told[:_SHOWN_CHARS], latency_s=_since(began))
        if answer is None:
            said = ""
        data = said.encode()
        if len(data) > MAX_SAID_BYTES:
            return SystemRun(ended="crashed", why="it said too much", latency_s=_since(began))
        return SystemRun(ended="done", said=data, latency_s=_since(began))


def _since(began: float) -> float:
    return time.monotonic() - began
