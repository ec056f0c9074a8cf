"""The operations table: what an operation is, and the scan that finds them.

The decorator only attaches metadata; nothing is registered by importing.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lignin.operations import NOT_NOUNS

Effect = Literal["read", "write", "execute", "govern"]
EFFECTS: tuple[Effect, ...] = get_args(Effect)
_ATTRIBUTE = "__lignin_operation__"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all but tab and line ends

Function = TypeVar("Function", bound=Callable[..., Any])


class Request(BaseModel):
    """Base of every request: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    @model_validator(mode="after")
    def _refuse_control_characters(self) -> Self:
        """They would reach a terminal, or a store that cannot hold them."""
        for name, value in self:
            for text in value if isinstance(value, list) else (value,):
                if isinstance(text, str) and (found := _CONTROL.search(text)):
                    raise ValueError(
                        f"{name} holds the control character U+{ord(found[0]):04X}: leave it out"
                    )
        return self


class Response(BaseModel):
    """Base of every response."""

    model_config = ConfigDict(defer_build=True)

    def exit_code(self) -> int:
        """0; 6 (evidence says no) or 10 (inconclusive) where the answer is a verdict; 8 (conflict)
        where a part could not be done because of what is there."""
        return 0

    def is_streamed(self) -> bool:
        """True where all of it was told on the way by `Context.tell`."""
        return False

    def warnings(self) -> list[str]:
        """What a person must not overlook; said on stderr beside a text."""
        return []

    def to_text(self) -> str | None:
        """The response for a person; None leaves it to the generic rendering."""
        return None


class Listed(Response):
    """A bounded list: says how many there are in all and how to get at the rest."""

    total: int = Field(description="how many there are in all")
    next_after: str | None = Field(default=None, description="pass as `after` for the next ones")
    narrow: str | None = Field(default=None, description="how to narrow the list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: its name (`noun.verb`, or a lone shortcut), effect and models."""

    name: str
    effect: Effect
    idempotent: bool
    needs_store: bool
    remote: bool
    request: type[Request]
    response: type[Response]
    run: Callable[..., Any]
    summary: str
    description: str


def operation(
    name: str,
    *,
    effect: Effect,
    idempotent: bool = False,
    needs_store: bool = False,
    remote: bool = True,
) -> Callable[[Function], Function]:
    """Mark a function `(context, request) -> response` as an operation.

    Args:
        needs_store: It is about the store that there is; where there is none, none is made.
        remote: A caller of a server may ask for it; not where it is about this process itself.
    """

    def mark(function: Function) -> Function:
        setattr(function, _ATTRIBUTE, (name, effect, idempotent, needs_store, remote))
        return function

    return mark


def positional(description: str, default: Any = ..., **bounds: Any) -> Any:
    """A request field that the command line takes by position; bounds are those of `Field`."""
    return Field(default, description=description, json_schema_extra={"positional": True}, **bounds)


def nouns() -> tuple[str, ...]:
    """The nouns, from the files of this package; `<noun>_<part>.py` adds verbs to `<noun>`."""
    return tuple(sorted(name for name in _files() if "_" not in name))


def _files() -> list[str]:
    import lignin.operations as package

    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if name not in NOT_NOUNS)


def load_noun(noun: str) -> Mapping[str, Operation]:
    """The operations of one noun by name, in the order of its files."""
    parts = [name for name in _files() if name.startswith(f"{noun}_")]
    found: dict[str, Operation] = {}
    for name in (noun, *parts):
        found.update(_load_file(name))
    return found


def _load_file(name: str) -> Mapping[str, Operation]:
    module = importlib.import_module(f"lignin.operations.{name}")
    found: dict[str, Operation] = {}
    for function in vars(module).values():
        marked = getattr(function, _ATTRIBUTE, None)
        if marked is None or function.__module__ != module.__name__:
            continue
        name, effect, idempotent, needs_store, remote = marked
        hints = get_type_hints(function)
        text = inspect.cleandoc(function.__doc__ or "")
        found[name] = Operation(
            name=name,
            effect=effect,
            idempotent=idempotent,
            needs_store=needs_store,
            remote=remote,
            request=hints["request"],
            response=hints["return"],
            run=function,
            summary=text.partition("\n")[0],
            description=text,
        )
    return found


def load_operations() -> Mapping[str, Operation]:
    """Every operation by name."""
    found: dict[str, Operation] = {}
    for noun in nouns():
        found.update(load_noun(noun))
    return found
