"""What is put beside a workflow in the sandbox: the `ctx` that it asks by, and what calls it.

Standard library only, imports nothing of this project: the file is mounted as it is. The code runs from
its beginning each time it goes on; every answer comes from outside, where it is recorded.
"""

import copy
import importlib
import importlib.util
import inspect
import random
import sys
from datetime import datetime
from typing import Any

_TOOL = "lignin.workflow"
_SUSPENDED = "suspended"


class StepError(Exception):
    """A step failed for good. `kind` says how (`tool`, `timeout`, ...), `code` which error it was."""

    def __init__(self, kind: str, code: str, message: str) -> None:
        super().__init__(f"{kind} {code}: {message}" if code != kind else f"{kind}: {message}")
        self.kind = kind
        self.code = code
        self.message = message


class _Suspended(BaseException):
    """The run waits outside; the code begins again when it goes on."""


class State:
    """A value that outlives the run."""

    def __init__(self, context: "Context", name: str) -> None:
        self._context = context
        self._name = name
        self._version: int | None = None

    def get(self) -> Any:
        """The value now; `swap` puts another one in its place."""
        found = self._context._ask("get", f"get {self._name}", self._name, None)
        self._version = found["version"]
        return found["value"]

    def swap(self, value: Any) -> bool:
        """Put a value in the place of the one that `get` gave; False where somebody else was quicker."""
        if self._version is None:
            raise ValueError(f"get the state {self._name!r} before it is swapped")
        given = {"version": self._version, "value": value}
        done = self._context._ask("swap", f"swap {self._name}", self._name, given)
        self._version = done["version"]
        return bool(done["swapped"])


class Context:
    """What a workflow is given: everything with an effect or a changing answer goes through it."""

    StepError = StepError

    def __init__(self, start: dict[str, Any]) -> None:
        self.run_id: str = start["run_id"]
        self.missed: list[dict[str, Any]] = start["missed"]
        self.random = random.Random(start["seed"])  # noqa: S311 -- no secret is made of it
        self._at: str = start["at"]

    def now(self) -> datetime:
        """When the last step was done; the same in every replay."""
        return datetime.fromisoformat(self._at.replace("Z", "+00:00"))

    def step(self, name: str, what: Any, /, *positional: Any, **given: Any) -> Any:
        """Call a tool (by name) or a function of the artifact once, and get what it gave.

        Raises:
            StepError: It failed, and is not or no longer tried again.
        """
        if isinstance(what, str):
            if positional:
                raise TypeError(f"the tool {what} takes its arguments by name")
            return self._ask("tool", name, what, given)
        target = _place_of(what)
        bound = inspect.signature(what).bind(*positional, **given)
        return self._ask("function", name, target, dict(bound.arguments))

    def sleep(self, seconds: float) -> None:
        """Go on after so many seconds, on whatever machine."""
        self._ask("sleep", "sleep", "sleep", seconds)

    def wait(self, topic: str, timeout_s: float) -> Any:
        """The next signal on a topic, or None after a time."""
        return self._ask("wait", f"wait {topic}", topic, timeout_s)

    def call(self, artifact: str, given: dict[str, Any], *, name: str = "") -> Any:
        """Call an artifact that the manifest pins, and get what it answered. Raises StepError."""
        return self._ask("call", name or artifact, artifact, given)

    def agent(self, prompt: str, *, agent: str, form: Any = None, name: str = "") -> Any:
        """Ask an agent that the manifest names: text, or what fits the form. Raises StepError."""
        return self._ask("agent", name or agent, agent, {"prompt": prompt, "form": form})

    def state(self, name: str) -> State:
        """State that outlives the run and that the manifest declares."""
        return State(self, name)

    def _ask(self, op: str, name: str, target: str, given: Any) -> Any:
        guest = importlib.import_module("lignin_guest")
        try:
            answer = guest.call(_TOOL, {"op": op, "name": name, "target": target, "given": given})
        except guest.ToolError as error:
            if error.name == _SUSPENDED:
                raise _Suspended from None
            raise ValueError(error.message) from None
        self._at = answer["at"]
        failure = answer.get("error")
        if failure is not None:
            raise StepError(failure["class"], failure["code"], failure["message"])
        return answer["value"]


def run_workflow(
    file: str, function: str, arguments: dict[str, Any], start: dict[str, Any]
) -> dict[str, Any]:
    """Run a workflow until it ends or has to wait.

    `{"value": ...}`, `{"suspended": true}`, or `{"failed": ...}` where a step's failure ended it.
    """
    target = getattr(_load(file), function)
    try:
        return {"value": target(Context(start), **copy.deepcopy(arguments))}
    except _Suspended:
        return {"suspended": True}
    except StepError as error:
        return {"failed": {"class": error.kind, "code": error.code, "message": error.message}}


def _root() -> str:
    here = globals().get("__file__") or "/artifact/guest"
    return here.rpartition("/")[0] or "/artifact"


def _place_of(function: Any) -> str:
    """`file.py:name` of a function that stands at the top of a file of the artifact."""
    name = getattr(function, "__name__", "")
    code = getattr(function, "__code__", None)
    module = sys.modules.get(getattr(function, "__module__", ""))
    if code is None or getattr(module, name, None) is not function:
        raise TypeError(
            f"{name or function!r} is no step: name a tool, or a function at the top of a file"
        )
    return f"{code.co_filename.removeprefix(_root() + '/')}:{name}"


def _load(file: str) -> Any:
    root = _root()
    folder = f"{root}/{file}".rpartition("/")[0]
    for place in (root, folder):
        if place not in sys.path:
            sys.path.insert(0, place)
    name = file.removesuffix(".py").replace("/", ".")
    spec = importlib.util.spec_from_file_location(name, f"{root}/{file}")
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
