"""The tree of commands: the shortcuts, the nouns found by file name, and what is about the tool.

`lignin --help` reads file names and docstrings and imports no operation. Output is JSON when piped
or with `--json`; errors are one envelope on stderr; exit codes are those of `interfaces.errors`.
"""

import difflib
import importlib.util
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lignin.domain.errors import InvalidRequestError, LigninError
from lignin.interfaces.commands import OperationCommand, make_command
from lignin.interfaces.errors import (
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    envelope_of,
    exit_code_of,
    explain_fault,
)
from lignin.interfaces.streams import ensure_streams, printable, say
from lignin.operations import NOT_NOUNS

SHORTCUTS = ("init", "demo", "up", "worker", "mcp", "improve")
LIFE_ORDER = (
    "trace",
    "artifact",
    "skill",
    "head",
    "proposal",
    "session",
    "space",
    "store",
    "sandbox",
)
"""Nouns in the order in which a newcomer meets them; others follow by name."""
START = (
    (
        "lignin demo",
        "the whole path, on simulated sessions",
    ),
    ("lignin demo --mine", "the same on your own Claude Code and Codex sessions"),
    ("lignin init", "set this project up for the agents you use in it; shows it first"),
    ("lignin sandbox doctor", "which sandbox works here, and what to install for a better one"),
    ("lignin artifact capture FILE", "hand over code you wrote and hear whether it holds"),
)


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
    except click.exceptions.NoArgsIsHelpError as asked:  # `lignin artifact` asks what there is
        say(asked.ctx.get_help() if asked.ctx else "")
        return 0
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


_THINGS = ("mode", "case")
"""Verbs that are the name of a thing and show it: `trace mode show ID` is `trace mode ID`."""


class _Nested(click.Group):
    """A group that keeps its commands' order and says what a misspelt one may have meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], known, n=3)
            meant = f"; did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"no command {args[0]!r}{meant}")
        if args[1:2] == ["show"] and args[0] in _THINGS:
            args = [args[0], *args[2:]]
        return super().resolve_command(ctx, args)


class _Shortcut(_Nested, OperationCommand):
    """An operation by its noun alone, with more verbs beside it."""

    def __init__(self, alone: click.Command, verbs: Mapping[str, click.Command]) -> None:
        super().__init__(
            alone.name,
            commands=dict(verbs),
            params=alone.params,
            help=alone.help,
            short_help=alone.short_help,
            invoke_without_command=True,
            subcommand_metavar="[VERB [ARGS]...]",
            callback=self._alone,
        )
        self._operation = alone

    def _alone(self, **given: Any) -> Any:
        ctx = click.get_current_context()
        if ctx.invoked_subcommand is None:
            return ctx.invoke(self._operation, **given)
        if any(ctx.get_parameter_source(name) == _GIVEN for name in given):
            ctx.fail(f"options come behind {ctx.invoked_subcommand!r}")
        return None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        OperationCommand.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


_GIVEN = click.core.ParameterSource.COMMANDLINE


class _Root(_Nested):
    """The nouns, found by file name; imported only when one is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*noun_names(), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _noun_files():
            return _noun_command(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        files = _noun_files()
        own = [(name, command.get_short_help_str(90)) for name, command in self.commands.items()]
        lines = {name: _first_line(files[name]) for name in noun_names()}
        with formatter.section("Start here"):
            formatter.write_dl(START)
        with formatter.section("Shortcuts"):
            formatter.write_dl([(name, lines[name]) for name in SHORTCUTS if name in lines])
        with formatter.section("Nouns (`lignin NOUN` lists its verbs)"):
            formatter.write_dl([(n, line) for n, line in lines.items() if n not in SHORTCUTS])
        with formatter.section("About the command itself"):
            formatter.write_dl(own)


def noun_names() -> list[str]:
    """Shortcuts and nouns, in the order of the help."""
    order = (*SHORTCUTS, *LIFE_ORDER)
    files = _noun_files()
    return [n for n in order if n in files] + sorted(set(files) - set(order))


def _noun_files() -> dict[str, Path]:
    spec = importlib.util.find_spec("lignin")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "operations"
    stems = {path.stem: path for path in folder.glob("*.py") if path.stem not in NOT_NOUNS}
    return {stem: path for stem, path in stems.items() if "_" not in stem}


def _first_line(path: Path) -> str:
    """The first line of the docstring that a module begins with; to parse the whole of it takes far longer."""
    with path.open(encoding="utf-8") as file:
        return file.readline().strip().strip('"')


def _noun_command(noun: str) -> click.Command:
    from lignin.operations.registry import load_noun

    operations = dict(load_noun(noun))
    if noun in SHORTCUTS:
        alone = make_command(noun, operations.pop(noun))
        verbs = {
            name.partition(".")[2]: make_command(name.partition(".")[2], operation)
            for name, operation in operations.items()
        }
        return _Shortcut(alone, verbs) if verbs else alone
    group = _Nested(noun, help=_first_line(_noun_files()[noun]), no_args_is_help=True)
    for name, operation in operations.items():
        group.add_command(make_command(name.partition(".")[2], operation))
    return group


def _print_version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:  # noqa: ARG001
    if asked:
        from lignin import __version__

        say(__version__)
        ctx.exit()


root = _Root(
    "lignin",
    help="Keeps the code that AI agents write while they work: captures it, proves it in a "
    "sandbox, promotes what holds, and serves it to every agent.",
    epilog="Every command takes --help, --json, --fields, --quiet and --space; what changes "
    "something takes --dry-run. LIGNIN_HOME moves the data folder, LIGNIN_STORE names another "
    "store (sqlite or postgresql URL).",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Show the version and exit.",
        )
    ],
)


@root.command("version", short_help="Print the version.")
def _version() -> None:
    """Print the version."""
    from lignin import __version__

    say(__version__)


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
        say(json.dumps({"operations": listed}, indent=2))
        return
    if name not in operations:
        near = difflib.get_close_matches(name.replace(" ", "."), operations, n=3)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise NotFoundError(f"no operation {name!r}", hint=f"{meant}`lignin schema` lists them")
    found = operations[name]
    schemas = {
        "name": name,
        "effect": found.effect,
        "idempotent": found.idempotent,
        "summary": found.summary,
        "request": found.request.model_json_schema(),
        "response": found.response.model_json_schema(),
    }
    say(json.dumps(schemas, indent=2))


@root.command("completion", short_help="Print shell completion for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def _completion(shell: str) -> None:
    """Print shell completion.

    \b
    bash: echo 'eval "$(lignin completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(lignin completion zsh)"' >> ~/.zshrc
    fish: lignin completion fish > ~/.config/fish/completions/lignin.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    say(kind(root, {}, "lignin", "_LIGNIN_COMPLETE").source())


@root.command(
    "hook",
    short_help="What agent clients call; `lignin init` puts it in their settings.",
    context_settings={"ignore_unknown_options": True},  # a usage error would refuse their tool call
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="CLIENT EVENT")
def _hook(words: tuple[str, ...]) -> int:
    """Answer a hook of an agent client: its JSON on stdin, an answer in its form on stdout.

    \b
    CLIENT  claude-code, codex, cursor or gemini-cli
    EVENT   session-start: renew the skills, show lessons that a person approved
            before-tool: show those for this tool
            stop: take the transcript in

    The exit code is always 0: a hook that fails says so on stderr and never stops the client.
    """
    from lignin.interfaces.clienthooks import run_hook

    return run_hook(*(*words, "", "")[:2])
