"""Reads a pure module's text and names what in it could reach outside or answer differently.

Owns the list of what is banned. It complements the import contracts of `pyproject.toml`, which see
detours but no calls. Source: decision record 8.
"""

import ast
from pathlib import Path

PURE_FOLDERS = frozenset({"checks", "kinds", "importers", "detectors"})

BANNED_MODULES = frozenset(
    [
        "asyncio",
        "ctypes",
        "fcntl",
        "ftplib",
        "glob",
        "http",
        "importlib",
        "logging",
        "mmap",
        "multiprocessing",
        "os",
        "platform",
        "secrets",
        "select",
        "selectors",
        "shelve",
        "shutil",
        "signal",
        "smtplib",
        "socket",
        "socketserver",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
        "webbrowser",
    ]
)
BANNED_NAMES = frozenset(
    [
        "open",
        "input",
        "print",
        "exec",
        "eval",
        "__import__",
        "breakpoint",
        "bz2.open",
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "fileinput.input",
        "gzip.GzipFile",
        "gzip.open",
        "io.FileIO",
        "io.open",
        "lzma.open",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "random.SystemRandom",
        "sys.argv",
        "sys.modules",
        "sys.path",
        "sys.stderr",
        "sys.stdin",
        "sys.stdout",
        "tokenize.open",
        "uuid.getnode",
        "uuid.uuid1",
        "uuid.uuid4",
        "zipfile.ZipFile.extractall",
    ]
)
BANNED_METHODS = frozenset(
    [
        "iterdir",
        "mkdir",
        "read_bytes",
        "read_text",
        "rglob",
        "touch",
        "unlink",
        "write_bytes",
        "write_text",
    ]
)


def is_pure_place(path: Path) -> bool:
    """True where a path inside the package belongs to the modules that must be pure."""
    return (
        path.parts[0] == "domain"
        or any(part.startswith("laws") for part in path.parts)
        or not PURE_FOLDERS.isdisjoint(path.parts[:-1])
    )


def find_impurities(text: str) -> list[str]:
    """Return `line: what` for each import, name or call that a pure module may not have."""
    tree = ast.parse(text)
    aliases: dict[str, str] = {}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [f"{node.lineno}: import of {name}" for name in _banned_imports(node)]
            aliases.update(_aliases(node))
    aliases.update({name: f"own {name}" for name in _own_names(tree)})
    for node in ast.walk(tree):
        found += [f"{node.lineno}: {what}" for what in _banned_use(node, aliases)]
    return sorted(set(found))


def _own_names(tree: ast.Module) -> set[str]:
    """Names the module binds itself, so that a field called `input` is not taken for the builtin."""
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names if node.level == 0]


def _banned_imports(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [
        name
        for name in _imported(node)
        if any(f"{name}.".startswith(f"{banned}.") for banned in BANNED_MODULES)
    ]


def _aliases(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    names = dict(zip(_imported(node), node.names, strict=False))
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: full for full, alias in names.items()}
    return {alias.asname: full for full, alias in names.items() if alias.asname}


def _dotted(node: ast.AST, aliases: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, aliases)
        return None if base is None else f"{base}.{node.attr}"
    return None


def _banned_use(node: ast.AST, aliases: dict[str, str]) -> list[str]:
    name = _dotted(node, aliases) if isinstance(node, ast.Name | ast.Attribute) else None
    found = [name] if name in BANNED_NAMES else []
    if isinstance(node, ast.Call):
        called = _dotted(node.func, aliases) or ""
        if called.startswith("random.") and not (called == "random.Random" and node.args):
            found.append(f"{called}: only random.Random(seed) is repeatable")
        if isinstance(node.func, ast.Attribute) and node.func.attr in BANNED_METHODS:
            found.append(f".{node.func.attr}()")
    return found
