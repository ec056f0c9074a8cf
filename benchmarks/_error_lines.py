"""Error lines made from templates, for the benchmark of templates; each with its true template.

`known_templates` are lines as services write them, bare or behind a log's time and place. `PROGRAMS` have
the shapes of messages of real programs (interpreters, compilers, shells, package managers, version
control, databases). `HELD_OUT` are such messages of other programs, written last and only measured
on: nothing was changed for them.
"""

import random
import string
from collections.abc import Callable

Line = tuple[int, str]
_HEX = "0123456789abcdef"
_NAMES = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "orders",
    "users",
    "billing",
    "report",
    "index",
    "main",
    "worker",
    "cache",
    "store",
]
_WORDS = [
    "request",
    "job",
    "order",
    "session",
    "upload",
    "batch",
    "payment",
    "invoice",
    "record",
    "worker",
    "queue",
    "index",
    "snapshot",
    "shard",
    "bucket",
    "lease",
    "token",
    "stream",
    "socket",
    "volume",
    "replica",
    "table",
    "cursor",
    "page",
    "lock",
    "thread",
]
_VERBS = [
    "failed",
    "timed out",
    "was refused",
    "was rejected",
    "is missing",
    "is corrupt",
    "has expired",
    "was dropped",
    "cannot be read",
    "cannot be written",
    "is not allowed",
    "does not match",
    "was interrupted",
]
_SLOTS = (
    "at {path}",
    "after {num} ms",
    "with status {num}",
    "for user {id}",
    "on host {ip}",
    "from {url}",
    "with checksum {hex}",
    "since {time}",
    "near offset {hexnum}",
    "for {mail}",
    "in field '{name}'",
    "request id {uuid}",
)


def _path(rng: random.Random) -> str:
    parts = [rng.choice(_NAMES) for _ in range(rng.randint(2, 4))]
    return "/" + "/".join(parts) + rng.choice([".py", ".json", ".log", "", "-7.tar.gz"])


_PREFIXES = (
    "{time} ERROR [{name}-{num}] ",
    "{time} {ip} {name}: ",
    "[{num}.{num}] {name}[{num}]: ",
    "{time} WARN ",
)
_MAKERS: dict[str, Callable[[random.Random], str]] = {
    "path": _path,
    "num": lambda rng: str(rng.randint(0, 10 ** rng.randint(1, 6))),
    "id": lambda rng: f"{rng.choice(['usr', 'ord', 'tx'])}_{rng.randint(100, 999999)}",
    "ip": lambda rng: ".".join(str(rng.randint(1, 254)) for _ in range(4)),
    "url": lambda rng: (
        f"https://{rng.choice(_NAMES)}.example.org/{rng.choice(_NAMES)}/{rng.randint(1, 999)}"
    ),
    "hex": lambda rng: "".join(rng.choices(_HEX, k=32)),
    "hexnum": lambda rng: hex(rng.randint(4096, 2**40)),
    "time": lambda rng: (
        f"2026-0{rng.randint(1, 9)}-{rng.randint(10, 28)}T{rng.randint(10, 23)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}Z"
    ),
    "mail": lambda rng: f"{rng.choice(_NAMES)}.{rng.randint(1, 99)}@example.org",
    "name": lambda rng: rng.choice(_NAMES) + rng.choice(["", "_id", "_at", "_count"]),
    "uuid": lambda rng: "-".join("".join(rng.choices(_HEX, k=k)) for k in (8, 4, 4, 4, 12)),
    "word": lambda rng: "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))),
    "file": lambda rng: (
        f"{rng.choice(_NAMES)}/{rng.choice(_NAMES)}.{rng.choice(['c', 'py', 'ts'])}"
    ),
    "version": lambda rng: f"{rng.randint(0, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}",
    "ident": lambda rng: rng.choice(_NAMES) + rng.choice(["", "_list", "Factory", "s", "_v2"]),
}

PROGRAMS = (
    "ModuleNotFoundError: No module named '{ident}'",
    "AttributeError: '{ident}' object has no attribute '{name}'",
    "TypeError: {ident}() missing {num} required positional arguments: '{name}' and '{ident}'",
    "TypeError: {ident}() got an unexpected keyword argument '{name}'",
    "KeyError: '{name}'",
    "IndexError: list index out of range",
    "NameError: name '{ident}' is not defined",
    "ValueError: invalid literal for int() with base 10: '{word}'",
    "ValueError: not enough values to unpack (expected {num}, got {num})",
    "UnicodeDecodeError: 'utf-8' codec can't decode byte {hexnum} in position {num}: invalid start byte",
    "FileNotFoundError: [Errno 2] No such file or directory: '{path}'",
    "PermissionError: [Errno 13] Permission denied: '{path}'",
    "json.decoder.JSONDecodeError: Expecting value: line {num} column {num} (char {num})",
    "ImportError: cannot import name '{ident}' from '{ident}' ({path})",
    "RecursionError: maximum recursion depth exceeded in comparison",
    "bash: {word}: command not found",
    "bash: line {num}: {word}: command not found",
    "bash: {path}: Permission denied",
    "bash: {path}: No such file or directory",
    "bash: syntax error near unexpected token `{word}'",
    "cat: {path}: No such file or directory",
    "ls: cannot access '{path}': No such file or directory",
    "grep: {path}: Is a directory",
    "rm: cannot remove '{path}': Directory not empty",
    "mkdir: cannot create directory '{path}': File exists",
    "npm ERR! code ERESOLVE",
    "npm ERR! 404 Not Found - GET {url} - Not found",
    "npm ERR! missing script: {word}",
    'npm ERR! peer {word}@"^{version}" from {word}@{version}',
    "npm ERR! notarget No matching version found for {word}@{version}.",
    "Error: Cannot find module './{ident}'",
    "{file}:{num}:{num}: error: expected ';' before '}}' token",
    "{file}:{num}:{num}: error: '{ident}' undeclared (first use in this function)",
    "{file}:{num}:{num}: warning: unused variable '{ident}' [-Wunused-variable]",
    "{file}:{num}:{num}: error: implicit declaration of function '{ident}'",
    "{file}({num},{num}): error TS2339: Property '{name}' does not exist on type '{ident}'.",
    "/usr/bin/ld: {file}: undefined reference to `{ident}'",
    "collect2: error: ld returned {num} exit status",
    "make: *** [Makefile:{num}: {word}] Error {num}",
    "make: *** No rule to make target '{file}', needed by '{word}'.  Stop.",
    "fatal: not a git repository (or any of the parent directories): .git",
    "fatal: pathspec '{file}' did not match any files",
    "fatal: ambiguous argument '{word}': unknown revision or path not in the working tree.",
    "error: pathspec '{word}' did not match any file(s) known to git",
    "error: failed to push some refs to '{url}'",
    "CONFLICT (content): Merge conflict in {file}",
    "error: Your local changes to the following files would be overwritten by merge: {file}",
    'psycopg2.errors.UndefinedTable: relation "{ident}" does not exist',
    'ERROR:  duplicate key value violates unique constraint "{ident}"',
    "sqlite3.OperationalError: no such column: {ident}",
    "curl: (6) Could not resolve host: {word}.example.org",
    "curl: (7) Failed to connect to {ip} port {num} after {num} ms: Connection refused",
    "requests.exceptions.HTTPError: {num} Client Error: Forbidden for url: {url}",
    "ERROR: Could not find a version that satisfies the requirement {word}=={version} (from versions: none)",
    "ERROR: No matching distribution found for {word}=={version}",
    "error[E0425]: cannot find value `{ident}` in this scope",
    "Segmentation fault (core dumped)",
    "panic: runtime error: index out of range [{num}] with length {num}",
    'Exception in thread "main" java.lang.NullPointerException: Cannot invoke "{ident}"',
    "Process {num} exited with signal {num}",
)

HELD_OUT = (
    'Error from server (NotFound): pods "{name}-{num}" not found',
    'Error from server (Forbidden): {word} is forbidden: User "{mail}" cannot list resource',
    "error: unable to connect to the server: dial tcp {ip}:{num}: i/o timeout",
    "docker: Error response from daemon: pull access denied for {word}, repository does not exist",
    "Error response from daemon: No such container: {hex}",
    'failed to solve: process "/bin/sh -c {word}" did not complete successfully: exit code: {num}',
    "ssh: connect to host {word}.example.org port {num}: Connection timed out",
    "{mail}: Permission denied (publickey).",
    "rsync error: some files could not be transferred (code {num}) at main.c({num})",
    "error: could not compile `{ident}` due to {num} previous errors",
    "thread '{ident}' panicked at {file}:{num}:{num}:",
    "called `Option::unwrap()` on a `None` value",
    "./{file}:{num}:{num}: undefined: {ident}",
    "go: {word}@v{version}: invalid version: unknown revision {word}",
    "FAILED tests/{file}::test_{ident} - AssertionError: assert {num} == {num}",
    "E       fixture '{ident}' not found",
    '{file}:{num}: error: Incompatible types in assignment (expression has type "{ident}")',
    "redis.exceptions.ConnectionError: Error {num} connecting to {ip}:{num}. Connection refused.",
    "OSError: [Errno {num}] Address already in use",
    "Error: listen EADDRINUSE: address already in use :::{num}",
    "SyntaxError: Unexpected token '{word}', \"{word}\"... is not valid JSON",
    "ReferenceError: {ident} is not defined",
    "TypeError: Cannot read properties of undefined (reading '{name}')",
    "AccessDenied: User: arn:aws:iam::{num}:user/{word} is not authorized to perform: {word}",
    "Job for {word}.service failed because the control process exited with error code.",
    "tar: {path}: Cannot open: No such file or directory",
    "sed: -e expression #{num}, char {num}: unterminated `s' command",
    "awk: cmd. line:{num}: ^ syntax error",
    "java.lang.OutOfMemoryError: Java heap space",
    "MemoryError: Unable to allocate {num} GiB for an array with shape ({num}, {num})",
)


def known_templates(count: int, seed: int) -> list[str]:
    """Return different templates of one to three values each."""
    rng = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        slots = " ".join(rng.sample(_SLOTS, rng.randint(1, 3)))
        made[f"{rng.choice(_WORDS)} {rng.choice(_VERBS)} {slots}"] = None
    return list(made)


def with_prefixes(templates: list[str]) -> list[str]:
    """Return the templates, every other one behind a time and place as logs have it."""
    return [
        f"{_PREFIXES[number // 2 % len(_PREFIXES)] if number % 2 else ''}{template}"
        for number, template in enumerate(templates)
    ]


def make_lines(templates: list[str], count: int, seed: int) -> list[Line]:
    """Return lines in random order, each with the number of its template."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        number = rng.randrange(len(templates))
        lines.append((number, _fill(templates[number], rng)))
    return lines


def _fill(template: str, rng: random.Random) -> str:
    filled = template
    for name, make in _MAKERS.items():
        while "{" + name + "}" in filled:
            filled = filled.replace("{" + name + "}", make(rng), 1)
    return filled.replace("}}", "}")


def grouping_accuracy(truth: list[int], found: list[object]) -> float:
    """Return the share of lines whose group is exactly that of their template."""
    true: dict[int, set[int]] = {}
    seen: dict[object, set[int]] = {}
    for place, (one, other) in enumerate(zip(truth, found, strict=True)):
        true.setdefault(one, set()).add(place)
        seen.setdefault(other, set()).add(place)
    right = {frozenset(places) for places in true.values()}
    return sum(len(places) for places in seen.values() if frozenset(places) in right) / len(truth)
