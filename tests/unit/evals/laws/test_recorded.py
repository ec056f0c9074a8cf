"""Recorded trials: what is wrong with them is named, and nothing false is accepted on them."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.evals.laws.claims import Asked
from lignin.evals.laws.recorded import Verdict, decide_recorded
from lignin.evals.laws.table import parse_rows, parse_table
from unit.evals.laws.recorded_rows import (
    NEW,
    OLD,
    TARGET,
    Row,
    decide,
    renumbered,
    rows,
)


def test_gain_is_accepted() -> None:
    verdict = decide(OLD, NEW)
    assert verdict.verdict == "accept"
    assert verdict.gain is not None and verdict.gain > 0.6
    assert (verdict.pairs, verdict.guarded, verdict.covered) == (80, 32, 1.0)


def test_order_of_rows_and_unknown_columns_change_nothing() -> None:
    shuffled = [{**row, "seen": 1.5} for row in random.Random(3).sample(NEW, len(NEW))]
    assert decide(OLD, shuffled) == decide(OLD, NEW)
    table = parse_table(shuffled)
    assert table.cases["c0"][0].rest == {"seen": 1.5}


def test_numbers_that_the_trials_were_given_change_nothing() -> None:
    for seed in range(4):
        old, new = rows(seed, target=0.5), rows(100 + seed, target=0.5)
        asked: Any = {"level": 0.05}
        numbered = decide(
            renumbered(old, wins_first=False), renumbered(new, wins_first=True), **asked
        )
        assert numbered == decide(old, new, **asked)
        assert numbered.verdict != "accept"


def test_nothing_that_measures_no_gain_is_accepted() -> None:
    """Even where the level asks for no evidence."""
    verdict = decide(rows(1, target=0.9), rows(2, target=0.5), level=1.0)
    assert verdict.gain is not None and verdict.gain < 0
    assert verdict.verdict != "accept"
    assert decide(rows(1, target=0.5), rows(1, target=0.5), level=1.0).verdict != "accept"


def test_no_gain_is_refused_where_it_would_have_been_seen() -> None:
    verdict = decide(rows(1, trials=12), rows(2, trials=12))
    assert verdict.verdict == "reject"
    assert "would have been" in verdict.reasons[-1]


def test_no_gain_over_few_trials_is_undecided() -> None:
    verdict = decide(rows(1, trials=2), rows(2, trials=2))
    assert verdict.verdict == "undecided"
    assert any("more trials" in reason for reason in verdict.reasons)


def test_no_gain_is_not_hoped_for_where_the_interval_leaves_it_out() -> None:
    falls = [3, 3, 2, 3, 4, 2, 3, 3], [2, 3, 2, 2, 3, 2, 3, 2]
    old, new = (
        parse_table(
            {"case": f"k{number}", "trial": trial, "resolved": trial < passed}
            for number, passed in enumerate(counts)
            for trial in range(5)
        )
        for counts in falls
    )
    verdict = decide_recorded(old, new, Asked())
    assert verdict.interval is not None and verdict.interval[1] < 0.3
    assert verdict.verdict == "undecided"
    [reason] = verdict.reasons
    assert "more trials" not in reason and "lies above the interval" in reason


def test_case_that_only_the_candidate_tells_of_was_not_tried_on_neither() -> None:
    verdict = decide([], NEW)
    kinds = {fault.kind for fault in verdict.faults}
    assert "unknown_cases" in kinds and "unknown_target" not in kinds
    assert verdict.verdict == "undecided"


def test_ties_are_no_gain() -> None:
    assert decide(OLD, OLD).verdict != "accept"
    whole = decide_recorded(parse_table(OLD), parse_table(OLD), Asked())
    assert whole.verdict == "reject"


def test_gain_that_breaks_what_works_is_refused() -> None:
    broken = [{**row, "score": 0} if row["case"] == "c20" else row for row in NEW]
    verdict = decide(
        rows(1, trials=20), [*broken, *([{**r, "trial": 10 + r["trial"]} for r in broken])]
    )
    assert (verdict.verdict, verdict.broken) == ("reject", ("c20",))


def test_case_that_must_pass_and_failed_once_is_refused() -> None:
    failed = [
        {**row, "score": 0} if (row["case"], row["trial"]) == ("c20", 3) else row for row in NEW
    ]
    assert decide(OLD, failed, must_pass=("c20",)).broken == ("c20",)


def test_case_that_must_pass_and_never_worked_is_not_said_to_be_broken() -> None:
    told = decide(OLD, OLD, must_pass=("c0",))
    assert (told.verdict, told.broken) == ("reject", ("c0",))
    assert "what must pass does not: c0" in told.reasons
    assert not any("what works" in reason for reason in told.reasons)


def test_gain_beside_a_loss_of_what_seldom_passes_is_undecided() -> None:
    """Cases under a fifth say nothing of what works; yet all of them fell."""

    def seldom(seed: int, target: float, rest: float) -> list[Row]:
        rng = random.Random(seed)
        rates = {f"c{n}": target if n < 4 else 1.0 if n < 10 else rest for n in range(40)}
        return [
            {"case": case, "trial": trial, "score": float(rng.random() < rate)}
            for case, rate in rates.items()
            for trial in range(20)
        ]

    def decided(rest: float) -> Verdict:
        old, new = parse_table(seldom(1, 0.0, 0.12)), parse_table(seldom(2, 1.0, rest))
        return decide_recorded(old, new, Asked(target=("c0", "c1", "c2", "c3")))

    assert decided(0.12).verdict == "accept"
    assert decided(0.0).verdict == "undecided"
    assert "the cases outside its target pass less often" in decided(0.0).reasons[-1]


def change(which: Mapping[str, Any], **by: Any) -> list[Row]:
    """The new rows, some of them with other values."""
    return [
        {name: value for name, value in {**row, **by}.items() if value is not ...}
        if all(row[name] == value for name, value in which.items())
        else row
        for row in NEW
    ]


def in_sessions(given: list[Row], prefix: str) -> list[Row]:
    return [{**row, "session": f"{prefix}-{row['case']}-{row['trial']}"} for row in given]


def test_trials_of_sessions_of_their_own_are_no_duplicates() -> None:
    assert decide(in_sessions(OLD, "s"), in_sessions(NEW, "t")).verdict == "accept"
    of_a_round = [{**row, "session": f"old-{row['trial']}"} for row in OLD]
    assert decide(of_a_round, in_sessions(NEW, "t")).verdict == "accept"


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("missing_cases", OLD, [row for row in NEW if row["case"] != "c30"]),
        ("unknown_cases", OLD, [*NEW, {"case": "more", "trial": 0, "score": 1}]),
        ("duplicate_trial", OLD, [*NEW, NEW[0]]),
        (
            "duplicate_trial",
            in_sessions(OLD, "s"),
            [
                {**row, "trial": row["trial"] + turn}
                for row in in_sessions(NEW, "t")
                for turn in (0, 10)
            ],
        ),
        (
            "duplicate_trial",
            in_sessions(OLD, "s"),
            [
                new if new["case"] in TARGET else old
                for old, new in zip(in_sessions(OLD, "s"), in_sessions(NEW, "t"), strict=True)
            ],
        ),
        ("not_a_score", OLD, change({"case": "c1"}, score=float("nan"))),
        ("not_a_score", OLD, change({"case": "c1"}, score=7)),
        ("not_a_score", OLD, change({"case": "c1"}, score="1")),
        ("contradicting_scores", OLD, change({"case": "c1"}, score=0, resolved=True)),
        ("contradicting_scores", OLD, change({"case": "c1", "score": 1.0}, error="Traceback")),
        ("no_outcome", OLD, change({"case": "c1"}, score=...)),
        ("no_trial", OLD, change({"case": "c1"}, trial=...)),
        ("no_case", OLD, change({"case": "c1"}, case=...)),
        ("mixed_versions", OLD, [{**r, "revision": "ab"[r["trial"] % 2]} for r in NEW]),
        (
            "same_version",
            [{**r, "revision": "a"} for r in OLD],
            [{**r, "revision": "a"} for r in NEW],
        ),
        ("same_results", [{**r, "at": 1} for r in NEW], [{**r, "at": 1} for r in NEW]),
        ("other_grader", [{**r, "grader": "1"} for r in OLD], [{**r, "grader": "2"} for r in NEW]),
        ("other_grader", OLD, [{**r, "grader": "2"} for r in NEW]),
        (
            "too_much_missing",
            OLD,
            [
                {**r, "score": None, "error": "infrastructure: no sandbox"} if r["trial"] < 3 else r
                for r in NEW
            ],
        ),
    ],
)
def test_what_cannot_be_believed_is_named_and_not_accepted(
    kind: str, old: list[Row], new: list[Row]
) -> None:
    verdict = decide(old, new)
    assert verdict.verdict != "accept"
    assert kind in {fault.kind for fault in verdict.faults}
    assert any(fault.told in verdict.reasons for fault in verdict.faults)


def test_crash_of_the_candidate_is_a_failure() -> None:
    crashed = [
        {"case": row["case"], "trial": row["trial"], "error": "Traceback"}
        if row["case"] in {f"c{number}" for number in range(8, 30)}
        else row
        for row in NEW
    ]
    verdict = decide(OLD, crashed)
    assert verdict.verdict == "reject"
    assert set(verdict.broken) >= {"c8", "c29"}


def test_target_that_nobody_was_tried_on_is_named() -> None:
    verdict = decide_recorded(parse_table(OLD), parse_table(NEW), Asked(target=("c0", "absent")))
    assert [fault.kind for fault in verdict.faults] == ["unknown_target"]
    assert verdict.verdict != "accept"


def test_nothing_at_all_is_undecided() -> None:
    assert decide_recorded(parse_table([]), parse_table([]), Asked()).verdict == "undecided"


def test_rows_are_json_objects() -> None:
    assert parse_rows('{"case": "a"}\n\n{"case": "b"}', "x") == [{"case": "a"}, {"case": "b"}]
    assert parse_rows('[{"case": "a"}]', "x") == [{"case": "a"}]
    for text in ("{", "[1]", "7", "[" * 100_000):
        with pytest.raises(InvalidRequestError):
            parse_rows(text, "x")


def test_gain_on_shown_cases_alone_is_overfitted() -> None:
    hidden = TARGET[4:]
    assert decide(OLD, NEW, hidden=hidden).verdict == "accept"
    memorised = [old if new["case"] in hidden else new for old, new in zip(OLD, NEW, strict=True)]
    verdict = decide(OLD, memorised, hidden=hidden)
    assert verdict.verdict == "reject"
    assert verdict.reasons[0].startswith("overfitted: it gains +")
    assert decide(OLD, memorised).verdict == "accept"


def test_line_that_is_no_json_is_named_by_its_number() -> None:
    with pytest.raises(InvalidRequestError, match=r"^line 3 of new\.jsonl is not JSON"):
        parse_rows('{"case": "a"}\n\n{"case": "b",', "new.jsonl")


def test_key_that_is_there_twice_is_refused_by_name() -> None:
    text = '{"case": "a", "trial": 1, "resolved": false, "resolved": true}'
    for given in (text, f"[{text}]"):
        with pytest.raises(InvalidRequestError, match="x has 'resolved' twice"):
            parse_rows(given, "x")


def test_copy_with_a_column_more_is_a_copy() -> None:
    for new in (OLD, [{**row, "zz": 1} for row in OLD]):
        verdict = decide(OLD, new)
        assert verdict.verdict != "accept"
        assert [fault.kind for fault in verdict.faults] == ["same_results"]
    told = [{**row, "revision": "a"} for row in OLD]
    assert not decide(told, [{**row, "revision": "b"} for row in OLD]).faults


def test_trials_of_another_content_of_a_case_are_named() -> None:
    old = [{**row, "case_digest": f"sha256:{row['case']}"} for row in OLD]
    same = [{**row, "case_digest": f"sha256:{row['case']}"} for row in NEW]
    assert decide(old, same).verdict == "accept"
    other = [{**row, "case_digest": f"sha256:{row['case'] == 'c9'}{row['case']}"} for row in NEW]
    other = [row if row["case"] == "c9" else same[n] for n, row in enumerate(other)]
    verdict = decide(old, other)
    assert verdict.verdict == "undecided"
    assert [(each.kind, each.where) for each in verdict.faults] == [("other_content", ("c9",))]
