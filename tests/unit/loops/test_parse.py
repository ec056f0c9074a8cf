"""A loop is read whole, or refused with the part named."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError, LimitedError
from lignin.domain.loops import Amounts, Loop
from lignin.loops.laws.parse import missing_parts, parse_loop
from lignin.loops.laws.reading import MAX_FILE_BYTES, parse_file

WHOLE: dict[str, Any] = {
    "loop": "triage",
    "trigger": {"kind": "cron", "at": "*/30 * * * *", "zone": "Europe/Berlin"},
    "context": [{"name": "modes", "operation": "trace.modes", "with": {"limit": 5}}],
    "action": {"kind": "command", "run": "python triage.py"},
    "gate": {"kind": "checks", "checks": [{"kind": "command", "run": "python check.py"}]},
    "stop": {"budget": {"money_usd": 0.5, "tokens": 1000}},
}
CLOSED = {
    **WHOLE,
    "shape": "closed",
    "goal": "no test fails",
    "stop": {
        "iterations": 5,
        "no_progress": 2,
        "budget": {"time_s": 60},
        "goal": {"kind": "command", "run": "python judge.py"},
    },
}


def loop(**changed: Any) -> Loop:
    return parse_loop({**WHOLE, **changed})


def test_a_loop_that_says_each_part_is_read() -> None:
    found = loop()
    assert (found.name, found.shape, found.trigger.zone) == ("triage", "open", "Europe/Berlin")
    assert found.stop.budget == Amounts(money_microusd=500_000, tokens=1000)
    assert found.stop.iterations == 1
    assert found.stages[0].gate.checks[0].run == "python check.py"
    assert found.autonomy.start == "suggest"


@pytest.mark.parametrize("part", ["trigger", "context", "action", "gate", "stop"])
def test_a_loop_that_misses_a_part_is_refused_with_the_part_named(part: str) -> None:
    value = {name: each for name, each in WHOLE.items() if name != part}
    assert missing_parts(value) == [part]
    with pytest.raises(InvalidRequestError, match=f"no {part}") as refused:
        parse_loop(value)
    assert f"{part}: " in refused.value.hint


def test_every_missing_part_is_named_at_once() -> None:
    with pytest.raises(InvalidRequestError, match="no trigger, no context, no action, no gate"):
        parse_loop({"loop": "x"})


@pytest.mark.parametrize("part", ["iterations", "no_progress", "budget", "goal"])
def test_a_closed_loop_without_one_of_its_stops_is_refused(part: str) -> None:
    value = copy.deepcopy(CLOSED)
    del value["stop"][part]
    with pytest.raises(InvalidRequestError, match=rf"^stop\.{part}: is missing"):
        parse_loop(value)


def _at(path: str, new: Any) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        *way, last = path.split(".")
        for key in way:
            value = value[int(key)] if isinstance(value, list) else value[key]
        value[last] = new

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (_at("loop", "No Name"), "is no name of a loop"),
        (_at("trigger.at", "61 * * * *"), r"trigger\.at"),
        (_at("trigger.at", "* * * * * *"), r"trigger\.at"),
        (_at("trigger.at", "0 0 31 2 *"), r"trigger\.at"),
        (_at("trigger.zone", "Europe"), r"trigger\.zone"),
        (_at("trigger.zone", "../../etc/passwd"), r"trigger\.zone"),
        (_at("trigger.zone", "Mars/Olympus"), r"trigger\.zone"),
        (_at("trigger.overlap", "pile up"), r"trigger\.overlap"),
        (_at("trigger.each", "day"), r"trigger\.each: is no setting"),
        (_at("trigger.kind", "moon"), r"trigger\.kind"),
        (_at("action.run", "  "), r"action\.run: is missing"),
        (_at("action.run", "a 'b"), r"action\.run: cannot be split"),
        (_at("action.limit_s", -1), r"action\.limit_s"),
        (_at("action.unsandboxed", "yes"), r"action\.unsandboxed"),
        (_at("gate.kind", "approval"), r"gate\.checks: are there"),
        (_at("gate.checks", []), r"gate\.checks: has none"),
        (_at("gate.checks.0.run", "python triage.py"), r"gate\.checks\[0\]: is what does the work"),
        (_at("stop.budget", {}), r"stop\.budget: is missing"),
        (_at("stop.budget.tokens", 1.5), r"stop\.budget\.tokens"),
        (_at("stop.budget.tokens", True), r"stop\.budget\.tokens"),
        (_at("stop.daily", {"time_s": 9}), r"stop\.daily\.time_s: bounds what no run says"),
        (_at("stop.iterations", 2), r"stop\.iterations: is for a closed loop"),
        (_at("stop.no_progress", 2), r"stop\.no_progress: is for a closed loop"),
        (
            _at("stop.goal", {"kind": "command", "run": "judge"}),
            r"stop\.goal: is for a closed loop",
        ),
        (_at("context", "all"), "context: is no list"),
        (_at("context.0.name", ""), r"context\[0\]\.name"),
        (_at("autonomy", {"start": "automatic"}), r"autonomy\.start: .* earned"),
        (_at("autonomy", {"start": "draft", "most": "suggest"}), r"autonomy\.most"),
        (_at("autonomy", {"classes": {"a": {"kind": "command"}}}), r"classes\.a\.run: is missing"),
        (_at("on_failure", {"do": "cry"}), r"on_failure\.do"),
        (_at("colour", "red"), "colour: is no setting"),
        (_at("stages", [{"name": "a"}]), "stages: have an action"),
        (_at("format", "lignin.loop/9"), "format"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    change: Callable[[dict[str, Any]], None], where: str
) -> None:
    value = copy.deepcopy(WHOLE)
    change(value)
    with pytest.raises(InvalidRequestError, match=where) as refused:
        parse_loop(value)
    assert refused.value.hint


def test_who_does_the_work_may_not_judge_the_goal() -> None:
    value = copy.deepcopy(CLOSED)
    value["stop"]["goal"]["run"] = value["action"]["run"]
    with pytest.raises(InvalidRequestError, match=r"stop\.goal: is judged by what does the work"):
        parse_loop(value)
    assert parse_loop(CLOSED).stop.goal is not None


def test_stages_each_have_a_gate() -> None:
    value = {name: each for name, each in WHOLE.items() if name not in ("action", "gate")}
    stage = {"name": "plan", "action": WHOLE["action"], "gate": {"kind": "nothing"}}
    found = parse_loop({**value, "stages": [stage, {**stage, "name": "build"}]})
    assert [each.name for each in found.stages] == ["plan", "build"]
    with pytest.raises(InvalidRequestError, match=r"stages\[0\]\.gate: is missing"):
        parse_loop({**value, "stages": [{"name": "plan", "action": WHOLE["action"]}]})
    with pytest.raises(InvalidRequestError, match="one name twice"):
        parse_loop({**value, "stages": [stage, stage]})


def test_a_file_is_toml_or_json_and_bounded() -> None:
    assert parse_file(b"loop = 'a'\n[trigger]\nkind = 'manual'\n") == {
        "loop": "a",
        "trigger": {"kind": "manual"},
    }
    assert parse_file(json.dumps(WHOLE).encode()) == WHOLE
    with pytest.raises(LimitedError):
        parse_file(b"#" * (MAX_FILE_BYTES + 1))
    for wrong in (b"\xff", b"loop = ", b'{"a": 1,}', b"a = nan", b"a = 1979-05-27", b"[" * 60_000):
        with pytest.raises(InvalidRequestError):
            parse_file(wrong)
