"""Which stored bytes the state stands on: what an audit must find, and what may be there at all."""

from collections.abc import Iterable, Iterator, Mapping

from lignin.domain.codec import Digest
from lignin.domain.events import Event
from lignin.domain.states.row import Row

_NAMED_BY: Mapping[str, str] = {
    "version.captured": "digest",
    "examples.added": "blob",
    "recording.added": "blob",
    "evidence.recorded": "report",
    "run.filed": "error",
    "run.judged": "findings",
}


def named_blob(event: Event) -> Digest | None:
    """The blob that an event speaks of: a tree's entries, examples, a report."""
    field = _NAMED_BY.get(event.type)
    return event.payload.get(field) if field else None


def needed_blobs(rows: Iterable[Row]) -> Iterator[tuple[str, Digest]]:
    """The stream and digest of every blob that the state of a space cannot do without.

    An expired version has lost its bytes on purpose, and so have the examples and recordings of a
    digest that only expired versions have. Of reports the latest of each kind is needed.
    """
    kept = list(rows)
    versions = [row for row in kept if row.kind == "version"]
    alive = {row.body["digest"] for row in versions if row.state != "expired"}
    for row in versions:
        if row.state != "expired":
            yield row.stream, row.body["digest"]
    for row in kept:
        if row.kind == "examples" and row.key in alive:
            yield from ((row.stream, digest) for digest in row.body["blobs"])
        elif row.kind == "recording" and row.key in alive:
            yield from ((row.stream, given["blob"]) for given in row.body["given"])
        elif row.kind == "filing" and row.body["error"]:
            yield row.stream, row.body["error"]
        elif row.kind == "judgement" and row.body["findings"]:
            yield row.stream, row.body["findings"]
        elif row.kind == "evidence":
            for latest in row.body["latest"].values():
                if latest.get("report"):
                    yield row.stream, latest["report"]
