"""Does the source hold a way to steal or to reach out that it does not declare, where no run came by?

Detonation sees what is done; this reads what would be done on another day. Only plain code counts: a
call of the library that opens a connection, a network program as a command with an address, a
variable or a file that is known to hold a secret where it is asked for. Code that hides these is left
to detonation, and to the walls it is called behind: nothing but the broker leads out there, so honest
code has no use for any of this.
"""

import ast
import re
import shlex
from collections.abc import Iterator

from lignin.artifacts.check import Check, Observations, conclude, shown
from lignin.artifacts.detonation import scripts_of
from lignin.artifacts.oracle import MAX_REASONS
from lignin.artifacts.sink import is_declared
from lignin.artifacts.suite import is_test_file
from lignin.artifacts.trace_lines import changed, reached, statements
from lignin.domain.artifacts import Capabilities
from lignin.domain.evidence import CheckResult

_OPENING = frozenset(
    ["urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.request.Request"]
    + ["socket.socket", "socket.create_connection", "socket.getaddrinfo", "socket.gethostbyname"]
    + ["http.client.HTTPConnection", "http.client.HTTPSConnection", "smtplib.SMTP", "ftplib.FTP"]
    + ["smtplib.SMTP_SSL", "ftplib.FTP_TLS", "asyncio.open_connection", "xmlrpc.client.ServerProxy"]
    + [
        f"{name}.{verb}"
        for name in ("requests", "httpx")
        for verb in ("get", "post", "put", "request")
    ]
)
_STARTING = frozenset(
    ["os.system", "os.popen", "subprocess.getoutput"]
    + [f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen")]
)
_ASKING = frozenset(["os.getenv", "os.environ.get", "os.environ.pop", "os.environ"])
_PLACING = frozenset(
    ["open", "expanduser", "Path", "join", "joinpath", "PurePath", "glob", "rglob"]
)
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?|PRIVATE_KEY|API_KEY|ACCESS_KEY)(?:_|$)"
)
_PLACES = (
    r"aws|ssh|netrc|gnupg|kube|git-credentials|pgpass|pypirc|npmrc|docker|bash_history|zsh_history"
)
_SECRET_PLACE = re.compile(rf"(?:^|[/~])\.(?:{_PLACES}|config/(?:gcloud|gh))(?:/|$)")
_SHELL_PLACE = re.compile(
    rf"(?:~|\$HOME|\$\{{HOME\}})\"?/\"?\.(?:{_PLACES}|env|config/(?:gcloud|gh))\b"
    r"|(?:^|\s)\.(?:aws|ssh|netrc|gnupg|kube|git-credentials)(?=[\s/]|$)"
)
_MADE = re.compile(
    r"\|\s*(?:sudo\s+|env\s+)?(?:/\S*/)?(?:(?:ba|da|z|k)?sh(?:\s+-[a-z]+)*|python[\d.]*|perl|node)(?:\s+-)?\s*"
    r"(?:[0-9]?>[^|]*|<[^|]*)*(?:[)|;&]|$)"
    r"|\b(?:eval|source|\.)\s.*\b(?:base64|base32|xxd|rev|gunzip|zcat|openssl|unzip|uudecode|tr)\b"
)
_SAYING = re.compile(r"^(?:echo|printf|grep|egrep|rg|sed|awk|case|\[)\b")
_SHELL_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z0-9_]+)")


def judge(observations: Observations) -> CheckResult:
    """Judge every file of code that is no test."""
    granted = observations.manifest.capabilities
    entry = observations.manifest.entry.partition(":")[0]
    code = dict(scripts_of(observations.tree))
    if observations.manifest.runtime and observations.manifest.kind != "test":
        code.setdefault(entry, observations.manifest.runtime)
    faults = [
        f"{path}:{line} {what}"
        for path, runtime in sorted(code.items())
        if path in observations.sources and not is_test_file(path)
        for line, what in _ways(observations.sources[path], runtime, granted)
    ]
    found = list(dict.fromkeys(faults))
    return conclude("outlets", faults=found[:MAX_REASONS], measured={"outlets": len(found)})


def _ways(text: str, runtime: str, granted: Capabilities) -> Iterator[tuple[int, str]]:
    return python_ways(text, granted) if runtime == "python" else shell_ways(text, granted)


def shell_ways(text: str, granted: Capabilities) -> Iterator[tuple[int, str]]:
    """Yield (line, what) of each way out in a shell script."""
    own = set(re.findall(r"^\s*(?:export\s+|local\s+)?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#") and _MADE.search(line):
            yield number, "would run text that is made as it runs"
    for number, statement in statements(text):
        address = reached(statement)
        if address and not is_declared(granted, address) and not granted.hosts:
            yield number, f"would reach {shown(address)}"
        if change := changed(statement):
            yield number, f"would change {change}"
        if not _SAYING.match(statement) and (place := _SHELL_PLACE.search(statement)):
            yield number, f"would read {place.group().strip()}, where people keep secrets"
        for name in _SHELL_VARIABLE.findall(statement):
            if _SECRET_NAME.search(name) and name not in granted.secrets and name not in own:
                yield number, f"would read the variable {name}"


def python_ways(text: str, granted: Capabilities) -> Iterator[tuple[int, str]]:
    """Yield (line, what) of each way out in Python source; none where it does not parse."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    names = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call_ways(node, names, granted)
        elif isinstance(node, ast.Import | ast.ImportFrom) and _is_installer(node):
            yield node.lineno, "would change which code there is"
        elif isinstance(node, ast.Subscript) and _dotted(node.value, names) == "os.environ":
            yield from _variable(node.slice, node.lineno, granted)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from _place(node.right, node.lineno)


def _is_installer(node: ast.Import | ast.ImportFrom) -> bool:
    modules = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        modules = [node.module or ""]
    return any(module.partition(".")[0] in {"pip", "ensurepip"} for module in modules)


def _call_ways(
    node: ast.Call, names: dict[str, str], granted: Capabilities
) -> Iterator[tuple[int, str]]:
    name = _dotted(node.func, names)
    if name in {"exec", "builtins.exec"} and not _is_written(node.args):
        yield node.lineno, "would run text that is made as it runs"
    if name in _OPENING and not granted.hosts:
        yield node.lineno, f"would reach out by {name}"
    if name in _STARTING and node.args:
        command = _command(node.args[0])
        if (address := reached(command)) and not granted.hosts:
            yield node.lineno, f"would reach {shown(address)}"
        if change := changed(command):
            yield node.lineno, f"would change {change}"
    if name in _ASKING and node.args:
        yield from _variable(node.args[0], node.lineno, granted)
    if name.rpartition(".")[2] in _PLACING:
        for argument in node.args:
            yield from _place(argument, node.lineno)


def _is_written(arguments: list[ast.expr]) -> bool:
    """Whether what is run stands there to be read: a literal, or what `compile` makes of one."""
    first = arguments[0] if arguments else None
    if (
        isinstance(first, ast.Call)
        and isinstance(first.func, ast.Name)
        and first.func.id == "compile"
    ):
        return _is_written(first.args)
    return first is None or isinstance(first, ast.Constant)


def _command(node: ast.expr) -> str:
    """A command line as far as it is written out; every other word is `...`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    words = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return shlex.join(str(one.value) if isinstance(one, ast.Constant) else "..." for one in words)


def _variable(node: ast.expr, line: int, granted: Capabilities) -> Iterator[tuple[int, str]]:
    name = node.value if isinstance(node, ast.Constant) else None
    if isinstance(name, str) and _SECRET_NAME.search(name) and name not in granted.secrets:
        yield line, f"would read the variable {name}"


def _place(node: ast.expr, line: int) -> Iterator[tuple[int, str]]:
    for part in ast.walk(node):
        text = part.value if isinstance(part, ast.Constant) else None
        if isinstance(text, str) and _SECRET_PLACE.search(text):
            yield line, f"would read {text[:80]}, where people keep secrets"


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """The full name of what is called, as far as it is written out."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(names.get(node.id, node.id))
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "__import__"
    ):
        first = node.args[0] if node.args else None
        parts.append(str(first.value) if isinstance(first, ast.Constant) else "")
    return ".".join(reversed(parts))


CHECK = Check(name="outlets", needs=frozenset({"files"}), judge=judge)
