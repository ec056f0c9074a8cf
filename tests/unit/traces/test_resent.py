"""What is remembered of the records that came lately is bounded, and never more than what is there."""

from lignin.traces.resent import Recent, digest_of

A, B, C, D = (digest_of(name) for name in (b"a", b"b", b"c", b"d"))


def test_records_are_known_in_their_session_only() -> None:
    recent = Recent()
    recent.note("one", 2, [A, B], after=0)
    assert recent.among("one", [B, C, A]) == {A, B}
    assert recent.among("two", [A]) == frozenset()
    assert (recent.upto("one"), recent.upto("two")) == (2, 0)


def test_a_gap_is_not_taken_for_known() -> None:
    recent = Recent()
    recent.note("one", 4, [C], after=3)
    assert (recent.upto("one"), recent.among("one", [C])) == (0, frozenset())
    recent.note("one", 4, [B, C])  # read from the store
    recent.note("one", 3, [A], after=2)  # an earlier commit that is told of later
    assert (recent.upto("one"), recent.among("one", [A, B, C])) == (4, {A, B, C})


def test_a_session_keeps_its_last_records() -> None:
    recent = Recent(window=2)
    recent.note("one", 2, [A, B], after=0)
    recent.note("one", 3, [C], after=2)
    assert recent.among("one", [A, B, C]) == {A, B, C}
    recent.note("one", 4, [D], after=3)
    assert recent.among("one", [A, B, C, D]) == {C, D}


def test_the_least_used_sessions_are_forgotten() -> None:
    recent = Recent(most=2)
    recent.note("one", 1, [A], after=0)
    recent.note("two", 1, [B], after=0)
    recent.note("one", 2, [C], after=1)
    assert (recent.upto("one"), recent.upto("two")) == (2, 0)
    recent.note("three", 3, [A, B, C], after=0)  # the last one stays, however large
    assert (recent.upto("one"), recent.upto("three")) == (0, 3)
