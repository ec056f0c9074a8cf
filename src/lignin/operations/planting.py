"""Faults planted into a system that works: which there are, and the systems that have them.

A head's accepted changes are undone, its slots emptied, set back or altered; a scripted agent of the
practice desk gets each of its faults; of a command line or a function the files are altered, in a copy; a stored script gets the mutants that
its verification uses.
"""

import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from lignin.artifacts.mutants import make_mutants
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import MANIFEST_PATH, File
from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import LigninError
from lignin.domain.harness import Revision, SlotChange, apply_patch, parse_patch
from lignin.evals.power import REVERTED, FaultKind, Turned, changes_nothing, turned_texts
from lignin.harness.service import Move
from lignin.operations.context import Context
from lignin.operations.subjects import (
    ARTIFACT,
    DESK,
    asked_artifact,
    harness_files,
    open_subject,
)
from lignin.ports.ledger import View, every_row
from lignin.ports.system import LIMIT_S, System, SystemRun
from lignin.ports.tools import Tools

MAX_FILES = 200
MUTANTS = 12
"""So many mutants of each file of a program, at most."""
FUNCTION = "python:"
_UNDONE: Mapping[str, FaultKind] = {"better": REVERTED, "admit": "admission_undone"}


@dataclass(frozen=True, slots=True)
class Named:
    """A system under a name that tells what was done to it."""

    system: System
    name: str

    @property
    def digest(self) -> Digest:
        return self.system.digest

    @property
    def simulated(self) -> bool:
        return self.system.simulated

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        return self.system.run(task, seed, tools)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A fault: the system that has it, and the one that it is told from.

    `starts` says of a case which of its trials is the first that nobody saw when the fix was made, `likely`
    which cases it is likely to break.
    """

    kind: FaultKind
    about: str
    system: System
    against: System
    starts: Mapping[str, int] = field(default_factory=dict)
    likely: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The system whose suite is measured: how it is named, with which head, and how it is run.

    Args:
        may_alter: Whether altered texts and files may be run: what is altered may do anything.
    """

    spec: str
    head: str
    options: Mapping[str, Any]
    may_alter: bool = True

    def at(self, context: Context, view: View, revision: Revision) -> System:
        """The system with a revision."""
        files = harness_files(context, view, revision)
        return self.opened(context, files)

    def opened(self, context: Context, files: Mapping[str, File]) -> System:
        """The system with some harness files."""
        return open_subject(context, self.spec, harness=files, **self.options)


def plant(context: Context, subject: Subject) -> tuple[System, list[Planted]]:
    """The system as it works, and every fault that can be planted into it, no two the same."""
    if not subject.head:
        base = open_subject(context, subject.spec, **subject.options)
        found = [
            *_of_agent(context, subject, {}, base),
            *_of_files(context, subject, base),
            *_of_artifact(context, subject, {}, base),
        ]
        if subject.spec.startswith(
            FUNCTION
        ):  # what was loaded last is what others import by its name
            base = open_subject(context, subject.spec, **subject.options)
    else:
        with context.view() as view:
            _, revision = context.harness.stable(view, subject.head)
            files = harness_files(context, view, revision)
            base = subject.opened(context, files)
            found = [
                *_undone(context, view, subject, revision, base),
                *_of_slots(context, view, subject, revision, base),
                *_of_agent(context, subject, files, base),
                *_of_artifact(context, subject, files, base),
            ]
    distinct: dict[tuple[Digest, Digest], Planted] = {}
    for each in found:
        if each.system.digest != each.against.digest:
            distinct.setdefault((each.system.digest, each.against.digest), each)
    return base, list(distinct.values())


def _undone(
    context: Context, view: View, subject: Subject, now: Revision, base: System
) -> Iterator[Planted]:
    """Accepted changes undone: in what stands now where they still stand there whole, else in what stood
    right after them."""
    moves = context.harness.history(view, subject.head)
    for number, move in enumerate(moves):
        kind = _UNDONE.get(str(move.claim))
        if kind is None or not move.slots or _taken_back(moves[:number], move):
            continue
        patch = parse_patch(move.slots)
        about = f"{move.proposal} undone: {', '.join(sorted(patch))}"
        if all(now.slots.get(slot) == change.new for slot, change in patch.items()):
            without = apply_patch(now, _reversed(patch))
            system, against = subject.at(context, view, without), base
        else:
            before, after = (context.harness.revision(view, d) for d in (move.came_from, move.to))
            system, against = (subject.at(context, view, each) for each in (before, after))
            about += " (as it stood then)"
        yield replace(
            _planted(kind, about, system, against),
            starts=_starts(view, move.proposal, system.digest),
            likely=fixed_by(view, move.proposal),
        )


def fixed_by(view: View, proposal: str | None) -> frozenset[str]:
    """The cases that a proposal was shown to mend."""
    return frozenset(
        str(row.body["case"])
        for row in every_row(view, "fix")
        if any(by["proposal"] == proposal for by in row.body["by"])
    )


def _taken_back(later: Sequence[Move], move: Move) -> bool:
    """Whether a rollback took a change back: then its fix is not to be kept."""
    return any(each.claim == "restore" and each.to == move.came_from for each in later)


def _reversed(patch: Mapping[str, SlotChange]) -> dict[str, SlotChange]:
    return {
        slot: SlotChange(expected=change.new, new=change.expected) for slot, change in patch.items()
    }


def _starts(view: View, proposal: str | None, system: Digest) -> dict[str, int]:
    """The first trials of what stood before a fix that were not there when the fix was made: the others
    chose it, and would speak for it too loudly."""
    rows = view.page("decision", parent=proposal, limit=1000).rows if proposal else ()
    for row in rows:
        if row.body["incumbent_system"] == system and row.body["result"]:
            plan = parse_json(view.blob(row.body["plan"]))
            return dict(plan["first"]["incumbent"])
    return {}


def _of_slots(
    context: Context, view: View, subject: Subject, revision: Revision, base: System
) -> Iterator[Planted]:
    slots = context.harness.resolved(view, revision)
    files = harness_files(context, view, revision)

    def altered(kind: FaultKind, about: str, changed: Mapping[str, File]) -> Planted:
        return _planted(kind, about, subject.opened(context, changed), base)

    for slot in slots:
        rest = {path: file for path, file in files.items() if not path.startswith(f"{slot}/")}
        yield altered("slot_emptied", f"{slot} is gone", rest)
        for digest in _older(context, view, subject.head, slot, slots[slot]):
            try:
                tree = load_tree(view, digest).files
            except LigninError:
                continue  # it was purged
            old = {**rest, **{f"{slot}/{path}": file for path, file in tree.items()}}
            if _is_alike(files, old):
                continue
            about = f"{slot} as it was in {digest[:19]}"
            yield altered("older_version", about, old)
    for each in turned_texts(files, base.digest) if subject.may_alter else ():
        yield altered(each.kind, each.about, _with(files, each))


def _older(context: Context, view: View, head: str, slot: str, now: Digest) -> list[Digest]:
    """What a head held in a slot before, newest first."""
    held = [
        change.expected
        for move in context.harness.history(view, head)
        if (change := parse_patch(move.slots).get(slot)) is not None
    ]
    return [each for each in dict.fromkeys(held) if each and each != now]


def _is_alike(files: Mapping[str, File], others: Mapping[str, File]) -> bool:
    """Whether two harnesses have the same files, and none of them says anything else."""
    return set(files) == set(others) and all(
        changes_nothing(path, file, others[path]) for path, file in files.items()
    )


def _planted(kind: FaultKind, about: str, system: System, against: System) -> Planted:
    named = system if kind == REVERTED else Named(system, f"{system.name} (planted: {about})")
    return Planted(kind=kind, about=about, system=named, against=against)


def _with(files: Mapping[str, File], turned: Turned) -> dict[str, File]:
    changed = {path: file for path, file in files.items() if path != turned.path}
    return changed if turned.file is None else {**changed, turned.path: turned.file}


def _of_agent(
    context: Context,
    subject: Subject,
    files: Mapping[str, File],
    base: System,
) -> Iterator[Planted]:
    """The faults of a scripted agent that lead to failures."""
    if not subject.spec.startswith(DESK):
        return
    from lignin.practice.faults import FAULTS

    agent, _, had = subject.spec.partition("+")
    for kind, fault in FAULTS.items():
        if fault.leads_to == "failure" and kind != had.partition("@")[0]:
            faulty = replace(subject, spec=f"{agent}+{kind}")
            system = faulty.opened(context, files)
            yield Planted(kind="agent_fault", about=kind, system=system, against=base)


def _of_files(context: Context, subject: Subject, base: System) -> list[Planted]:
    """Faults in the files that a command line, or a function's module, brings along."""
    if subject.spec.startswith((DESK, ARTIFACT)) or not subject.may_alter:
        return []
    found: list[Planted] = []
    files = _brought(context.cwd, subject.spec)
    empty = File(content=b"")
    faults = [
        Turned(kind="file_emptied", about=f"{path} is empty", path=path, file=empty)
        for path, file in sorted(files.items())
        if file.content.strip() and not changes_nothing(path, file, empty)
    ]
    for each in (*faults, *turned_texts(files, base.digest)):
        with tempfile.TemporaryDirectory() as folder:
            _lay_out(Path(folder), _with(files, each))
            elsewhere = replace(context, cwd=Path(folder))
            with suppress(Exception):  # whatever its own code does when it is read
                system = open_subject(elsewhere, subject.spec, **subject.options)
                found.append(_planted(each.kind, each.about, system, base))
    return found


def _of_artifact(
    context: Context, subject: Subject, harness: Mapping[str, File], base: System
) -> Iterator[Planted]:
    """Faults in a stored script: the mutants that its verification uses, and turned texts.

    It runs in the sandbox whoever asks, so there its files may be altered as they like.
    """
    if not subject.spec.startswith(ARTIFACT):
        return
    asked = asked_artifact(context, subject.spec, subject.options.get("limit_s", LIMIT_S))
    files = {path: file for path, file in asked.files.items() if path != MANIFEST_PATH}
    for each in (*_mutants(files, base.digest), *turned_texts(files, base.digest)):
        faulty = replace(asked, files=_with(asked.files, each), harness=harness)
        yield _planted(each.kind, each.about, context.open_system(faulty), base)


def _mutants(files: Mapping[str, File], seed: str) -> Iterator[Turned]:
    for path, file in sorted(files.items()):
        if not path.endswith(".py"):
            continue
        source = file.content.decode(errors="replace")
        for mutant in make_mutants(source, count=MUTANTS, seed=f"{seed} {path}"):
            changed = File(content=mutant.source.encode(), mode=file.mode)
            about = f"{path}: {mutant.what}"
            yield Turned(kind="program_mutated", about=about, path=path, file=changed)


def _brought(folder: Path, spec: str) -> dict[str, File]:
    """The files that decide what a system does, as far as its name tells, by path."""
    if spec.startswith(FUNCTION):
        module = spec.removeprefix(FUNCTION).partition(":")[0].replace(".", "/")
        paths = [folder / f"{module}.py"]
    else:
        words = [PurePosixPath(word) for word in shlex.split(spec)]
        tops = {
            word.parts[0]: None for word in words
            if word.parts and not word.is_absolute() and ".." not in word.parts
            and (folder / word).exists()
        }  # fmt: skip
        paths = [
            path
            for top in tops
            for path in (sorted((folder / top).rglob("*")) if (folder / top).is_dir() else [folder / top])
        ]  # fmt: skip
    kept = [path for path in paths if path.is_file() and not path.is_symlink()][:MAX_FILES]
    return {
        path.relative_to(folder).as_posix(): File(
            content=path.read_bytes(), mode="0755" if path.stat().st_mode & 0o100 else "0644"
        )
        for path in kept
        if "__pycache__" not in path.parts
    }


def _lay_out(folder: Path, files: Mapping[str, File]) -> None:
    for path, file in files.items():
        where = folder / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(file.content)
        where.chmod(int(file.mode, 8))
