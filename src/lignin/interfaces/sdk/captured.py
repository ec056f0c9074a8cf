"""`@lignin.capture`: a function is used as it is, and handed over with the calls that it was seen to make.

A call costs what the function costs, and a copy of its first few arguments and results. Whatever goes wrong
with the capture is kept and logged, and never raised into the program: only `prove()` raises.
"""

import inspect
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from pathlib import Path
from types import CodeType
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from lignin.domain.errors import InvalidRequestError, LigninError
from lignin.interfaces.errors import explain_fault
from lignin.interfaces.sdk.client import Client, default_client
from lignin.interfaces.sdk.sessions import Session, current
from lignin.interfaces.sdk.source import standing_alone
from lignin.operations.artifact_models import CaptureView

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
LEAST_EXAMPLES = 3
"""So many make a proof possible; they start one in the background."""
MAX_EXAMPLES = 20
MAX_EXAMPLE_BYTES = 16_384
MAX_LOOKS = 200
"""So many calls are looked at; large ones count for many."""
_LOG = logging.getLogger("lignin.capture")


class Captured(Protocol[P, R_co]):
    """A function that is captured: called as ever, and asked what its proof came to."""

    __name__: str
    captured: "Keeper"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """What the function answers."""

    def prove(self) -> CaptureView:
        """Hand it over now, with the examples that there are, and hear whether it holds.

        Raises:
            LigninError: It was not taken.
        """


class Keeper:
    """What is known of one captured function.

    Attributes:
        proof: What its capture came to; None before.
        fault: Why it was not taken in the background; None where it was, or was not tried.
    """

    def __init__(
        self, function: Callable[..., Any], options: Mapping[str, Any], client: Client | None
    ) -> None:
        self.function, self._options, self._client = function, options, client
        self.proof: CaptureView | None = None
        self.fault: LigninError | None = None
        self._lock, self._proving = threading.Lock(), threading.Lock()
        self._examples: dict[str, Mapping[str, Any]] = {}
        self._proven_with = -1
        self._is_begun = not options["background"]
        self._text = _module_text(function)
        self._signature: inspect.Signature | None = None
        self._looks_left = MAX_LOOKS
        for example in options["examples"]:
            self._examples[json.dumps(example, sort_keys=True, default=str)] = dict(example)
        self._begin()

    def before(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The arguments of a call by name, as JSON; None where they are none, or enough are known."""
        if self._looks_left <= 0 or len(self._examples) >= MAX_EXAMPLES:
            return None
        self._looks_left -= 1
        if self._signature is None:
            self._signature = inspect.signature(self.function)
        given = self._signature.bind(*args, **kwargs).arguments
        kinds = {each.kind for each in self._signature.parameters.values()}
        if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
            return None
        return _same_json(given)

    def after(self, given: Any, told: Mapping[str, Any]) -> None:
        """Keep a call as an example."""
        if given is None:
            return
        key = json.dumps({"arguments": given}, sort_keys=True)
        example = {"arguments": given, **{name: _json(value) for name, value in told.items()}}
        if len(json.dumps(example)) > MAX_EXAMPLE_BYTES:
            self._looks_left -= MAX_LOOKS // 4
            return
        with self._lock:
            if len(self._examples) < MAX_EXAMPLES:
                self._examples.setdefault(key, example)
        self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._is_begun or len(self._examples) < LEAST_EXAMPLES:
                return
            self._is_begun = True
        session = current()
        _WORKER.put(lambda: self._in_background(session))

    def _in_background(self, session: Session | None) -> None:
        try:
            proof = self._proven(session)
        except LigninError as error:
            self.fault = error
            _LOG.warning("%s was not captured: %s; %s", self._name, error.message, error.hint)
            return
        _LOG.info("%s was captured: %s, %s", self._name, proof.state, proof.reason)

    def prove(self) -> CaptureView:
        """As `Captured.prove`."""
        return self._proven(current())

    def _proven(self, session: Session | None) -> CaptureView:
        with self._proving:
            with self._lock:
                examples = list(self._examples.values())
                self._is_begun = True
            if self.proof is not None and len(examples) == self._proven_with:
                return self.proof
            try:
                self.proof = self._taken(examples, session)
            except Exception as error:
                raise explain_fault(error) from error
            self._proven_with, self.fault = len(examples), None
            return self.proof

    def _taken(self, examples: list[Mapping[str, Any]], session: Session | None) -> CaptureView:
        said = {name: self._options[name] for name in ("name", "task") if self._options[name]}
        taken = (self._client or default_client()).asking(
            "artifact.capture",
            CaptureView,
            files={f"{self._name}.py": self._source()},
            function=self._name,
            examples=examples,
            session=session.id if session else "",
            **said,
        )
        if session is not None:
            session.wrote(taken.name)
        return taken

    @property
    def _name(self) -> str:
        return self.function.__name__

    def _source(self) -> str:
        """The function's text with what it needs.

        Raises:
            InvalidRequestError: Why it cannot stand alone.
        """
        if not inspect.isfunction(self.function) or inspect.iscoroutinefunction(self.function):
            raise InvalidRequestError(
                f"{self._name} is no plain function", hint="def, not async def"
            )
        if "<" in self.function.__qualname__ or "." in self.function.__qualname__:
            raise InvalidRequestError(
                f"{self.function.__qualname__} is defined inside something else",
                hint="only functions at the top of a module are captured",
            )
        if not self._text:
            raise InvalidRequestError(
                f"the text of {self._name} is not there", hint="define it in a file"
            )
        return standing_alone(self._text, self._name)


def _module_text(function: Callable[..., Any]) -> str:
    """The text of the function's module as it is now, which is when it is loaded."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return ""
    try:
        return Path(code.co_filename).read_text("utf-8")
    except (OSError, ValueError):
        return ""


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def _recorded(function: Callable[..., Any], keeper: Keeper) -> Callable[..., Any]:
    """The function, its first calls kept as examples; one that is awaited or iterated is left alone."""
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        return function

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        given = None
        with suppress(Exception):
            given = keeper.before(args, kwargs)
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            with suppress(Exception):
                keeper.after(given, {"error": type(error).__name__})
            raise
        with suppress(Exception):
            keeper.after(given, {"result": result})
        return result

    return called


def _same_json(value: Any) -> Any:
    """A copy as JSON; None where JSON has it otherwise, such as a tuple, which would be a list."""
    copy = _json(value)
    return copy if copy == value and _kinds(copy) == _kinds(value) else None


def _kinds(value: Any) -> list[type]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [type(value), *(kind for each in inner for kind in _kinds(each))]


class _Worker:
    """One thread while there is work; a program ends when its captures have."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []
        self._runs = False

    def put(self, work: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append(work)
            if self._runs:
                return
            self._runs = True
        threading.Thread(target=self._run, name="lignin-capture", daemon=False).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._runs = False
                    return
                work = self._waiting.pop(0)
            with suppress(Exception):
                work()


_WORKER = _Worker()


def _anew() -> None:
    """In a forked process: its parent's thread is not there."""
    global _WORKER  # noqa: PLW0603
    _WORKER = _Worker()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)


@overload
def capture(function: Callable[P, R_co], /) -> Captured[P, R_co]: ...
@overload
def capture(
    *,
    name: str = ...,
    task: str = ...,
    examples: Sequence[Mapping[str, Any]] = ...,
    background: bool = ...,
    client: Client | None = ...,
) -> Callable[[Callable[P, R_co]], Captured[P, R_co]]: ...


def capture(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str = "",
    task: str = "",
    examples: Sequence[Mapping[str, Any]] = (),
    background: bool = True,
    client: Client | None = None,
) -> Any:
    """Have a function captured and proven while it is used.

    Its calls become examples, as far as arguments and results are JSON. With three of them it is handed over
    in the background, where the program goes on; `prove()` does it at once and says what came of it.

    Args:
        name: What to call it; default: the function's own name.
        task: What it is written for.
        examples: `{"arguments": {...}, "result": ...}`, or `error`, besides those seen.
        background: False leaves it to `prove()`.
        client: Where to; default: that of the process.
    """
    options = {"name": name, "task": task, "examples": examples, "background": background}
    if function is None:
        return lambda given: _wrapped(given, options, client)
    return _wrapped(function, options, client)


def _wrapped(
    function: Callable[..., Any], options: Mapping[str, Any], client: Client | None
) -> Any:
    try:
        keeper = Keeper(function, options, client)
    except Exception as error:  # the program goes on whatever was handed in
        _LOG.warning("%r is not captured: %s", function, error)
        return function
    called = _recorded(function, keeper) if inspect.isfunction(function) else function
    with suppress(AttributeError, TypeError):
        called.prove, called.captured = keeper.prove, keeper  # type: ignore[attr-defined]
    return called
