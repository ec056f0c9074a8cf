"""When two answers are the same, and whether an answer fits its schema. Pure.

Floats agree within a relative 1e-9 (absolute 1e-12, for zero); everything else agrees exactly.
An integer and a float of the same value agree, since canonical JSON writes them alike, unless the
schema says `integer`. Standard output agrees up to one newline at its end.
"""

import math
from collections.abc import Mapping
from typing import Any

from jsonschema.exceptions import ValidationError

from lignin.artifacts.check import shown
from lignin.artifacts.schemas import require_safe_schema, schema_faults
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.ports.sandbox import Observed

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12


def values_agree(left: Json, right: Json) -> bool:
    """True where two JSON values are the same answer."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        if isinstance(left, int) and isinstance(right, int):
            return left == right
        return math.isclose(left, right, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(values_agree, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(
            values_agree(value, right[key]) for key, value in left.items()
        )
    return type(left) is type(right) and bool(left == right)


def outcome_of(observed: Observed, *, is_call: bool) -> Json:
    """Return what a run answered, as a JSON value to compare or to show."""
    if observed.status != "exited":
        return {"status": observed.status}
    if not is_call:
        stdout = observed.stdout.decode(errors="replace")
        return {"exit_code": observed.exit_code, "stdout": stdout.removesuffix("\n")}
    if observed.error is not None:
        return {"error": plain_error(observed.error)}
    if not observed.returned:
        return {"status": f"ended without an answer (exit code {observed.exit_code})"}
    return {"result": observed.result}


def told(observed: Observed, *, is_call: bool) -> str:
    """Write what a run answered in words, bounded."""
    if observed.status == "timeout":
        return f"no answer within {observed.wall_s:.1f} s"
    if observed.status != "exited":
        return f"ended by the sandbox ({observed.status})"
    if is_call and observed.error is not None:
        return shown(f"{plain_error(observed.error)}: {observed.message}")
    if is_call:
        outcome = outcome_of(observed, is_call=True)
        return shown(outcome.get("result", outcome.get("status")))
    tail = shown(observed.stderr[-200:]) if observed.exit_code else ""
    return shown(outcome_of(observed, is_call=False)) + (f" stderr: {tail}" if tail else "")


def plain_error(name: str) -> str:
    """Return an exception's class name without its module."""
    return name.rsplit(".", 1)[-1]


def expected_outcome(example: Example, *, is_call: bool) -> Json:
    """Return the recorded answer in the form of `outcome_of`."""
    if is_call:
        if example.error is not None:
            return {"error": plain_error(example.error)}
        return {"result": example.result}
    recorded = example.result if isinstance(example.result, Mapping) else {}
    outcome: dict[str, Json] = {"stdout": str(recorded.get("stdout", "")).removesuffix("\n")}
    if recorded.get("exit_code") is not None:
        outcome["exit_code"] = recorded["exit_code"]
    return outcome


def answers_agree(example: Example, observed: Observed, *, is_call: bool) -> bool:
    """True where a run answered as recorded. What the record leaves out is not compared."""
    expected, got = (
        expected_outcome(example, is_call=is_call),
        outcome_of(observed, is_call=is_call),
    )
    if not is_call and "exit_code" not in expected:
        got = {key: value for key, value in got.items() if key != "exit_code"}
    return values_agree(expected, got)


def runs_agree(left: Observed, right: Observed, *, is_call: bool) -> bool:
    """True where two runs gave the same answer, and for a call printed the same."""
    same = values_agree(outcome_of(left, is_call=is_call), outcome_of(right, is_call=is_call))
    return same and (left.status != "exited" or left.stdout == right.stdout)


def schema_fault(schema: Mapping[str, Any], value: Json) -> ValidationError | None:
    """Return why a value does not fit a schema (1.0 is no integer), None where it fits.

    Raises:
        InvalidRequestError: The schema is not safe to evaluate, or not on this value.
    """
    return next(iter(schema_faults(schema, value, strict_integers=True)), None)


def schema_trouble(schema: Mapping[str, Any]) -> str | None:
    """Return why a schema cannot be used at all, None where it can."""
    try:
        require_safe_schema(schema)
    except InvalidRequestError as error:
        return shown(error.message)
    return None
