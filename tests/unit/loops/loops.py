"""A store with loops, for tests of what is filed about them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.events import Change, Scope
from lignin.domain.loops import Occurrence
from lignin.loops.service import Loops, Taken
from lignin.ports.clock import IdSource
from lignin.ports.ledger import Ledger, View, require_known
from lignin.testing.changes import ACTOR, change, space_created
from unit.loops.test_parse import CLOSED, WHOLE

SPACE = "home"
SCOPE = Scope(space=SPACE, actor=ACTOR)
__all__ = ["CLOSED", "SCOPE", "SPACE", "WHOLE", "Desk"]


class Desk:
    """A ledger and the services of loops on it."""

    def __init__(self, ledger: Ledger, ids: IdSource) -> None:
        self.ledger, self.ids = ledger, ids
        self.loops = Loops(ids)

    def found(self) -> "Desk":
        """Make the space."""
        self.ledger.commit(change(SPACE, space_created(SPACE)))
        return self

    def add(self, value: Mapping[str, Any]) -> None:
        """Add a loop."""
        with self.ledger.view(SPACE) as view:
            made = self.loops.add(view, SCOPE, value)
        self.ledger.commit(made)

    def commit(self, decide: Callable[[View], Change | None]) -> None:
        """Decide on a view and commit."""
        with self.ledger.view(SPACE) as view:
            made = decide(view)
        if made is not None:
            self.ledger.commit(made)

    def take(self, loop: str, names: Sequence[str], seen: Json = None) -> Taken:
        """Take occurrences, once."""
        with self.ledger.view(SPACE) as view:
            taken = self.loops.take(
                view,
                SCOPE,
                require_known(view, f"loop/{loop}"),
                [Occurrence(source="message", name=name) for name in names],
                seen=seen,
            )
        if taken.change is not None:
            self.ledger.commit(taken.change)
        return taken

    def end(self, run: str, outcome: str = "archived", *, keep: bool = False) -> str | None:
        """End the run that goes on; returns the next one."""
        with self.ledger.view(SPACE) as view:
            row = require_known(view, f"looprun/{run}")
            made, following = self.loops.end(
                view, SCOPE, row, outcome=outcome, why="done", told="", keep=keep
            )
        self.ledger.commit(made)
        return following

    def body(self, stream: str) -> Mapping[str, Json]:
        """What a row holds."""
        with self.ledger.view(SPACE) as view:
            return require_known(view, stream).body

    def state(self, stream: str) -> str:
        """Where a row stands."""
        with self.ledger.view(SPACE) as view:
            return str(require_known(view, stream).state)
