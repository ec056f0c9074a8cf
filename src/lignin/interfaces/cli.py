"""The command line, generated from the operations table.

`lignin --help` reads file names and docstrings and imports no operation. Output is JSON when piped
or with `--json`; errors are one envelope on stderr; exit codes are those of `interfaces.errors`.
"""

import ast
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import click

from lignin.domain.errors import InvalidRequestError, LigninError
from lignin.interfaces.errors import (
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    envelope_of,
    exit_code_of,
    explain_fault,
)
from lignin.interfaces.streams import ensure_streams, printable, say
from lignin.operations import NOT_NOUNS

SHORTCUTS = ("demo", "up")
MAX_STDIN_BYTES = 64 * 2**20


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; no exception leaves."""
    ensure_streams()
    try:
        code = root.main(args=arguments, prog_name="lignin", standalone_mode=False)
        return int(code or 0)
    except click.exceptions.Exit as stop:
        return int(stop.exit_code)
    except click.Abort as stop:
        if isinstance(stop.__cause__, KeyboardInterrupt):
            return _interrupted()
        return _fail(InvalidRequestError("stopped", hint="nothing was changed"))
    except click.UsageError as error:
        place = error.ctx.command_path if error.ctx else "lignin"
        return _fail(InvalidRequestError(error.format_message(), hint=f"see `{place} --help`"))
    except LigninError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        return _fail(explain_fault(error))


def _interrupted() -> int:
    hint = "what was acknowledged is kept; repeat the command to finish"
    _tell({"error": "interrupted", "code": "interrupted", "remediation": hint})
    return EXIT_INTERRUPTED


def _fail(error: LigninError) -> int:
    if os.environ.get("LIGNIN_DEBUG") == "1":
        traceback.print_exc()
    _tell(envelope_of(error))
    return exit_code_of(error) or EXIT_FAULT


def _tell(envelope: Mapping[str, Any]) -> None:
    if not sys.stderr.isatty():
        say(json.dumps(envelope, ensure_ascii=False), err=True)
        return
    say(printable(f"error: {envelope['error']}"), err=True)
    if envelope["remediation"]:
        say(printable(f"  {envelope['remediation']}"), err=True)


class _Root(click.Group):
    """The nouns, found by file name; imported only when one is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_noun_files(), *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _noun_files():
            return _noun_command(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        files = _noun_files()
        own = {name: command.get_short_help_str(90) for name, command in self.commands.items()}
        nouns = [(n, _first_line(path)) for n, path in sorted(files.items()) if n not in SHORTCUTS]
        quick = [(name, _first_line(files[name])) for name in SHORTCUTS if name in files]
        with formatter.section("Shortcuts"):
            formatter.write_dl(quick + sorted(own.items()))
        with formatter.section("Nouns (lignin NOUN --help lists the verbs)"):
            formatter.write_dl(nouns)


def _noun_files() -> dict[str, Path]:
    spec = importlib.util.find_spec("lignin")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "operations"
    return {path.stem: path for path in folder.glob("*.py") if path.stem not in NOT_NOUNS}


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_bytes())) or "").partition("\n")[0]


def _noun_command(noun: str) -> click.Command:
    from lignin.operations.registry import load_noun

    operations = load_noun(noun)
    if noun in SHORTCUTS:
        return _command(noun, operations[noun])
    group = click.Group(noun, help=_first_line(_noun_files()[noun]))
    for name, operation in operations.items():
        group.add_command(_command(name.partition(".")[2], operation))
    return group


def _command(name: str, operation: Any) -> click.Command:
    fields = operation.request.model_fields
    params: list[click.Parameter] = [_parameter(field, info) for field, info in fields.items()]
    params += _common_options(operation)
    schema_note = f"\n\nEffect: {operation.effect}{', idempotent' if operation.idempotent else ''}."

    def call(**given: Any) -> int:
        try:
            return _invoke(operation, given)
        except OSError as error:  # click would take a broken pipe of any kind for a closed stdout
            raise explain_fault(error) from error

    return click.Command(
        name,
        params=params,
        callback=call,
        help=operation.description + schema_note,
        short_help=operation.summary,
    )


def _parameter(name: str, info: Any) -> click.Parameter:
    extra = info.json_schema_extra or {}
    kind, multiple = _click_type(info.annotation)
    if extra.get("positional"):
        nargs = -1 if multiple else 1
        return click.Argument([name], type=kind, nargs=nargs, required=info.is_required())
    flag = "--" + name.replace("_", "-")
    described = info.description or ""
    if kind is click.BOOL:
        spelled = f"{flag}/--no-{flag[2:]}" if info.default else flag
        return click.Option([spelled], is_flag=True, default=None, help=described)
    return click.Option(
        [flag], type=kind, multiple=multiple, default=None, help=described + _default_note(info)
    )


def _default_note(info: Any) -> str:
    if info.is_required() or info.default in (None, "", False) or info.default_factory:
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
    return simple.get(annotation, _JSON), False


class _JsonType(click.ParamType[Any]):
    """JSON given as text, `-` (stdin) or `@file`."""

    name = "json"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002
        if not isinstance(value, str):
            return value
        from lignin.domain.codec import parse_json

        if value == "-":
            return parse_json(_read_stdin())
        if value.startswith("@"):
            try:
                return parse_json(Path(value[1:]).read_bytes())
            except OSError as error:
                message = f"cannot read {value[1:]}: {error.strerror}"
                raise InvalidRequestError(message) from error
        return parse_json(value)


_JSON = _JsonType()


def _common_options(operation: Any) -> list[click.Parameter]:
    options = [
        click.Option(["--json", "as_json"], is_flag=True, help="JSON even on a terminal"),
        click.Option(["--compact"], is_flag=True, help="JSON on one line"),
        click.Option(["--fields"], help="only these fields of the answer, comma-separated"),
        click.Option(["--quiet"], is_flag=True, help="no progress"),
        click.Option(["--no-input"], is_flag=True, help="never ask"),
        click.Option(["--space", "space_"], help="the space to work in"),
        click.Option(
            ["--stdin", "from_stdin"], is_flag=True, help="read the request as JSON from stdin"
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
    flags = ("as_json", "compact", "fields", "quiet", "no_input", "space_", "from_stdin")
    common = {name: given.pop(name, None) for name in (*flags, "dry_run", "yes")}
    request = _request(operation, given, bool(common["from_stdin"]))
    _confirm(operation, common)
    from lignin.app import load_settings, open_context

    settings = load_settings(os.environ, _cwd(), space=common["space_"])
    progress = None if common["quiet"] else _Progress(sys.stderr.isatty())
    dry_run = bool(common["dry_run"])
    with open_context(settings, dry_run=dry_run, progress=progress) as context:
        response = operation.run(context, request)
    if progress is not None:
        progress.end()
    _print(response, common, dry_run)
    return int(response.exit_code())


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise InvalidRequestError("the folder you stand in is gone", hint="cd elsewhere") from error


def _request(operation: Any, given: Mapping[str, Any], from_stdin: bool) -> Any:
    from pydantic import ValidationError

    from lignin.domain.codec import parse_json

    values: dict[str, Any] = {}
    if from_stdin:
        read = parse_json(_read_stdin())
        if not isinstance(read, dict):
            raise InvalidRequestError("the request on stdin is no JSON object")
        values.update(read)
    for name, value in given.items():
        if value is not None and value != ():
            values[name] = list(value) if isinstance(value, tuple) else value
    try:
        return operation.request.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'request'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise InvalidRequestError(
            f"the request does not fit {operation.name}: {faults}",
            hint=f"`lignin schema {operation.name}` shows what it takes",
        ) from error


def _read_stdin() -> bytes:
    data = sys.stdin.buffer.read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise InvalidRequestError(f"more than {MAX_STDIN_BYTES} bytes on stdin")
    return data


def _confirm(operation: Any, common: Mapping[str, Any]) -> None:
    if operation.effect != "govern" or common["yes"] or common["dry_run"]:
        return
    if common["no_input"] or not sys.stdin.isatty():
        raise InvalidRequestError(
            f"{operation.name} changes what others are served",
            hint="repeat with --yes, or see what it would do with --dry-run",
        )
    click.confirm(f"{operation.summary} Go on?", abort=True, err=True)


class _Progress:
    """One changing line for a person, NDJSON otherwise; both on stderr."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._open = False

    def __call__(self, what: str, done: int, total: int | None = None) -> None:
        if not self._terminal:
            line = {"progress": what, "done": done, "total": total}
            say(json.dumps(line), err=True)
            return
        count = f" {done}/{total}" if total else (f" {done}" if done else "")
        say(f"\r\x1b[K{printable(what)}{count}"[:200], err=True, end="")
        self._open = True

    def end(self) -> None:
        """Clear the line."""
        if self._open:
            say("\r\x1b[K", err=True, end="")
            self._open = False


def _print(response: Any, common: Mapping[str, Any], dry_run: bool) -> None:
    value = response.model_dump(mode="json")
    if dry_run:
        value = {"dry_run": True, **value}
    if common["fields"]:
        value = _picked(value, common["fields"].split(","))
    if common["as_json"] or common["compact"] or not sys.stdout.isatty():
        indent = None if common["compact"] else 2
        say(json.dumps(value, indent=indent, ensure_ascii=False))
        return
    from lignin.interfaces.text import render

    text = None if common["fields"] else response.to_text()
    say(printable(("dry run: nothing was changed\n" if dry_run else "") + (text or render(value))))


def _picked(value: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Only the named fields, of the answer or of the items of its lists."""
    picked: dict[str, Any] = {}
    for name, item in value.items():
        if name in names:
            picked[name] = item
        elif isinstance(item, list) and any(
            isinstance(e, dict) and set(e) & set(names) for e in item
        ):
            picked[name] = [{k: v for k, v in e.items() if k in names} for e in item]
    if not picked:
        raise InvalidRequestError(
            f"the answer has no field {', '.join(names)}", hint=f"it has {', '.join(value)}"
        )
    return picked


root = _Root(
    "lignin",
    help="Turns the code that agents write while they work into proven, shared, reversible "
    "infrastructure. Every command takes --help, --json, --fields, --space.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@root.command("version", short_help="Print the version.")
def _version() -> None:
    """Print the version."""
    from lignin import __version__

    click.echo(__version__)


@root.command("schema", short_help="Print what an operation takes and answers, as JSON Schema.")
@click.argument("name", required=False)
def _schema(name: str | None) -> None:
    """Print what an operation takes and answers, as JSON Schema; without a name, list them all."""
    from lignin.domain.errors import NotFoundError
    from lignin.operations.registry import load_operations

    operations = load_operations()
    if name is None:
        listed = [
            {"name": o.name, "effect": o.effect, "idempotent": o.idempotent, "summary": o.summary}
            for o in operations.values()
        ]
        click.echo(json.dumps({"operations": listed}, indent=2))
        return
    if name not in operations:
        raise NotFoundError(f"no operation {name!r}", hint="`lignin schema` lists them")
    found = operations[name]
    schemas = {
        "name": name,
        "effect": found.effect,
        "request": found.request.model_json_schema(),
        "response": found.response.model_json_schema(),
    }
    click.echo(json.dumps(schemas, indent=2))


@root.command("completion", short_help="Print shell completion for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def _completion(shell: str) -> None:
    """Print shell completion; for bash: eval "$(lignin completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root, {}, "lignin", "_LIGNIN_COMPLETE").source())
