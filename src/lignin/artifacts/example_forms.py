"""Whether the examples of a hand-over have the form that their kind of artifact is used in. Pure.

A function's example has `arguments`, a script's has `argv`, `stdin` and `files`. One in the other form
would not be wrong but empty: a script run without its words, whose answer nothing is compared with.
"""

from collections.abc import Mapping, Sequence

from lignin.domain.artifacts import Example
from lignin.domain.errors import InvalidRequestError

_COMMAND_PARTS = ("argv", "stdin", "files")
_FUNCTION_FORM = '{"arguments": {"NAME": VALUE}, "result": VALUE}, or "error" for "result"'
_SCRIPT_FORM = (
    '{"argv": ["WORD"], "stdin": "TEXT", "files": {"NAME": "TEXT"}, '
    '"result": {"stdout": "TEXT", "exit_code": 0}}, parts that are empty left out'
)
WHY_SCRIPT = "; `--kind program` says what keeps it from being a function"


def require_form(kind: str, examples: Sequence[Example]) -> None:
    """Raise unless every example fits a kind of artifact; kinds other than the two take any.

    Raises:
        InvalidRequestError: Which example does not, and what the right form is.
    """
    faults = {"program": _function_fault, "script": _script_fault}
    forms = {"program": _FUNCTION_FORM, "script": _SCRIPT_FORM}
    for number, example in enumerate(examples if kind in faults else (), start=1):
        fault = faults[kind](example)
        if fault:
            why = WHY_SCRIPT if kind == "script" and example.arguments is not None else ""
            raise InvalidRequestError(
                f"example {number} {fault}", hint=f"an example of a {kind} is {forms[kind]}{why}"
            )


def _function_fault(example: Example) -> str:
    given = [part for part in _COMMAND_PARTS if getattr(example, part)]
    if given:
        return f"has {given[0]!r}, which is for scripts, and this is a program (a function)"
    if example.arguments is None:
        return "has no 'arguments', and this is a program (a function)"
    return ""


def _script_fault(example: Example) -> str:
    if example.arguments is not None:
        return "has 'arguments', which are for functions, and this is a script"
    if example.error is not None:
        return "has 'error', and a script answers with its output and exit code"
    result = example.result
    if not isinstance(result, Mapping) or not isinstance(result.get("stdout"), str):
        return "has no 'result' with the 'stdout' of the script"
    if unknown := set(result) - {"stdout", "exit_code"}:
        return f"has a 'result' with {min(unknown)!r}, which is not compared"
    code = result.get("exit_code")
    if code is not None and type(code) is not int:
        return "has an 'exit_code' that is no integer"
    return ""
