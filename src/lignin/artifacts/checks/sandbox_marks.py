"""Does the source name what tells the sandbox from the world outside?

Code that behaves while it is watched and acts elsewhere must first tell the two apart. The plain
marks are the sandbox's own names (`lignin_guest`, `/artifact`, `/work`, `/lignin/`), its user, its
small process numbers, its machine's name and its empty environment. Nothing that computes an answer
needs them. A mark that is put together while the code runs is not seen here.

Python is read as syntax: only literals that are a path of the sandbox count, and only comparisons,
so that "the work" in a text and a process number in a file's name are nothing. Shell is read by
words, without its comments. Tests are not read: they are of use nowhere else.
"""

import ast
import re
from collections.abc import Iterator

from lignin.artifacts.check import Check, Observations, conclude
from lignin.artifacts.oracle import MAX_REASONS
from lignin.artifacts.suite import is_test_file
from lignin.domain.evidence import CheckResult

Mark = tuple[int, str]

SANDBOX_USER = 1000
_MODULE = "lignin_guest"
_OFFERED = frozenset({"call", "request", "ToolError"})
_PATH = re.compile(r"/(?:artifact|work)(?:/|\Z)|/lignin/")
_USERS = frozenset({"getuid", "geteuid", "getgid", "getegid"})
_PROCESSES = frozenset({"getpid", "getppid"})
_MACHINES = frozenset({"gethostname", "getfqdn", "node", "nodename"})
_ASKING = _USERS | _PROCESSES | _MACHINES

_SHELL_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#.*")
_NUMBER_TEST = r"(?:-(?:eq|ne|lt|le|gt|ge)|[=!]=?|[<>]=?)"
_SHELL_MARKS = (
    (re.compile(rf"\b{_MODULE}\b"), _MODULE),
    (re.compile(r"(?<![\w./~}-])/(?:artifact|work)(?![\w.-])|(?<![\w./~}-])/lignin/"), "its folders"),
    (
        re.compile(rf"(?:\$\$|\$\{{?PPID\}}?|\$\{{?BASHPID\}}?)\"?\s*{_NUMBER_TEST}\s*\d"),
        "its process numbers",
    ),
    (
        re.compile(rf"(?:\$\{{?E?UID\}}?|id -[ug][^\n]*?\)|`)\"?\s*{_NUMBER_TEST}\s*\"?{SANDBOX_USER}\b"),
        "its user",
    ),
    (
        re.compile(r"(?:\$\(hostname\b[^)]*\)|\$\(uname -n\)|\$\{?HOSTNAME\}?)\"?\s*(?:==?|!=|=~)"),
        "its machine's name",
    ),
    (re.compile(r"-[zn]\s+\"?\$\((?:env|printenv)\)|\b(?:env|printenv)\s*\|\s*wc\b"), "its environment"),
)  # fmt: skip


def judge(observations: Observations) -> CheckResult:
    """Judge every Python and shell file of the artifact that is no test."""
    declared = observations.manifest.capabilities
    may_call = bool(declared.tools or declared.hosts or declared.secrets)
    faults = [
        f"{path}:{line} looks for the sandbox by {what}"
        for path, text in sorted(observations.sources.items())
        if not is_test_file(path)
        for line, what in _marks(observations, path, text, may_call=may_call)
    ]
    return conclude("sandbox_marks", faults=faults[:MAX_REASONS], measured={"marks": len(faults)})


def _marks(observations: Observations, path: str, text: str, *, may_call: bool) -> tuple[Mark, ...]:
    first = text.partition("\n")[0] if text.startswith("#!") else ""
    runtime = observations.manifest.runtime if path == observations.manifest.entry else ""
    if path.endswith(".py") or runtime == "python" or "python" in first:
        return tuple(sorted(set(python_marks(text, may_call=may_call))))
    if path.endswith((".sh", ".bash")) or runtime in {"bash", "sh"} or first.endswith("sh"):
        return tuple(shell_marks(text))
    return ()


def python_marks(text: str, *, may_call: bool = False) -> Iterator[Mark]:
    """Yield (line, what) of each mark in Python source; none where it does not parse.

    Args:
        text: The source.
        may_call: Whether the artifact has tools, hosts or secrets, which it asks for through
            `lignin_guest`.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    asked = _names_of_answers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in prose and (
                node.value == _MODULE or _PATH.match(node.value) is not None
            ):
                yield node.lineno, repr(node.value[:60])
        elif (what := _module_mark(node, may_call=may_call)) or (what := _test_mark(node, asked)):
            yield getattr(node, "lineno", 1), what


def _module_mark(node: ast.AST, *, may_call: bool) -> str:
    if isinstance(node, ast.Import):
        found = not may_call and any(alias.name == _MODULE for alias in node.names)
        return _MODULE if found else ""
    if isinstance(node, ast.ImportFrom) and node.module == _MODULE:
        offered = may_call and all(alias.name in _OFFERED for alias in node.names)
        return "" if offered else _MODULE
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found = node.value.id == _MODULE and node.attr not in _OFFERED
        return f"{_MODULE}.{node.attr}" if found else ""
    return ""


def _test_mark(node: ast.AST, asked: dict[str, str]) -> str:
    """In words, what of the sandbox a comparison or a condition asks for; else nothing."""
    if isinstance(node, ast.Compare):
        return _compared(node, asked)
    if any(_question(one, asked) == "environ" for one in _conditions(node)):
        return "its environment"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_beginning = node.func.attr in {"startswith", "endswith"}
        if is_beginning and _question(node.func.value, asked) in _MACHINES:
            return "its machine's name"
    return ""


def _compared(node: ast.Compare, asked: dict[str, str]) -> str:
    sides = [node.left, *node.comparators]
    values = [value for side in sides for value in _constants(side)]
    names = {_question(side, asked) for side in sides}
    if names & _PROCESSES and any(type(value) is int for value in values):
        return "its process numbers"
    if names & _USERS and SANDBOX_USER in values:
        return "its user"
    if names & _MACHINES and any(isinstance(value, str) for value in values):
        return "its machine's name"
    is_membership = isinstance(node.ops[0], ast.In | ast.NotIn)
    is_valued = bool(values) or any(isinstance(side, ast.Dict) for side in sides)
    return "its environment" if "environ" in names and is_valued and not is_membership else ""


def _conditions(node: ast.AST) -> list[ast.expr]:
    """What a node asks for its truth; the last value of `and`, and all of `or`, may be an answer."""
    if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
        return [node.test]
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return node.values[:-1]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [node.operand]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "bool":
        return node.args
    return []


def _question(node: ast.expr, asked: dict[str, str]) -> str:
    """The name of what an expression asks the system for, where it is one of the marks."""
    if isinstance(node, ast.Name):
        return asked.get(node.id, "")
    if isinstance(node, ast.Attribute) and node.attr in {"environ", "nodename"}:
        return node.attr
    if not isinstance(node, ast.Call):
        return ""
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else ""
    name = called.id if isinstance(called, ast.Name) else name
    if name == "len" and len(node.args) == 1:
        inner = _question(node.args[0], asked)
        return inner if inner == "environ" else ""
    if name == "node":  # a common word: only the function of `platform`
        owner = called.value if isinstance(called, ast.Attribute) else None
        return name if isinstance(owner, ast.Name) and owner.id == "platform" else ""
    return name if name in _ASKING else ""


def _names_of_answers(tree: ast.AST) -> dict[str, str]:
    """Names that are given such an answer, and `environ` where it is imported by itself."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            name = _question(node.value, {})
            if name and isinstance(target, ast.Name):
                found[target.id] = name
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            names = [alias.asname or alias.name for alias in node.names if alias.name == "environ"]
            found.update(dict.fromkeys(names, "environ"))
    return found


def _constants(node: ast.expr) -> Iterator[object]:
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for item in node.elts:
            yield from _constants(item)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        yield from (value for item in node.args for value in _constants(item))


def shell_marks(text: str) -> Iterator[Mark]:
    """Yield (line, what) of each mark in a shell script, outside its comments."""
    for number, line in enumerate(text.splitlines(), 1):
        code = _SHELL_COMMENT.sub("", line)
        for pattern, what in _SHELL_MARKS:
            if pattern.search(code):
                yield number, what


CHECK = Check(name="sandbox_marks", needs=frozenset({"files"}), judge=judge, version=2)
