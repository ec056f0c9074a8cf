"""Which runs to make of an artifact, as executions. Pure; `gather` makes them.

Layout in the sandbox: the artifact's files at `/artifact`; each dependency below
`/artifact/<name with - as _>/`, so that `from clean_text.main import clean` reaches the file
`main.py` of the dependency `clean-text`. Our own runner of tests lies beside them.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files as package_files

from lignin.artifacts import guest_tests, guest_workflow
from lignin.artifacts.sealed_answers import seal
from lignin.artifacts.suite import is_test_file
from lignin.domain.artifacts import File, Manifest, Tree, make_tree
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example
from lignin.ports.sandbox import Command, Entropy, Execution, Limits, PythonCall

GUEST_PATH = "_lignin_guest_tests.py"
FLOW_PATH = "_lignin_guest_workflow.py"
PROGRAMS_PATH = "_lignin_guest_programs.py"
ANSWERS_PATH = "_lignin_answers.json"
CALL_LIMITS = Limits(wall_s=3.0, cpu_s=3)
TEST_LIMITS = Limits(wall_s=10.0, cpu_s=8)
MUTANT_LIMITS = Limits(wall_s=3.0, cpu_s=2)
IN_TURN = "calls of other examples before it in one process"
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Variant:
    """Circumstances of a run that no honest answer depends on."""

    name: str
    hash_seed: int = 0
    clock_offset_s: int = 0
    entropy: Entropy = "system"
    is_killed: bool = False


BASE = Variant("the first run")
KILLED = Variant("killed after every step and replayed", is_killed=True)
EXTREMES = (
    Variant("another hash seed, 400 days later and low entropy", 1, 400 * _DAY_S + 12_345, "low"),
    Variant("another hash seed, 3 years later and high entropy", 2, 1100 * _DAY_S + 49_999, "high"),
)
# Where an entropy at its end hangs an honest loop, the other circumstances are still varied.
MODERATE = Variant("another hash seed, 400 days later", 3, 400 * _DAY_S + 12_345)
TEST_SEEDS = (BASE, Variant("another hash seed", 1), Variant("another hash seed", 2))
TEST_VARIANTS = (*TEST_SEEDS, Variant("400 days later", 3, 400 * _DAY_S + 12_345))


@cache
def guest_source() -> bytes:
    """Return the text of our runner of tests; read when first needed, not on import."""
    return inspect.getsource(guest_tests).encode()


@cache
def flow_source() -> bytes:
    """Return the text of what workflows ask by; read when first needed."""
    return inspect.getsource(guest_workflow).encode()


@cache
def programs_source() -> bytes:
    """Return the text of our stand-ins for programs; read when first needed."""
    # Not imported: it holds what a pure module may not reach.
    return package_files("lignin.artifacts").joinpath("guest_programs.py").read_bytes()


def mount_dependencies(tree: Tree, dependencies: Mapping[str, Tree]) -> dict[str, File]:
    """Return the files of a tree with its dependencies mounted below it.

    Raises:
        InvalidRequestError: A dependency's folder hides files of the tree.
    """
    files = dict(tree.files)
    for name, other in dependencies.items():
        folder = folder_of(name)
        if any(path == folder or path.startswith(f"{folder}/") for path in files):
            raise InvalidRequestError(
                f"the tree has a path {folder!r}, where its dependency {name!r} is mounted",
                hint="rename the folder",
            )
        files |= {f"{folder}/{path}": file for path, file in other.files.items()}
    return dict(make_tree(files).files)


def folder_of(name: str) -> str:
    """Return the folder below `/artifact` in which a dependency is mounted."""
    return name.replace("-", "_")


def require_dependencies(manifest: Manifest, dependencies: Mapping[str, Tree]) -> None:
    """Raise where a dependency is missing or is not the version that the manifest pins."""
    for name, digest in sorted(manifest.dependencies.items()):
        tree = dependencies.get(name)
        if tree is None:
            raise InvalidRequestError(f"the dependency {name!r} was not handed over")
        if tree.digest != digest:
            raise InvalidRequestError(
                f"the dependency {name!r} is {tree.digest}, the manifest pins {digest}"
            )


def plan_run(
    manifest: Manifest, files: Mapping[str, File], use: Example, variant: Variant = BASE
) -> Execution:
    """Return the execution of one use: a function call or a command."""
    action: PythonCall | Command
    if manifest.is_function:
        file, function = split_entry(manifest)
        given = dict(use.arguments or {})
        action = PythonCall(file=file, function=function, arguments=given)
        if manifest.kind == "workflow":
            files, action = mount_flow(files), _rehearsed(action, use, variant)
    else:
        files, argv = _command(manifest, files, use)
        action = Command(argv=argv, stdin=use.stdin.encode())
    return Execution(
        files=files,
        action=action,
        work={path: File(content=text.encode()) for path, text in use.files.items()},
        limits=CALL_LIMITS,
        hash_seed=variant.hash_seed,
        clock_offset_s=variant.clock_offset_s,
        entropy=variant.entropy,
    )


def mount_flow(files: Mapping[str, File]) -> dict[str, File]:
    """Return a workflow's files with what it asks by beside them."""
    return {**files, FLOW_PATH: File(content=flow_source())}


def _rehearsed(call: PythonCall, use: Example, variant: Variant) -> PythonCall:
    """The call of a workflow that a rehearsal drives to its end (`lignin.artifacts.workflow`)."""
    given = {
        "file": call.file,
        "function": call.function,
        "arguments": call.arguments,
        "rehearsal": {"given": dict(use.given), "killed": variant.is_killed},
    }
    return PythonCall(file=FLOW_PATH, function="run_workflow", arguments=given)


def _command(
    manifest: Manifest, files: Mapping[str, File], use: Example
) -> tuple[Mapping[str, File], tuple[str, ...]]:
    """The files and words of a script's run; stand-ins give the answers of programs, where recorded."""
    runtime = manifest.runtime or "sh"
    if not use.answers:
        return files, (runtime, f"/artifact/{manifest.entry}", *use.argv)
    sealed = File(content=seal(use.answers))
    beside = {PROGRAMS_PATH: File(content=programs_source()), ANSWERS_PATH: sealed}
    words = (runtime, f"/artifact/{PROGRAMS_PATH}", manifest.entry, *use.argv)
    return {**files, **beside}, words


def plan_in_turn(
    manifest: Manifest,
    files: Mapping[str, File],
    uses: Sequence[Example],
    variant: Variant = BASE,
) -> Execution:
    """Return the execution that calls a program with several inputs in one process, twice over."""
    file, function = split_entry(manifest)
    cases = [dict(use.arguments or {}) for use in uses]
    arguments = {"file": file, "function": function, "cases": cases}
    made = guest_call(files, "call_in_turn", arguments, CALL_LIMITS)
    return replace(
        made,
        hash_seed=variant.hash_seed,
        clock_offset_s=variant.clock_offset_s,
        entropy=variant.entropy,
    )


def plan_tests(
    files: Mapping[str, File],
    tests: Iterable[str],
    *,
    limits: Limits = TEST_LIMITS,
    variant: Variant = BASE,
) -> Execution:
    """Return the execution that runs some test files."""
    made = guest_call(files, "run_tests", {"files": sorted(tests)}, limits)
    return replace(made, hash_seed=variant.hash_seed, clock_offset_s=variant.clock_offset_s)


def replaced(files: Mapping[str, File], text: str, source: str) -> dict[str, File]:
    """Return files in which every one that holds `text` holds `source` instead."""
    content = text.encode()
    return {
        path: replace(file, content=source.encode()) if file.content == content else file
        for path, file in files.items()
    }


def mount_subject(test: Tree, subject: Tree, dependencies: Mapping[str, Tree]) -> dict[str, File]:
    """Return the files of a test artifact with the program it is joined to, for running it.

    Raises:
        InvalidRequestError: The test is not joined to this version of the program.
    """
    pinned = test.manifest.dependencies
    names = [name for name, digest in pinned.items() if digest == subject.digest]
    if not names:
        raise InvalidRequestError(f"the test {test.digest} is not joined to {subject.digest}")
    return mount_dependencies(test, {**dependencies, names[0]: subject})


def guest_call(
    files: Mapping[str, File],
    function: str,
    arguments: Mapping[str, object],
    limits: Limits,
) -> Execution:
    """Return the execution of one function of our own file beside the artifact's."""
    return Execution(
        files={**files, GUEST_PATH: File(content=guest_source())},
        action=PythonCall(file=GUEST_PATH, function=function, arguments=arguments),
        limits=limits,
    )


def split_entry(manifest: Manifest) -> tuple[str, str]:
    """Return (file, function) of a program's entry point.

    Raises:
        InvalidRequestError: The entry is not written `file.py:function`.
    """
    return split_entry_text(manifest.entry)


def split_entry_text(entry: str) -> tuple[str, str]:
    """Return (file, function) of an entry point as it is written.

    Raises:
        InvalidRequestError: It is not written `file.py:function`.
    """
    file, _, function = entry.partition(":")
    if not file.endswith(".py") or not function.isidentifier():
        raise InvalidRequestError(
            f"the entry {entry!r} is not written file.py:function", hint="see lignin.json"
        )
    return file, function


def find_test_files(manifest: Manifest, tree: Tree) -> tuple[str, ...]:
    """Return the files of a tree that hold tests; of a test artifact its entry at least."""
    found = {path for path in tree.files if is_test_file(path)}
    if manifest.kind == "test":
        found.add(manifest.entry.partition(":")[0])
    return tuple(sorted(found & set(tree.files)))
