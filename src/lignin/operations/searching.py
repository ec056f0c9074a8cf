"""Keeps a word index of a space's proven versions in step with its log.

Made when it is first asked, then moved on by what the log says since; a process that serves for long
reads each version once. Owns what is cached and nothing that decides: rows are read anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from lignin.artifacts.nearest import OUTLINE_FORM, parse_outline, words_of
from lignin.artifacts.store import load_tree
from lignin.artifacts.words import Hit, WordIndex
from lignin.domain.errors import LigninError
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.ports.ledger import View, every_row

if TYPE_CHECKING:
    from lignin.operations.context import Context

MAX_FOLLOWED = 20_000
MAX_TOLD = 20_000
MAX_RANKED = 64
SUMMARY_CHARS = 300


@dataclass(frozen=True, slots=True)
class About:
    """What is told of a version: fixed by its digest, so it is read once."""

    summary: str
    takes: tuple[str, ...]


@dataclass(slots=True)
class _Space:
    index: WordIndex = field(default_factory=WordIndex)
    position: int = -1
    about: dict[str, About] = field(default_factory=dict)
    ranked: dict[str, list[Hit]] = field(default_factory=dict)
    """Rankings of earlier queries; they hold until a version changes."""


class Searches:
    """The indexes of the spaces that were searched. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spaces: dict[str, _Space] = {}

    def rank(
        self, context: "Context", view: View, query: str, served: frozenset[str] = frozenset()
    ) -> list[Hit]:
        """The proven versions that a query finds, one of each name: what is served first, then the best.

        Args:
            served: The versions (`NAME@DIGEST`) that come before others, also of their own name.
        """
        with self._lock:
            space = self._spaces.setdefault(view.space, _Space())
            if view.position > space.position:
                _follow(context, view, space)
            found = space.ranked.get(query)
            if found is None:
                found = space.index.rank(query)
                if len(space.ranked) >= MAX_RANKED:
                    space.ranked.clear()
                space.ranked[query] = found
        return _best(sorted(found, key=lambda hit: hit.key not in served))

    def matched(self, view: View, key: str, query: str) -> list[str]:
        """The words of a query that a version has, the rarest first."""
        with self._lock:
            return self._spaces[view.space].index.matched(key, query)

    def about(self, context: "Context", view: View, row: Row) -> About:
        """What a version says of itself, cut to what a list shows."""
        digest = str(row.body["digest"])
        with self._lock:
            known = self._spaces.setdefault(view.space, _Space()).about
            found = known.get(digest)
        if found is None:
            found = _read_about(context, view, row)
            with self._lock:
                if len(known) >= MAX_TOLD:
                    known.clear()
                known[digest] = found
        return found


def _best(hits: Iterable[Hit]) -> list[Hit]:
    """The first hit of each name, in their order."""
    found: dict[str, Hit] = {}
    for hit in hits:
        found.setdefault(hit.key.partition("@")[0], hit)
    return list(found.values())


def _follow(context: "Context", view: View, space: _Space) -> None:
    """Move the index on to the view; begin anew where too much has happened since."""
    touched: set[str] | None = set()
    after = space.position
    if after < 0 or view.position - after > MAX_FOLLOWED:
        touched = None
    while touched is not None and after < view.position:
        events = view.log(after=after)
        if not events:
            break
        after = events[-1].position
        touched |= {
            event.stream.partition("/")[2]
            for event in events
            if event.stream.startswith(("version/", "outline/"))
        }
    if touched is None or touched:
        space.ranked.clear()
    if touched is None:
        space.index = WordIndex()
        _put(context, view, space.index, _proven(view), view_outlines(view))
    elif touched:
        streams = [f"version/{key}" for key in touched]
        rows = view.rows(streams)
        for key in touched:
            space.index.drop(key)
        outlines = {
            stream.partition("/")[2]: row
            for stream, row in view.rows([f"outline/{key}" for key in touched]).items()
        }
        proven = [row for row in rows.values() if row.state in PROVEN]
        _put(context, view, space.index, proven, _words(outlines.values()))
    space.position = view.position


def _proven(view: View) -> Iterable[Row]:
    for state in sorted(PROVEN):
        yield from every_row(view, "version", state=state)


def view_outlines(view: View) -> dict[str, frozenset[int]]:
    """The words that outlines keep, by the version's key."""
    return _words(every_row(view, "outline"))


def _words(rows: Iterable[Row]) -> dict[str, frozenset[int]]:
    return {
        row.key: parse_outline(row.body).words for row in rows if row.body["form"] == OUTLINE_FORM
    }


def _put(
    context: "Context",
    view: View,
    index: WordIndex,
    rows: Iterable[Row],
    outlines: dict[str, frozenset[int]],
) -> None:
    for row in rows:
        words = outlines.get(row.key)
        if words is None:  # nobody asked for its neighbours yet: its own text is read
            tasks = dict.fromkeys(str(seen["task"]) for seen in row.body["provenance"])
            words = frozenset(words_of(_summary(context, view, row), *tasks))
        index.put(row.key, words, str(row.body["name"]))


def _summary(context: "Context", view: View, row: Row) -> str:
    try:
        tree = load_tree(view, row.body["digest"])
        return context.load_kinds()[str(row.body["kind"])].summary(tree)
    except LigninError:  # found by its name all the same
        return ""


def _read_about(context: "Context", view: View, row: Row) -> About:
    try:
        tree = load_tree(view, row.body["digest"])
    except LigninError:
        return About("", ())
    summary = " ".join(context.load_kinds()[str(row.body["kind"])].summary(tree).split())
    names = tree.manifest.interface.input.get("properties")
    takes = tuple(sorted(map(str, names))) if isinstance(names, dict) else ()
    return About(summary[:SUMMARY_CHARS], takes)
