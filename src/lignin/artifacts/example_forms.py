"""Whether the examples of a hand-over have the form that their kind of artifact is used in. Pure.

A function's example has `arguments`, a script's has `argv`, `stdin`, `files` and `answers`. One in the other form
would not be wrong but empty: a script run without its words, whose answer nothing is compared with.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lignin.domain.artifacts import Manifest
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example

_COMMAND_PARTS = ("argv", "stdin", "files", "answers")
_FUNCTION_FORM = '{"arguments": {"NAME": VALUE}, "result": VALUE}, or "error" for "result"'
_FLOW_FORM = (
    f'{_FUNCTION_FORM}, and "given" for what it finds: '
    '{"signals": {"TOPIC": [VALUE]}, "state": {"NAME": VALUE}, "agents": [VALUE]}'
)
_SCRIPT_FORM = (
    '{"argv": ["WORD"], "stdin": "TEXT", "files": {"NAME": "TEXT"}, '
    '"result": {"stdout": "TEXT", "exit_code": 0}}, parts that are empty left out'
)
WHY_SCRIPT = "; `--kind program` says what keeps it from being a function"


def require_form(manifest: Manifest, examples: Sequence[Example]) -> None:
    """Raise unless every example fits an artifact; kinds other than the two take any.

    A function's arguments must be those of its interface by name; their values may be wrong on
    purpose, where the example says which error that is.

    Raises:
        InvalidRequestError: Which example does not, and what the right form is.
    """
    kind = manifest.kind
    faults: Mapping[str, Callable[[Example], str]] = {
        "program": partial(_function_fault, manifest.interface.input),
        "workflow": partial(_function_fault, manifest.interface.input),
        "script": partial(_script_fault, manifest.runtime),
    }
    forms = {"program": _FUNCTION_FORM, "workflow": _FLOW_FORM, "script": _SCRIPT_FORM}
    for number, example in enumerate(examples if kind in faults else (), start=1):
        fault = faults[kind](example)
        if fault:
            why = WHY_SCRIPT if kind == "script" and example.arguments is not None else ""
            raise InvalidRequestError(
                f"example {number} {fault}", hint=f"an example of a {kind} is {forms[kind]}{why}"
            )


def _function_fault(schema: Mapping[str, Any], example: Example) -> str:
    given = [part for part in _COMMAND_PARTS if getattr(example, part)]
    if given:
        return f"has {given[0]!r}, which is for scripts, and this is a program (a function)"
    if example.arguments is None:
        return "has no 'arguments', and this is a program (a function)"
    taken = list(schema.get("properties", {}))
    takes = f"the function takes {', '.join(map(repr, taken)) or 'nothing'}"
    unknown = [name for name in example.arguments if name not in taken]
    if unknown and schema.get("additionalProperties") is False:
        return f"has the argument {unknown[0]!r}; {takes}"
    missing = [name for name in schema.get("required", ()) if name not in example.arguments]
    return f"lacks the argument {missing[0]!r}; {takes}" if missing else ""


def _script_fault(runtime: str, example: Example) -> str:
    if example.answers and runtime != "python":
        return "has 'answers', and only what a Python script starts can be answered for"
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
