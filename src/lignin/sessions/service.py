"""Sessions on the ledger. Owns streams `session/<id>` and `record/<id>`.

Every method that writes returns a `Change`; nothing here commits. A session keeps the revision it
started with, so a head that moves never reaches a run half-way (decision record 3).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lignin.domain.codec import Json, canonical_bytes, parse_json
from lignin.domain.errors import ConflictError, InvalidRequestError
from lignin.domain.events import Change, NewEvent, Purge, Record, Records, Scope
from lignin.domain.states import Row
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View, require_known

MAX_FORK_DEPTH = 100
FIXED = frozenset({"revision", "head", "forked_from", "parent", "started_at", "ended_at"})
State = TypeVar("State")


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """A session as `wake` finds it: where it stands and what it runs on."""

    session: str
    state: str
    head: str | None
    revision: str | None
    length: int
    body: Mapping[str, Json]


class SessionLog:
    """Starts, feeds, reads and forks sessions."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def start(
        self,
        view: View,
        scope: Scope,
        *,
        client: str,
        model: str = "",
        agent: str = "",
        head: str | None = None,
        session: str | None = None,
        facts: Mapping[str, Json] | None = None,
    ) -> tuple[str, Change]:
        """Return a new session's id and the change that starts it.

        Args:
            head: The harness head whose stable revision the session pins.
            session: An id decided by the caller (a transcript's); else a fresh one.
            facts: Further JSON facts of the origin.

        Raises:
            NotFoundError: No such head.
        """
        session = session or self._ids.new("ses")
        revision = None
        if head is not None:
            revision = require_known(view, f"head/{head}").body["stable"]
        payload = {
            **(facts or {}),
            "client": client,
            "model": model,
            "agent": agent,
            "head": head,
            "revision": revision,
            "forked_from": None,
        }
        return session, scope.change(events=(self._event(session, "session.started", payload),))

    def require_running(self, view: View, session: str) -> Row:
        """The row of a session that goes on.

        Raises:
            NotFoundError: No such session.
            ConflictError: It has ended: what it holds is what its run came to.
        """
        row = require_known(view, f"session/{session}")
        if row.state == "ended":
            raise ConflictError(
                f"session {session} ended at {row.body['ended_at']}",
                hint=f"`lignin session fork {session} --at {self.length(view, session)}` goes on "
                "from its end",
            )
        return row

    def append(
        self,
        scope: Scope,
        session: str,
        contents: Sequence[bytes],
        *,
        expect_length: int | None = None,
        type: str = "session.record",
        key: str | None = None,
    ) -> Change:
        """The change that appends raw records.

        Args:
            expect_length: Records of its own the session must have already, else a conflict.
            key: Idempotency key: the same append again adds nothing.
        """
        records = Records(
            stream=f"record/{session}",
            type=type,
            first_id=self._ids.new("evt"),
            contents=tuple(contents),
            expect_seq=expect_length,
        )
        return scope.change(records=(records,), idempotency_key=key)

    def append_json(
        self, scope: Scope, session: str, events: Sequence[Json], *, key: str | None = None
    ) -> Change:
        """The change that appends JSON values as canonical records."""
        return self.append(scope, session, [canonical_bytes(event) for event in events], key=key)

    def update(self, scope: Scope, session: str, facts: Mapping[str, Json]) -> Change:
        """The change that adds facts to a session's row.

        Raises:
            InvalidRequestError: A fact would overwrite what the session was born with.
        """
        if fixed := sorted(FIXED & set(facts)):
            raise InvalidRequestError(f"a session keeps its {', '.join(fixed)}")
        return scope.change(events=(self._event(session, "session.updated", facts),))

    def end(self, scope: Scope, session: str, outcome: str) -> Change:
        """The change that ends a session with its run outcome."""
        ended = self._event(session, "session.ended", {"outcome": outcome})
        return scope.change(events=(ended,))

    def purge(self, scope: Scope, session: str, number: int, *, reason: str) -> Change:
        """The change that forgets one of the session's own records; its digest stays."""
        payload = {"stream": f"record/{session}", "seq": number, "reason": reason, "count": 1}
        event = NewEvent(
            stream=f"purge/{session}",
            type="payload.purged",
            payload=payload,
            event_id=self._ids.new("evt"),
        )
        return scope.change(
            events=(event,), purges=(Purge(stream=f"record/{session}", seq=number),)
        )

    def wake(self, view: View, session: str) -> Woken:
        """Where a session stands, for a harness that goes on with it.

        Raises:
            NotFoundError: No such session.
        """
        row = require_known(view, f"session/{session}")
        return Woken(
            session=session,
            state=str(row.state),
            head=row.body["head"],
            revision=row.body["revision"],
            length=self.length(view, session),
            body=row.body,
        )

    def length(self, view: View, session: str) -> int:
        """How many records a session has, those before its fork included."""
        row = require_known(view, f"session/{session}")
        own = view.row(f"record/{session}")
        before = row.body["forked_from"]["seq"] if row.body["forked_from"] else 0
        return int(before) + (own.seq if own else 0)

    def fork(self, view: View, scope: Scope, session: str, at: int) -> tuple[str, Change]:
        """Return a new session that begins as the first `at` records of another.

        Raises:
            InvalidRequestError: The other has fewer records.
        """
        row, length = require_known(view, f"session/{session}"), self.length(view, session)
        if not 0 <= at <= length:
            raise InvalidRequestError(
                f"session {session} has {length} records, cannot fork at {at}",
                hint=f"choose 0 to {length}",
            )
        new = self._ids.new("ses")
        dropped = ("started_at", "ended_at", "outcome")
        payload = {name: value for name, value in row.body.items() if name not in dropped}
        payload["forked_from"] = {"session": session, "seq": at}
        payload["parent"] = session
        return new, scope.change(events=(self._event(new, "session.started", payload),))

    def read(
        self, view: View, session: str, start: int = 1, stop: int | None = None
    ) -> Iterator[Record]:
        """Records with start <= number < stop, through forks; numbers count from the first one."""
        for stream, shift, low, high in self._pieces(view, session, start, stop):
            for record in view.records(stream, low, high):
                yield record._replace(seq=record.seq + shift)

    def replay(
        self, view: View, session: str, fold: Callable[[State, Json], State], state: State
    ) -> State:
        """Fold a session's JSON records in order; purged ones are passed over."""
        for record in self.read(view, session):
            if record.content is not None:
                state = fold(state, parse_json(record.content))
        return state

    def _pieces(
        self, view: View, session: str, start: int, stop: int | None
    ) -> Iterator[tuple[str, int, int, int | None]]:
        """Record streams that make a session: (stream, shift, first, end), oldest first."""
        pieces: list[tuple[str, int, int, int | None]] = []
        end = stop
        for _ in range(MAX_FORK_DEPTH):
            fork = require_known(view, f"session/{session}").body["forked_from"]
            shift = fork["seq"] if fork else 0
            high = None if end is None else end - shift
            if high is None or high > 1:
                pieces.append((f"record/{session}", shift, max(start - shift, 1), high))
            if fork is None:
                return reversed(pieces)
            session = fork["session"]
            end = shift + 1 if end is None else min(end, shift + 1)
        raise InvalidRequestError(f"more than {MAX_FORK_DEPTH} forks behind {session}")

    def _event(self, session: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(
            stream=f"session/{session}",
            type=type_,
            payload=payload,
            event_id=self._ids.new("evt"),
        )
