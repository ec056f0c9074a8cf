"""What a shell's own trace and the command lines of started programs say. Pure.

Owns one question: does this command try to reach another machine, and which? Programs that can are
known by name; only one that is told an address counts, and only where it stands as a command, so that
a script that prints the word `curl` is nothing.
"""

import posixpath
import re
import shlex
from collections.abc import Iterator

_REACHING = frozenset(
    [
        "curl",
        "wget",
        "nc",
        "ncat",
        "netcat",
        "socat",
        "telnet",
        "ssh",
        "scp",
        "sftp",
        "rsync",
        "ftp",
    ]
    + ["tftp", "dig", "nslookup", "host", "ping", "ping6", "traceroute", "aria2c", "lynx", "httpie"]
    + ["http", "https", "xh", "sendmail", "mail", "mailx", "mutt", "gcloud", "aws", "az", "openssl"]
)
_WITH_VERBS = {
    "git": frozenset(["clone", "fetch", "pull", "push", "ls-remote", "submodule"]),
    "pip": frozenset(["install", "download"]),
    "pip3": frozenset(["install", "download"]),
    "npm": frozenset(["install", "i", "ci", "publish", "exec"]),
    "npx": frozenset[str](),
    "uvx": frozenset[str](),
    "gem": frozenset(["install"]),
    "cargo": frozenset(["install", "publish"]),
    "gh": frozenset(["api", "gist", "repo", "release"]),
}
_WRAPPERS = frozenset(
    [
        "sudo",
        "timeout",
        "nohup",
        "env",
        "exec",
        "command",
        "setsid",
        "nice",
        "xargs",
        "eval",
        "builtin",
    ]
)
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "/bin/sh", "/bin/bash"])
_ADDRESS = re.compile(r"[\w.-]*\w\.\w|://|^\d+$|:\d+$|localhost|@")
_DEVICE = re.compile(r"/dev/(?:tcp|udp)/[^\s\"';|&)]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_STATEMENT = re.compile(r"&&|\|\||[;|&\n]|\$\(|`")


def traced_commands(trace: str) -> Iterator[str]:
    """Yield the commands of a trace made by `set -x`."""
    for line in trace.splitlines():
        plain = line.lstrip("+")
        if plain != line and plain.startswith(" "):
            yield plain.strip()


def device_in(text: str) -> str:
    """The address in a text that a shell opens by itself as a file; empty where there is none."""
    found = _DEVICE.search(text)
    return found.group() if found else ""


def reached(command: str, *, depth: int = 0) -> str:
    """The address that a command tries to reach, or the command in short; empty where none."""
    if found := device_in(command):
        return found
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while words and (
        posixpath.basename(words[0]) in _WRAPPERS
        or _ASSIGNMENT.match(words[0])
        or words[0].startswith("-")
        or words[0].replace(".", "").rstrip("smhd").isdigit()
    ):
        words.pop(0)
    if not words:
        return ""
    name, rest = posixpath.basename(words[0]), words[1:]
    if words[0] in _SHELLS and "-c" in rest[:-1] and depth < 3:
        inner = rest[rest.index("-c") + 1]
        parts = (reached(part, depth=depth + 1) for part in _STATEMENT.split(inner))
        return next(filter(None, parts), "")
    if name in _WITH_VERBS:
        verbs = _WITH_VERBS[name]
        return shown_command(words) if not verbs or verbs & set(rest[:3]) else ""
    if name not in _REACHING:
        return ""
    told = [word for word in rest if not word.startswith("-") and _ADDRESS.search(word)]
    return next((word for word in told if "://" in word), told[0]) if told else ""


def shown_command(words: list[str]) -> str:
    """A command line, bounded."""
    return " ".join(words)[:120]
