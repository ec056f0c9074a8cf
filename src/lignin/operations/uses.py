"""Which versions a stored run used: from names in its trace to versions of the space.

A trace names skills and artifacts; which version stood behind a name is told, in this order, by the
call itself, by the revision that the session pinned, by what was served into the run's folder before
the use, by what the heads served then, or by there being one version only. What none of them tells
is left out: nothing is guessed.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath

from lignin.artifacts.packaging import assign_skill_names
from lignin.domain.codec import Digest
from lignin.domain.errors import LigninError
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.domain.uses import ArtifactUse
from lignin.operations.context import Context
from lignin.ports.ledger import View, every_row
from lignin.traces.attribution import Use, find_uses


def versions_used(context: Context, view: View, session: Row, run: Trajectory) -> dict[str, str]:
    """The versions (`NAME@DIGEST`) that a run used, each with how that is known."""
    times = {step.index: step.at for step in run.steps}
    found: dict[str, str] = {}
    for use in find_uses(run):
        version, how = _version_of(context, view, session, use, _time(times[use.step]))
        if version and view.row(f"version/{version}") is not None:
            found.setdefault(version, f"{use.how}; {how}")
    return found


def version_behind(context: Context, view: View, session: Row | None, use: ArtifactUse) -> str:
    """The version (`NAME@DIGEST`) behind a counted use; "" where nothing tells it."""
    if session is None:  # only our own surface saw it, which knows the digest
        found = f"{use.name}@{use.version}"
        return found if view.row(f"version/{found}") is not None else ""
    seen = Use(step=use.step, name=use.name, how="direct call", version=use.version)
    when = _time(use.at)
    version, _ = _version_of(context, view, session, seen, when)
    row = view.row(f"version/{version}") if version else None
    return version if row is not None and not _was_quarantined(view, row, when) else ""


def _was_quarantined(view: View, row: Row, when: datetime | None) -> bool:
    """True where a version was out of use then: what was read is the note that says so."""
    if when is None:
        return False
    moves = (event for event in view.events(row.stream) if event.type == "version.moved")
    last = max((e for e in moves if _before(e.at, when)), key=lambda e: e.seq, default=None)
    return last is not None and last.payload["to"] == "quarantined"


def _version_of(
    context: Context, view: View, session: Row, use: Use, when: datetime | None
) -> tuple[str, str]:
    """The version behind a use, and what tells it; both empty where nothing does."""
    if use.version:
        try:
            row = context.artifacts.find_version(view, use.name, use.version)
        except LigninError:
            return "", ""
        return row.key, "the call pins it"
    if session.body["revision"]:
        slots = context.harness.resolve(view, session.body["revision"])
        return _in_slots(use.name, slots), "the session's pinned revision holds it"
    if when is not None:
        for slots in _served(context, view, session.body["cwd"], when):
            if version := _in_slots(use.name, slots):
                return version, "it was served into the run's folder"
        stood = {_in_slots(use.name, slots) for slots in _heads_at(context, view, when)} - {""}
        if len(stood) == 1:
            return stood.pop(), "it stood in the head then"
    if view.row(f"artifact/{use.name}") is not None:
        versions = context.artifacts.versions(view, use.name, limit=2).rows
        if len(versions) == 1:
            return versions[0].key, "it is the only version"
    return "", ""


def _in_slots(name: str, slots: Mapping[str, Digest]) -> str:
    """The version that a slot's name, or the name of its skill folder, means."""
    names = {skill: slot for slot, skill in assign_skill_names(slots).items()}
    slot = name if name in slots else names.get(name, "")
    return f"{slot}@{slots[slot]}" if slot else ""


def _served(
    context: Context, view: View, cwd: str, when: datetime
) -> Iterator[Mapping[str, Digest]]:
    """What was last served, before a time, into the folders that a run in `cwd` looks into."""
    if not cwd:
        return
    clients = context.load_clients()
    for row in every_row(view, "serving"):
        name, _, folder = row.key.partition(":")
        if name not in clients:
            continue
        below = PurePosixPath(clients[name].project_folder).parts
        base = PurePosixPath(*PurePosixPath(folder).parts[: -len(below)])
        if PurePosixPath(cwd).is_relative_to(base):
            events = (event for event in view.events(row.stream) if _before(event.at, when))
            last = max(events, key=lambda event: event.seq, default=None)
            if last is not None:
                yield context.harness.resolve(view, last.payload["revision"])


def _heads_at(context: Context, view: View, when: datetime) -> Iterator[Mapping[str, Digest]]:
    """What each head served at a time."""
    for head in every_row(view, "head"):
        moves = context.harness.history(view, head.key)
        last = next((move for move in moves if _before(move.at, when)), None)
        if last is not None:
            yield context.harness.resolve(view, last.to)


def _before(at: str, when: datetime) -> bool:
    then = _time(at)
    return then is not None and then <= when


def _time(text: str | None) -> datetime | None:
    """An aware time; None where a trace says none that can be read."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
