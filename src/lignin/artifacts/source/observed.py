"""Turns observed runs into examples of a function, only where both sides are certain.

The statements around the call are followed (`lignin.artifacts.source.follow`), never executed; the
whole printed output must then be the result, in a form that cannot be mistaken for another.
"""

import ast
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lignin.artifacts.schemas import schema_faults
from lignin.artifacts.source.follow import Follower, Known, UncertainError, Written
from lignin.artifacts.source.python import guard_body, parse_python
from lignin.artifacts.source.schema import Signature
from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.domain.traces import CommandRun

_ERROR_LINE = re.compile(r"(?:[\w.]+\.)?([A-Za-z_]\w*)(?::.*)?\Z")


def program_examples(
    tree: ast.Module, function: str, stem: str, signature: Signature, runs: Sequence[CommandRun]
) -> tuple[Example, ...]:
    """Return the certain examples of `function`, which stands in a module named `stem`."""
    found: list[Example] = []
    for run in runs:
        try:
            found += _from_run(tree, function, stem, signature, run)
        except (UncertainError, InvalidRequestError, RecursionError):
            continue
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            continue  # the reading itself failed, as the run would have
    return tuple({example.digest: example for example in found}.values())


def _from_run(
    tree: ast.Module, function: str, stem: str, signature: Signature, run: CommandRun
) -> list[Example]:
    reader = Follower(function, stem, signature.parameters, run)
    if run.command == "inline":
        inline = parse_python(run.inline)
        reader.follow([] if isinstance(inline, str) else inline.body)
    else:
        reader.names[function] = Known("function")
        reader.follow([node for node in tree.body if _sets_the_scene(node)])
        reader.follow(guard_body(tree))
    error = _error(run.stdout, signature.interface.errors)
    if error and len(reader.printed) == 1:
        arguments = _valid_arguments(reader.printed[0].called.arguments, signature)
        return [Example(arguments=arguments, error=error, origin="transcript")]
    if run.exit_code not in {0, None}:
        raise UncertainError("it failed")
    return [
        Example(
            arguments=_valid_arguments(written.called.arguments, signature),
            result=_result(text, written, signature),
            origin="transcript",
        )
        for written, text in _matched(reader.printed, run.stdout)
    ]


def _sets_the_scene(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.FunctionDef) and node.name == "main"
    )


def _error(stdout: str, errors: Sequence[str]) -> str | None:
    lines = stdout.strip().splitlines()
    if len(lines) < 2 or lines[0] != "Traceback (most recent call last):":
        return None
    match = _ERROR_LINE.match(lines[-1])
    return match[1] if match and match[1] in errors else None


def _matched(printed: Sequence[Written], stdout: str) -> list[tuple[Written, str]]:
    text = stdout[:-1] if stdout.endswith("\n") else stdout
    if len(printed) == 1:
        return [(printed[0], text)]
    lines = text.split("\n")
    if len(lines) != len(printed):
        raise UncertainError("the printed lines are not one for each result")
    return list(zip(printed, lines, strict=True))


def _result(text: str, written: Written, signature: Signature) -> Json:
    output = signature.interface.output
    if written.form == "json":
        value = parse_json(text)
    elif written.form == "plain" and output.get("type") == "string":
        if not text or text != text.strip() or "\n" in text:
            raise UncertainError("space at the edges of an output is not kept by every client")
        value = text
    elif written.form == "plain" and _admits_text(output):
        raise UncertainError("a printed text and a printed value look the same")
    else:
        value = _as_json(_literal(text))
    if schema_faults(output, value):
        raise UncertainError("the printed value is not what the function says it returns")
    return value


def _admits_text(schema: Mapping[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(_admits_text(inner) for inner in schema["anyOf"])
    if "enum" in schema:
        return any(isinstance(value, str) for value in schema["enum"])
    return schema.get("type") in {None, "string"}


def _literal(text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (SyntaxError, MemoryError) as error:
        raise UncertainError("the output is no Python value") from error


def _as_json(value: Any) -> Json:
    """Return a value as JSON would carry it, if it can."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise UncertainError(f"{type(value).__name__} is no JSON type")


def _valid_arguments(arguments: Mapping[str, Json], signature: Signature) -> dict[str, Json]:
    plain = _as_json(dict(arguments))
    canonical_bytes(plain)
    if schema_faults(signature.interface.input, plain):
        raise UncertainError("the arguments do not fit the interface")
    return dict(plain)
