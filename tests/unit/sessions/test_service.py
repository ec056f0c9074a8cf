"""Sessions on a real ledger: append, slice, wake, forks of forks, replay, the pinned revision."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.domain.events import Scope
from lignin.sessions.service import SessionLog
from lignin.testing.changes import (
    ACTOR,
    CountingIds,
    TickingClock,
    change,
    head_created,
    head_moved,
    space_created,
)

SCOPE = Scope(space="team", actor=ACTOR)
LOG = SessionLog(CountingIds())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    ledger = SqlLedger(f"sqlite:///{tmp_path}/ledger.db", TickingClock())
    ledger.commit(change("team", space_created("team"), head_created("main")))
    yield ledger
    ledger.close()


def _start(ledger: SqlLedger, head: str | None = None) -> str:
    with ledger.view("team") as view:
        session, started = LOG.start(view, SCOPE, client="test", head=head)
    ledger.commit(started)
    return session


def _fork(ledger: SqlLedger, session: str, at: int) -> str:
    with ledger.view("team") as view:
        new, forked = LOG.fork(view, SCOPE, session, at)
    ledger.commit(forked)
    return new


def _contents(
    ledger: SqlLedger, session: str, start: int = 1, stop: int | None = None
) -> list[bytes]:
    with ledger.view("team") as view:
        found = list(LOG.read(view, session, start, stop))
    assert [r.seq for r in found] == list(range(start, start + len(found)))
    return [record.content or b"" for record in found]


def test_a_session_keeps_the_revision_it_started_with(ledger: SqlLedger) -> None:
    session = _start(ledger, "main")
    ledger.commit(change("team", head_moved("main", "r0", "r1")))
    child = _fork(ledger, session, 0)
    with ledger.view("team") as view:
        assert LOG.wake(view, session).revision == "r0"
        assert LOG.wake(view, child).revision == "r0"
    for fact in ("revision", "head", "forked_from", "started_at"):
        with pytest.raises(InvalidRequestError, match=fact):
            LOG.update(SCOPE, session, {fact: "x"})
    assert _start(ledger, "main") != session


def test_a_session_is_woken_where_it_stands(ledger: SqlLedger) -> None:
    session = _start(ledger)
    ledger.commit(LOG.append(SCOPE, session, [b"a", b"b"]))
    ledger.commit(LOG.update(SCOPE, session, {"title": "t"}))
    with ledger.view("team") as view:
        woken = LOG.wake(view, session)
    assert (woken.length, woken.state, woken.body["title"]) == (2, "running", "t")
    ledger.commit(LOG.end(SCOPE, session, "success"))
    with pytest.raises(ConflictError):
        ledger.commit(LOG.end(SCOPE, session, "success"))
    with ledger.view("team") as view:
        assert LOG.wake(view, session).state == "ended"
        with pytest.raises(NotFoundError):
            LOG.wake(view, "ses_none")


def test_the_same_append_again_adds_nothing(ledger: SqlLedger) -> None:
    session = _start(ledger)
    append = LOG.append(SCOPE, session, [b"a"], expect_length=0, key="k")
    ledger.commit(append)
    ledger.commit(append)
    with pytest.raises(ConflictError):
        ledger.commit(LOG.append(SCOPE, session, [b"a"], expect_length=0))
    assert _contents(ledger, session) == [b"a"]


def test_replay_folds_json_records_in_order(ledger: SqlLedger) -> None:
    session = _start(ledger)
    ledger.commit(LOG.append_json(SCOPE, session, [{"n": 1}, {"n": 2.5}]))
    child = _fork(ledger, session, 1)
    ledger.commit(LOG.append_json(SCOPE, child, [{"n": 7}]))
    with ledger.view("team") as view:
        fold = lambda seen, event: [*seen, event["n"]]  # noqa: E731
        assert LOG.replay(view, session, fold, []) == [1, 2.5]
        assert LOG.replay(view, child, fold, []) == [1, 7]


def test_a_fork_beyond_the_end_is_refused(ledger: SqlLedger) -> None:
    session = _start(ledger)
    ledger.commit(LOG.append(SCOPE, session, [b"a"]))
    for at in (-1, 2):
        with pytest.raises(InvalidRequestError), ledger.view("team") as view:
            LOG.fork(view, SCOPE, session, at)


STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), max_size=6)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(1, 12), st.integers(0, 12))
def test_forks_of_forks_read_like_lists(
    ledger: SqlLedger, steps: list[tuple[int, int, int]], start: int, size: int
) -> None:
    model = {_start(ledger): [b"0", b"1"]}
    ledger.commit(LOG.append(SCOPE, next(iter(model)), [b"0", b"1"]))
    for number, (which, at, count) in enumerate(steps):
        origin = list(model)[which % len(model)]
        cut = at % (len(model[origin]) + 1)
        new = _fork(ledger, origin, cut)
        more = [b"%d.%d" % (number, n) for n in range(count)]
        if more:
            ledger.commit(LOG.append(SCOPE, new, more))
        model[new] = model[origin][:cut] + more
    for session, contents in model.items():
        assert _contents(ledger, session) == contents
        assert (
            _contents(ledger, session, start, start + size)
            == contents[start - 1 : start + size - 1]
        )
        with ledger.view("team") as view:
            assert LOG.length(view, session) == len(contents)
