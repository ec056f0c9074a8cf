"""The main job in an empty home with the real sandbox, against the planted truth."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import skills_ref.validator

from lignin.practice import RecordedSessions, record_sessions

ROOT = Path(__file__).resolve().parents[2]
STATIC_ONLY = {"sign_order", "eval_formula"}
"""Bad in a way that no run shows; reading the source may."""
UNSEEN = {"discounted", "average_order", "shipping_cost"}
"""Bad on inputs that neither a recorded example nor a generated input reaches: half cents, an empty
list, anything but the three examples. A known weakness of the checks; the set may only shrink."""
EXTRAS = ("psycopg", "ruff", "bandit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A demo that ran: its report, its folder, and the truth about what it read."""

    report: dict[str, Any]
    folder: Path
    truth: RecordedSessions


def demo(folder: Path, *arguments: str, blocked: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run the demo in `folder`, with some packages hidden."""
    code = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        "from lignin.interfaces.cli import run\nsys.exit(run(sys.argv[1:]))"
    )
    done = lignin(folder, code, "demo", "--quiet", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def lignin(folder: Path, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder),
        "LIGNIN_HOME": str(folder / "lignin"),
    }
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def working_sandbox() -> None:
    """Skip where no tier of the sandbox works."""
    from lignin.adapters.sandbox.doctor import probe

    found = probe()
    if not found.tier:
        pytest.skip("no sandbox tier works here: " + "; ".join(t.why_not for t in found.tiers))


@pytest.fixture(
    scope="module", params=[12, pytest.param(60, marks=pytest.mark.slow)], ids="{}_sessions".format
)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run on freshly recorded sessions."""
    folder = tmp_path_factory.mktemp("demo")
    report = demo(folder, "--sessions", str(request.param))
    truth = record_sessions(tmp_path_factory.mktemp("truth"), count=request.param, seed=7)
    return Done(report=report, folder=folder, truth=truth)


def promoted(done: Done) -> set[str]:
    return {kept["name"] for kept in done.report["kept"]}


def planted(done: Done, quality: str) -> dict[str, str]:
    """Planted helpers of a quality: the artifact's name, and the scrap's."""
    return {
        Path(helper.path).stem.replace("_", "-"): helper.name
        for helper in done.truth.helpers
        if helper.quality == quality
    }


def test_simulated_sessions_are_labelled_so(done: Done) -> None:
    assert done.report["simulated"]
    assert done.report["note"].startswith("SIMULATED")


def test_nearly_all_good_planted_helpers_are_promoted(done: Done) -> None:
    good = set(planted(done, "good"))
    assert len(good & promoted(done)) >= 0.9 * len(good), good - promoted(done)


def test_no_bad_planted_helper_is_promoted_that_a_check_could_see(done: Done) -> None:
    bad = planted(done, "bad")
    admitted = {bad[name] for name in promoted(done) & set(bad)}
    assert admitted <= STATIC_ONLY | UNSEEN


def test_every_refusal_says_why_and_where_from(done: Done) -> None:
    assert done.report["refused"]
    for refused in done.report["refused"]:
        assert refused["reason"]
        assert refused["origin"]["session"]


def test_the_skill_folders_are_valid_for_both_clients(done: Done) -> None:
    assert {folder["client"] for folder in done.report["served"]["folders"]} == {
        "claude-code",
        "codex",
    }
    for folder in done.report["served"]["folders"]:
        skills = sorted(Path(folder["folder"]).glob("*/SKILL.md"))
        assert len(skills) == len(promoted(done)) > 0
        for skill in skills:
            assert skills_ref.validator.validate(skill.parent) == []
            assert 'lignin-simulated: "true"' in skill.read_text()


def test_the_call_answers_as_the_recorded_run_did(done: Done) -> None:
    assert done.report["call"]["error"] is None
    assert done.report["call"]["output"] == done.report["call_expected"]


def test_a_second_run_adds_nothing_and_runs_no_proof(done: Done) -> None:
    again = demo(done.folder, "--sessions", str(done.report["sessions"]))
    assert set(again["captured"]) <= {"known"}
    assert {kept["name"] for kept in again["kept"]} == promoted(done)
    assert [kept["name"] for kept in again["kept"] if kept["runs"]] == []
    assert all(not folder["written"] for folder in again["served"]["folders"])


def test_the_core_alone_shows_help_and_runs_the_demo(tmp_path: Path) -> None:
    report = demo(tmp_path, "--sessions", "2", blocked=EXTRAS)
    assert report["kept"]
    blocked = f"import sys\nfor name in {EXTRAS!r}: sys.modules[name] = None\n"
    code = blocked + "from lignin.interfaces.cli import run\nsys.exit(run(sys.argv[1:]))"
    assert lignin(tmp_path, code, "--help").returncode == 0


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("pydantic", "sqlalchemy", "alembic", "jsonschema", "yaml", "lignin.app")
    code = (
        "import sys\nfrom lignin.interfaces.cli import run\nrun(['--help'])\n"
        f"loaded = [name for name in {heavy!r} if name in sys.modules]\n"
        "sys.exit(f'imported {loaded}' if loaded else 0)"
    )
    done = lignin(tmp_path, code)
    assert (done.returncode, done.stderr) == (0, "")
