"""An agent hands over what it just wrote: hears what breaks it and what is near, and calls it at once."""

import json
from typing import Any

import pytest

from lignin.domain.errors import DeniedError, LimitedError, NotFoundError
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk
from unit.operations.test_draft_visibility import acting
from unit.operations.test_trace_cases import FAULTY, practise

TWICE = '''def twice(number: int) -> int:
    """Gives a number two times."""
    return sum([number, number])
'''
MEAN = '''def mean(numbers: list[int]) -> int:
    """The mean."""
    return sum(numbers) // len(numbers)
'''
MEANS = [
    {"arguments": {"numbers": [5, 8, 100, 1, 1, 1, 1, 1]}, "result": 14.75},
    {"arguments": {"numbers": [1, 2]}, "result": 1.5},
    {"arguments": {"numbers": [4]}, "result": 4},
    {"arguments": {"numbers": []}, "result": 0},
]


def captured(desk: Desk, text: str, examples: Any = None, **request: Any) -> Any:
    name = text.partition("(")[0].removeprefix("def ")
    path = desk.write(f"{name}.py", text)
    return desk("artifact.capture", path=path, examples=examples, **request)


def test_what_breaks_it_comes_back_in_the_form_of_a_call(desk: Desk) -> None:
    found = captured(desk, MEAN, MEANS)
    assert found.state == "rejected"
    told = {repr(each.input): each for each in found.breaks}
    wrong = told[repr({"numbers": [1, 2]})]
    assert (wrong.expected, wrong.got) == ({"result": 1.5}, {"result": 1})
    sizes = [len(repr(each.input)) for each in found.breaks if each.got == wrong.got]
    assert sizes == sorted(sizes)
    assert all("breaks" not in each["measured"] for each in found.verification.checks)
    again = captured(desk, MEAN, MEANS)
    assert [each.input for each in again.breaks] == [each.input for each in found.breaks]


def test_what_does_all_the_examples_already_is_named(desk: Desk) -> None:
    desk.double()
    found = captured(desk, TWICE, EXAMPLES)
    assert found.instead.startswith("double (verified) does all of your examples already")
    assert [(each.name, each.same) for each in found.nearest] == [("double", 1.0)]
    called = desk("artifact.call", name=found.nearest[0].call.split()[3], input={"number": 4})
    assert called.output == 8


def test_what_does_another_thing_with_the_same_input_is_not_named(desk: Desk) -> None:
    desk.double()
    squares = [{"arguments": {"number": n}, "result": n * n} for n in (1, 3, 4, 7)]
    square = TWICE.replace("sum([number, number])", "number * number").replace("twice", "square")
    found = captured(desk, square, squares)
    assert found.instead == ""
    assert all(each.same != 1.0 for each in found.nearest)


def test_a_rejected_version_is_never_to_be_used_instead(desk: Desk) -> None:
    wrong = [*EXAMPLES, {"arguments": {"number": 2}, "result": 5}]
    desk("artifact.capture", path=desk.write("double.py", DOUBLE), examples=wrong)
    found = captured(desk, DOUBLE.replace("double", "doubled"), EXAMPLES)
    assert found.instead == ""
    near = next(each for each in found.nearest if each.name == "double")
    assert (near.state, near.call) == ("rejected", "")
    assert near.reason


def test_an_agent_hears_nothing_of_the_drafts_of_others(desk: Desk) -> None:
    captured(acting(desk, "agent:one"), DOUBLE, verify=False)
    text = DOUBLE.replace("double", "doubled")
    assert captured(acting(desk, "agent:two"), text, EXAMPLES).nearest == []
    own = captured(acting(desk, "agent:one"), text.replace("doubled", "thrice"), verify=False)
    assert {each.name for each in own.nearest} == {"double", "doubled"}


def test_its_own_session_calls_a_draft_at_once_and_nobody_else_does(desk: Desk) -> None:
    author = acting(desk, "agent:author")
    found = captured(author, DOUBLE, EXAMPLES[:1], session="S1")
    assert found.state == "draft"
    assert found.call == "lignin artifact call double --session S1 --input -"
    for name in ("double", f"double@{found.digest[7:19]}"):
        called = author("artifact.call", name=name, session="S1", input={"number": 21})
        assert (called.output, called.state) == (42, "draft")
    refused = (NotFoundError, DeniedError)
    for who, session in (("author", "S2"), ("author", ""), ("other", "S1"), ("other", "")):
        for name in ("double", f"double@{found.digest[7:19]}"):
            with pytest.raises(refused):
                acting(desk, f"agent:{who}")(
                    "artifact.call", name=name, session=session, input={"number": 1}
                )


def test_a_verified_version_is_called_in_its_session_and_by_others_once_promoted(
    desk: Desk,
) -> None:
    author, other = acting(desk, "agent:author"), acting(desk, "agent:other")
    captured(author, DOUBLE, EXAMPLES, session="S1")
    assert author("artifact.call", name="double", session="S1", input={"number": 2}).output == 4
    with pytest.raises(NotFoundError):
        other("artifact.call", name="double", input={"number": 2})
    desk("artifact.promote", name="double")
    assert other("artifact.call", name="double", input={"number": 2}).output == 4


def test_what_the_session_wrote_comes_before_what_the_head_serves(desk: Desk) -> None:
    desk.double(promote=True)
    author = acting(desk, "agent:author")
    captured(author, DOUBLE.replace("number * 2", "number + number"), EXAMPLES, session="S1")
    mine = author("artifact.call", name="double", session="S1", input={"number": 2})
    served = author("artifact.call", name="double", input={"number": 2})
    assert mine.digest != served.digest


def test_a_rejected_version_is_called_by_nobody_and_no_older_one_in_its_place(desk: Desk) -> None:
    older = captured(desk, MEAN, MEANS[2:3], session="S1")
    assert desk("artifact.call", name="mean", session="S1", input={"numbers": [4]}).output == 4
    worse = captured(desk, MEAN.replace("//", "*"), MEANS, session="S1")
    assert (older.state, worse.state) == ("draft", "rejected")
    with pytest.raises(DeniedError, match="is rejected"):
        desk("artifact.call", name="mean", session="S1", input={"numbers": [4]})


def test_a_draft_reaches_nothing_real_not_even_for_its_own_session(desk: Desk) -> None:
    manifest = {
        "kind": "program",
        "entry": "fetch.py:fetch",
        "runtime": "python",
        "interface": {"input": {"type": "object", "properties": {}}, "output": {}, "errors": []},
        "capabilities": {"hosts": ["example.org"]},
    }
    desk.write("fetch/lignin.json", json.dumps(manifest))
    desk.write("fetch/fetch.py", "def fetch():\n    return 1\n")
    found = desk("artifact.capture", path="fetch", session="S1", verify=False)
    assert found.state == "draft"
    with pytest.raises(DeniedError):
        desk("artifact.call", name=found.name, session="S1", input={})


def test_the_context_of_the_task_is_kept_with_the_version_and_bounded(desk: Desk) -> None:
    captured(desk, DOUBLE, context='{"inputs": [3]}', task="double it", session="S1")
    seen = desk("artifact.show", name="double").provenance[0]
    assert (seen["context"], seen["task"]) == ({"inputs": [3]}, "double it")
    captured(desk, MEAN, context="seen on a Monday")
    assert desk("artifact.show", name="mean").provenance[0]["context"] == "seen on a Monday"
    with pytest.raises(LimitedError):
        captured(desk, MEAN, context="a" * 20_000)


def test_an_unknown_failure_mode_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        captured(desk, DOUBLE, mode="mod_absent")


def test_what_is_meant_for_a_failure_mode_hears_its_shown_cases_only(desk: Desk) -> None:
    listed = practise(desk, range(4), *FAULTY)
    mode = next(mode for each in listed.items for mode in each.modes)
    of_mode = [each for each in listed.items if mode in each.modes]
    found = captured(desk, DOUBLE, EXAMPLES, mode=mode)
    shown = [each.case for each in of_mode if each.split == "shown"]
    assert [each.case for each in found.cases] == shown
    assert found.held_out_cases == len(of_mode) - len(shown)
    assert all(each.judge.startswith(f"lignin trace judge {each.case}") for each in found.cases)
    assert desk("artifact.show", name="double").provenance[0]["mode"] == mode
    assert captured(desk, MEAN).cases == []
