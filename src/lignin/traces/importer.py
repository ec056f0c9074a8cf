"""What an importer is, and which importer reads a file.

Owns the scan of the installed importers and the choice among them by content. Refuses to guess:
two importers that are equally sure are an error, for one of them would read the file wrongly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lignin.domain.errors import InvalidRequestError
from lignin.domain.traces import ImportedTrace
from lignin.traces.hiding import Hidden
from lignin.traces.scan import load_declared

HEAD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """One trace format.

    Args:
        name: As it stands in `Trajectory.format`.
        sniff: `(file name, first HEAD_BYTES bytes)` to a certainty in 0..1; 0 is "not mine".
        parse: `(file name, all bytes)` to the trace. Never raises over content; the records of
            all its sessions, sorted by line, are the bytes given (of an archive: the records that
            it is unpacked into). A session's own records alone give its steps again.
        hide: All bytes to the same bytes without what tells how the runs ended (rewards, scores,
            verdicts, gold actions and answers), and how many values that were. None where the format has no such thing.
    """

    name: str
    sniff: Callable[[str, bytes], float]
    parse: Callable[[str, bytes], ImportedTrace]
    hide: Callable[[bytes], Hidden] | None = None


def load_importers() -> tuple[Importer, ...]:
    """Return the installed importers, by name.

    Raises:
        InvalidRequestError: A file of the folder has no `IMPORTER`, or a name occurs twice.
    """
    return load_declared("lignin.traces.importers", "IMPORTER", Importer)


def find_importer(importers: Sequence[Importer], name: str, head: bytes) -> Importer | None:
    """Return the importer that is surest of a file, None where none knows it.

    Args:
        importers: Those to ask.
        name: The file's name.
        head: Its first bytes, at most `HEAD_BYTES` are looked at.

    Raises:
        InvalidRequestError: Two importers are equally sure; both are named.
    """
    head = head[:HEAD_BYTES]
    scored = sorted(((each.sniff(name, head), each.name, each) for each in importers), reverse=True)
    if not scored or scored[0][0] <= 0:
        return None
    if len(scored) > 1 and scored[1][0] == scored[0][0]:
        raise InvalidRequestError(
            f"{name}: {scored[1][1]} and {scored[0][1]} both take this file for theirs",
            hint="name the format",
            importers=[scored[1][1], scored[0][1]],
        )
    return scored[0][2]


def import_trace(
    importers: Sequence[Importer], name: str, data: bytes, *, form: str | None = None
) -> ImportedTrace:
    """Return the trace in a file's bytes, read by the importer that recognises them.

    Args:
        form: The format, where it is known, as it is of stored records.

    Raises:
        InvalidRequestError: No importer recognises the bytes, or two do, or none reads `form`.
    """
    return require_importer(importers, name, data, form=form).parse(name, data)


def require_importer(
    importers: Sequence[Importer], name: str, data: bytes, *, form: str | None = None
) -> Importer:
    """Return the importer of a file, by its format or by its content.

    Raises:
        InvalidRequestError: No importer recognises the bytes, or two do, or none reads `form`.
    """
    if form is not None:
        importer = next((each for each in importers if each.name == form), None)
    else:
        importer = find_importer(importers, name, data)
    if importer is None:
        raise InvalidRequestError(
            f"{name}: no importer recognises this file ({_guess(data)})",
            hint=f"formats read here: {', '.join(each.name for each in importers)}",
            name=name,
        )
    return importer


def _guess(data: bytes) -> str:
    head = data[:4096]
    if not head.strip():
        return "it is empty"
    if b"\0" in head:
        return "it looks binary"
    return "its records have none of the known shapes"
