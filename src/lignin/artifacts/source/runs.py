"""Turns observed runs of a script into examples, only where the output is surely its own."""

import posixpath
import re

from lignin.domain.artifacts import require_safe_path
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.domain.traces import CommandRun, Snippet

# Clients show both streams as one, so code that may write to the second proves nothing about the first.
_SECOND_STREAM = re.compile(
    r"stderr|>&2|/dev/fd/2|\bset -\w*x|\blogging\b|\bwarnings\b|\bargparse\b"
)
_PARSER = re.compile(r"\bargparse\b")
_EXIT_TEXT = re.compile(
    r"sys\.exit\(\s*(?!\d|\)|main|-\d|int\(|code|status)|SystemExit\(\s*(?!\d|\)|main)"
)


def script_examples(snippet: Snippet) -> tuple[Example, ...]:
    """Return the certain examples among a script's observed runs."""
    made = [_example(run, snippet) for run in snippet.runs if run.command == "file"]
    return tuple(example for example in made if example is not None)


def _example(run: CommandRun, snippet: Snippet) -> Example | None:
    if run.exit_code is None or "Traceback (most recent call last)" in run.stdout:
        return None
    if not _surely_output(run.exit_code, snippet.text):
        return None
    placed = _placed(run)
    if placed is None:
        return None
    argv, files = placed
    return Example(
        argv=argv,
        stdin=run.stdin,
        files=files,
        result={"stdout": run.stdout, "exit_code": run.exit_code},
        origin="transcript",
    )


def _surely_output(exit_code: int, text: str) -> bool:
    if exit_code == 0:
        return _SECOND_STREAM.search(_PARSER.sub("", text)) is None
    return _SECOND_STREAM.search(text) is None and _EXIT_TEXT.search(text) is None


def _placed(run: CommandRun) -> tuple[tuple[str, ...], dict[str, str]] | None:
    """Return words and files as they stand in a work folder; None where they cannot."""
    argv = list(run.argv)
    files: dict[str, str] = {}
    for name, text in run.files.items():
        place = posixpath.basename(name) if name.startswith("/") else posixpath.normpath(name)
        if name.startswith("/"):
            if name in run.stdout:
                return None
            argv = [place if word == name else word for word in argv]
        try:
            require_safe_path(place)
        except InvalidRequestError:
            return None
        if files.setdefault(place, text) != text:
            return None
    return tuple(argv), files
