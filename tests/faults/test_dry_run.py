"""`--dry-run` of every operation that writes, runs or governs leaves the disk as it was."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.command import Shell, tree_of
from faults.kill_bench import Bench
from lignin.operations.registry import load_operations
from lignin.testing.wheels import make_wheel

ROOT = Path(__file__).parents[1]
CAESAR = str(ROOT / "corpora/artifacts/good/caesar/caesar.py")
ARGUMENTS = {
    "artifact.call": ("caesar", "--input", '{"text": "a", "key": 1}'),
    "artifact.capture": (CAESAR, "--name", "another", "--no-verify"),
    "artifact.clear": ("caesar",),
    "artifact.deprecate": ("caesar",),
    "artifact.expire": (),
    "artifact.promote": ("caesar",),
    "artifact.quarantine": ("caesar",),
    "artifact.reassign": ("caesar", "--owner", "user:x", "--successor", "user:y"),
    "artifact.restore": ("caesar",),
    "artifact.retire": ("caesar",),
    "artifact.verify": ("caesar", "--again"),
    "artifact.withdraw": ("caesar",),
    "connector.poll": ("absent",),
    "connector.read": ("absent", "1"),
    "connector.send": ("absent", "--body", "a test"),
    "connector.settle": ("dlv_absent", "--sent"),
    "connector.test": ("absent",),
    "demo": ("--data", "traces"),
    "dependency.fetch": ("caesar",),
    "dependency.lock": ("swan", "--wheels", "wheels"),
    "dependency.remove": ("swan",),
    "eval.forget": ("cas_absent", "--reason", "a test"),
    "eval.keep": ("cas_absent", "--margin", "0.5"),
    "eval.power": ("--system", "desk:one"),
    "eval.run": ("--system", "desk:one"),
    "eval.sweep": ("--system", "desk:one"),
    "fleet.cancel": ("flt_absent",),
    "fleet.plan": ("a goal", "--planner", "true"),
    "fleet.review": ("flt_absent",),
    "fleet.run": ("flt_absent",),
    "fleet.settle": ("flt_absent", "one", "--how", "retry"),
    "gate.prove": ("--incumbent", "desk:one", "--candidate", "desk:two"),
    "head.create": ("other",),
    "head.lease": ("main",),
    "head.note": ("main", "caesar", "--weakness", "counting", "--models", "m"),
    "head.offer": ("main", "caesar"),
    "head.release": ("main", "--token", "1"),
    "head.rollback": ("main",),
    "improve": ("--system", "desk:one"),
    "init": ("--client", "codex", "--yes"),
    "message.settle": ("msg_absent",),
    "job.cancel": ("job_absent",),
    "job.fork": ("job_absent",),
    "job.judge": ("job_absent", "--should", "quiet"),
    "job.lane": ("default", "--pause"),
    "job.repair": (),
    "job.retry": ("job_absent",),
    "job.start": ("operation", "--input", '{"operation": "space.list"}'),
    "inbox.settle": ("inb_absent",),
    "loop.add": ("loop.toml",),
    "loop.new": ("goal",),
    "loop.pause": ("absent",),
    "loop.remove": ("absent",),
    "loop.resume": ("absent",),
    "loop.run": ("absent",),
    "loop.tick": (),
    "job.signal": ("job_absent", "leave"),
    "lesson.approve": ("les_absent",),
    "lesson.propose": ("look before you leap",),
    "lesson.withdraw": ("les_absent", "--reason", "a test"),
    "mcp": (),
    "proposal.apply": ("PROPOSAL",),
    "proposal.create": ("--head", "main", "--drop", "caesar"),
    "proposal.decide": ("PROPOSAL", "--approve"),
    "proposal.draft": ("--folder", "absent", "--hypothesis", "a test"),
    "proposal.rebase": ("PROPOSAL",),
    "proposal.withdraw": ("PROPOSAL",),
    "proposer.try": ("command:true", "--mode", "mod_absent"),
    "recording.make": ("SESSION",),
    "release.cut": ("--system", "desk:one"),
    "release.seal": (),
    "repo.branch": ("drf_absent",),
    "repo.propose": ("--surface", "*", "--folder", "absent", "--hypothesis", "a test"),
    "repo.prove": ("drf_absent", "--system", "python agent.py"),
    "routine.induce": (),
    "routine.plan": (),
    "routine.promote": ("rtn_absent",),
    "routine.prove": ("rtn_absent",),
    "routine.run": ("please cancel it", "--tools", "desk"),
    "rubric.add": ("rubric.yaml",),
    "plugin.write": ("plugin",),
    "rubric.adopt": ("absent",),
    "rubric.agree": ("absent", "--judge", "cat"),
    "rubric.compare": ("absent", "absent", "--judge", "cat"),
    "rubric.label": ("absent", "--trial", "trl_absent", "--label", "good"),
    "session.append": ("SESSION", "--events", "[1]"),
    "session.end": ("SESSION", "--outcome", "success"),
    "session.fork": ("SESSION", "--at", "1"),
    "session.purge": ("SESSION", "1", "--reason", "a test"),
    "session.start": (),
    "skill.serve": (),
    "space.create": ("team", "--kind", "team"),
    "store.backup": ("copy.db",),
    "store.copy": ("sqlite:///copy.db",),
    "task.close": ("tsk_absent",),
    "task.settle": ("tsk_absent", "--made"),
    "tool.list": ("desk",),
    "trace.cases": (),
    "trace.detect": (),
    "trace.feedback": ("SESSION", "--label", "failure", "--reason", "a test"),
    "trace.harvest": (),
    "trace.import": ("traces",),
    "trace.judge": ("cas_absent", "traces"),
    "trace.modes": (),
    "trace.requests": (),
    "up": (),
    "worker": (),
}
RUNS = {"artifact.call", "artifact.verify", "demo"}
# These have nothing to act on in the sample store, and say so.
REFUSED = {
    "artifact.clear", "artifact.restore", "artifact.retire", "artifact.withdraw",
    "connector.poll", "connector.read", "connector.send", "connector.settle", "connector.test",
    "message.settle",
    "dependency.remove", "eval.forget", "eval.keep", "eval.power", "eval.run", "eval.sweep",
    "fleet.cancel", "fleet.plan", "fleet.review", "fleet.run", "fleet.settle", "gate.prove",
    "head.offer", "head.release", "improve", "inbox.settle", "job.cancel", "job.fork", "job.judge",
    "job.retry", "job.signal", "lesson.approve", "lesson.withdraw", "loop.pause", "loop.remove", "loop.resume",
    "loop.run", "proposal.apply", "proposal.draft",
    "proposal.rebase", "proposer.try", "release.cut", "repo.branch", "repo.propose", "repo.prove",
    "routine.promote", "routine.prove", "routine.run", "rubric.adopt", "rubric.agree",
    "rubric.compare", "rubric.label", "task.close", "task.settle", "trace.judge",
}  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(root=tmp_path_factory.mktemp("dry"))
    try:
        made.prepare()
        yield made
    finally:
        made.sandbox.end()


def changing() -> dict[str, str]:
    return {name: one.effect for name, one in load_operations().items() if one.effect != "read"}


def test_every_changing_operation_has_a_sample_request() -> None:
    assert set(ARGUMENTS) == set(changing())


def test_dry_runs_change_no_byte_of_store_project_or_key(bench: Bench, shell: Shell) -> None:
    ready = next(p for p in bench.prepared if p.operation.name == "rollback").before
    shutil.copytree(ready / "home", shell.home)
    shutil.copytree(ready / "project", shell.project, dirs_exist_ok=True)
    shutil.copytree(bench.root / "recorded", shell.project / "traces")
    make_wheel(shell.project / "wheels", "swan")
    shutil.copy(ROOT.parent / "src/lignin/loops/shipped/mine.toml", shell.project / "loop.toml")
    (shell.project / "rubric.yaml").write_text("rubric: kind\nquestion: Is it kind?\n")
    session = shell("trace", "list").value["items"][0]["session"]
    made = shell("proposal", "create", "--head", "main", "--drop", "caesar")
    names = {"SESSION": session, "PROPOSAL": made.value["proposal"]}
    before = tree_of(shell.home), tree_of(shell.project)
    for name, arguments in ARGUMENTS.items():
        given = [names.get(argument, argument) for argument in arguments]
        yes = ["--yes"] if changing()[name] == "govern" else []
        answer = shell(*name.split("."), *given, "--dry-run", "--quiet", *yes)
        if name not in REFUSED:
            # 5: no sandbox on this machine
            assert answer.code in ({0, 5} if name in RUNS else {0}), (name, answer.err)
        if answer.out:
            assert json.loads(answer.out)["dry_run"] is True
        else:
            assert answer.envelope["code"] not in {"internal", "integrity"}, name
        assert (tree_of(shell.home), tree_of(shell.project)) == before, name


def test_dry_run_without_a_store_makes_none(shell: Shell) -> None:
    for arguments in (("trace", "import", "."), ("artifact", "expire"), ("session", "start")):
        assert shell(*arguments, "--dry-run", "--quiet").code == 0
    assert not shell.home.exists()
    assert tree_of(shell.project) == {}
