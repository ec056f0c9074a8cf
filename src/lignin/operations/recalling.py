"""Takes what may not be used any more out of the skill folders of this machine, at once.

The ledger knows which folders were served; a receipt in the folder says that it is of this store, for a
store may be shared by machines with the same paths. Nothing new is added: that waits until somebody serves
the folder or a session begins.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lignin.artifacts.client import Client
from lignin.artifacts.serve import read_state
from lignin.domain.errors import LigninError
from lignin.domain.events import Event
from lignin.operations.artifact_models import Recalled
from lignin.operations.context import Context
from lignin.operations.skill_models import FolderServed
from lignin.operations.skill_serving import Offer, offer_of, origin_of, serve_one
from lignin.ports.ledger import View, every_row

PAGE = 1000
_MATTERS = frozenset({"version.moved", "head.moved"})


def recall(context: Context) -> Recalled:
    """Bring what was served here of this space up to date, where it was served, and tell what went.

    A folder that cannot be written is told and keeps nobody from the others.
    """
    with context.view() as view:
        folders = _served(context, view)
        names = {origin_of(view, head.key): head.key for head in every_row(view, "head")}
    done = Recalled(taken_from=[], still_in=[])
    offers: dict[str, Offer] = {}
    for folder, client in folders.items():
        try:
            for origin, ours in _by_origin(folder).items():
                if origin not in names:
                    continue  # another store's, or another space's
                if origin not in offers:
                    with context.view() as view:
                        offers[origin] = offer_of(context, view, names[origin])
                told = serve_one(context, client, folder, offers[origin], only=ours)
                _add(done, told)
        except LigninError as error:
            done.still_in.append(f"{folder}: {error.message}")
    return done


def recall_told(context: Context) -> None:
    """Recall, and say so as progress."""
    done = recall(context)
    for path in done.taken_from:
        context.progress(f"took out of use: {path}", 0, None)
    for left in done.still_in:
        context.progress(f"still there, remove it: {left}", 0, None)


@contextmanager
def recalling(context: Context) -> Iterator[None]:
    """Recall after a block that takes something out of use, also where it refuses to do so again: the run
    before, which did, may have died before it got this far."""
    try:
        yield
    except LigninError:
        recall_told(context)
        raise
    recall_told(context)


def _served(context: Context, view: View) -> Mapping[Path, Client]:
    """The skill folders of this machine that were served, each with the client it was last served for."""
    known = context.load_clients()
    rows = sorted(every_row(view, "serving"), key=lambda row: str(row.body["at"]))
    found = {Path(row.body["folder"]): known.get(row.body["client"]) for row in rows}
    return {
        folder: client for folder, client in found.items() if client is not None and folder.is_dir()
    }


def _by_origin(folder: Path) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, entry in read_state(folder).receipt.skills.items():
        found.setdefault(entry.origin, set()).add(name)
    return found


def _add(done: Recalled, told: FolderServed) -> None:
    done.taken_from += [f"{told.folder}/{name}" for name in told.removed]
    done.still_in += [f"{told.folder}/{left.name}: {left.reason}" for left in told.still_there]


class Recaller:
    """Recalls whenever a version or a head has moved, whoever moved it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._positions: dict[str, int] = {}

    def follow(self) -> None:
        """Recall in every space where something moved since the last look; in each once at first."""
        for space in self._context.ledger.spaces():
            with self._context.ledger.view(space) as view:
                before, now = self._positions.get(space), view.position
                moved = before is None or any(
                    each.type in _MATTERS for each in _since(view, before)
                )
            if moved:
                scoped = replace(self._context, scope=self._context.scope_of(space))
                recall_told(scoped)
            self._positions[space] = now


def _since(view: View, position: int) -> Iterator[Event]:
    while events := view.log(after=position, limit=PAGE):
        yield from events
        position = events[-1].position
