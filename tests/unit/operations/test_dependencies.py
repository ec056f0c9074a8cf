"""Artifacts that require Python packages, from lock to call, with wheels made on the spot."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.artifacts import MANIFEST_PATH, File, make_tree
from lignin.domain.errors import (
    GateFailedError,
    IntegrityError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from lignin.testing.wheels import make_wheel

FLOCK = '''"""Counts flocks."""
# /// script
# dependencies = ["swan>=1"]
# ///
import swan


def flock(number: int) -> int:
    """Return the size of a number of flocks."""
    return swan.flock(number)
'''
EXAMPLES = [{"arguments": {"number": n}, "result": 3 * n} for n in (1, 3, 4, 7, 11, 20)]
THREE = "def flock(number):\n    return 3 * number\n"


@pytest.fixture
def given(desk: Any, tmp_path: Path) -> Path:
    """A folder of wheels beside the caller's."""
    make_wheel(tmp_path / "given", "swan", "1.0", files={"swan.py": THREE})
    return tmp_path / "given"


def capture(desk: Any, **options: Any) -> Any:
    path = desk.write("flock.py", options.pop("text", FLOCK))
    return desk("artifact.capture", path=path, examples=EXAMPLES, **options)


def locked_and_captured(desk: Any, given: Path) -> Any:
    desk("dependency.lock", requires=["swan>=1"], wheels=str(given))
    return capture(desk)


def test_what_requires_packages_is_locked_proven_promoted_and_called(
    desk: Any, given: Path
) -> None:
    with pytest.raises(UnavailableError, match="requires swan>=1, which is not locked") as refused:
        capture(desk)
    assert refused.value.hint == "lignin dependency lock 'swan>=1'"
    made = desk("dependency.lock", requires=["swan>=1"], wheels=str(given))
    assert [(entry.name, entry.version) for entry in made.lock] == [("swan", "1.0")]
    assert capture(desk).state == "verified"
    desk("artifact.promote", name="flock")
    assert desk("artifact.call", name="flock", input={"number": 5}).output == 15
    shown = desk("artifact.show", name="flock")
    assert (shown.requires, shown.locked) == (["swan>=1"], ["swan==1.0"])


def test_requirements_are_read_from_files_too(desk: Any, given: Path) -> None:
    path = desk.write("flock.py", FLOCK)
    assert desk("dependency.lock", requires=[path], wheels=str(given)).requires == ["swan>=1"]
    plain = desk.write("plain.py", "def f(a: int) -> int:\n    return a\n")
    with pytest.raises(InvalidRequestError, match="nothing requires a Python package"):
        desk("dependency.lock", requires=[plain], wheels=str(given))


def test_requirements_can_be_named_at_capture(desk: Any, given: Path) -> None:
    desk("dependency.lock", requires=["swan"], wheels=str(given))
    text = FLOCK.replace("# ///", "# --").replace("# /// script", "# --")
    assert capture(desk, text=text, requires=["Swan"]).state == "verified"
    with pytest.raises(InvalidRequestError, match="is no requirement by name"):
        capture(desk, requires=["swan @ https://example.invalid/swan.whl"])


def test_what_the_cache_allows_is_locked_by_capture_itself(desk: Any, given: Path) -> None:
    desk("dependency.lock", requires=["swan"], wheels=str(given))
    assert capture(desk).state == "verified"


def test_another_lock_is_another_version_with_its_own_proof(desk: Any, given: Path) -> None:
    first = locked_and_captured(desk, given)
    make_wheel(given, "swan", "1.1", files={"swan.py": THREE.replace("3", "4")})
    desk("dependency.lock", requires=["swan>=1"], wheels=str(given))
    second = capture(desk)
    assert second.digest != first.digest
    assert (first.state, second.state) == ("verified", "rejected")
    desk("artifact.promote", name=f"flock@{first.digest[7:19]}")
    with pytest.raises(GateFailedError):
        desk("artifact.promote", name=f"flock@{second.digest[7:19]}")
    assert desk("artifact.call", name="flock", input={"number": 5}).output == 15


def test_without_its_wheels_a_draft_is_unproven_and_not_to_blame(desk: Any, given: Path) -> None:
    desk("dependency.lock", requires=["swan>=1"], wheels=str(given))
    draft = capture(desk, verify=False)
    desk("dependency.remove", name="swan")
    found = desk("artifact.verify", name="flock")
    assert (found.verdict, found.state) == ("inconclusive", "draft")
    assert "lignin dependency fetch flock" in found.reasons[0]
    desk("dependency.fetch", name="flock", wheels=str(given))
    found = desk("artifact.verify", name="flock")
    assert (found.verdict, found.reused, found.digest) == ("pass", False, draft.digest)


def test_without_its_wheels_what_was_proven_stays_proven_and_is_not_called(
    desk: Any, given: Path
) -> None:
    digest = locked_and_captured(desk, given).digest
    desk("artifact.promote", name="flock")
    desk("dependency.remove", name="swan==1.0")
    for name, request in (
        ("artifact.verify", {"name": "flock", "again": True}),
        ("artifact.call", {"name": "flock", "input": {"number": 5}}),
    ):
        with pytest.raises(UnavailableError, match=r"not in the cache: swan==1\.0") as refused:
            desk(name, **request)
        assert refused.value.hint == f"lignin dependency fetch flock@{digest[7:19]}"
    assert desk("artifact.show", name="flock").state == "promoted"
    assert desk("dependency.fetch", name="flock", wheels=str(given)).fetched
    assert desk("artifact.call", name="flock", input={"number": 5}).output == 15


def test_a_manifest_brings_its_own_lock(desk: Any, given: Path) -> None:
    locked_and_captured(desk, given)
    source = desk("artifact.source", name="flock").files
    for path, text in source.items():
        desk.write(f"again/{path}", text)
    make_wheel(given, "swan", "1.1", files={"swan.py": THREE})
    desk("dependency.lock", requires=["swan>=1"], wheels=str(given))
    again = desk("artifact.capture", path="again", name="flock", examples=EXAMPLES)
    assert again.how != "new"
    assert desk("artifact.show", name="flock").locked == ["swan==1.0"]


def test_a_manifest_whose_lock_has_too_much_is_not_run(desk: Any, given: Path) -> None:
    locked_and_captured(desk, given)
    make_wheel(given, "tern", files={"tern.py": ""})
    tern = desk("dependency.lock", requires=["tern"], wheels=str(given)).lock[0]
    source = desk("artifact.source", name="flock").files
    files = {path: File(content=text.encode()) for path, text in source.items()}
    manifest = make_tree(files).manifest
    body = manifest.model_dump(mode="json")
    body["lock"] = [*body["lock"], tern.model_dump()]
    more = type(manifest)(**body).to_file().content.decode()
    for path, text in {**source, MANIFEST_PATH: more}.items():
        desk.write(f"more/{path}", text)
    with pytest.raises(IntegrityError, match="tern, which nothing requires"):
        desk("artifact.capture", path="more", name="flock", examples=EXAMPLES)


def test_artifacts_that_lean_on_each_other_must_lock_alike(desk: Any, given: Path) -> None:
    first = locked_and_captured(desk, given)
    make_wheel(given, "swan", "2.0", files={"swan.py": THREE})
    desk("dependency.lock", requires=["swan>=2"], wheels=str(given))
    manifest = {
        "kind": "program",
        "entry": "more.py:more",
        "runtime": "python",
        "interface": {"input": {"type": "object", "properties": {"number": {"type": "integer"}}}},
        "dependencies": {"flock": first.digest},
        "requires": ["swan>=2"],
    }
    desk.write("more/lignin.json", json.dumps(manifest))
    desk.write("more/more.py", "def more(number: int) -> int:\n    return 3 * number\n")
    with pytest.raises(InvalidRequestError, match=r"swan==2\.0 and swan==1\.0"):
        desk("artifact.capture", path="more", examples=EXAMPLES)


def test_wheels_are_listed_and_let_go_of(desk: Any, given: Path) -> None:
    assert desk("dependency.list").items == []
    desk("dependency.lock", requires=["swan>=1"], wheels=str(given))
    assert [wheel.file for wheel in desk("dependency.list").items] == ["swan-1.0-py3-none-any.whl"]
    assert [wheel.name for wheel in desk("dependency.remove", name="SWAN").items] == ["swan"]
    with pytest.raises(NotFoundError, match="no wheel of 'swan' is kept"):
        desk("dependency.remove", name="swan")


def test_a_folder_that_is_not_there_is_said_so(desk: Any) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        desk("dependency.lock", requires=["swan"], wheels="nowhere")


def test_a_served_skill_says_what_running_it_directly_needs(desk: Any, given: Path) -> None:
    locked_and_captured(desk, given)
    desk("artifact.promote", name="flock")
    desk("skill.serve")
    texts = [path.read_text() for path in Path(desk.context.cwd).rglob("SKILL.md")]
    assert any("Python packages swan>=1" in text for text in texts)


def test_the_scripts_of_a_skill_are_not_its_requirements(desk: Any) -> None:
    desk.write(
        "flocking/SKILL.md", "---\nname: flocking\ndescription: Count flocks.\n---\n\n# Flocks\n"
    )
    desk.write("flocking/scripts/flock.py", FLOCK)
    assert desk("artifact.capture", path="flocking", verify=False).state == "draft"
    with pytest.raises(InvalidRequestError, match="can require no Python packages"):
        desk("artifact.capture", path="flocking", requires=["swan"], verify=False)


def test_a_tier_that_cannot_show_packages_says_so_and_runs_nothing(desk: Any, given: Path) -> None:
    locked_and_captured(desk, given)
    desk("artifact.promote", name="flock")
    remote = type("Remote", (), {"tier": "vm"})()
    desk.context = replace(desk.context, open_sandbox=lambda: remote)
    with pytest.raises(UnavailableError, match="tier vm has no Python packages"):
        desk("artifact.call", name="flock", input={"number": 5})
