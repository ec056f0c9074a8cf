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
_UNDOING = tuple(
    map(
        frozenset,
        (
            ("reset", "--hard"), ("stash", "clear"), ("stash", "drop"), ("reflog", "expire"),
            ("gc", "--prune=now"), ("clean", "-fd"), ("clean", "-fdx"), ("clean", "-f"),
            ("branch", "-D"), ("update-ref", "-d"),
        ),
    )
)  # fmt: skip
_TAKING = frozenset(["prune", "rm", "rmi", "delete", "destroy", "down", "kill"])
_ADDING = frozenset(["install", "add", "i", "ci", "get", "exec", "dlx", "upgrade", "sync"])
_INSTALLING = {
    **dict.fromkeys(
        [
            "pip",
            "pip3",
            "npm",
            "yarn",
            "pnpm",
            "gem",
            "cargo",
            "go",
            "brew",
            "apt",
            "apt-get",
            "apk",
        ]
        + ["dnf", "yum", "conda", "mamba", "poetry", "pipx", "snap", "uv"],
        _ADDING,
    ),
    **dict.fromkeys(["npx", "uvx", "easy_install"], frozenset[str]()),
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
_SHELLS = frozenset(["sh", "bash", "dash", "zsh"])
_KEYWORDS = frozenset(["if", "then", "else", "elif", "while", "until", "do", "!", "{", "(", "time"])
_SERVICE_VERBS = frozenset(["enable", "disable", "start", "stop", "mask", "load", "unload"])
_DURATION = re.compile(r"[\d.]+[smhd]?")
_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#.*")
_DOCUMENT = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
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


def reached(command: str) -> str:
    """The address that a command tries to reach, or the command in short; empty where none."""
    return next(filter(None, (_reached(words) for words in _simple(command))), device_in(command))


def changed(command: str) -> str:
    """What of the machine or the user's own a command changes for good; empty where nothing."""
    return next(filter(None, (_changed(words) for words in _simple(command))), "")


def _simple(command: str, depth: int = 0) -> Iterator[list[str]]:
    """The simple commands of a command line, each without what only wraps it."""
    try:
        words = shlex.split(command, comments=False)
    except ValueError:
        words = command.split()
    while words and (
        posixpath.basename(words[0]) in _WRAPPERS
        or _ASSIGNMENT.match(words[0])
        or words[0].startswith("-")
        or words[0] in _KEYWORDS
        or _DURATION.fullmatch(words[0])
    ):
        words.pop(0)
    if not words:
        return
    name, rest = posixpath.basename(words[0]), words[1:]
    if name in _SHELLS and "-c" in rest[:-1] and depth < 3:
        for part in _STATEMENT.split(rest[rest.index("-c") + 1]):
            yield from _simple(part, depth + 1)
    elif (name.startswith("python") or name == "...") and "-m" in rest[:-1]:
        yield rest[rest.index("-m") + 1 :]
    else:
        yield [name, *rest]


def _reached(words: list[str]) -> str:
    name, rest = words[0], words[1:]
    if name in _WITH_VERBS:
        verbs = _WITH_VERBS[name]
        return shown_command(words) if not verbs or verbs & set(rest[:3]) else ""
    if name not in _REACHING:
        return ""
    told = [word for word in rest if not word.startswith("-") and _ADDRESS.search(word)]
    return next((word for word in told if "://" in word), told[0]) if told else ""


def _changed(words: list[str]) -> str:
    name, rest = words[0], set(words[1:])
    if name in {"crontab", "at", "batch"} and not rest & {"-l"}:
        return "what is run on a schedule"
    if name in {"systemctl", "launchctl", "update-rc.d", "service"} and rest & _SERVICE_VERBS:
        return "the services of the machine"
    if name in _INSTALLING and (not _INSTALLING[name] or rest & _INSTALLING[name]) and rest:
        return "which code there is"
    if name == "git" and rest & {"filter-branch", "filter-repo"}:
        return "the history of a repository"
    if name == "git" and any(words <= rest for words in _UNDOING):
        return "what a repository holds"
    if name in {"docker", "podman", "kubectl", "terraform"} and rest & _TAKING:
        return "what runs on the machine"
    if name == "git" and "config" in rest and rest & {"--global", "--system"}:
        return "the user's settings of git"
    if name in {"chsh", "usermod", "useradd", "passwd", "visudo", "ssh-copy-id", "chattr"}:
        return "the accounts of the machine"
    if name in {"npm", "pip", "pip3", "yarn", "go"} and {"config", "set"} <= rest:
        return "where packages come from"
    if name in {"mkfs", "wipefs", "shutdown", "reboot", "poweroff", "halt"}:
        return "the machine"
    return ""


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, statement) of each statement of a shell script, without comments and documents."""
    end = ""
    for number, line in enumerate(text.replace("\\\n", "  ").splitlines(), 1):
        if end:
            end = "" if line.strip() == end else end
            continue
        if found := _DOCUMENT.search(line):
            end = found.group(2)
        code = _COMMENT.sub("", line)
        yield from (
            (number, part.strip(" (){}\t")) for part in _STATEMENT.split(code) if part.strip()
        )


def shown_command(words: list[str]) -> str:
    """A command line, bounded."""
    return " ".join(words)[:120]
