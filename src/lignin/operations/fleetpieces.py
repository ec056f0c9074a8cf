"""One run of a piece's agent: in a tree of its own, then judged for itself. Runs in a thread; commits nothing."""

import json
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lignin.domain.codec import Json
from lignin.domain.errors import LigninError
from lignin.domain.fleets import Piece
from lignin.loops.laws.fleet_digests import BRIEF, FOLDER, NOTES, Notes, digest_of, read_notes
from lignin.loops.laws.fleet_surfaces import outside
from lignin.operations.fleetwork import Work, failed
from lignin.ports.yard import Taken

MAX_NOTES_BYTES = 2**16
_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to: a commit that holds for itself, or why it is sent back.

    Args:
        fault: Why it is sent back, in our words; `told` what a program said of it.
        refused: Its agent would not do it: a person's matter.
        is_lost: Nothing that it did: neither answer nor attempt.
    """

    piece: str
    commit: str = ""
    fault: str = ""
    told: str = ""
    refused: str = ""
    is_lost: bool = False
    patch: bytes = b""
    paths: Sequence[str] = ()
    checks: Sequence[str] = ()
    digest: Mapping[str, Json] = field(default_factory=dict)
    spent: Mapping[str, int] = field(default_factory=dict)


def run_piece(work: Work, piece: Piece, base: str, prompt: str, at: int) -> Result:
    """Run a piece's agent once and judge what it left."""
    try:
        return _run(work, piece, base, prompt, at)
    except LigninError as error:
        return Result(piece=piece.id, fault=error.message, told=error.hint, is_lost=True)
    except OSError as error:  # a full disk, no more processes
        return Result(piece=piece.id, fault=f"{type(error).__name__}: {error}", is_lost=True)


def _run(work: Work, piece: Piece, base: str, prompt: str, at: int) -> Result:
    tree = work.yard.add(base, piece.id)
    try:
        (tree / FOLDER).mkdir()
        (tree / BRIEF).write_text(prompt)
        ran = work.worker.run(tree, prompt, piece.budget.seconds, work.ended.is_set)
        notes = _read_notes(work, tree)
        if ran.ended in ("stopped", "infrastructure"):
            return Result(piece=piece.id, fault=ran.why or "it was stopped", is_lost=True)
        taken = work.yard.take(tree, base, f"{work.fleet} {piece.id}\n", at)
    finally:
        work.yard.remove(tree)
    spent = notes.spent or {}
    if ran.ended != "done":
        patch = work.yard.patch(base, taken.commit) if taken.commit else b""
        why, _, said = work.masked(ran.why).partition(": ")
        return Result(
            piece=piece.id, fault=f"its agent: {why}", told=said, patch=patch, spent=spent
        )
    if notes.refused:
        return Result(
            piece=piece.id, fault="its agent would not do it", refused=notes.refused, spent=spent
        )
    return _judge(work, piece, base, taken, notes=notes, said=work.masked(ran.said))


def _judge(work: Work, piece: Piece, base: str, taken: Taken, *, notes: Notes, said: str) -> Result:
    spent = notes.spent or {}
    if not taken.commit:
        return Result(piece=piece.id, fault="it changed nothing", told=said[-2000:], spent=spent)
    patch = work.yard.patch(base, taken.commit)
    paths = work.yard.changed(base, taken.commit)
    fault = told = ""
    if taken.odd:
        fault = f"it left what is no file of its own: {_few(taken.odd)}"
    elif strange := outside(paths, piece.touches):
        fault = f"it changed what it may not touch: {_few(strange)}"
    else:
        wrong = failed(work.verdicts(taken.commit, piece.checks))
        if wrong and wrong.verdict == "inconclusive":
            return Result(
                piece=piece.id,
                fault=f"a check could not be run: {wrong.check}",
                told=wrong.told,
                is_lost=True,
            )
        if wrong:
            fault, told = f"its check fails: {wrong.check}", wrong.told
    if fault:
        return Result(piece=piece.id, fault=fault, told=told, patch=patch, spent=spent)
    sources = [path for path in paths if path.endswith(".py")]
    before, after = (work.yard.texts(each, sources) for each in (base, taken.commit))
    return Result(
        piece=piece.id,
        commit=taken.commit,
        patch=patch,
        paths=paths,
        checks=piece.checks,
        digest=digest_of(piece, taken.lines, notes, before, after),
        spent=spent,
    )


def _read_notes(work: Work, tree: Path) -> Notes:
    """What the agent wrote of its own work; a link is not followed, and no more is read than may be."""
    folder, file = tree / FOLDER, tree / NOTES
    with suppress(OSError, ValueError, RecursionError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return Notes()
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return Notes()
            text = stream.read(MAX_NOTES_BYTES).decode(errors="replace")
        return read_notes(json.loads(work.masked(text)))
    return Notes()


def _few(paths: Sequence[str]) -> str:
    more = len(paths) - _NAMED
    return ", ".join([*paths[:_NAMED], *([f"and {more} more"] if more > 0 else [])])
