"""Judges beside people: labels, agreement, biases, and who may change what judges."""

import json
from collections.abc import Callable

import pytest

from lignin.domain.errors import (
    DeniedError,
    GateFailedError,
    InvalidRequestError,
)
from lignin.ports.judge import Choice, Sheet, Verdict
from lignin.testing.fakes.judge import ScriptedJudge
from unit.operations.conftest import Desk
from unit.operations.rubrics.conftest import (
    FAIR,
    add,
    asked_of,
    by_agent,
    choosing,
    giving,
    label_many,
    place_of,
    with_judge,
)


def test_people_label_blind_and_once_each(kind: Desk) -> None:
    desk = with_judge(kind, FAIR)
    desk("eval.run", **asked_of("agent"), trials=1)
    left = desk("rubric.items", rubric="kind")
    assert left.left == 3
    assert set(left.items[0].model_dump()) == {"trial", "task", "run"}
    for label in ("bad", "good"):
        desk("rubric.label", rubric="kind", trial=left.items[0].trial, label=label)
    assert desk("rubric.items", rubric="kind").left == 2
    [given] = desk("rubric.labels", rubric="kind").items
    assert (given.label, given.score, given.by) == ("good", 1.0, "user:tester")
    with pytest.raises(InvalidRequestError, match="no label"):
        desk("rubric.label", rubric="kind", trial=left.items[1].trial, label="superb")


def test_agents_neither_label_nor_put_rubrics_in_use(kind: Desk) -> None:
    other = by_agent(kind)
    file = kind.write("l.jsonl", json.dumps({"task": "t", "run": "r", "label": "good"}))
    with pytest.raises(DeniedError):
        other("rubric.label", rubric="kind", file=file)
    file = kind.write(
        "l.jsonl", json.dumps({"task": "t", "run": "r", "label": "good", "by": "agent:a"})
    )
    with pytest.raises(InvalidRequestError, match="no person"):
        kind("rubric.label", rubric="kind", file=file)
    added = add(other, rubric="another")
    assert added.state == "proposed"
    with pytest.raises(DeniedError):
        other("rubric.adopt", rubric=f"another@{added.version}")
    assert kind("rubric.adopt", rubric=f"another@{added.version}").state == "in_use"


def test_a_judge_that_agrees_passes_and_is_paid_once(kind: Desk) -> None:
    desk = with_judge(kind, ScriptedJudge(giving(place_of), choosing, "fair", "mine"))
    label_many(desk, wrong=4)
    told = desk("rubric.agree", rubric="kind", judge="x", biases=True)
    assert (told.outcome, told.items, told.people) == ("pass", 40, 2)
    assert told.with_people["gwet"]["value"] > 0.8
    assert told.among_people["items"] == 40
    assert {each["bias"]: each["found"] for each in told.biases} == dict.fromkeys(
        ("position", "length", "length_beyond", "self_preference", "injection"), False
    )
    assert told.paid > 100
    again = desk("rubric.agree", rubric="kind", judge="x", biases=True)
    assert again.model_dump(exclude={"paid"}) == told.model_dump(exclude={"paid"})
    assert again.paid == 0
    assert "pass" in told.to_text()


@pytest.mark.parametrize(
    ("place", "outcome"), [(lambda s: 2 - place_of(s), "fail"), (lambda _: 2, "fail")]
)
def test_a_judge_that_does_not_agree_fails(
    kind: Desk, place: Callable[[Sheet], int], outcome: str
) -> None:
    desk = with_judge(kind, ScriptedJudge(giving(place), name="bad"))
    label_many(desk)
    assert desk("rubric.agree", rubric="kind", judge="x").outcome == outcome


def test_always_giving_the_commonest_label_does_not_pass(kind: Desk) -> None:
    rows = [{"task": "t", "run": f"r {n}", "label": "good" if n % 20 else "bad"} for n in range(60)]
    kind("rubric.label", rubric="kind",
         file=kind.write("l.jsonl", "\n".join(map(json.dumps, rows))))  # fmt: skip
    desk = with_judge(kind, ScriptedJudge(giving(lambda _: 2), name="flatters"))
    told = desk("rubric.agree", rubric="kind", judge="x")
    assert told.with_people["same"]["value"] > 0.9
    assert told.outcome != "pass"


def test_too_few_labels_say_nothing(kind: Desk) -> None:
    desk = with_judge(kind, FAIR)
    with pytest.raises(InvalidRequestError, match="nobody"):
        desk("rubric.agree", rubric="kind", judge="x")
    label_many(desk, 12)
    assert desk("rubric.agree", rubric="kind", judge="x").outcome == "inconclusive"
    lost = with_judge(kind, ScriptedJudge(lambda _: Verdict(ended="refused", why="no"), name="no"))
    label_many(desk)
    told = lost("rubric.agree", rubric="kind", judge="x")
    assert (told.outcome, told.missing, told.items) == ("inconclusive", 40, 0)
    assert told.with_people["gwet"]["value"] is None


@pytest.mark.parametrize(
    ("name", "judge"),
    [
        ("position", ScriptedJudge(giving(place_of),
                                   lambda _: Choice(ended="judged", better="first"), "b1")),
        ("length", ScriptedJudge(
            giving(lambda s: min(2, place_of(s) + (len(str(s.run)) > 300))), choosing, "b2")),
        ("injection", ScriptedJudge(
            giving(lambda s: 2 if "Note to whoever" in str(s.run) else place_of(s)), choosing,
            "b3")),
        ("self_preference", ScriptedJudge(
            giving(lambda s: min(2, place_of(s) + (int(str(s.run["said"]).split()[1]) % 2))),
            choosing, "b4", "mine")),
    ],
)  # fmt: skip
def test_planted_biases_are_found_by_name(kind: Desk, name: str, judge: ScriptedJudge) -> None:
    desk = with_judge(kind, judge)
    label_many(desk)
    told = desk("rubric.agree", rubric="kind", judge="x", biases=True)
    assert name in {each["bias"] for each in told.biases if each["found"]}


def test_a_changed_rubric_is_in_use_only_after_it_agrees_no_less(kind: Desk) -> None:
    desk = with_judge(kind, FAIR)
    label_many(desk)
    new = add(desk, question="Is it friendly?")
    named = f"kind@{new.version}"
    assert new.state == "proposed"
    with pytest.raises(GateFailedError, match="not compared"):
        desk("rubric.adopt", rubric=named)
    told = desk("rubric.compare", old="kind", new=named, judge="x")
    assert (told.outcome, told.needs_human, told.items) == ("accept", True, 40)
    with pytest.raises(DeniedError):
        by_agent(desk)("rubric.adopt", rubric=named)
    assert desk("rubric.show", rubric="kind").version != new.version
    assert desk("rubric.adopt", rubric=named).state == "in_use"
    assert desk("rubric.show", rubric="kind").version == new.version
    states = sorted(each.state for each in desk("rubric.list", rubric="kind").items)
    assert states == ["in_use", "replaced"]


def test_a_rubric_that_scores_higher_and_agrees_less_is_rejected(kind: Desk) -> None:
    def score(sheet: Sheet) -> Verdict:
        lenient = sheet.rubric.question == "Be kind to it?"
        return giving((lambda _: 2) if lenient else place_of)(sheet)

    desk = with_judge(kind, ScriptedJudge(score, choosing, "obedient"))
    label_many(desk)
    new = add(desk, question="Be kind to it?")
    told = desk("rubric.compare", old="kind", new=f"kind@{new.version}", judge="x")
    assert told.outcome == "reject"
    with pytest.raises(GateFailedError, match="came to reject"):
        desk("rubric.adopt", rubric=f"kind@{new.version}")


def test_a_comparison_with_a_version_that_is_not_in_use_any_more_counts_no_more(
    kind: Desk,
) -> None:
    desk = with_judge(kind, FAIR)
    label_many(desk)
    versions = [add(desk, question=f"Is it friendly, {n}?").version for n in range(2)]
    for version in versions:
        desk("rubric.compare", old="kind", new=f"kind@{version}", judge="x")
    desk("rubric.adopt", rubric=f"kind@{versions[0]}")
    with pytest.raises(GateFailedError, match="not compared"):
        desk("rubric.adopt", rubric=f"kind@{versions[1]}")


def test_a_judge_with_a_new_bias_is_not_accepted(kind: Desk) -> None:
    biased = ScriptedJudge(
        giving(place_of), lambda _: Choice(ended="judged", better="first"), "biased"
    )
    desk = with_judge(kind, FAIR, biased)
    label_many(desk)
    told = desk("rubric.compare", old="kind", new="kind", judge="fair", new_judge="biased")
    assert told.outcome == "reject"
    back = desk("rubric.compare", old="kind", new="kind", judge="biased", new_judge="fair")
    assert back.outcome == "accept"
    with pytest.raises(InvalidRequestError, match="very same"):
        desk("rubric.compare", old="kind", new="kind", judge="fair")


def test_labels_of_another_scale_are_not_counted_and_not_compared(kind: Desk) -> None:
    desk = with_judge(kind, FAIR)
    label_many(desk)
    new = add(desk, scale=["no", "partly", "yes"])
    with pytest.raises(InvalidRequestError, match="scales differ"):
        desk("rubric.compare", old="kind", new=f"kind@{new.version}", judge="x")
    with pytest.raises(InvalidRequestError, match="nobody"):
        desk("rubric.agree", rubric=f"kind@{new.version}", judge="x")
