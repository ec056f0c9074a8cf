"""A fake of the sandbox port that runs function calls in this very process, with a way out.

It isolates nothing and watches nothing: **only for code that was read before**, such as the workflows of
this project's tests. What it is for is speed, and that the code can ask by `lignin_guest`.
"""

import importlib.util
import io
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.sandbox import (
    TIER_CAPABILITIES,
    Capability,
    Execution,
    Observed,
    PythonCall,
    RequestHandler,
)

_one_at_a_time = threading.RLock()  # a step of a run is made while the run's own code waits for it


class _ToolError(Exception):
    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class InProcessSandbox:
    """Answers calls of functions; `before` is told each execution and may raise or answer itself."""

    policy_digest: Digest = digest_json("in process")
    tier = "ns"  # it stands for the tier that promotion asks for
    capabilities: frozenset[Capability] = TIER_CAPABILITIES["ns"]

    def __init__(self, before: Callable[[Execution], Observed | None] = lambda _: None) -> None:
        self._before = before
        self.runs = 0

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Call one function and say what it answered or raised."""
        self.runs += 1
        if (said := self._before(execution)) is not None:
            return said
        action = execution.action
        assert isinstance(action, PythonCall), "it calls functions only"
        said_out = io.StringIO()
        with _one_at_a_time, tempfile.TemporaryDirectory() as folder:
            for path, file in execution.files.items():
                place = Path(folder, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.content)
            try:
                with redirect_stdout(said_out), _guest(folder, broker):
                    value = _call(Path(folder, action.file), action)
            except Exception as error:
                return self._observed(said_out, error=type(error).__name__, message=str(error))
        return self._observed(said_out, returned=True, result=value)

    def close(self) -> None:
        """Nothing was started."""

    def _observed(self, said: io.StringIO, **outcome: Json) -> Observed:
        stdout = said.getvalue().encode()
        return Observed(status="exited", tier=self.tier, stdout=stdout, **outcome)


def _call(path: Path, action: PythonCall) -> Json:
    name = action.file.removesuffix(".py").replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return getattr(module, action.function)(**action.arguments)


class _guest:  # noqa: N801 -- read as a verb of a `with`
    """The module `lignin_guest` and the artifact's folder, as long as a block lasts."""

    def __init__(self, folder: str, broker: RequestHandler | None) -> None:
        self._folder = folder
        self._broker = broker

    def __enter__(self) -> None:
        self._modules, self._path = dict(sys.modules), list(sys.path)
        guest: Any = types.ModuleType("lignin_guest")
        guest.ToolError, guest.call = _ToolError, self._ask
        sys.modules["lignin_guest"] = guest

    def __exit__(self, *_: object) -> None:
        for name in [name for name in sys.modules if name not in self._modules]:
            del sys.modules[name]
        sys.modules.update(self._modules)
        sys.path[:] = self._path

    def _ask(self, tool: str, arguments: Mapping[str, Json], call_id: str | None = None) -> Json:
        if self._broker is None:
            raise _ToolError("Denied", "no tool is bound to this run")
        request = {"type": "call", "tool": tool, "arguments": arguments, "call_id": call_id or ""}
        answer = self._broker(request)
        if answer.get("error"):
            raise _ToolError(str(answer["error"]), str(answer.get("message", "")))
        return answer.get("result")
