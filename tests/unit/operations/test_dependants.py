"""What leans on a version: named when it is quarantined, and refused and withheld with it."""

import json
from typing import Any

import pytest

from lignin.domain.errors import DeniedError
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk

NUMBER = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}


def leaning(desk: Desk, name: str, on: str, digest: str, factor: int) -> Any:
    """Capture a proven program that calls another one once and doubles what it says."""
    manifest = {
        "kind": "program",
        "entry": f"{name}.py:{name}",
        "runtime": "python",
        "interface": {"input": NUMBER},
        "dependencies": {on: digest},
    }
    desk.write(f"{name}/lignin.json", json.dumps(manifest))
    desk.write(
        f"{name}/{name}.py",
        f"from {on}.{on} import {on}\n\n\n"
        f'def {name}(number: int) -> int:\n    """Leans."""\n    return 2 * {on}(number)\n',
    )
    examples = [{**one, "result": factor * one["arguments"]["number"]} for one in EXAMPLES]
    captured = desk("artifact.capture", path=name, name=name, examples=examples)
    assert captured.state == "verified", captured.verification.reasons
    return captured


def test_a_quarantine_names_every_version_that_leans_on_it_and_its_heads(desk: Desk) -> None:
    double = desk.double(promote=True)
    four = leaning(desk, "four", "double", double.digest, 4)
    eight = leaning(desk, "eight", "four", four.digest, 8)
    desk("artifact.promote", name="four")
    newer = DOUBLE.replace("number * 2", "number + number")
    desk("artifact.capture", path=desk.write("double.py", newer), examples=EXAMPLES)
    done = desk("artifact.quarantine", name=f"double@{double.digest}", reason="leaks")
    assert done.heads == ["main"]
    assert [(one.name, one.digest, one.through, one.heads) for one in done.dependants] == [
        ("four", four.digest, "double", ["main"]),
        ("eight", eight.digest, "four", []),
    ]
    for one in done.dependants:
        with pytest.raises(DeniedError, match="is quarantined"):
            desk("artifact.call", name=f"{one.name}@{one.digest}", input={"number": 1})


def test_what_leans_on_another_version_of_the_same_name_is_not_named(desk: Desk) -> None:
    double = desk.double()
    leaning(desk, "four", "double", double.digest, 4)
    newer = DOUBLE.replace("number * 2", "number + number")
    other = desk("artifact.capture", path=desk.write("double.py", newer), examples=EXAMPLES)
    assert other.digest != double.digest
    assert desk("artifact.quarantine", name=f"double@{other.digest}").dependants == []


def note_of(desk: Desk, name: str) -> str:
    """What stands in a skill's place in Claude Code's folder."""
    return (desk.context.cwd / ".claude/skills" / name / "SKILL.md").read_text()


def test_what_leans_on_a_quarantined_version_is_withheld_from_skill_folders(desk: Desk) -> None:
    double = desk.double(promote=True)
    four = leaning(desk, "four", "double", double.digest, 4)
    desk("artifact.promote", name="four")
    assert desk("skill.serve").folders[0].written == ["double", "four"]
    folders = [one.folder for one in desk("skill.serve").folders]
    gone = desk("artifact.quarantine", name="double", reason="leaks " + "a lot " * 30)
    assert set(gone.folders.taken_from) == {
        f"{folder}/{name}" for folder in folders for name in ("double", "four")
    }
    served = desk("skill.serve")
    reasons = {left.name: left.reason for left in served.not_skills}
    assert reasons["double"].startswith("quarantined: leaks")
    told = f"the dependency double@{double.digest} is quarantined: leaks"
    assert reasons["four"].startswith(f"withheld: {told}")
    assert "# double is quarantined" in note_of(desk, "double")
    assert "# four is withheld" in note_of(desk, "four")
    text = served.to_text()
    assert all(" ".join(reason.split()) in text for reason in reasons.values())
    assert desk("artifact.clear", name="double").state == "promoted"
    assert desk("skill.serve").folders[0].replaced == ["double", "four"]
    assert desk("artifact.call", name=f"four@{four.digest}", input={"number": 3}).output == 12


def test_a_skill_that_leans_on_proven_code_outside_the_head_is_served(desk: Desk) -> None:
    leaning(desk, "four", "double", desk.double().digest, 4)
    desk("artifact.promote", name="four")
    served = desk("skill.serve")
    assert (served.not_skills, served.folders[0].written) == ([], ["four"])


def test_a_note_says_what_became_of_the_skill_and_follows_it(desk: Desk) -> None:
    desk.double(promote=True)
    desk("skill.serve")
    desk("head.rollback", name="main", reason="it rounds down")
    note = note_of(desk, "double")
    assert "# double is rolled back" in note and "it rounds down" in note
    assert "Rolled back; do not use." in note and "etired" not in note
    assert desk("skill.serve").folders[0].removed == []
    desk("artifact.promote", name="double")
    desk("skill.serve")
    desk("artifact.quarantine", name="double", reason="leaks")
    desk("skill.serve")
    assert "# double is quarantined" in note_of(desk, "double")
    desk("artifact.retire", name="double", reason="old", forward_to="triple")
    desk("skill.serve")
    note = note_of(desk, "double")
    assert "# double is retired" in note and "`triple`" in note


def test_a_skill_dropped_by_a_proposal_is_withdrawn(desk: Desk) -> None:
    desk.double(promote=True)
    desk("skill.serve")
    made = desk("proposal.create", head="main", drop=["double"], hypothesis="nobody calls it")
    desk("proposal.decide", proposal=made.proposal, approve=True)
    desk("proposal.apply", proposal=made.proposal)
    desk("skill.serve")
    note = note_of(desk, "double")
    assert "# double is withdrawn" in note and "nobody calls it" in note
