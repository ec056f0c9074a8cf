"""What is put beside an artifact in the sandbox to run its tests and to call it twice.

Standard library only, imports nothing of this project: the file is mounted as it is. It owns a tiny
runner for `test_*` functions, `Test*` classes and `unittest` cases, with the few names of pytest
that agents' tests use (`raises`, `approx`, `mark.parametrize`, `skip`); fixtures are not provided,
a test that asks for one is counted as skipped.
"""

import copy
import importlib.util
import inspect
import math
import re
import sys
import types
import unittest
from contextlib import contextmanager
from typing import Any

_MAX_TEXT = 300
_BALLAST = 700


def call_in_turn(file: str, function: str, cases: list[dict[str, Any]]) -> list[list[Any]]:
    """Call a function with each of some arguments, twice over, in one process; answers per case."""
    target = getattr(_load(file), function)
    answers: list[list[Any]] = [[] for _ in cases]
    ballast: list[Any] = []  # so that objects lie elsewhere in each call
    for _ in range(2):
        for arguments, heard in zip(cases, answers, strict=True):
            ballast.extend(object() for _ in range(_BALLAST))
            try:
                heard.append({"result": copy.deepcopy(target(**copy.deepcopy(arguments)))})
            except Exception as error:
                heard.append({"error": type(error).__name__})
    return answers


def call_often(
    file: str, function: str, cases: list[dict[str, Any]], calls: int
) -> list[list[Any]]:
    """Call a function again and again, its cases in turn; the different answers of each case."""
    target = getattr(_load(file), function)
    answers: list[list[Any]] = [[] for _ in cases]
    for number in range(calls):
        heard = answers[number % len(cases)]
        try:
            answer = {"result": copy.deepcopy(target(**copy.deepcopy(cases[number % len(cases)])))}
        except Exception as error:
            answer = {"error": type(error).__name__}
        if answer not in heard:
            heard.append(answer)
    return answers


def run_tests(files: list[str]) -> dict[str, Any]:
    """Run the tests of some files; `{ran, passed, skipped, failures: [{test, error}]}`."""
    sys.modules.setdefault("pytest", _pytest())
    total: dict[str, Any] = {"ran": 0, "passed": 0, "skipped": 0, "failures": []}
    for file in files:
        try:
            module = _load(file)
        except _SkipError:
            total["skipped"] += 1
            continue
        except BaseException as error:
            total["ran"] += 1
            total["failures"].append({"test": file, "error": _told(error)})
            continue
        for name, value in list(vars(module).items()):
            if isinstance(value, type) and issubclass(value, unittest.TestCase):
                _run_case(value, f"{file}:{name}", total)
            elif name.startswith("test") and inspect.isfunction(value):
                _run_function(value, f"{file}:{name}", total)
            elif name.startswith("Test") and isinstance(value, type):
                _run_class(value, f"{file}:{name}", total)
    return total


def _load(file: str) -> Any:
    here = globals().get("__file__") or "/artifact/guest"
    root = here.rpartition("/")[0] or "/artifact"
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


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_TEXT]


def _run_case(case: type[unittest.TestCase], label: str, total: dict[str, Any]) -> None:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    bad = [*result.failures, *result.errors]
    total["ran"] += result.testsRun
    total["skipped"] += len(result.skipped)
    total["passed"] += result.testsRun - len(bad) - len(result.skipped)
    for test, text in bad:
        last = text.strip().splitlines()[-1][:_MAX_TEXT]
        total["failures"].append({"test": f"{label}.{test.id().rsplit('.', 1)[-1]}", "error": last})
    if result.unexpectedSuccesses:
        total["failures"].append({"test": label, "error": "an expected failure passed"})


def _run_class(case: type, label: str, total: dict[str, Any]) -> None:
    for name in sorted(vars(case)):
        if name.startswith("test") and callable(vars(case)[name]):
            holder = case()
            for setup in ("setup_method", "setup"):
                if hasattr(holder, setup):
                    getattr(holder, setup)()
                    break
            _run_function(getattr(holder, name), f"{label}.{name}", total)


def _run_function(function: Any, label: str, total: dict[str, Any]) -> None:
    rows = getattr(function, "lignin_rows", [{}])
    needed = [
        name
        for name, spot in inspect.signature(function).parameters.items()
        if spot.default is spot.empty
        and spot.kind in (spot.POSITIONAL_OR_KEYWORD, spot.KEYWORD_ONLY)
    ]
    for row in rows:
        if set(needed) - set(row):
            total["skipped"] += 1
            continue
        try:
            function(**row)
            total["ran"] += 1
            total["passed"] += 1
        except (_SkipError, unittest.SkipTest):
            total["skipped"] += 1
        except BaseException as error:
            total["ran"] += 1
            total["failures"].append({"test": label, "error": _told(error)})


class _SkipError(Exception):
    """Ends a test that asked to be skipped."""


class _Approx:
    """Equal to a number, or to each number of a sequence or mapping, within a tolerance."""

    def __init__(self, expected: Any, rel: float = 1e-6, abs: float = 1e-12) -> None:
        self.expected, self.rel, self.abs = expected, rel, abs

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self._close(other, self.expected)

    def _close(self, got: Any, wanted: Any) -> bool:
        if isinstance(wanted, dict):
            return got.keys() == wanted.keys() and all(
                self._close(got[key], wanted[key]) for key in wanted
            )
        if isinstance(wanted, list | tuple):
            return len(got) == len(wanted) and all(map(self._close, got, wanted))
        return math.isclose(got, wanted, rel_tol=self.rel or 1e-6, abs_tol=self.abs or 1e-12)


@contextmanager
def _raises(expected: Any, match: str | None = None) -> Any:
    caught = types.SimpleNamespace(value=None, type=None)
    try:
        yield caught
    except expected as error:
        caught.value, caught.type = error, type(error)
        if match is not None and not re.search(match, str(error)):
            raise AssertionError(f"{match!r} does not match {error}") from error
        return
    raise AssertionError(f"{expected} was not raised")


def _parametrize(names: Any, rows: Any, **_: Any) -> Any:
    columns = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)

    def decorate(function: Any) -> Any:
        made = [dict(zip(columns, row if len(columns) > 1 else [row], strict=True)) for row in rows]
        earlier = getattr(function, "lignin_rows", [{}])
        function.lignin_rows = [{**old, **new} for old in earlier for new in made]
        return function

    return decorate


def _skip(reason: str = "", **_: Any) -> None:
    raise _SkipError(reason)


def _pytest() -> types.ModuleType:
    module = types.ModuleType("pytest")
    named: dict[str, Any] = {
        "raises": _raises,
        "approx": _Approx,
        "skip": _skip,
        "mark": types.SimpleNamespace(parametrize=_parametrize),
        "main": lambda *_: 0,
    }
    vars(module).update(named)
    return module
