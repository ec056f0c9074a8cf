"""Why trials came to nothing, put together."""

from lignin.evals.troubles import LINE_CHARS, Trouble, group_troubles, telling_line


def test_telling_line_is_the_first_one_and_bounded() -> None:
    assert telling_line("\n  no such file \nmore") == "no such file"
    assert telling_line("") == ""
    assert len(telling_line("x" * 5000)) == LINE_CHARS


def test_of_a_traceback_the_line_that_names_the_error_is_told() -> None:
    told = 'Traceback (most recent call last):\n  File "a.py", line 1\nKeyError: 3\n'
    assert telling_line(told) == "KeyError: 3"


def test_groups_are_counted_by_kind_and_cause_with_the_most_frequent_line() -> None:
    crashed = [
        Trouble(kind="crashed", cause="failed", case=case, line=line)
        for case, line in (("a", "one"), ("b", "two"), ("b", "two"))
    ]
    other = Trouble(kind="infrastructure", cause="outside", case="c", line="")
    first, second = group_troubles([other, *crashed])
    assert (first.count, first.cases, first.line) == (3, 2, "two")
    assert (second.kind, second.told) == (
        "infrastructure",
        "something outside of it did not hold",
    )
