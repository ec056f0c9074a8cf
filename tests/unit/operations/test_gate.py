"""`gate decide` and `gate campaign`: files in, verdicts and exit codes out."""

import json
import random
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from unit.operations.conftest import Desk
from unit.operations.decisions import decision

TARGET = [f"c{number}" for number in range(8)]


def trials(seed: int, target: float) -> list[dict[str, Any]]:
    """Trials of 30 cases, of which the first eight pass at another rate."""
    rng = random.Random(seed)
    return [
        {"case": f"c{case}", "trial": trial, "resolved": rng.random() < rate}
        for case in range(30)
        for rate in (target if case < 8 else 0.98,)
        for trial in range(8)
    ]


def lines(rows: list[dict[str, Any]]) -> str:
    return "\n".join(map(json.dumps, rows))


@pytest.fixture
def files(desk: Desk) -> Desk:
    desk.write("old.jsonl", lines(trials(1, 0.1)))
    desk.write("new.jsonl", lines(trials(2, 0.95)))
    desk.write("same.jsonl", lines(trials(3, 0.1)))
    return desk


def test_gain_is_accepted_with_every_number(files: Desk) -> None:
    told = files(
        "gate.decide", incumbent="old.jsonl", candidate="new.jsonl", target=[",".join(TARGET)]
    )
    assert (told.verdict, told.exit_code(), told.pairs) == ("accept", 0, 64)
    assert told.evidence >= told.needed == pytest.approx(1 / told.level, rel=1e-3)
    assert told.interval[0] < told.gain < told.interval[1]
    assert "accept" in told.to_text()


def test_cases_may_stand_in_a_file(files: Desk) -> None:
    files.write("target", "\n".join(TARGET) + "\n")
    asked = {"incumbent": "old.jsonl", "candidate": "new.jsonl"}
    told = files("gate.decide", target=["@target"], **asked)
    assert told == files("gate.decide", target=TARGET, **asked)
    with pytest.raises(NotFoundError):
        files("gate.decide", target=["@absent"], **asked)


def test_backslide_is_rejected(files: Desk) -> None:
    told = files("gate.decide", incumbent="new.jsonl", candidate="old.jsonl", target=["c9"])
    assert (told.verdict, told.exit_code()) == ("reject", 6)
    assert set(told.broken) <= set(TARGET)
    assert len(told.broken) >= 6


def test_too_few_trials_are_undecided(files: Desk) -> None:
    told = files("gate.decide", incumbent="old.jsonl", candidate="same.jsonl", target=["c0"])
    assert (told.verdict, told.exit_code()) == ("undecided", 10)


def test_campaign_asks_more_of_later_proposals_and_less_after_accepts(files: Desk) -> None:
    pair = {"incumbent": "old.jsonl", "target": TARGET}
    proposals = [
        {"id": "none", "candidate": "same.jsonl", **pair},
        {"id": "good", "candidate": "new.jsonl", **pair},
        {"id": "rows", "candidate": trials(3, 0.95), **pair},
        {"candidate": "same.jsonl", **pair},
    ]
    files.write("campaign.jsonl", lines(proposals))
    told = files("gate.campaign", file="campaign.jsonl")
    assert [each.id for each in told.items] == ["none", "good", "rows", "4"]
    assert [each.verdict for each in told.items][1:3] == ["accept", "accept"]
    levels = [each.level for each in told.items]
    assert levels[1] < levels[0]
    assert levels[3] == pytest.approx(3 * levels[0] * 4**-1.2)
    assert told.verdicts["accept"] == 2
    assert "good: accept" in told.to_text()


def test_a_campaign_that_proposes_nothing_is_refused(files: Desk) -> None:
    files.write("campaign.jsonl", "\n")
    with pytest.raises(InvalidRequestError, match="proposes nothing"):
        files("gate.campaign", file="campaign.jsonl")


def test_campaign_counts_the_same_trials_once_whatever_they_are_called(files: Desk) -> None:
    renamed = [{**row, "trial": f"t{row['trial']}", "note": 1} for row in trials(2, 0.95)[::-1]]
    of = {"system": "sha256:0a"}
    versions = [[{**row, **of} for row in trials(seed, 0.95)] for seed in (4, 5)]
    given = ["new.jsonl", "new.jsonl", renamed, *versions]
    pair = {"incumbent": "old.jsonl", "target": TARGET}
    proposals = [{"id": f"p{n}", "candidate": each, **pair} for n, each in enumerate(given)]
    files.write("campaign.jsonl", lines(proposals))
    told = files("gate.campaign", file="campaign.jsonl").items
    assert {each.verdict for each in told} == {"accept"}
    counted = [each.level / told[0].level * (n + 1) ** 1.2 for n, each in enumerate(told)]
    assert counted == pytest.approx([1, 2, 2, 2, 3])
    assert ["p0" in each.reasons[-1] for each in told] == [False, True, True, False, False]
    assert "p3" in told[4].reasons[-1]


@pytest.mark.parametrize(
    "proposal",
    [
        {"candidate": "new.jsonl"},
        {"incumbent": "old.jsonl", "candidate": 7},
        {"incumbent": "old.jsonl", "candidate": "new.jsonl", "target": "c0"},
        {"incumbent": "old.jsonl", "candidate": "new.jsonl", "gain": 2},
        {"incumbent": "old.jsonl", "candidate": "new.jsonl", "aim": []},
    ],
)
def test_proposal_that_is_none_is_refused_with_its_number(
    files: Desk, proposal: dict[str, Any]
) -> None:
    files.write("campaign.jsonl", lines([proposal]))
    with pytest.raises(InvalidRequestError, match="proposal 1"):
        files("gate.campaign", file="campaign.jsonl")


def test_file_that_is_not_there_or_no_text_is_refused(files: Desk) -> None:
    with pytest.raises(NotFoundError):
        files("gate.campaign", file="absent")
    (files.context.cwd / "bytes.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidRequestError, match="UTF-8"):
        files("gate.decide", incumbent="bytes.jsonl", candidate="old.jsonl")


def test_text_tells_what_is_in_doubt_and_what_was_not_tried(files: Desk) -> None:
    slipped = [
        {**row, "resolved": row["trial"] > 2} if row["case"] == "c9" else row
        for row in trials(2, 0.95)
    ]
    files.write("slipped.jsonl", lines(slipped))
    asked = {"incumbent": "old.jsonl", "candidate": "slipped.jsonl", "target": TARGET}
    told = files("gate.decide", **asked)
    assert told.guarded_tried == told.guarded == 22
    doubts = [name for name, times in told.doubts.items() if times > 1]
    assert doubts and not {*doubts} & {*told.broken, *told.unclear}
    listed = f"likelier broken than sound, and not shown to be: {', '.join(doubts)}"
    assert listed in told.to_text()
    sound = told.model_copy(update={"doubts": dict.fromkeys(doubts, 0.2)})
    assert "likelier broken" not in sound.to_text()
    named = told.model_copy(update={"unclear": doubts})
    assert "likelier broken" not in named.to_text()
    files.write("few.jsonl", lines([row for row in slipped if row["case"] in TARGET]))
    few = files("gate.decide", **(asked | {"candidate": "few.jsonl"}))
    assert "0 of 22 guarded were tried, 0 broken" in few.to_text()


def test_file_given_as_both_sides_is_named(files: Desk) -> None:
    told = files("gate.decide", incumbent="old.jsonl", candidate="old.jsonl", target=TARGET)
    assert [fault["kind"] for fault in told.faults] == ["same_results"]
    assert told.verdict != "accept"


def test_suite_that_is_named_tells_what_both_files_have_to_hold(desk: Desk) -> None:
    rows = "\n".join(json.dumps({"case": f"c{n}", "trial": 0, "score": 1}) for n in range(3))
    other = "\n".join(json.dumps({"case": f"c{n}", "trial": 0, "score": 0}) for n in range(3))
    desk.write("a.jsonl", rows)
    desk.write("b.jsonl", other)
    desk.write("suite.jsonl", "\n".join(json.dumps({"case": f"c{n}"}) for n in range(4)))
    asked = {"incumbent": "a.jsonl", "candidate": "b.jsonl", "suite": "suite.jsonl"}
    told = desk("gate.decide", **asked)
    assert [each["kind"] for each in told.faults if each["kind"] == "incomplete"] == [
        "incomplete",
        "incomplete",
    ]
    desk.write("campaign.jsonl", json.dumps(asked))
    [step] = desk("gate.campaign", file="campaign.jsonl").items
    assert step.faults == told.faults
    desk.write("suite.jsonl", '{"name": "c0"}')
    with pytest.raises(InvalidRequestError, match="names no case"):
        desk("gate.decide", **asked)


def test_interval_that_holds_nothing_beside_an_accept_says_what_it_is() -> None:
    wide = decision("accept", interval=[-0.1, 1.0])
    assert "(-10.0% to +100.0%, were other cases drawn like these; proven" in wide.to_text()
    assert "were other cases" not in decision("accept", interval=[0.2, 0.8]).to_text()
    assert "were other cases" not in decision("undecided", interval=[-0.1, 1.0]).to_text()


def test_reasons_are_told_once(files: Desk) -> None:
    bad = trials(1, 0.1)[:-1]
    files.write("bad.jsonl", lines([*bad, {**bad[0], "trial": 999, "score": 7}]))
    told = files("gate.decide", incumbent="bad.jsonl", candidate="bad.jsonl")
    assert len(told.reasons) == len(set(told.reasons))
    assert sum("no number from 0 to 1" in each for each in told.reasons) == 1
    assert sum(each["kind"] == "not_a_score" for each in told.faults) == 2
