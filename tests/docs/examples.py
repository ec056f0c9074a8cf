"""Finds the fenced examples of a document and compares a command's output with what is written.

Owns the convention described in `docs/how-to/write-documentation.md`.
"""

import re
from dataclasses import dataclass

LANGUAGES = frozenset({"python", "console"})
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One fenced block; `mark` is what follows its language."""

    line: int
    language: str
    mark: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a console block, with the output and exit status it must have."""

    command: str
    output: str
    status: int


def find_examples(document: str) -> list[Example]:
    """Every fenced block in one of `LANGUAGES`, in order.

    Raises:
        ValueError: A fence is never closed.
    """
    found, start, fence, info, body = [], 0, "", "", list[str]()
    for number, line in enumerate(document.splitlines(), 1):
        match = _FENCE.match(line)
        if not fence:
            if match:
                start, fence, info, body = number, match.group(1), match.group(2), []
        elif match and match.group(1).startswith(fence) and not match.group(2):
            language, _, mark = info.partition(" ")
            if language in LANGUAGES:
                text = "\n".join(body) + "\n"
                found.append(Example(line=start, language=language, mark=mark.strip(), text=text))
            fence = ""
        else:
            body.append(line)
    if fence:
        raise ValueError(f"the fence of line {start} is never closed")
    return found


def is_marked(example: Example) -> bool:
    """True where a block says whether it runs, with a reason where it does not."""
    return example.mark == "run" or re.match(r"shown: \S", example.mark) is not None


def find_steps(text: str) -> list[Step]:
    """The commands of a console block.

    Raises:
        ValueError: The block does not begin with a command.
    """
    if not text.startswith("$ "):
        raise ValueError("a console block begins with a line that starts with '$ '")
    steps = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        status = re.search(r"^\[exit (\d+)\]\n\Z", output, re.MULTILINE)
        if status:
            output = output[: status.start()]
        steps.append(
            Step(command=command, output=output, status=int(status.group(1)) if status else 0)
        )
    return steps


def is_as_written(written: str, printed: str) -> bool:
    """True where what was printed is what the document says, `...` standing for anything."""
    lines = []
    for line in written.rstrip("\n").split("\n"):
        if line == "...":
            lines.append(r"(?:.*\n)*")
        else:
            lines.append("[^\n]*".join(re.escape(piece) for piece in line.split("...")) + r"\n")
    pattern = "".join(lines) if written.strip() else r"\s*"
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n") is not None
