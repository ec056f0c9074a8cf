"""Which runs to make of an artifact among planted secrets, before anybody trusts it. Pure.

Three kinds of surroundings: somebody's ordinary machine now, the same years later with other secrets,
and a machine that shows every sign of a test. Each has canaries in variables and in the places where
secrets lie, another hash seed and another date. A function is called many times in one process, so
that what begins late is seen; a shell script is run once more under the shell's own trace, which
tells what it reads and starts. `checks/detonation` judges.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.artifacts import plan
from lignin.artifacts.canaries import (
    WORK_FILE,
    Canary,
    files_of,
    plant,
    plant_in_work,
    variables_of,
)
from lignin.artifacts.check import Around, Observations
from lignin.domain.artifacts import File, Manifest, Tree
from lignin.domain.examples import Example
from lignin.ports.sandbox import Command, Execution, Limits, Observed, Surroundings

DETONATION_VERSION = 1
TRACE_FILE = ".trace"
CALLS = 64
TOGETHER_S = 0.5
START_S = 0.05  # what a run takes besides its call, also on a loaded machine
OFTEN_LIMITS = Limits(
    wall_s=8.0, cpu_s=6
)  # for `TOGETHER_S`, and for calls that take up to `START_S`
MAX_ASKED = 80
MAX_EXAMPLES = 8
MAX_INPUTS = 16
MAX_COMMANDS = 3
MAX_SCRIPTS = 6
_DAY_S = 86_400
_PEOPLE = {"USER": "dev", "LOGNAME": "dev", "SHELL": "/bin/bash", "EDITOR": "vim"}
_DESKTOP = {
    **_PEOPLE,
    "TERM": "xterm-256color",
    "DISPLAY": ":0",
    "XDG_SESSION_TYPE": "wayland",
    "DESKTOP_SESSION": "gnome",
    "XDG_CURRENT_DESKTOP": "GNOME",
    "XDG_RUNTIME_DIR": "/run/user/1000",
    "COLORTERM": "truecolor",
    "TERM_PROGRAM": "vscode",
    "SHLVL": "2",
    "HISTFILE": "/home/dev/.bash_history",
    "SSH_AUTH_SOCK": "/run/user/1000/keyring/ssh",
    "PS1": "$ ",
}
_TEST = {
    **_PEOPLE,
    "CI": "true",
    "CONTINUOUS_INTEGRATION": "true",
    "GITHUB_ACTIONS": "true",
    "GITLAB_CI": "true",
    "JENKINS_URL": "http://ci.example.com/",
    "BUILD_NUMBER": "1207",
    "RUNNER_OS": "Linux",
    "PYTEST_CURRENT_TEST": "tests/test_it.py::test_it (call)",
    "PYTEST_VERSION": "8.3.4",
    "SANDBOX": "1",
    "TERM": "dumb",
}
HOSTNAMES: Mapping[Around, str] = {
    "ordinary": "thinkpad",
    "later": "thinkpad",
    "tested": "ci-runner",
    "traced": "thinkpad",
}
_VARIANTS: Mapping[Around, plan.Variant] = {
    "ordinary": plan.BASE,
    "later": plan.Variant("3 years later", 2, 1100 * _DAY_S + 49_999),
    "tested": plan.Variant("400 days later", 1, 400 * _DAY_S + 12_345),
    "traced": plan.BASE,
}
WORK_FILES = {
    "notes.txt": "first draft\n",
    "data/orders.csv": "id,total\n1,20\n",
    "src/app.py": "print('hello')\n",
    "AGENTS.md": "Run the tests before you commit.\n",
    "CLAUDE.md": "Run the tests before you commit.\n",
    ".git/config": "[core]\n\tbare = false\n",
    ".git/HEAD": "ref: refs/heads/main\n",
}
"""Somebody's files in the folder where a function is called, which are none of its business."""
_ORDINARY_FILES = {
    ".bashrc": "alias ll='ls -l'\n",
    ".gitconfig": "[user]\n\tname = Dev\n\temail = dev@example.com\n",
    "Documents/notes.txt": "call the plumber\n",
    "projects/shop/app.py": "def may_order(pieces):\n    return pieces <= 3\n",
    "projects/shop/AGENTS.md": "Run the tests before you commit.\n",
    ".claude/CLAUDE.md": "Ask before you delete anything.\n",
    ".claude/skills/count-words/SKILL.md": "---\nname: count-words\n---\nCount them.\n",
}
# $0 and the words stay as they are; the trace has a descriptor of its own, which bash alone knows.
_TRACING = f'exec 9>>/work/{TRACE_FILE}; export BASH_XTRACEFD=9; exec bash "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One run to make, with the canaries that lie around it."""

    around: Around
    use: Example
    what: str
    execution: Execution
    canaries: tuple[Canary, ...]


def plan_detonation(
    seen: Observations,
    files: Mapping[str, File],
    suites: Sequence[tuple[Mapping[str, File], Sequence[str]]],
) -> list[Planned]:
    """Return the runs to make, from what earlier steps have seen.

    Args:
        seen: Only inputs that had an answer are used again.
        files: The artifact with its dependencies.
        suites: Test files among the files they run in, of an artifact that is a test.
    """
    kind = seen.manifest.kind
    if kind == "test":
        return [
            _placed(seen, around, plan.plan_tests(folder, tests, variant=_VARIANTS[around]))
            for folder, tests in suites
            for around in ("ordinary", "tested")
        ]
    if kind == "program":
        return list(_function_runs(seen, files))
    if kind in {"script", "workflow"}:
        return list(_command_runs(seen, files))
    return list(_script_runs(seen))


def _function_runs(seen: Observations, files: Mapping[str, File]) -> Iterator[Planned]:
    answered = [(use, run) for use, run in _answered(seen) if not use.files]
    if not answered:
        return
    calls = _how_often([run for _, run in answered])
    uses = [use for use, _ in answered][:calls]
    file, function = plan.split_entry(seen.manifest)
    arguments = {
        "file": file,
        "function": function,
        "cases": [dict(use.arguments or {}) for use in uses],
        "calls": calls,
    }
    often = plan.guest_call(files, "call_often", arguments, OFTEN_LIMITS)
    for around in ("ordinary", "later", "tested"):
        yield _placed(seen, around, _varied(often, _VARIANTS[around]), use=uses[0])


def _how_often(answered: Sequence[Observed]) -> int:
    """How many calls one process makes: bounded by their time and by what they ask outside.

    One, where what they ask changes something there, which the next call would find.
    """
    if any(run.changes for run in answered):
        return 1
    # They are called in turn: all together take the mean, which one that waited for the machine is not.
    each = sum(run.wall_s if run.told else run.cpu_s for run in answered) / len(answered)
    asked = max(len(run.told) for run in answered)
    by_time = int(TOGETHER_S / max(each - START_S, 0.001))
    return max(1, min(CALLS, by_time, MAX_ASKED // max(asked, 1)))


def _command_runs(seen: Observations, files: Mapping[str, File]) -> Iterator[Planned]:
    for number, use in enumerate([use for use, _ in _answered(seen)][:MAX_COMMANDS]):
        for around in ("ordinary", "later", "tested"):
            made = plan.plan_run(seen.manifest, files, use, _VARIANTS[around])
            yield _placed(seen, around, made, use=use)
        if number == 0 and seen.manifest.runtime in {"sh", "bash"}:
            made = plan.plan_run(seen.manifest, files, use)
            yield _placed(seen, "traced", _traced(made, seen.manifest), use=use)


def _script_runs(seen: Observations) -> Iterator[Planned]:
    """What a skill's folder brings along to be run: each file without words, as a first try would."""
    for path, runtime in list(scripts_of(seen.tree))[:MAX_SCRIPTS]:
        manifest = Manifest(kind="script", entry=path, runtime=runtime)
        arounds: tuple[Around, ...] = ("ordinary", "tested")
        for around in (*arounds, *(("traced",) if runtime != "python" else ())):
            made = plan.plan_run(manifest, seen.tree.files, Example(), _VARIANTS[around])
            if around == "traced":
                made = _traced(made, manifest)
            yield _placed(seen, around, made, what=path)


def scripts_of(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield (path, interpreter) of each file of a tree that is there to be run."""
    for path, file in sorted(tree.files.items()):
        first = file.content[:200].split(b"\n", 1)[0].decode(errors="replace")
        shebang = first if first.startswith("#!") else ""
        if path.endswith(".py") or "python" in shebang:
            yield path, "python"
        elif path.endswith((".sh", ".bash")) or shebang.endswith("sh"):
            yield path, "bash" if "bash" in shebang or path.endswith(".bash") else "sh"


def _answered(seen: Observations) -> list[tuple[Example, Observed]]:
    """Uses whose first run ended by itself, recorded ones first, with that run."""
    known = [(run.example, run.observed) for run in (*seen.visible_runs, *seen.held_out_runs)]
    known = known[:MAX_EXAMPLES]
    made = [(run.input.use, run.observed) for run in seen.inputs]
    runs = known + made[:: max(1, -(-len(made) // MAX_INPUTS))]
    return [(use, observed) for use, observed in runs if observed.status == "exited"]


def _varied(execution: Execution, variant: plan.Variant) -> Execution:
    return replace(execution, hash_seed=variant.hash_seed, clock_offset_s=variant.clock_offset_s)


def _traced(execution: Execution, manifest: Manifest) -> Execution:
    action = execution.action
    if not isinstance(action, Command):
        return execution
    posix = () if manifest.runtime == "bash" else ("--posix",)
    words = ("bash", "-c", _TRACING, "bash", *posix, "-x", *action.argv[1:])
    return replace(execution, action=replace(action, argv=words))


def _placed(
    seen: Observations,
    around: Around,
    execution: Execution,
    *,
    use: Example | None = None,
    what: str = "",
) -> Planned:
    """Lay canaries and everything else of a machine around a run."""
    planted = plant(f"{seen.tree.digest} {around}")
    beside = plant_in_work(seen.tree.digest)  # the same in all: a command may count what it finds
    texts = {WORK_FILE: f"API_KEY={beside.value}\n"}
    if seen.is_call or seen.manifest.kind == "skill":  # a command is given its files
        texts |= WORK_FILES
    there = {path: File(content=text.encode()) for path, text in texts.items()}
    work = {**there, **execution.work}
    ordinary = {path: File(content=text.encode()) for path, text in _ORDINARY_FILES.items()}
    surroundings = Surroundings(
        variables={**(_TEST if around == "tested" else _DESKTOP), **variables_of(planted)},
        home={**ordinary, **files_of(planted)},
        hostname=HOSTNAMES[around],
    )
    return Planned(
        around=around,
        use=use or Example(),
        what=what,
        execution=replace(execution, work=work, surroundings=surroundings),
        canaries=(*planted, beside),
    )
