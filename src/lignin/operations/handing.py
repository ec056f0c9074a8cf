"""Trials as they are handed to workers: what a worker opens a system and a case by, and the very same.

A worker opens the system anew, on its own machine, from what it is called and from the files of its
harness. It is the same one only where its digest is, so nothing is ever tried that was not asked for; what
cannot be opened elsewhere is tried by who asks.
"""

import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.artifacts import File
from lignin.domain.codec import Digest, Json, canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.domain.events import Blob, Change, NewEvent
from lignin.domain.jobs import MAX_INPUT_BYTES, JobAsked
from lignin.evals.trials import CHECKS, TOLD
from lignin.operations.context import Context
from lignin.operations.subjects import ARTIFACT, DESK, open_subject
from lignin.operations.trialwork import SuiteCase, suite_case
from lignin.ports.ledger import View
from lignin.ports.system import System

QUEUE = "trials"
_FIELDS = frozenset(
    {"system", "spec", "unsandboxed", "limit_s", "folder", "harness", "case", "task", "number"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One trial that a worker is to make.

    Args:
        system: Digest that the system must have.
        harness: Digest of its harness files; empty for none.
        case: Name and digest; `task` is there where the case is one of the user's own.
    """

    system: Digest
    spec: str
    unsandboxed: bool
    limit_s: float
    folder: str
    harness: Digest
    case: tuple[str, Digest]
    task: Mapping[str, Json] | None
    number: int


def parse_handed(value: Json) -> Handed:
    """A trial from a job's input.

    Raises:
        InvalidRequestError: It is none.
    """
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise InvalidRequestError("a trial job has other fields; `eval run --workers` makes them")
    name, digest = value["case"]
    return Handed(**{**value, "case": (name, digest)})


def open_handed(context: Context, handed: Handed) -> tuple[System, SuiteCase]:
    """Open the system and the case of a trial.

    Raises:
        UnavailableError: What is here is another system than the one that was asked for.
    """
    context.cwd = context.path(handed.folder)
    with context.view() as view:
        harness = _load_files(view, handed.harness) if handed.harness else None
        name, digest = handed.case
        if handed.task is None:
            case = suite_case(view, name, digest)
        else:
            case = SuiteCase(name=name, digest=digest, task=handed.task, kind="told")
    system = open_subject(
        context,
        handed.spec,
        unsandboxed=handed.unsandboxed,
        limit_s=handed.limit_s,
        harness=harness,
    )
    if system.digest != handed.system:
        raise UnavailableError(
            f"{handed.spec:.80} is {system.digest[:19]} here, and {handed.system[:19]} was asked for",
            hint="its files, or its Python, are others on this worker",
        )
    return system, case


def hand(
    context: Context, view: View, system: System, case: SuiteCase, number: int
) -> tuple[JobAsked, Sequence[Change]] | None:
    """The job that makes a trial, with what is to be kept for it; None where only the asker can.

    A judge is opened by who asks, and sealed cases are shown to nobody: both stay here. So does what reads files
    and variables of this machine besides its own.
    """
    recipe = context.opened.get(system.digest)
    if (
        recipe is None
        or recipe.reads
        or recipe.variables
        or not recipe.folder.is_dir()
        or not system.name
        or case.grader not in (CHECKS, TOLD)
    ):
        return None
    kept: list[Change] = []
    harness = ""
    if recipe.harness:
        content = _files_bytes(recipe.harness)
        harness = digest_bytes(content)
        stream = f"subject/{harness}"
        if view.row(stream) is None:
            kept.append(_keep(context, stream, content))
    value = {
        "system": system.digest,
        "spec": recipe.spec,
        "unsandboxed": recipe.unsandboxed,
        "limit_s": recipe.limit_s,
        "folder": str(recipe.folder),
        "harness": harness,
        "case": [case.name, case.digest],
        "task": dict(case.task) if case.content is None else None,
        "number": number,
    }
    if len(canonical_bytes(value)) > MAX_INPUT_BYTES:
        return None
    asked = JobAsked(
        kind="trial",
        input=value,
        queue=QUEUE,
        needs=_needs(recipe.spec, unsandboxed=recipe.unsandboxed),
        source="trial",
        occurrence=case.key(system.digest, number).trial,
        parent=f"system/{system.digest}",
    )
    return asked, kept


def host_need(name: str = "") -> str:
    """The need to be on a host, by default this one."""
    return f"host:{re.sub('[^a-z0-9._-]', '-', (name or socket.gethostname()).lower())[:60]}"


def _needs(spec: str, *, unsandboxed: bool) -> tuple[str, ...]:
    """What stands in the ledger goes anywhere; what lies in a folder goes where that is."""
    if spec.startswith(DESK):
        return ()
    if spec.startswith(ARTIFACT):
        return ("sandbox:any",)
    return (host_need(),) if unsandboxed else (host_need(), "sandbox:any")


def _keep(context: Context, stream: str, content: bytes) -> Change:
    digest = digest_bytes(content)
    event = NewEvent(
        stream=stream,
        type="subject.kept",
        payload={"digest": digest},
        event_id=context.ids.new("evt"),
    )
    return context.scope.change(
        events=(event,), blobs=(Blob(stream=stream, digest=digest, content=content),)
    )


def _files_bytes(files: Mapping[str, File]) -> bytes:
    return canonical_bytes({path: [file.mode, file.content.hex()] for path, file in files.items()})


def _load_files(view: View, digest: Digest) -> dict[str, File]:
    return {
        path: File(content=bytes.fromhex(content), mode=mode)
        for path, (mode, content) in parse_json(view.blob(digest)).items()
    }
