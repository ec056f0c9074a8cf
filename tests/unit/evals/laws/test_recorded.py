"""Recorded trials: what is wrong with them is named, and nothing false is accepted on them."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.evals.laws.claims import Asked
from lignin.evals.laws.complete import Expected
from lignin.evals.laws.recorded import LEAST_COVERED, Verdict, decide_recorded
from lignin.evals.laws.table import parse_rows, parse_table

Row = dict[str, Any]
TARGET = tuple(f"c{number}" for number in range(8))


def rows(seed: int, target: float = 0.1, others: float = 0.97, trials: int = 10) -> list[Row]:
    """Trials of 40 cases, of which the first eight pass at another rate."""
    rng = random.Random(seed)
    return [
        {"case": f"c{case}", "trial": trial, "score": int(rng.random() < rate)}
        for case in range(40)
        for rate in (target if case < 8 else others,)
        for trial in range(trials)
    ]


OLD, NEW = rows(1), rows(2, target=0.95)


def decide(old: list[Row], new: list[Row], **asked: Any) -> Verdict:
    return decide_recorded(parse_table(old), parse_table(new), Asked(target=TARGET, **asked))


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


def renumbered(given: list[Row], *, wins_first: bool) -> list[Row]:
    """The rows, numbered anew within each case by how they went."""
    ordered = sorted(given, key=lambda row: row["score"], reverse=wins_first)
    numbers: Counter[str] = Counter()
    found = []
    for row in ordered:
        found.append({**row, "trial": numbers[row["case"]]})
        numbers[row["case"]] += 1
    return found


def test_numbers_that_the_trials_were_given_change_nothing() -> None:
    for seed in range(12):
        old, new = rows(seed, target=0.5), rows(100 + seed, target=0.5)
        asked: Any = {"level": 0.05}
        numbered = decide(
            renumbered(old, wins_first=False), renumbered(new, wins_first=True), **asked
        )
        assert numbered == decide(old, new, **asked)
        assert numbered.verdict != "accept"


def test_no_worse_rests_on_no_order_either() -> None:
    old = [{**row, "cost_usd": 2.0} for row in rows(1, target=0.6, others=0.6, trials=40)]
    new = [{**row, "cost_usd": 1.0} for row in rows(2, target=0.5, others=0.5, trials=40)]
    for wins_first in (True, False):
        verdict = decide_recorded(
            parse_table(old),
            parse_table(renumbered(new, wins_first=wins_first)),
            Asked(claim="no_worse_and_cheaper"),
        )
        assert verdict.verdict != "accept"


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


def priced(rows_: list[Row], cost: float) -> list[Row]:
    return [{**row, "cost_usd": cost * (1 + (row["trial"] % 3) / 10)} for row in rows_]


def claimed(old: list[Row], new: list[Row], **asked: Any) -> Verdict:
    return decide_recorded(parse_table(old), parse_table(new), Asked(**asked))


def sound(seed: int, loss: float = 0.0) -> list[Row]:
    """Trials of 40 sound cases that lose a part of their mean score."""
    return rows(seed, target=0.98 - 5 * loss, others=0.98, trials=40)


def test_removal_that_costs_nothing_and_saves_is_accepted() -> None:
    verdict = claimed(
        priced(sound(1), 2.0),
        priced(sound(2), 1.0),
        claim="no_worse_and_cheaper",
        saving="cost_usd",
    )
    assert verdict.verdict == "accept"
    assert verdict.margin_left is not None and 0.02 < verdict.margin_left < 0.05
    assert "cost_usd falls" in verdict.reasons[0]


def test_removal_that_loses_the_margin_is_not_accepted() -> None:
    verdict = claimed(
        priced(sound(1), 2.0),
        priced(sound(2, loss=0.06), 1.0),
        claim="no_worse_and_cheaper",
        saving="cost_usd",
    )
    assert verdict.verdict == "reject"


@pytest.mark.parametrize(("cost", "column"), [(2.0, "cost_usd"), (1.0, "absent"), (2.0, "")])
def test_no_worse_without_a_saving_is_not_accepted(cost: float, column: str) -> None:
    verdict = claimed(
        priced(sound(1), 2.0), priced(sound(2), cost), claim="no_worse_and_cheaper", saving=column
    )
    assert verdict.verdict == "undecided"
    assert "no saving" in verdict.reasons[-1]


def test_release_of_few_trials_is_too_thin_to_be_no_worse_than() -> None:
    verdict = claimed(
        rows(1, trials=1), rows(2, trials=30), claim="no_worse_and_cheaper", saving="cost_usd"
    )
    assert verdict.verdict == "undecided"
    assert any("too few trials" in reason for reason in verdict.reasons)


def test_gain_that_costs_far_more_or_does_what_is_forbidden_is_refused() -> None:
    assert decide(priced(OLD, 1.0), priced(NEW, 1.1)).verdict == "accept"
    dear = decide(priced(OLD, 1.0), priced(NEW, 3.0))
    assert dear.verdict == "reject"
    assert "cost_usd grows" in dear.reasons[0]
    bad = decide(OLD, [{**row, "forbidden": row["case"] == "c12"} for row in NEW])
    assert (bad.verdict, "c12" in bad.reasons[0]) == ("reject", True)


def test_equivalent_is_the_same_in_every_trial() -> None:
    told = [{**row, "effects": "x"} for row in OLD]
    assert claimed(told, told[::-1], claim="equivalent").verdict == "undecided"  # a copy
    seen = [{**row, "at": 2} for row in told]
    assert claimed(told, seen, claim="equivalent").verdict == "accept"
    other = [{**row, "effects": "y"} if row["case"] == "c9" else row for row in seen]
    assert claimed(told, other, claim="equivalent").verdict == "reject"
    assert claimed(told, seen[1:], claim="equivalent").verdict == "undecided"


def test_gain_on_shown_cases_alone_is_overfitted() -> None:
    hidden = TARGET[4:]
    assert decide(OLD, NEW, hidden=hidden).verdict == "accept"
    memorised = [old if new["case"] in hidden else new for old, new in zip(OLD, NEW, strict=True)]
    verdict = decide(OLD, memorised, hidden=hidden)
    assert verdict.verdict == "reject"
    assert verdict.reasons[0].startswith("overfitted: it gains +")
    assert decide(OLD, memorised).verdict == "accept"


def without(case: str, count: int) -> list[Row]:
    """The new rows without some trials of a case."""
    return [row for row in NEW if row["case"] != case or row["trial"] >= count]


@pytest.mark.parametrize("case", ["c20", "c0"])
@pytest.mark.parametrize("is_told", [True, False])
def test_trials_that_one_side_lacks_are_missing_and_never_let_go(case: str, is_told: bool) -> None:
    """Of 40 cases one, so that all in all nearly everything is told."""
    infra = [
        {**row, "score": None, "error": "infrastructure: node lost"}
        if row["case"] == case and row["trial"] < 6
        else row
        for row in NEW
    ]
    verdict = decide(OLD, infra if is_told else without(case, 6))
    assert verdict.verdict == "undecided"
    assert verdict.missing == 6
    assert verdict.covered > LEAST_COVERED
    assert [(each.kind, each.where) for each in verdict.faults] == [("too_much_missing", (case,))]
    assert verdict.unclear == (() if case == "c0" else (case,))


def dropped(given: list[Row], score: int, *, is_told: bool) -> list[Row]:
    """Rows without five of a score of each case of the target, or with these as outages."""
    gone: Counter[str] = Counter()
    left = []
    for row in given:
        if row["case"] in TARGET and row["score"] == score and gone[row["case"]] < 5:
            gone[row["case"]] += 1
            if is_told:
                left.append({**row, "score": None, "error": "infrastructure: 503"})
        else:
            left.append(row)
    return left


@pytest.mark.parametrize("sides", ["candidate", "both"])
@pytest.mark.parametrize("is_told", [True, False])
def test_rows_that_were_taken_out_of_the_target_count_at_their_worst(
    sides: str, is_told: bool
) -> None:
    for seed in range(3):
        old = rows(seed, target=0.5, trials=20) + more(seed)
        new = rows(50 + seed, target=0.5, trials=20) + more(50 + seed)
        kept = dropped(old, 1, is_told=is_told) if sides == "both" else old
        verdict = decide(kept, dropped(new, 0, is_told=is_told), level=0.05)
        assert verdict.verdict == "undecided"
        assert verdict.covered > LEAST_COVERED
        assert set(TARGET) & set(verdict.faults[-1].where)


def more(seed: int) -> list[Row]:
    """Other cases, so that all in all nearly everything is told."""
    given = rows(1000 + seed, target=0.97, trials=20)
    return [{**row, "case": f"{which}{row['case']}"} for which in "xyz" for row in given]


def test_how_often_the_target_was_to_be_tried_may_be_said() -> None:
    some = [
        [row for row in given if row["case"] not in TARGET or row["trial"] < 8]
        for given in (rows(1, trials=20), rows(2, target=0.6, trials=20))
    ]
    silent = decide(*some)
    assert (silent.verdict, silent.faults[-1].where) == ("undecided", TARGET)
    assert decide(*some, expected=Expected(trials=8)).verdict == "accept"


def test_incumbents_passes_that_were_taken_out_of_the_target_are_missed() -> None:
    verdict = decide([row for row in OLD if row["case"] != "c1" or row["trial"] > 5], NEW)
    assert verdict.verdict == "undecided"
    assert "c1" in verdict.faults[0].told


def test_fewer_trials_throughout_are_no_missing_ones() -> None:
    verdict = decide(rows(1, trials=20), NEW)
    assert (verdict.verdict, verdict.missing) == ("accept", 0)


def test_lost_trial_here_and_there_is_no_hiding_place() -> None:
    verdict = decide(OLD, [row for row in NEW if (row["case"], row["trial"]) != ("c20", 3)])
    assert (verdict.verdict, verdict.missing) == ("accept", 1)


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


def whole(rows_: list[Row]) -> list[Row]:
    return [{**row, "of_rows": len(rows_)} for row in rows_]


@pytest.mark.parametrize(
    "part",
    [
        lambda held: held[:-1],
        lambda held: held[: len(held) // 2],
        lambda held: [row for row in held if row["trial"] < 9],
        lambda held: [*held, {**held[0], "trial": 99}],
    ],
)
def test_part_of_what_its_rows_declare_is_never_accepted(part: Any) -> None:
    assert decide(whole(OLD), whole(NEW)).verdict == "accept"
    for old, new in ((OLD, part(whole(NEW))), (part(whole(OLD)), NEW)):
        verdict = decide(old, new)
        assert verdict.verdict != "accept"
        assert "incomplete" in {each.kind for each in verdict.faults}
        assert any("it is of 400 rows and" in each.told for each in verdict.faults)


@pytest.mark.parametrize(
    ("declares", "told"),
    [
        ({"rows": 400, "cases": 40, "trials": 10}, ""),
        ({"cases": sorted({row["case"] for row in OLD})}, ""),
        ({"rows": 500}, "it is of 500 rows and 400 are there"),
        ({"cases": 41}, "it is of 41 cases and 40 are there"),
        ({"cases": [*(f"c{n}" for n in range(40)), "c99"]}, "these cases are not there: c99"),
        ({"cases": [f"c{n}" for n in range(39)]}, "these cases were not declared: c39"),
        ({"trials": 11}, "it is of 11 trials a case"),
        ({"rows": "many"}, "it is of 'many' rows"),
        ({"files": 3}, "a declaration that is none"),
        (7, "a declaration that is none"),
    ],
)
def test_a_row_may_declare_what_the_whole_was(declares: Any, told: str) -> None:
    table = parse_table([*OLD, {"declares": declares}])
    assert table.trials == 400
    assert [each.kind for each in table.faults] == (["incomplete"] if told else [])
    assert all(told in each.told for each in table.faults)


def test_side_that_lacks_what_the_suite_expects_is_named() -> None:
    cases = tuple(f"c{n}" for n in range(41))
    verdict = decide(OLD, NEW, expected=Expected(cases=cases[:-1], trials=10))
    assert verdict.verdict == "accept"
    verdict = decide(OLD, NEW, expected=Expected(cases=cases))
    assert verdict.verdict == "undecided"
    assert {each.kind for each in verdict.faults} == {"incomplete"}
    assert (
        "trials of the incumbent are not complete: these cases are not there: c40"
        in (verdict.reasons[0])
    )
    thin = [row for row in NEW if row["trial"] < 8]
    old = [row for row in OLD if row["trial"] < 8]
    verdict = decide(old, thin, expected=Expected(trials=10))
    assert verdict.verdict != "accept"
    assert "fewer than 10 trials are there of c0, c1" in verdict.reasons[0]


def test_trials_of_another_content_of_a_case_are_named() -> None:
    old = [{**row, "case_digest": f"sha256:{row['case']}"} for row in OLD]
    same = [{**row, "case_digest": f"sha256:{row['case']}"} for row in NEW]
    assert decide(old, same).verdict == "accept"
    other = [{**row, "case_digest": f"sha256:{row['case'] == 'c9'}{row['case']}"} for row in NEW]
    other = [row if row["case"] == "c9" else same[n] for n, row in enumerate(other)]
    verdict = decide(old, other)
    assert verdict.verdict == "undecided"
    assert [(each.kind, each.where) for each in verdict.faults] == [("other_content", ("c9",))]
