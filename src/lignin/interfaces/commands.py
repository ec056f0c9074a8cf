"""One command per operation, made from its request model, its effect and its docstring.

Owns parameters, common options and running; the tree of commands is `cli`, printing is `output`.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import click

from lignin.domain.errors import InvalidRequestError, LimitedError, UnavailableError
from lignin.interfaces.errors import explain_fault
from lignin.interfaces.output import (
    Progress,
    is_json,
    print_answer,
    progress_form,
    require_fields,
    tell_line,
)
from lignin.interfaces.streams import printable, say

if TYPE_CHECKING:
    from lignin.operations.context import Serve

MAX_STDIN_BYTES = 64 * 2**20
COMMON = frozenset(
    {"as_json", "as_text", "compact", "fields", "quiet", "no_input", "space_", "from_stdin"}
)
COMMON_SOME = frozenset({"dry_run", "yes"})


class OperationCommand(click.Command):
    """A command whose help tells its own options from those that all commands have."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], "Common options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and not isinstance(param, click.Argument):
                is_common = param.is_eager or param.name in COMMON | COMMON_SOME
                rows["Common options" if is_common else "Options"].append(record)
        for title, written in rows.items():
            if written:
                with formatter.section(title):
                    formatter.write_dl(written)


def make_command(name: str, operation: Any) -> click.Command:
    """The command of an operation, under the verb's name."""
    fields = operation.request.model_fields
    params: list[click.Parameter] = [_parameter(field, info) for field, info in fields.items()]
    params += _common_options(operation)

    def call(**given: Any) -> int:
        try:
            return _invoke(operation, given)
        except OSError as error:  # click would take a broken pipe of any kind for a closed stdout
            raise explain_fault(error) from error

    return OperationCommand(
        name,
        params=params,
        callback=call,
        help=f"{operation.description}\n\n{effect_note(operation)}",
        short_help=operation.summary,
    )


def effect_note(operation: Any) -> str:
    """What an operation does to the world, in a sentence."""
    said = {
        "read": "Reads only.",
        "write": "Writes to the store.",
        "execute": "Runs code in the sandbox, or writes outside the store.",
        "govern": "Decides what others are served: asks first, unless --yes.",
    }[operation.effect]
    return said + (" Doing it again changes nothing more." if _repeats(operation) else "")


def _repeats(operation: Any) -> bool:
    return bool(operation.idempotent) and operation.effect != "read"


def _parameter(name: str, info: Any) -> click.Parameter:
    extra = info.json_schema_extra or {}
    kind, multiple = _click_type(info.annotation)
    described = info.description or ""
    if extra.get("positional"):
        # Not required of click: with --stdin the value may be in the request on stdin.
        shown = name.upper() + ("..." if multiple else "")
        return click.Argument(
            [name],
            type=kind,
            nargs=-1 if multiple else 1,
            required=False,
            help=described,
            metavar=shown if info.is_required() else f"[{shown}]",
        )
    flag = "--" + name.replace("_", "-")
    if kind is click.BOOL:
        spelled = f"{flag}/--no-{flag[2:]}" if info.default else flag
        return click.Option([spelled], is_flag=True, default=None, help=described)
    note = " (required)" if info.is_required() else _default_note(info)
    repeat = "; may be given several times" if multiple else ""
    return click.Option(
        [flag], type=kind, multiple=multiple, default=None, help=described + repeat + note
    )


def _default_note(info: Any) -> str:
    if info.default in (None, "", False) or info.default_factory:
        return ""
    return f" (default: {info.default})"


def _click_type(annotation: Any) -> tuple[Any, bool]:
    """The click type of a field, and whether it may be given several times."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if type(None) in parts:
        inner = [part for part in parts if part is not type(None)]
        return _click_type(inner[0]) if len(inner) == 1 else (click.STRING, False)
    if origin in (list, tuple):
        return _click_type(parts[0])[0], True
    if str(origin) == "typing.Literal":
        return click.Choice([str(part) for part in parts]), False
    simple = {bool: click.BOOL, int: click.INT, float: click.FLOAT, str: click.STRING}
    return {**simple, datetime: _TIME}.get(annotation, _JSON), False


class _JsonType(click.ParamType[Any]):
    """JSON given as text, `-` (stdin) or `@file`."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002
        if not isinstance(value, str):
            return value
        if value == "-":
            return _parsed(read_stdin(), "stdin")
        if value.startswith("@"):
            try:
                return _parsed(_read_file(Path(value[1:])), value[1:])
            except OSError as error:
                message = f"cannot read {value[1:]}: {error.strerror}"
                raise InvalidRequestError(message, hint="@FILE names a file of JSON") from error
        return _parsed(value, _flag(param))


class _TimeType(click.ParamType[datetime]):
    """A time as RFC 3339 writes it."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:  # noqa: ARG002
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise InvalidRequestError(
                f"{_flag(param)}: {value!r:.60} is no time", hint="such as 2026-01-31T12:00:00Z"
            ) from error


_JSON, _TIME = _JsonType(), _TimeType()


def _flag(param: Any) -> str:
    return f"--{param.name.replace('_', '-')}" if param is not None else "the value"


def _read_file(path: Path) -> bytes:
    """A regular file's bytes, at most as many as stdin may bring."""
    if path.exists() and not path.is_file():
        raise InvalidRequestError(f"{path} is no regular file", hint="@FILE names a file of JSON")
    with path.open("rb") as file:
        data = file.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise LimitedError(
            f"{path} has more than {MAX_STDIN_BYTES} bytes", hint="send less at once"
        )
    return data


def _parsed(text: bytes | str, where: str) -> Any:
    from lignin.domain.codec import parse_json

    try:
        return parse_json(text)
    except InvalidRequestError as error:
        raise InvalidRequestError(
            f"{where}: {error.message}", hint="JSON as text, @FILE, or - for stdin"
        ) from error


def _common_options(operation: Any) -> list[click.Parameter]:
    options = [
        click.Option(["--json", "as_json"], is_flag=True, help="JSON even on a terminal"),
        click.Option(["--text", "as_text"], is_flag=True, help="text even where it is piped"),
        click.Option(["--compact"], is_flag=True, help="JSON on one line"),
        click.Option(["--fields"], help="only these fields of the answer, comma-separated"),
        click.Option(["--quiet"], is_flag=True, help="no progress"),
        click.Option(["--no-input"], is_flag=True, help="never ask; refuse where one would"),
        click.Option(["--space", "space_"], help="the space to work in"),
        click.Option(
            ["--stdin", "from_stdin"],
            is_flag=True,
            help="read the request as a JSON object from stdin; options win over it",
        ),
    ]
    if operation.effect != "read":
        options.append(
            click.Option(["--dry-run"], is_flag=True, help="do it on a throw-away copy and tell")
        )
    if operation.effect == "govern":
        options.append(click.Option(["--yes"], is_flag=True, help="do not ask whether I mean it"))
    return list(options)


def _invoke(operation: Any, given: dict[str, Any]) -> int:
    own = set(operation.request.model_fields)  # one may have a --yes of its own
    common = {name: given.pop(name, None) for name in sorted((COMMON | COMMON_SOME) - own)}
    request = _request(operation, given, bool(common["from_stdin"]))
    if common["fields"]:
        require_fields(operation.response, common["fields"])
    _confirm(operation, request, common)
    from lignin.app import load_settings, open_context

    settings = load_settings(os.environ, _cwd(), space=common["space_"])
    form = progress_form(terminal=sys.stderr.isatty(), json_answer=is_json(common))
    progress = None if common["quiet"] else Progress(form)
    dry_run = bool(common["dry_run"])
    try:
        create = not operation.needs_store
        with open_context(settings, dry_run=dry_run, create=create, progress=progress) as context:
            context.listen = _listen
            context.tell = tell_line(common)
            context.serve_http, context.serve_mcp = _faces(settings)
            response = operation.run(context, request)
    finally:
        if progress is not None:
            progress.end()
    if not response.is_streamed():
        print_answer(response, common, dry_run)
    if not is_json(common):
        for warning in response.warnings():
            say(f"lignin: {printable(warning)}", err=True)
    return int(response.exit_code())


def _listen(context: Any, address: str) -> AbstractContextManager[str]:
    try:
        from lignin.interfaces.otlp import listen
    except ImportError as error:
        raise UnavailableError(
            f"the server is not installed: {error}", hint="pip install 'lignin[otlp]'"
        ) from error
    return listen(context, address)


def _faces(settings: Any) -> "tuple[Serve, Serve]":
    """What serves over HTTP and MCP; both open throw-away copies of the store for dry runs."""
    from lignin.app import open_context

    def open_copy() -> AbstractContextManager[Any]:
        return open_context(settings, dry_run=True)

    def serve_http(context: Any, serving: Any) -> AbstractContextManager[str]:
        try:
            from lignin.interfaces.http.serve import serve
        except ImportError as error:
            raise UnavailableError(
                f"the server is not installed: {error}", hint="pip install 'lignin[http]'"
            ) from error
        return serve(context, serving, open_copy)

    def serve_mcp(context: Any, serving: Any) -> AbstractContextManager[str]:
        try:
            from lignin.interfaces.mcp.stdio import serve
        except ImportError as error:
            raise UnavailableError(
                f"MCP is not installed: {error}", hint="pip install 'lignin[mcp]'"
            ) from error
        return serve(context, serving, open_copy)

    return serve_http, serve_mcp


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise InvalidRequestError("the folder you stand in is gone", hint="cd elsewhere") from error


def _request(operation: Any, given: Mapping[str, Any], from_stdin: bool) -> Any:
    from pydantic import ValidationError

    values: dict[str, Any] = {}
    if from_stdin:
        read = _parsed(read_stdin(), "stdin")
        if not isinstance(read, dict):
            raise InvalidRequestError(
                "the request on stdin is no JSON object",
                hint=f"`lignin schema {operation.name}` shows what it takes",
            )
        _require_known_keys(operation, read)
        values.update(read)
    for name, value in given.items():
        if value is not None and value != ():
            values[name] = list(value) if isinstance(value, tuple) else value
    _require_given(operation, values)
    try:
        return operation.request.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            ": ".join(filter(None, (".".join(map(str, fault["loc"])), _plain(fault["msg"]))))
            for fault in error.errors()
        )
        raise InvalidRequestError(
            f"the request does not fit {operation.name}: {faults}",
            hint=f"`lignin schema {operation.name}` shows what it takes",
        ) from error


def _require_known_keys(operation: Any, read: Mapping[str, Any]) -> None:
    known = list(operation.request.model_fields)
    odd = [key for key in read if key not in known]
    if odd:
        raise InvalidRequestError(
            f"{operation.name} takes no {', '.join(map(repr, odd[:10]))}",
            hint=f"it takes {', '.join(known) or 'nothing'}; `lignin schema {operation.name}` "
            "shows more",
        )


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def _require_given(operation: Any, values: Mapping[str, Any]) -> None:
    missing = []
    for name, info in operation.request.model_fields.items():
        if info.is_required() and name not in values:
            positional = (info.json_schema_extra or {}).get("positional")
            missing.append(name.upper() if positional else "--" + name.replace("_", "-"))
    if missing:
        command = operation.name.replace(".", " ")
        raise InvalidRequestError(
            f"missing: {', '.join(missing)}", hint=f"see `lignin {command} --help`"
        )


def read_stdin() -> bytes:
    """All of stdin.

    Raises:
        InvalidRequestError: It is longer than `MAX_STDIN_BYTES`.
    """
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise InvalidRequestError(
            f"more than {MAX_STDIN_BYTES} bytes on stdin", hint="split it up, or name a file"
        )
    return data


def _confirm(operation: Any, request: Any, common: Mapping[str, Any]) -> None:
    if operation.effect != "govern" or common.get("yes") or common["dry_run"]:
        return
    command = operation.name.replace(".", " ")
    if common["no_input"] or common["from_stdin"] or not sys.stdin.isatty():
        raise InvalidRequestError(
            f"`{command}` decides what others are served, and nobody can be asked",
            hint="repeat with --yes, or see what it would do with --dry-run",
        )
    named = [
        str(getattr(request, name))
        for name, info in operation.request.model_fields.items()
        if (info.json_schema_extra or {}).get("positional")
    ]
    say(operation.summary, err=True)
    click.confirm(f"{' '.join([command, *named])}: go on?", abort=True, err=True)
