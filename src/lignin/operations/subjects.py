"""Systems under test as a caller names them, with a harness revision where one is asked for.

`desk:NAME+FAULT@SHARE` is a scripted agent of the practice desk (simulated, it reads the texts of its
harness), `artifact:NAME@DIGEST` a stored script by itself, in the sandbox whatever was asked,
`repo:DRAFT:WORDS` a command in the user's repository with a draft's change, `repo:DRAFT/base:WORDS`
without it, `commit:REVISION:WORDS` a command line with the files that its words name as they were committed
in the repository that the caller stands in; everything else is opened by the context:
`python:MODULE:FUNCTION`, or a command line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import File
from lignin.domain.errors import DeniedError, InvalidRequestError, UnavailableError
from lignin.domain.harness import Revision
from lignin.harness.drafts import load_draft
from lignin.operations.choice import find
from lignin.operations.context import Context
from lignin.ports.ledger import View
from lignin.ports.system import LIMIT_S, System, SystemAsked, split_words

DESK = "desk:"
ARTIFACT = "artifact:"
REPOSITORY = "repo:"
COMMIT = "commit:"
BASE = "/base"
_NOT_TRIED = frozenset({"quarantined", "rejected", "retired", "expired"})


def open_subject(
    context: Context,
    spec: str,
    *,
    unsandboxed: bool = False,
    limit_s: float = LIMIT_S,
    harness: Mapping[str, File] | None = None,
    reads: Sequence[Path] = (),
    variables: Sequence[str] = (),
) -> System:
    """Open a system under test.

    Args:
        harness: The files of the revision it runs with.
        reads, variables: What an unconfined one reads besides its own files; it enters its digest.

    Raises:
        InvalidRequestError: In the sandbox there is nothing else to be read.
        DeniedError: It would run unconfined, and may not.
        NotFoundError: There is none of that name.
        UnavailableError: A dry run runs nothing unconfined, or there is no sandbox.
    """
    asked = SystemAsked(
        spec=spec,
        folder=context.cwd,
        harness=harness or {},
        environment=context.environment,
        unsandboxed=unsandboxed,
        limit_s=limit_s,
        reads=tuple(sorted(set(reads))),
        variables=tuple(sorted(set(variables))),
    )
    if (reads or variables) and not unsandboxed:
        raise InvalidRequestError(
            "in the sandbox a system reads only the files that its words name",
            hint="--reads-path and --reads-variable are for --unsandboxed",
        )
    system = _opened(context, asked)
    context.opened[system.digest] = asked
    return system


def _opened(context: Context, asked: SystemAsked) -> System:
    spec = asked.spec
    if spec.startswith(DESK):
        from lignin.practice.system import DeskSystem

        return DeskSystem(spec.removeprefix(DESK), asked.harness)
    if spec.startswith(ARTIFACT):
        found = asked_artifact(context, spec, asked.limit_s)
        return context.open_system(replace(found, harness=asked.harness))
    if context.dry_run and asked.unsandboxed:
        raise UnavailableError("a dry run runs nothing unconfined", hint="leave out --dry-run")
    if spec.startswith(REPOSITORY):
        found = _repository(context, spec)
        return context.open_system(
            replace(
                found,
                limit_s=asked.limit_s,
                unsandboxed=asked.unsandboxed,
                reads=asked.reads,
                variables=asked.variables,
            )
        )
    if spec.startswith(COMMIT):
        return context.open_system(_committed(context, asked))
    return context.open_system(asked)


def _committed(context: Context, asked: SystemAsked) -> SystemAsked:
    """A command line as of a commit: it brings what it would bring from the folder, as it was then.

    Raises:
        InvalidRequestError: No command line, or it brings nothing.
        NotFoundError: No repository, or no such commit.
    """
    revision, _, command = asked.spec.removeprefix(COMMIT).partition(":")
    words = split_words(command)
    repository = context.repositories().open(asked.folder)
    below = asked.folder.resolve().relative_to(repository.folder.resolve()).as_posix()
    prefix = "" if below == "." else f"{below}/"
    files, _ = repository.files(repository.commit_of(revision or "HEAD"))
    here = {p.removeprefix(prefix): f for p, f in files.items() if p.startswith(prefix)}
    named = [word.rstrip("/") for word in words]
    roots = {
        word.partition("/")[0]
        for word in named
        if word in here or any(path.startswith(f"{word}/") for path in here)
    }
    kept = {path: file for path, file in here.items() if path.partition("/")[0] in roots}
    if not kept:
        raise InvalidRequestError(
            f"{command!r:.80} names no file of {revision or 'HEAD'}",
            hint="name the program by its path, as in `python agent/main.py`",
        )
    return replace(asked, command=tuple(words), files=kept)


def asked_artifact(context: Context, spec: str, limit_s: float = LIMIT_S) -> SystemAsked:
    """A stored script as the system that is asked for.

    Raises:
        DeniedError: It is in quarantine, or is not to be tried.
        InvalidRequestError: It is no script.
        NotFoundError: There is none of that name.
    """
    with context.view() as view:
        row = find(context, view, spec.removeprefix(ARTIFACT))
        if row.state in _NOT_TRIED:
            raise DeniedError(
                f"{spec} is {row.state}",
                hint="`lignin artifact show` says why; try another version",
            )
        tree = load_tree(view, row.body["digest"])
    if tree.manifest.kind != "script":
        raise InvalidRequestError(
            f"{spec} is a {tree.manifest.kind}; a script takes a task by itself",
            hint="put it in a harness, and try an agent with that",
        )
    return SystemAsked(
        spec=f"{ARTIFACT}{row.body['name']}@{row.body['digest'][:19]}",
        folder=context.cwd,
        command=(tree.manifest.runtime, tree.manifest.entry),
        files=tree.files,
        limit_s=limit_s,
    )


def _repository(context: Context, spec: str) -> SystemAsked:
    """A command in a copy of the repository's committed files; neither commit nor change is the user's tree.

    Raises:
        InvalidRequestError: No command line.
        NotFoundError: No such draft, or its repository or commit is gone.
    """
    name, _, command = spec.removeprefix(REPOSITORY).partition(":")
    with context.view() as view:
        draft = load_draft(view, name.removesuffix(BASE))
    repository = context.repositories().open(draft.folder)
    files, _ = repository.files(repository.commit_of(draft.commit))
    if not name.endswith(BASE):
        files |= {path: file for path, file in draft.files.items() if file is not None}
        for path in [path for path, file in draft.files.items() if file is None]:
            files.pop(path, None)
    return SystemAsked(
        spec=spec,
        folder=draft.folder,
        command=split_words(command),
        files=files,
        environment=context.environment,
        in_place=True,
    )


def harness_files(context: Context, view: View, revision: Revision) -> dict[str, File]:
    """The files of all that a revision holds, each slot's in a folder of its name."""
    return {
        f"{slot}/{path}": file
        for slot, digest in context.harness.resolved(view, revision).items()
        for path, file in load_tree(view, digest).files.items()
    }
