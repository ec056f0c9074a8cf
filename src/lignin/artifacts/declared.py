"""Which errors are a proper answer. Pure reading of the manifest and the source.

The schema is the contract that an artifact claims, yet few schemas say everything: no honest author
writes down that a date string must name a real day. So an error is one of three:

- `declared`: listed in `interface.errors`, recorded as an example's answer, or raised by a `raise`
  of the source with a class that speaks of the argument (or is the artifact's own);
- `argument`: not declared, but of the families in which Python itself speaks of a bad value
  (ValueError, LookupError, ArithmeticError and their children);
- `fault`: everything else (TypeError, AttributeError, NameError, RecursionError, RuntimeError ...).
"""

import ast
import builtins
from collections.abc import Iterable
from typing import Literal

from lignin.artifacts.answers import plain_error
from lignin.artifacts.check import Observations

ErrorClass = Literal["declared", "argument", "fault"]
_ARGUMENT_FAMILIES = (ValueError, LookupError, ArithmeticError)
_ARGUMENT_NAMES = frozenset(  # of the standard library outside `builtins`
    ["JSONDecodeError", "InvalidOperation", "DivisionByZero", "StatisticsError", "PatternError"]
    + ["ZoneInfoNotFoundError", "ExpatError", "ParseError", "AddressValueError"]
    + ["NetmaskValueError", "TOMLDecodeError", "NoSectionError", "NoOptionError", "BadZipFile"]
    + ["UnserialisableResult"]  # the port's name for an answer that JSON cannot carry
    + ["ParsingError", "MissingSectionHeaderError", "Error", "error"]  # csv, binascii, struct, re
)
_GENERIC = frozenset(
    ["Exception", "BaseException", "RuntimeError", "AssertionError", "NotImplementedError"]
    + ["RecursionError", "MemoryError", "SystemExit", "KeyboardInterrupt", "SystemError"]
    + ["OSError", "IOError", "PermissionError", "ImportError", "NameError", "AttributeError"]
)


def declared_errors(observations: Observations) -> frozenset[str]:
    """Return the names of the errors that are proper answers of an artifact."""
    names = {plain_error(name) for name in observations.manifest.interface.errors}
    names |= {plain_error(case.error) for case in observations.examples if case.error is not None}
    for path, text in observations.sources.items():
        if path.endswith(".py"):
            names |= raised_names(text)
    return frozenset(names)


def classify_error(name: str, declared: Iterable[str]) -> ErrorClass:
    """Return how an exception's class name is to be taken."""
    plain = plain_error(name)
    known = set(declared)
    if plain in known:
        return "declared"
    found = getattr(builtins, plain, None)
    if isinstance(found, type) and issubclass(found, Exception):
        # A parent that was declared declares its children: LookupError speaks for KeyError.
        if any(parent.__name__ in known - {"Exception"} for parent in found.__mro__):
            return "declared"
        return "argument" if issubclass(found, _ARGUMENT_FAMILIES) else "fault"
    return "argument" if plain in _ARGUMENT_NAMES else "fault"


def raised_names(source: str) -> frozenset[str]:
    """Return the class names that a source raises on purpose and that speak of the argument."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            target = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(target, ast.Name):
                names.add(target.id)
            elif isinstance(target, ast.Attribute):
                names.add(target.attr)
    return frozenset(names - _GENERIC)
