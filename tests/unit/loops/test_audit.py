"""What is broken about scripts is found, and the worst comes first."""

from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.loops.laws.audit import audit_loop, audit_scripts, parse_scripts
from unit.loops.test_parse import CLOSED, WHOLE

SOUND = {
    "name": "digest",
    "trigger": "cron 0 7 * * *",
    "context": "yesterday's tickets",
    "action": "claude -p digest.md",
    "gate": "python check_links.py digest.html",
    "stop": "one pass, at most 2 dollars",
    "remembers": "digests/state.json",
}


def found(**changed: Any) -> list[tuple[str, str]]:
    scripts = parse_scripts({"scripts": [{**SOUND, **changed}]})
    return [(each.part, each.found) for each in audit_scripts(scripts)]


def test_a_sound_script_has_no_findings() -> None:
    assert found() == []


@pytest.mark.parametrize("part", ["trigger", "context", "action", "gate", "stop"])
@pytest.mark.parametrize("nothing", ["", "none", "TBD.", " - ", "n/a"])
def test_a_part_that_says_nothing_is_a_finding(part: str, nothing: str) -> None:
    assert (part, f"no {part}") in found(**{part: nothing})


def test_words_that_check_or_end_nothing_are_found() -> None:
    assert found(stop="when it is done")[0][0] == "stop"
    assert found(gate="I eyeball the output")[0][0] == "gate"
    assert ("gate", "the maker checks itself") in found(gate="claude -p is-this-good.md")
    assert ("memory", "nothing is remembered") in found(remembers="")


def test_what_reaches_production_and_takes_most_hours_comes_first() -> None:
    scripts = parse_scripts(
        {
            "scripts": [
                {**SOUND, "name": "small", "stop": "", "touches": "files"},
                {**SOUND, "name": "deploy", "gate": "", "touches": "production"},
                {**SOUND, "name": "mails", "gate": "", "touches": "people", "hours_per_week": 30},
            ]
        }
    )
    ranked = audit_scripts(scripts)
    assert [each.script for each in ranked] == ["mails", "deploy", "small"]
    assert all(each.why and each.mend for each in ranked)


def test_a_description_that_says_something_else_is_refused_by_place() -> None:
    for value, where in (
        ({"scripts": []}, "scripts: has none"),
        ({"scripts": [{"name": "a", "colour": "red"}]}, r"scripts\[0\]\.colour"),
        ({"scripts": [{"trigger": "x"}]}, r"scripts\[0\]\.name: is missing"),
        ({"scripts": [{"name": "a", "touches": "mars"}]}, r"scripts\[0\]\.touches"),
    ):
        with pytest.raises(InvalidRequestError, match=where):
            parse_scripts(value)


def test_a_loop_of_ours_is_audited_too() -> None:
    assert [each.part for each in audit_loop({"loop": "x", "trigger": {"kind": "manual"}})] == [
        "context",
        "action",
        "gate",
        "stop",
    ]
    assert [each.part for each in audit_loop(WHOLE)] == ["stop"]  # no budget for a day
    wild = {**CLOSED, "gate": {"kind": "nothing"}, "context": []}
    wild["action"] = {"kind": "agent", "run": "claude -p", "unsandboxed": True}
    parts = [each.part for each in audit_loop(wild)]
    assert parts == ["gate", "sandbox", "context", "stop", "gate"]
    assert audit_loop({**WHOLE, "stop": {"budget": {"tokens": 0}}})[0].part == "stop"


def test_a_checker_in_the_sandbox_of_work_outside_of_it_is_told() -> None:
    check = {"kind": "command", "run": "python judge.py"}
    value = {
        **WHOLE,
        "action": {"kind": "command", "run": "python work.py", "unsandboxed": True},
        "gate": {"kind": "checks", "checks": [check]},
    }
    told = "'python judge.py' checks from the sandbox what is done outside of it"
    assert told in [each.found for each in audit_loop(value)]
    check["unsandboxed"] = True  # type: ignore[assignment]
    assert told not in [each.found for each in audit_loop(value)]
    del value["action"]["unsandboxed"]  # type: ignore[attr-defined]
    del check["unsandboxed"]
    assert told not in [each.found for each in audit_loop(value)]
