"""The parts that a routine's script is put together of: its functions and its imports. Pure.

Only those functions stand in a script that it uses.
"""

import re

RUN = '''DONE: list[str] = []
DRY: list[str] = []


def begin(dry_run: bool, *programs: str) -> None:
    """End where a program is not here; in a dry run all is only said, and nothing is run."""
    if missing := [each for each in programs if shutil.which(each) is None]:
        stop(127, f"there is no {', no '.join(missing)} here")
    if dry_run:
        DRY.append("<what it says>")


def run(*argv: str) -> str:
    """Run a command, print what it says and return it; where it fails, end with its exit code."""
    if DRY:
        print(f"would run: {join(argv)}")
        return DRY[0]
    try:
        ended = subprocess.run(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            errors="replace",
        )
    except OSError as error:
        stop(127, f"{argv[0]}: {error.strerror}")
    print(ended.stdout, end="", flush=True)
    if ended.returncode:
        stop(ended.returncode, f"{join(argv)} failed")
    DONE.append(join(argv))
    return ended.stdout


def stop(code: int, why: str) -> NoReturn:
    """End with an exit code, saying why and what was done before."""
    print(f"{why}; done before: {'; '.join(DONE) or 'nothing'}", file=sys.stderr)
    sys.exit(code)
'''
WORD = '''
def word(text: str) -> str:
    """Refuse what a program would take for an option."""
    if text.startswith("-") and text != "-":
        stop(2, f"{text!r} would be read as an option")
    return text
'''
SIGNED = '''
def signed(text: str) -> str:
    """Refuse what a program would take for an option, unless it is a negative number."""
    return text if re.fullmatch(r"-[0-9]+", text) else word(text)
'''
LIKE = '''
def like(pattern: str) -> Callable[[str], str]:
    """Refuse what has another form, since a program might run it as code."""

    def checked(text: str) -> str:
        if text not in DRY and not re.fullmatch(pattern, text):
            stop(2, f"{text!r} is not of the form {pattern}")
        return text

    return checked
'''
ONE_LINE = '''
def one_line(text: str) -> str:
    """Return the line that a command said; end where it said nothing, or more."""
    line = text.strip()
    if not line or "\\n" in line:
        stop(1, f"one line was to be said, not {text!r}")
    return line
'''
FOUND_AT = '''
def found_at(text: str, *places: str | int) -> str:
    """Return what lies at a place of the JSON that a command said; end where nothing does."""
    if DRY:
        return DRY[0]
    try:
        value = json.loads(text)
        for place in places:
            value = value[place]
    except (ValueError, LookupError, TypeError):
        stop(1, f"nothing lies at {places} of what was said")
    return value if isinstance(value, str) else json.dumps(value)
'''
_CHECKS = {"word": WORD, "signed": SIGNED, "like": LIKE, "one_line": ONE_LINE, "found_at": FOUND_AT}


def _uses(body: str, function: str) -> bool:
    """True where a function is called, or is the type of an argument."""
    if function == "word" and _uses(body, "signed"):
        return True
    return re.search(rf"(?<![\w.\"']){function}\(|type={function},", body) is not None


def functions_for(body: str) -> str:
    """Return the functions that a script's `main` uses, `run` first."""
    return "\n".join([RUN, *(text for name, text in _CHECKS.items() if _uses(body, name))])


def imports_for(body: str) -> list[str]:
    """Return the imports that the functions and `main` need."""
    plain = ["import argparse"]
    plain += ["import json"] if _uses(body, "found_at") else []
    plain += ["import re"] if _uses(body, "like") or _uses(body, "signed") else []
    plain += ["import shutil", "import subprocess", "import sys"]
    named = ["from collections.abc import Callable"] if _uses(body, "like") else []
    named += ["from shlex import join, quote" if _uses(body, "quote") else "from shlex import join"]
    return [*plain, *named, "from typing import NoReturn"]
