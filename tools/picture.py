"""Draws `docs/images/demo.svg`: what `lignin demo` prints on a terminal, from a run made for it.

Owns the recording (a real run on a pseudo-terminal, in an empty folder with an empty home) and the
drawing (plain text in an SVG, so that it needs no font file and no drawing library). Adds nothing
to what the terminal showed but the prompt. To renew it: `python tools/picture.py`.
"""

import errno
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "demo.svg"
COLUMNS, ROWS = 104, 50
CHAR_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 18, 14
ERASE_LINE = "\x1b[K"
MOTION = (
    "<style>@media (prefers-reduced-motion:no-preference){text{opacity:0;"
    "animation:show .01s linear forwards}}@keyframes show{to{opacity:1}}</style>"
)


def record(command: list[str], folder: Path) -> str:
    """What a command writes on a terminal, standing in `folder` with an empty home.

    Raises:
        CalledProcessError: It failed.
    """
    environment = {
        "HOME": str(folder),
        "LIGNIN_HOME": str(folder / "lignin"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "TERM": "xterm",
    }
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        said = b"".join(iter(lambda: read_some(ours), b""))
    os.close(ours)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command, said)
    return said.decode()


def read_some(terminal: int) -> bytes:
    """The next bytes of a pseudo-terminal; empty where the other side is closed."""
    try:
        return os.read(terminal, 2**16)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""


def shown(said: str) -> list[str]:
    """The lines that stay on the terminal: what was erased is gone.

    Raises:
        ValueError: It holds a terminal sequence other than the one that erases a line.
    """
    lines = [line.rpartition(ERASE_LINE)[2].rstrip("\r") for line in said.split("\n")]
    if any(not char.isprintable() for line in lines for char in line):
        raise ValueError("there is a terminal sequence that this tool does not know")
    return lines[:-1] if lines[-1] == "" else lines


def draw(lines: list[str], times_s: list[float] | None = None) -> str:
    """The lines as an SVG in which each character has its place, whatever the reader's font.

    Args:
        times_s: When each line appears; all of them stay, and are there at once for who wants no motion.
    """
    width = 2 * MARGIN + CHAR_WIDTH * max(COLUMNS, *map(len, lines))
    height = 2 * MARGIN + LINE_HEIGHT * len(lines)
    drawn = [
        f'<text x="{MARGIN + CHAR_WIDTH * (len(line) - len(line.lstrip())):.1f}" '
        f'y="{MARGIN + LINE_HEIGHT * number - 5}" '
        f'textLength="{CHAR_WIDTH * len(line.strip()):.1f}"{_appearing(number, times_s)}>{fixed(line)}</text>'
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
            f'width="{width:.0f}" height="{height}">',
            *([MOTION] if times_s else []),
            '<rect width="100%" height="100%" rx="8" fill="#16181d"/>',
            '<g fill="#d6d9df" font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, '
            'monospace" font-size="14">',
            *drawn,
            "</g>",
            "</svg>",
            "",
        ]
    )


def _appearing(number: int, times_s: list[float] | None) -> str:
    return f' style="animation-delay:{times_s[number - 1]:.2f}s"' if times_s else ""


def fixed(line: str) -> str:
    """A line's text for SVG, with spaces that no reader draws as one."""
    return escape(line.strip()).replace(" ", "\u00a0")


def main() -> None:
    """Run the demo and write the picture."""
    with tempfile.TemporaryDirectory(prefix="lignin-") as folder:
        said = record([sys.executable, "-m", "lignin", "demo"], Path(folder))
    PICTURE.write_text(draw(["$ lignin demo", *shown(said)]))
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
