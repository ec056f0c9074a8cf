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
