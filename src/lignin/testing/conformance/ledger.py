"""What every ledger must do. Subclass `LedgerContract` and give it the fixture `make_ledger`.

`make_ledger()` opens the same, at first empty store anew with each call, so that two calls stand
for two processes. Closing what was opened is the fixture's business.
"""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from lignin.domain.errors import (
    ConflictError,
    IllegalTransitionError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.events import Receipt, format_time
from lignin.ports.ledger import Ledger
from lignin.testing.changes import (
    change,
    event,
    fresh_id,
    head_created,
    head_moved,
    records,
    space_created,
    used,
)
from lignin.testing.conformance.ledger_reading import ReadingContract

MakeLedger = Callable[[], Ledger]


class CommitContract:
    """Atomicity, compare-and-swap, idempotency, leases, order."""

    @pytest.fixture
    def ledger(self, make_ledger: MakeLedger) -> Ledger:
        """A store with the space `team` and the head `main` in it."""
        ledger = make_ledger()
        ledger.commit(change("team", space_created("team"), head_created("main")))
        return ledger

    def test_joined_changes_are_all_written_or_none(self, ledger: Ledger) -> None:
        bad = change("team", head_moved("main", "elsewhere", "r1"))
        with pytest.raises(ConflictError):
            ledger.commit(change("team", used("a")), bad)
        with ledger.view("team") as view:
            assert view.row("usage/a") is None
            assert view.position == 2

    def test_who_watches_is_rung_by_what_another_process_commits_about_jobs(
        self, ledger: Ledger, make_ledger: MakeLedger
    ) -> None:
        other, bell, position = make_ledger(), threading.Event(), 0
        with ledger.watch(bell.set):
            for paused in (True, False):
                lane = event("lane/evals", "lane.set", queue="evals", needs=[], paused=paused)
                other.commit(change("team", lane))
                while True:  # it may be rung for nothing
                    assert bell.wait(60)
                    bell.clear()
                    with ledger.view("team") as view:
                        if view.position > position:
                            position = view.position
                            break
                with ledger.view("team") as view:
                    row = view.row("lane/evals")
                    assert row is not None
                    assert row.body["paused"] is paused

    def test_joined_changes_of_several_spaces_are_one_commit(self, ledger: Ledger) -> None:
        ledger.commit(change("other", space_created("other")), change("team", used("a")))
        with pytest.raises(NotFoundError):
            ledger.commit(change("other", used("a")), change("nowhere", used("a")))
        assert list(ledger.spaces()) == ["other", "team"]
        with ledger.view("other") as view:
            assert view.position == 1

    def test_a_refused_commit_leaves_the_others_of_its_moment_untouched(
        self, ledger: Ledger
    ) -> None:
        start = threading.Barrier(12)

        def commit(number: int) -> Receipt | LigninError:
            start.wait()
            wrong = {"head/main": 77} if number % 3 == 0 else {}
            try:
                return ledger.commit(change("team", used(f"u{number}"), expects=wrong))[0]
            except LigninError as error:
                return error

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(commit, range(12)))
        refused = [number for number, answer in enumerate(answers) if isinstance(answer, Exception)]
        assert refused == [0, 3, 6, 9]
        with ledger.view("team") as view:
            there = {row.key for row in view.page("usage").rows}
        assert there == {f"u{number}" for number in range(12) if number % 3}

    def test_a_stale_seq_is_refused_and_the_answer_says_where_the_stream_stands(
        self, ledger: Ledger
    ) -> None:
        move = change("team", head_moved("main", "r0", "r1"), expects={"head/main": 1})
        ledger.commit(move)
        with pytest.raises(ConflictError) as refused:
            ledger.commit(change("team", head_moved("main", "r0", "r2"), expects={"head/main": 1}))
        assert refused.value.fields["actual"] == 2
        assert refused.value.fields["expected"] == 1
        assert refused.value.fields["current"]["stable"] == "r1"

    def test_a_stream_expected_absent_is_refused_once_it_is_there(self, ledger: Ledger) -> None:
        new = change("team", used("a"), expects={"usage/a": 0})
        ledger.commit(new)
        with pytest.raises(ConflictError):
            ledger.commit(change("team", used("a"), expects={"usage/a": 0}))

    def test_of_racing_compare_and_swaps_exactly_one_wins(self, make_ledger: MakeLedger) -> None:
        ledgers = [make_ledger() for _ in range(4)]
        ledgers[0].commit(change("team", space_created("team"), head_created("main")))
        start = threading.Barrier(4)

        def move(number: int) -> bool:
            start.wait()
            moved = head_moved("main", "r0", f"x{number}")
            try:
                ledgers[number].commit(change("team", moved, expects={"head/main": 1}))
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(move, range(4))) == 1

    def test_a_repeated_key_answers_the_first_receipt_and_adds_nothing(
        self, ledger: Ledger
    ) -> None:
        (first,) = ledger.commit(change("team", used("a"), idempotency_key="k"))
        (again,) = ledger.commit(change("team", used("a"), idempotency_key="k"))
        assert (again.first_position, again.event_ids) == (first.first_position, first.event_ids)
        assert (first.repeated, again.repeated) == (False, True)
        with ledger.view("team") as view:
            assert view.position == 3
            assert view.row("usage/b") is None

    @pytest.mark.parametrize("other", ["payload", "stream", "more", "records"])
    def test_a_key_that_stands_for_another_change_is_refused(
        self, ledger: Ledger, other: str
    ) -> None:
        new, log = used("a", "one"), records("ses_1", b"one", b"two")
        ledger.commit(change("team", new, records=(log,), idempotency_key="k"))
        changed = {
            "payload": change(
                "team", replace(new, payload=used("a", "two").payload), records=(log,)
            ),
            "stream": change("team", replace(new, stream="usage/b"), records=(log,)),
            "more": change("team", new, used("c"), records=(log,)),
            "records": change("team", new, records=(records("ses_1", b"one", b"2"),)),
        }[other]
        with pytest.raises(ConflictError, match="stands for another change"):
            ledger.commit(replace(changed, idempotency_key="k"))
        again = change("team", replace(new, event_id=fresh_id()), records=(log,))
        (receipt,) = ledger.commit(replace(again, idempotency_key="k"))
        assert receipt.repeated

    def test_a_key_taken_by_another_change_of_the_same_commit_is_refused(
        self, ledger: Ledger
    ) -> None:
        with pytest.raises(ConflictError, match="stands for another change"):
            ledger.commit(
                change("team", used("a"), idempotency_key="k"),
                change("team", used("b"), idempotency_key="k"),
            )

    def test_a_key_repeated_within_one_commit_adds_nothing(self, ledger: Ledger) -> None:
        first, again = ledger.commit(
            change("team", used("a"), idempotency_key="k"),
            change("team", used("a"), idempotency_key="k"),
        )
        assert (again.first_position, again.repeated) == (first.first_position, True)
        with ledger.view("team") as view:
            assert view.position == 3

    def test_a_key_is_known_in_its_own_space_only(self, ledger: Ledger) -> None:
        ledger.commit(change("other", space_created("other")))
        ledger.commit(change("team", used("a"), idempotency_key="k"))
        (receipt,) = ledger.commit(change("other", used("a"), idempotency_key="k"))
        assert not receipt.repeated

    def test_a_refused_change_keeps_no_key(self, ledger: Ledger) -> None:
        with pytest.raises(ConflictError):
            wrong = change("team", used("a"), expects={"head/main": 9}, idempotency_key="k")
            ledger.commit(wrong)
        (receipt,) = ledger.commit(change("team", used("a"), idempotency_key="k"))
        assert not receipt.repeated

    def test_a_head_under_a_lease_moves_only_with_its_token(self, ledger: Ledger) -> None:
        until = format_time(ledger.now() + timedelta(seconds=60))
        leased = event("head/main", "head.leased", holder="ada", until=until)
        ledger.commit(change("team", leased))
        with pytest.raises(LimitedError, match="ada"):
            ledger.commit(change("team", head_moved("main", "r0", "r1")))
        with pytest.raises(ConflictError, match="fencing token 9"):
            ledger.commit(change("team", head_moved("main", "r0", "r1"), fences={"head/main": 9}))
        ledger.commit(change("team", head_moved("main", "r0", "r1"), fences={"head/main": 1}))

    def test_an_expired_lease_is_taken_over_and_its_token_is_dead(self, ledger: Ledger) -> None:
        past = format_time(ledger.now() - timedelta(seconds=60))
        future = format_time(ledger.now() + timedelta(seconds=60))
        ledger.commit(change("team", event("head/main", "head.leased", holder="ada", until=past)))
        ledger.commit(change("team", event("head/main", "head.leased", holder="bob", until=future)))
        with pytest.raises(ConflictError, match="fencing token 1"):
            ledger.commit(change("team", head_moved("main", "r0", "r1"), fences={"head/main": 1}))
        ledger.commit(change("team", head_moved("main", "r0", "r1"), fences={"head/main": 2}))

    def test_a_space_must_be_created_first(self, ledger: Ledger) -> None:
        with pytest.raises(NotFoundError):
            ledger.commit(change("nowhere", used("a")))
        with pytest.raises(NotFoundError), ledger.view("nowhere"):
            pass

    def test_a_space_is_founded_by_its_own_event_only(self, ledger: Ledger) -> None:
        with pytest.raises(InvalidRequestError):
            ledger.commit(change("mine", space_created("yours")))
        assert list(ledger.spaces()) == ["team"]

    def test_of_racing_creations_of_a_space_one_wins_and_the_store_is_sound(
        self, make_ledger: MakeLedger
    ) -> None:
        ledgers = [make_ledger() for _ in range(4)]
        start = threading.Barrier(4)

        def create(number: int) -> bool:
            start.wait()
            try:
                ledgers[number].commit(change("new", space_created("new"), used(f"u{number}")))
            except IllegalTransitionError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(create, range(4))) == 1
        with ledgers[0].view("new") as view:
            assert view.position == 2

    @pytest.mark.parametrize(
        "wrong",
        [
            change("team"),
            change("team", event("nonsense/x", "usage.recorded")),
            change("team", event("usage", "usage.recorded")),
            change("team", event("usage/x", "usage.unheard_of")),
            change("team", event("record/x", "records.appended", first_seq=1, count=1, chain="")),
            change("team", event("usage/x", "usage.recorded", client=1)),
            change("team", event("usage/x", "usage.recorded", client="c", path="p", ok=float("nan"))),
            change("team", event("usage/\0", "usage.recorded", client="c", path="p", ok=True)),
            change("team", event("usage/\ud800", "usage.recorded", client="c", path="p", ok=True)),
            change("team", event("usage/" + "x" * 400, "usage.recorded", client="c", path="p", ok=True)),
            change("team", used("x"), idempotency_key="k" * 201),
            change("team", used("x"), correlation_id=""),
            change("team", event("artifact/x", "artifact.registered", kind={"not": "a text"})),
            change("team", event("session/x", "session.started", parent="p" * 201)),
        ],
    )  # fmt: skip
    def test_a_malformed_change_is_refused_and_the_next_one_goes_on(
        self, ledger: Ledger, wrong: object
    ) -> None:
        with pytest.raises(InvalidRequestError):
            ledger.commit(wrong)  # type: ignore[arg-type]
        (receipt,) = ledger.commit(change("team", used("x")))
        assert receipt.first_position == 3

    def test_a_payload_over_the_bound_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(LimitedError):
            ledger.commit(change("team", event("session/s", "session.started", x="y" * 2**20)))

    def test_a_payload_may_hold_any_name(self, ledger: Ledger) -> None:
        ledger.commit(change("team", event("session/s", "session.started", first_seq=1)))
        ledger.commit(change("team", event("session/s", "session.updated", first_seq=1)))
        with ledger.view("team") as view:
            row = view.row("session/s")
        assert row is not None
        assert row.seq == 2

    def test_positions_have_no_gap_and_follow_the_order_of_commits(
        self, make_ledger: MakeLedger
    ) -> None:
        ledgers = [make_ledger() for _ in range(3)]
        ledgers[0].commit(change("team", space_created("team")))

        def commit(number: int) -> list[int]:
            mine = ledgers[number % 3]
            return [
                mine.commit(change("team", used(f"u{number}")))[0].first_position for _ in range(8)
            ]

        with ThreadPoolExecutor(9) as pool:
            found = list(pool.map(commit, range(9)))
        assert all(positions == sorted(positions) for positions in found)
        assert sorted(itertools.chain.from_iterable(found)) == list(range(2, 74))
        with ledgers[0].view("team") as view:
            log = view.log(limit=1000)
        assert [item.position for item in log] == list(range(1, 74))
        assert [item.at for item in log] == sorted(item.at for item in log)

    def test_threads_that_hold_views_can_still_commit(self, ledger: Ledger) -> None:
        start = threading.Barrier(32)

        def commit(number: int) -> None:
            with ledger.view("team") as view:
                view.row("head/main")
                start.wait()
                ledger.commit(change("team", used(f"u{number}")))

        with ThreadPoolExecutor(32) as pool:
            list(pool.map(commit, range(32)))
        with ledger.view("team") as view:
            assert view.page("usage").total == 32


class LedgerContract(CommitContract, ReadingContract):
    """The whole contract of `lignin.ports.ledger`."""
