"""What every ledger must do on the reading side: views, lists, records, blobs, purges."""

import threading

import pytest

from lignin.domain.codec import digest_bytes
from lignin.domain.errors import ConflictError, InvalidRequestError, LimitedError, NotFoundError
from lignin.domain.soundness import MAX_APPEND_BYTES
from lignin.domain.states import Row, reduce_event
from lignin.ports.ledger import Ledger, View
from lignin.testing.changes import (
    blob,
    change,
    event,
    head_created,
    head_moved,
    records,
    space_created,
    used,
)

BYTES = (b"", b"\x00\xff", "größe ∑".encode(), b"x" * 5000, b'{"a": 1.0}\n')


def replayed(view: View) -> dict[str, Row]:
    """Every row that the view's log adds up to."""
    rows: dict[str, Row] = {}
    after = 0
    while events := view.log(after=after, limit=100):
        for item in events:
            rows[item.stream] = reduce_event(rows.get(item.stream), item)
        after = events[-1].position
    return rows


class ReadingContract:
    """Snapshots, replay, pages, records, blobs, purges."""

    def test_a_view_is_one_instant(self, ledger: Ledger) -> None:
        with ledger.view("team") as view:
            ledger.commit(change("team", head_moved("main", "r0", "r1"), used("a")))
            row = view.row("head/main")
            assert row is not None
            assert row.body["stable"] == "r0"
            assert view.row("usage/a") is None
            assert view.position == 2
            assert len(view.log()) == 2
        with ledger.view("team") as view:
            assert view.position == 4

    def test_a_view_is_never_torn_by_concurrent_commits(self, ledger: Ledger) -> None:
        pair = [head_created("one"), head_created("two")]
        ledger.commit(change("team", *pair))
        stop, faults = threading.Event(), []

        def read() -> None:
            while not stop.is_set():
                with ledger.view("team") as view:
                    one, two = view.row("head/one"), view.row("head/two")
                    assert one is not None
                    assert two is not None
                    if one.body["stable"] != two.body["stable"]:
                        faults.append((one.body["stable"], two.body["stable"]))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(60):
            old, new = f"r{number}", f"r{number + 1}"
            moves = head_moved("one", old, new), head_moved("two", old, new)
            ledger.commit(change("team", *moves))
        stop.set()
        reader.join()
        assert faults == []

    def test_replay_equals_the_stored_rows_exactly(self, ledger: Ledger) -> None:
        odd = {"a": 1.5, "b": [1, (2, 3)], "c": {"d": None}, "e": "é\u2028\U0001f600", "f": 2.0}
        ledger.commit(change("team", event("session/s", "session.started", **odd)))
        ledger.commit(change("team", used("a"), used("b"), used("a")))
        ledger.commit(change("team", head_moved("main", "r0", "r1")))
        ledger.commit(change("team", records=(records("s", b"a"), records("s", b"b"))))
        with ledger.view("team") as view:
            rows = replayed(view)
            assert view.rows(rows) == rows
            assert len(rows) == 6

    def test_events_read_back_as_they_were_written(self, ledger: Ledger) -> None:
        new = event("session/s", "session.started", client='q"\\\n', model="∑")
        (receipt,) = ledger.commit(change("team", new, correlation_id="c", idempotency_key="k"))
        with ledger.view("team") as view:
            (found,) = view.events("session/s")
        assert found.payload == new.payload
        assert (found.event_id,) == receipt.event_ids == (new.event_id,)
        assert (found.seq, found.position) == (1, receipt.first_position)
        assert found.actor.act == ("agent:coder",)
        assert (found.correlation_id, found.idempotency_key) == ("c", "k")

    def test_a_log_and_a_stream_are_read_in_slices(self, ledger: Ledger) -> None:
        for _ in range(5):
            ledger.commit(change("team", used("a")))
        with ledger.view("team") as view:
            assert [e.position for e in view.log(after=3, limit=2)] == [4, 5]
            assert [e.seq for e in view.events("usage/a", after_seq=2, limit=2)] == [3, 4]
            for limit in (0, 10_001):
                with pytest.raises(InvalidRequestError):
                    view.log(limit=limit)

    def test_a_page_says_the_total_and_where_to_go_on(self, ledger: Ledger) -> None:
        names = ["B", "a", "a/b", "a0", "é", "\U0001f600"]
        ledger.commit(change("team", *(used(name) for name in names)))
        with ledger.view("team") as view:
            first = view.page("usage", limit=4)
            rest = view.page("usage", after=first.next_after, limit=4)
            assert [row.key for row in first.rows + rest.rows] == names
            assert (first.total, rest.next_after) == (6, None)
            assert [row.key for row in view.page("usage", prefix="a").rows] == ["a", "a/b", "a0"]

    def test_a_page_is_narrowed_by_state_and_parent(self, ledger: Ledger) -> None:
        sessions = [event(f"session/s{n}", "session.started", parent=f"p{n % 2}") for n in range(4)]
        ended = event("session/s0", "session.ended", outcome="success")
        ledger.commit(change("team", *sessions, ended))
        with ledger.view("team") as view:
            assert [row.key for row in view.page("session", state="ended").rows] == ["s0"]
            assert [row.key for row in view.page("session", parent="p1").rows] == ["s1", "s3"]

    def test_records_come_back_byte_for_byte_and_in_slices(self, ledger: Ledger) -> None:
        ledger.commit(change("team", records=(records("s", *BYTES[:2]),)))
        ledger.commit(change("team", records=(records("s", *BYTES[2:], expect_seq=2),)))
        with ledger.view("team") as view:
            found = list(view.records("record/s"))
            assert [record.content for record in found] == list(BYTES)
            assert [record.seq for record in found] == [1, 2, 3, 4, 5]
            assert len({record.event_id for record in found}) == 5
            for start in range(1, 7):
                for stop in (None, *range(start, 8)):
                    expected = list(BYTES[start - 1 : None if stop is None else stop - 1])
                    assert list(view.contents("record/s", start, stop)) == expected
                    part = view.records("record/s", start, stop)
                    assert [record.content for record in part] == expected
            assert list(view.contents("record/none")) == []

    def test_an_append_at_another_length_than_expected_is_refused(self, ledger: Ledger) -> None:
        ledger.commit(change("team", records=(records("s", b"a", b"b"),)))
        with pytest.raises(ConflictError) as refused:
            ledger.commit(change("team", records=(records("s", b"c", expect_seq=1),)))
        assert refused.value.fields["actual"] == 2

    def test_an_append_is_bounded_and_well_formed(self, ledger: Ledger) -> None:
        for wrong in (records("s"), records("s", b"a"), records("s", b"a")):
            object.__setattr__(wrong, "first_id", 'evt_"quote')
            with pytest.raises(InvalidRequestError):
                ledger.commit(change("team", records=(wrong,)))
        with pytest.raises(LimitedError):
            large = bytes(MAX_APPEND_BYTES // 2 + 1)
            ledger.commit(change("team", records=(records("s", large), records("t", large))))

    def test_a_tail_of_many_small_appends_reads_as_one(self, ledger: Ledger) -> None:
        for number in range(150):
            ledger.commit(change("team", records=(records("s", b"%d" % number),)))
        with ledger.view("team") as view:
            assert list(view.contents("record/s")) == [b"%d" % number for number in range(150)]
            assert [r.seq for r in view.records("record/s", 60, 90)] == list(range(60, 90))

    def test_a_purged_record_keeps_its_digest_and_loses_its_bytes(self, ledger: Ledger) -> None:
        from lignin.domain.events import Purge

        ledger.commit(change("team", records=(records("s", b"keep", b"secret", b"keep"),)))
        noted = event("purge/s", "payload.purged", count=1)
        gone = (Purge(stream="record/s", seq=2),)
        ledger.commit(change("team", noted, purges=gone))
        ledger.commit(change("team", event("purge/s", "payload.purged", count=1), purges=gone))
        with ledger.view("team") as view:
            assert list(view.contents("record/s")) == [b"keep", None, b"keep"]
            record = list(view.records("record/s"))[1]
            assert record.content_digest == digest_bytes(b"secret")

    def test_a_purge_of_what_is_not_there_is_refused_alone(self, ledger: Ledger) -> None:
        from lignin.domain.events import Purge

        ledger.commit(change("team", records=(records("s", b"a"),)))
        for stream, seq in (("record/s", 2), ("record/s", 0), ("record/t", 1), ("head/main", 1)):
            noted = event("purge/s", "payload.purged", count=1)
            with pytest.raises(NotFoundError):
                ledger.commit(change("team", noted, purges=(Purge(stream=stream, seq=seq),)))
        with pytest.raises(InvalidRequestError):
            ledger.commit(change("team", used("a"), purges=(Purge(stream="record/s", seq=1),)))

    def test_a_blob_is_read_only_in_a_space_that_refers_to_it(self, ledger: Ledger) -> None:
        content = bytes(range(256)) * 9000  # more than one chunk
        mine = blob("usage/a", content)
        ledger.commit(change("team", used("a"), blobs=(mine,)))
        ledger.commit(change("other", space_created("other")))
        with ledger.view("team") as view:
            assert view.blob(mine.digest) == content
        with ledger.view("other") as view, pytest.raises(NotFoundError):
            view.blob(mine.digest)

    def test_a_blob_lives_as_long_as_the_last_reference(self, ledger: Ledger) -> None:
        content = b"shared"
        digest = digest_bytes(content)
        blobs = (blob("usage/a", content), blob("usage/b", content))
        ledger.commit(change("team", used("a"), blobs=blobs))
        ledger.commit(change("other", space_created("other"), blobs=(blob("usage/c", content),)))
        ledger.commit(change("team", used("a"), forgets=("usage/a",)))
        with ledger.view("team") as view:
            assert view.blob(digest) == content
        ledger.commit(change("team", used("a"), forgets=("usage/b", "usage/none")))
        with ledger.view("team") as view, pytest.raises(NotFoundError):
            view.blob(digest)
        with ledger.view("other") as view:
            assert view.blob(digest) == content
        ledger.commit(change("other", used("a"), forgets=("usage/c",)))
        ledger.commit(change("team", used("a"), blobs=(blob("usage/a", content),)))
        with ledger.view("team") as view:
            assert view.blob(digest) == content

    def test_a_blob_that_is_not_what_its_digest_says_is_refused(self, ledger: Ledger) -> None:
        wrong = blob("usage/a", b"content")
        object.__setattr__(wrong, "content", b"tampered")
        with pytest.raises(InvalidRequestError):
            ledger.commit(change("team", used("a"), blobs=(wrong,)))

    def test_a_blob_forgotten_here_and_referred_to_there_at_once_is_kept(
        self, ledger: Ledger
    ) -> None:
        content, rounds = b"contended", 25
        digest = digest_bytes(content)
        ledger.commit(change("other", space_created("other")))
        for _ in range(rounds):
            ledger.commit(change("team", used("a"), blobs=(blob("usage/a", content),)))
            start = threading.Barrier(2)

            def forget(start: threading.Barrier = start) -> None:
                start.wait()
                ledger.commit(change("team", used("a"), forgets=("usage/a",)))

            forgetting = threading.Thread(target=forget)
            forgetting.start()
            start.wait()
            ledger.commit(change("other", used("a"), blobs=(blob("usage/o", content),)))
            forgetting.join()
            with ledger.view("other") as view:
                assert view.blob(digest) == content
            ledger.commit(change("other", used("a"), forgets=("usage/o",)))
