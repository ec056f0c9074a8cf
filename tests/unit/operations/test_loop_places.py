"""Where the commands of a loop work: its folder, another one, or git worktrees whose result is a branch."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.test_repository import bytes_of, git
from lignin.domain.errors import InvalidRequestError
from lignin.loops.service import Loops
from lignin.operations.handing import host_need
from lignin.operations.loopplaces import YARDS
from lignin.operations.looprunning import drive
from unit.operations.conftest import Desk
from unit.operations.loop_desk import CLOSED, add, command, definition, run, titles
from unit.operations.shop import Shop
from unit.operations.test_loop_engine import Crash, Recorder, ask_for_runs

PYTHON = sys.executable
STORIES = [{"id": n, "story": f"write {n}.txt", "passes": False} for n in "12"]
WORK = """
import json, sys, pathlib
task = json.load(sys.stdin)
stories = json.loads(pathlib.Path("stories.json").read_text())
story = next(each for each in stories if not each["passes"])
pathlib.Path(f"{story['id']}.txt").write_text(task["goal"])
story["passes"] = True
pathlib.Path("stories.json").write_text(json.dumps(stories))
print(json.dumps({"progress": story["id"], "note": f"did {story['id']}"}))
"""
JUDGE = """
import json, pathlib, sys
sys.exit(not all(each["passes"] for each in json.loads(pathlib.Path("stories.json").read_text())))
"""


def repository(desk: Desk, name: str = "shop") -> Path:
    """A repository with the programs of the goal loop, committed."""
    folder = desk.context.cwd / name
    folder.mkdir()
    git(folder, "init", "-q", "-b", "trunk")
    (folder / "stories.json").write_text(json.dumps(STORIES))
    (folder / "work.py").write_text(WORK)
    (folder / "run_tests.py").write_text("import pathlib; pathlib.Path('1.txt').read_text()\n")
    (folder / "judge_stories.py").write_text(JUDGE)
    git(folder, "add", "."), git(folder, "commit", "-q", "-m", "first")
    return folder


def goal_loop(desk: Desk, **changed: Any) -> Any:
    """The shipped goal loop, added from the folder that its comments tell of."""
    written = Path(desk("loop.new", template="goal", to="shop/goal.toml").path)
    text = written.read_text().replace('run = "python ', f'run = "{PYTHON} ')
    top = "".join(f"{key} = {value}\n" for key, value in changed.items())
    written.write_text(top + text)
    return desk("loop.add", file=str(written))


def test_the_goal_loop_works_as_its_comments_say_and_edits_the_files_beside_it(desk: Desk) -> None:
    folder = repository(desk)
    added = goal_loop(desk)
    assert added.works_in == str(folder)
    assert f"'{PYTHON} work.py' runs as you, in {folder}" in added.warnings()
    ran = desk("loop.run", name="goal")
    assert (ran.state, ran.why.partition(":")[0]) == ("archived", "goal reached")
    assert (
        folder / "2.txt"
    ).read_text() == "every story in stories.json passes its acceptance criteria"
    assert git(folder, "status", "--porcelain").split() == [
        *("M", "stories.json", "??", "1.txt", "??", "2.txt", "??", "goal.toml")
    ]


def test_another_folder_is_as_seen_from_the_file_and_has_to_be_there(desk: Desk) -> None:
    act = command(f"{PYTHON} -c \"import pathlib; pathlib.Path('made').write_text('x')\"")
    value = definition(act, folder="../work/elsewhere")
    with pytest.raises(InvalidRequestError, match="no folder"):
        add(desk, value)
    elsewhere = desk.context.cwd / "elsewhere"
    elsewhere.mkdir()
    assert add(desk, value).works_in == str(elsewhere)
    assert run(desk).state == "archived"
    assert (elsewhere / "made").exists()
    elsewhere.rename(desk.context.cwd / "moved")
    ran = run(desk)
    assert ran.state == "failed"
    told = desk("inbox.show", item=ran.items[0]).evidence[0]
    assert str(elsewhere) in told
    assert "is not on" in told


def test_a_program_of_the_folder_runs_by_its_bare_name_and_with_its_own_folder(desk: Desk) -> None:
    place = desk.context.cwd / "in"
    place.mkdir()
    (place / "look").write_text("#!/bin/sh\ncat >/dev/null; ls\n")
    (place / "look").chmod(0o755)
    add(desk, definition(command("look"), folder="in"))
    run(desk)
    assert titles(desk) == ["look"]


def test_the_same_file_added_from_another_place_works_there(desk: Desk) -> None:
    value = json.dumps(definition(command("/bin/pwd")))
    for name in ("one", "two"):
        shown = desk("loop.add", file=desk.write(f"{name}/loop.json", value))
        assert shown.works_in == str(desk.context.cwd / name)
    run(desk)
    assert titles(desk) == [str(desk.context.cwd / "two")]


def test_what_runs_in_the_sandbox_changes_nothing_of_the_folder(desk: Desk) -> None:
    desk.write("act.py", "import pathlib; pathlib.Path('made').write_text('x'); print('done')")
    add(desk, definition({"kind": "command", "run": "python3 act.py"}))
    run(desk)
    assert not (desk.context.cwd / "made").exists()


WORKTREE = {"worktree": True}


def test_a_run_in_worktrees_leaves_the_repository_alone_and_keeps_a_branch(desk: Desk) -> None:
    folder = repository(desk)
    added = goal_loop(desk, folder="{ worktree = true }")
    before = bytes_of(folder)
    ran = desk("loop.run", name="goal")
    assert ran.why.startswith("goal reached")
    assert {path: bytes_of(folder).get(path) for path in before} == dict(before)
    item = desk("inbox.show", item=ran.items[0])
    branch = item.title.rpartition(" ")[2]
    assert branch.startswith("lignin/goal-")
    assert git(folder, "diff", "--name-only", f"trunk...{branch}").split() == [
        "1.txt",
        "2.txt",
        "stories.json",
    ]
    subjects = git(folder, "log", "--format=%s", f"trunk..{branch}").splitlines()
    assert subjects == ["goal: act, iteration 2", "goal: act, iteration 1"]
    assert desk("loop.history", name="goal").items[0].branch == branch
    assert list((desk.context.home / YARDS).iterdir()) == []
    assert added.works_in == str(folder)


def in_worktree(desk: Desk, act: str, **changed: Any) -> dict[str, Any]:
    folder = repository(desk)
    (folder / "act.py").write_text(f"import json, sys, pathlib\ntask = json.load(sys.stdin)\n{act}")
    git(folder, "add", "."), git(folder, "commit", "-q", "-m", "second")
    where = {"path": "shop", **WORKTREE}
    return definition(command(f"{PYTHON} act.py"), folder=where, **changed)


def test_worktrees_need_a_repository_with_a_commit_and_something_that_works_there(
    desk: Desk,
) -> None:
    act = command("/bin/true")
    with pytest.raises(InvalidRequestError, match="no git repository"):
        add(desk, definition(act, folder=WORKTREE))
    git(desk.context.cwd, "init", "-q")
    with pytest.raises(InvalidRequestError, match="no commit"):
        add(desk, definition(act, folder=WORKTREE))
    with pytest.raises(InvalidRequestError, match="nothing works there"):
        add(desk, definition({**act, "unsandboxed": False}, folder=WORKTREE))
    with pytest.raises(InvalidRequestError, match="no setting"):
        add(desk, definition(act, folder={"branch": "main"}))


def test_what_a_failed_act_left_is_kept_on_the_branch(desk: Desk) -> None:
    value = in_worktree(desk, "pathlib.Path('half').write_text('x'); sys.exit(1)")
    add(desk, value)
    ran = run(desk)
    assert ran.state == "failed"
    branch = desk("loop.history", name="triage").items[0].branch
    assert git(desk.context.cwd / "shop", "show", f"{branch}:half") == "x"
    assert f"what triage made is on the branch {branch}" in titles(desk)


def test_a_worktree_that_nothing_was_changed_in_leaves_no_branch(desk: Desk) -> None:
    add(desk, in_worktree(desk, ""))
    assert run(desk).state == "archived"
    assert git(desk.context.cwd / "shop", "branch", "--list", "lignin/*") == ""


def test_a_run_that_waits_shows_its_branch_and_goes_on_behind_it(desk: Desk) -> None:
    act = "pathlib.Path(f'{task[\"iteration\"]}.md').write_text('x')"
    value = in_worktree(desk, act, gate={"kind": "approval"})
    stage = {"action": value.pop("action"), "gate": value.pop("gate")}
    after = {"action": command("/bin/ls"), "gate": {"kind": "nothing"}}
    value["stages"] = [{"name": "plan", **stage}, {"name": "look", **after}]
    add(desk, value)
    ran = run(desk)
    asked = desk("inbox.show", item=ran.items[0])
    branch = asked.evidence[0].rpartition(" ")[2]
    assert git(desk.context.cwd / "shop", "show", f"{branch}:1.md") == "x"
    desk("inbox.settle", item=asked.item, how="answer", say="once more")
    desk("loop.tick")
    assert git(desk.context.cwd / "shop", "show", f"{branch}:2.md") == "x"
    desk("inbox.settle", item=desk("inbox.list").items[0].item, how="accept")
    desk("loop.tick")
    (looked,) = [title for title in titles(desk) if not title.startswith("what ")]
    assert looked == "1.md"


def test_commits_of_somebody_else_on_the_branch_are_never_moved_off_it(desk: Desk) -> None:
    folder = desk.context.cwd / "shop"
    value = in_worktree(desk, "pathlib.Path('a').write_text(str(task['iteration']))")
    stop = {**CLOSED["stop"], "iterations": 2}  # type: ignore[dict-item]
    steal = (
        "git branch --list 'lignin/*' --format='%(refname)' | xargs -rn1 -I@ git update-ref @ trunk"
    )
    check = command(f'/bin/sh -c "cd {folder} && {steal}; exit 1"')
    add(desk, {**value, **CLOSED, "stop": {**stop, "goal": check}})
    mine = git(folder, "rev-parse", "trunk")
    assert run(desk).state == "failed"
    branch = git(folder, "branch", "--list", "lignin/*").strip()
    assert git(folder, "rev-parse", branch) == mine


@pytest.mark.parametrize("when", ["unrecorded", "recorded"])
def test_a_run_in_worktrees_that_dies_anywhere_goes_on_with_all_that_was_recorded(
    desk: Desk, when: str
) -> None:
    gate = {"kind": "checks", "checks": [command("/bin/cat made")]}
    value = in_worktree(desk, "pathlib.Path('made').write_text('x')", gate=gate)
    add(desk, value)
    folder = desk.context.cwd / "shop"
    steps = ["plan", "context", "act act", "check act 1", "branch", "settle"]
    for place in (2, 4):
        begun = desk("loop.run", name="triage", take_only=True).run
        recorder = Recorder(place, when)
        with pytest.raises(Crash):
            drive(desk.context, begun, recorder)
        drive(desk.context, begun, recorder.again())
        assert [name for name, _ in recorder.recorded][: len(steps)] == steps
        told = desk("loop.history", name="triage").items[0]
        assert told.state == "landed", (steps[place], told.why)
        assert git(folder, "show", f"{told.branch}:made") == "x"


def test_runs_of_a_loop_with_a_folder_are_for_workers_of_its_machine(desk: Desk) -> None:
    shop = Shop(desk)
    add(shop.desk, definition(command("/bin/true")))
    shop.desk("loop.run", name="triage", take_only=True)
    (job,) = ask_for_runs(shop.context)
    assert shop.desk("job.show", job=job).needs == [host_need()]
    shop.work(job)
    add(shop.desk, {**definition({"kind": "operation", "name": "space.list"}), "loop": "free"})
    shop.desk("loop.run", name="free", take_only=True)
    (job,) = ask_for_runs(shop.context)
    assert shop.desk("job.show", job=job).needs == []


def test_a_look_on_another_machine_leaves_a_run_to_the_one_that_has_its_folder(desk: Desk) -> None:
    folder = desk.context.cwd / "in"
    folder.mkdir()
    value = definition(command("/bin/pwd"), folder="in")
    with desk.context.view() as view:
        made = Loops(desk.context.ids).add(
            view, desk.context.scope, value, works_in=str(folder), host="host:elsewhere"
        )
    assert made is not None
    desk.context.commit(made)
    started = run(desk, take_only=True).run
    folder.rename(desk.context.cwd / "away")
    assert desk("loop.tick").drove == {}
    (desk.context.cwd / "away").rename(folder)  # the same folder, shared with that machine
    assert desk("loop.tick").drove == {started: "landed"}
