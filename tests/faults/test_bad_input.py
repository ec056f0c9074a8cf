"""Bad files, bad arguments, bad sandboxes, through the real command line."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.command import Shell, tree_of
from faults.test_bad_settings import GOOD, hand_over
from lignin.app import Settings, load_settings, open_context
from lignin.artifacts.check_scan import load_checks
from lignin.artifacts.verify import Verifier
from lignin.domain.errors import UnavailableError
from lignin.operations.artifact import ArtifactVerify, verify
from lignin.ports.sandbox import Execution, Observed
from lignin.practice import record_sessions
from lignin.testing.fakes.sandbox import ScriptedSandbox


def recorded(shell: Shell) -> Path:
    """A folder of two good sessions."""
    folder = shell.project / "traces"
    record_sessions(folder, count=2, seed=3)
    return folder


def test_bad_trace_files_are_named_and_the_good_ones_are_taken(shell: Shell) -> None:
    folder = recorded(shell)
    good = len(list(folder.rglob("*.jsonl")))
    sample = next(folder.rglob("projects/**/*.jsonl")).read_bytes()
    lines = sample.splitlines(keepends=True)
    (folder / "broken.jsonl").write_bytes(b"".join(lines[:3]) + b'{"type": "user", \n' + lines[3])
    (folder / "cut.jsonl").write_bytes(sample[: len(sample) * 2 // 3])
    (folder / "unknown.jsonl").write_bytes(
        b"".join(lines[:2]) + b'{"type":"brand-new","sessionId":"x"}\n' + b"".join(lines[2:])
    )
    (folder / "binary.jsonl").write_bytes(b"\x7fELF\0\0" * 900)
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "packed.jsonl.gz").write_bytes(gzip.compress(sample)[:-200])
    (folder / "not-packed.jsonl.gz").write_bytes(b"\x1f\x8b" + os.urandom(300))
    (folder / "deep.jsonl").write_bytes(b"[" * 200_000)
    (folder / "odd.json").write_bytes(b'{"a": NaN, "b": "\\ud800"}')
    (folder / "folder.jsonl").mkdir()
    (folder / "link.jsonl").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.jsonl")
    answer = shell("trace", "import", folder)
    assert answer.code == 0, answer.err
    assert answer.value["sessions"] >= good
    told = json.dumps(answer.value)
    for reason in ("binary", "empty", "damaged gzip", "no regular file"):
        assert reason in told, reason
    by_name = {Path(file["path"]).name: file for file in answer.value["files"]}
    assert by_name["broken.jsonl"]["problems"]
    assert by_name["unknown.jsonl"]["skipped"] == {"brand-new": 1}
    shell.require_sound()
    again = shell("trace", "import", folder)
    assert (again.code, again.value["records"]) == (0, 0)


def test_a_path_that_is_not_there_is_not_found(shell: Shell) -> None:
    for command in (
        ("trace", "import", "nowhere"),
        ("demo", "--data", "nowhere"),
        ("artifact", "capture", "nowhere"),
        ("skill", "serve", "--folder", "nowhere"),
    ):
        told = shell(*command)
        assert told.code == 3, (command, told.err)
        assert told.envelope["code"] == "not_found"
    shell.require_sound()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_unreadable_files_are_denied_and_the_rest_goes_on(shell: Shell) -> None:
    folder = recorded(shell)
    secret = folder / "secret.jsonl"
    secret.write_text("{}")
    secret.chmod(0)
    script = (
        "import os, sys\n"
        "from lignin.interfaces.cli import run\n"
        "home, os.environ['LIGNIN_HOME'] = os.environ['LIGNIN_HOME'], sys.argv[1]\n"
        "run(sys.argv[2:4] + ['nowhere'])  # loads what that user may not read\n"
        "run(['trace', 'import', 'traces', '--quiet'])\n"
        "os.environ['LIGNIN_HOME'] = home\n"
        "sys.stdout.flush(); sys.stderr.flush()\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(run(sys.argv[2:]))\n"
    )
    for parent in (shell.project, *shell.project.parents):
        if "pytest" in str(parent):
            parent.chmod(0o755)
    shell.home.mkdir()
    os.chown(shell.home, 65534, 65534)
    for arguments, code in (
        (["trace", "import", str(folder)], 0),
        (["artifact", "capture", str(secret), "--no-verify"], 4),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, str(shell.home.with_name("scratch")), *arguments],
            cwd=shell.project, env=shell.surroundings(), capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr
        assert done.returncode == code, (arguments, done.stderr)
    shell.require_sound()


@pytest.mark.parametrize(
    "arguments",
    [
        ("artifact", "show", "x" * 100_000),
        ("artifact", "show", "../../etc/passwd"),
        ("artifact", "show", "a\x1b[2Jb"),
        ("artifact", "show", "a\udcffb"),
        ("artifact", "show", "name@"),
        ("artifact", "show", ""),
        ("artifact", "call", "x", "--input", "{"),
        ("artifact", "call", "x", "--input", "[" * 50_000),
        ("artifact", "call", "x", "--input", "1" * 10_000),
        ("artifact", "call", "x", "--input", '{"a": 1e999}'),
        ("artifact", "call", "x", "--input", "@nowhere.json"),
        ("artifact", "call", "x", "--input", "@."),
        ("artifact", "list", "--limit", "99999999999999999999"),
        ("artifact", "list", "--limit", "-1"),
        ("artifact", "list", "--after", "\udcff"),
        ("artifact", "list", "--name", "%\x01'\"; drop table row"),
        ("artifact", "capture", "x" * 5000),
        ("artifact", "capture", "~nobody-of-this-name/x"),
        ("artifact", "capture", "/dev/null", "--no-verify"),
        ("artifact", "capture", ".", "--name", "../../../etc/x", "--no-verify"),
        ("trace", "import", "a\udcffb"),
        ("trace", "import", "x" * 5000),
        ("trace", "code", "\udcff"),
        ("skill", "serve", "--folder", "x" * 5000),
        ("skill", "serve", "--client", "emacs"),
        ("head", "show", "\udcff\x00"),
        ("head", "rollback", "main", "--yes"),
        ("head", "create", "a/../b\x1b", "--yes"),
        ("space", "create", "../x", "--yes", "--kind", "team"),
        ("space", "list", "--space", "../x"),
        ("space", "list", "--space", "unknown"),
        ("store", "backup", "/nowhere/at/all.db"),
        ("store", "backup", "."),
        ("store", "copy", "sqlite:////proc/nowhere/x.db"),
        ("session", "append", "ses_x", "--events", '[{"a": "\\ud800"}]'),
        ("session", "show", "\udcff"),
        ("session", "start", "--client", "\udcff"),
        ("proposal", "show", "\x00"),
        ("schema", "no.such"),
        ("nonsense",),
        ("artifact", "nonsense"),
        ("artifact", "show", "x", "--nonsense"),
    ],
    ids=lambda arguments: ascii(" ".join(arguments))[:48],
)
def test_absurd_arguments_are_answered_in_one_envelope(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    assert shell("space", "list").code == 0  # makes the store, whatever becomes of the arguments
    answer = shell(*arguments)
    assert answer.code in {0, 2, 3, 4, 5, 7, 8}, (answer.code, answer.err)
    if answer.code:
        assert answer.envelope["code"] != "internal"
        answer.err.encode()
    (shell.project / "copy.db").unlink(missing_ok=True)
    if "unknown" not in arguments:
        shell.require_sound()


@pytest.mark.parametrize(
    "text",
    ["{}", "[1]", '[{"arguments": 3}]', "[[]]", '"x"', "{", "", '[{"result": 1, "unknown": 2}]',
     '[{"arguments": {"text": "a"}, "files": {"../x": "y"}}]', "\x00", "[null]"],
)  # fmt: skip
def test_examples_of_a_wrong_form_are_refused_and_nothing_is_captured(
    shell: Shell, text: str
) -> None:
    (shell.project / "examples.json").write_text(text)
    told = shell.refused(
        2, "artifact", "capture", GOOD / "caesar/caesar.py", "--no-verify",
        "--examples", "@examples.json",
    )  # fmt: skip
    assert told["code"] in {"invalid_request", "not_canonical"}
    assert shell("artifact", "list").value["total"] == 0


def test_trees_with_links_and_confusing_names_are_refused_whole(shell: Shell) -> None:
    def tree(name: str) -> Path:
        folder = shell.project / name
        folder.mkdir()
        (folder / "SKILL.md").write_text("---\nname: x\ndescription: A test skill.\n---\nDo it.\n")
        return folder

    (tree("symlink") / "passwd").symlink_to("/etc/passwd")
    (tree("folder-link") / "etc").symlink_to("/etc")
    os.link(shell.project / "symlink/SKILL.md", tree("hard-link") / "copy.md")
    (tree("bidi") / "a\u202egpj.exe").write_text("x")
    (tree("control") / "a\nb").write_text("x")
    case = tree("case")
    (case / "Readme.md").write_text("a")
    (case / "README.md").write_text("b")
    (tree("bytes") / os.fsdecode(b"\xff\xfe")).write_text("x")
    os.mkfifo(tree("pipe") / "pipe")
    for folder in sorted(path for path in shell.project.iterdir() if path.is_dir()):
        before = tree_of(folder) if folder.name not in {"pipe", "folder-link"} else {}
        told = shell.refused(2, "artifact", "capture", folder, "--no-verify")
        assert told["error"]
        assert not before or tree_of(folder) == before
    assert shell("artifact", "list").value["total"] == 0


@pytest.mark.parametrize(
    "receipt", [b"", b"{", b"[]", b'{"version": 99}', b'{"skills": 3}', b"\xff\xfe", b"null"]
)
def test_damaged_receipt_stops_serving_and_touches_no_file(shell: Shell, receipt: bytes) -> None:
    assert shell("head", "create", "main", "--yes").code == 0
    folder = shell.project / ".claude/skills"
    (folder / "theirs").mkdir(parents=True)
    (folder / "theirs/SKILL.md").write_text("a person's own skill")
    (folder / ".lignin-served.json").write_bytes(receipt)
    before = tree_of(shell.project)
    told = shell.refused(9, "skill", "serve", "--client", "claude-code")
    assert ".lignin-served.json" in told["error"] + told["remediation"]
    assert tree_of(shell.project) == before


class NoSandbox:
    """A sandbox port where nothing can be opened."""

    def __call__(self) -> ScriptedSandbox:
        raise UnavailableError("no sandbox works here: a test", hint="install one")


def test_without_a_sandbox_the_answer_is_unavailable_and_the_draft_stays(shell: Shell) -> None:
    hand_over(shell)
    with open_context(settings_of(shell)) as context:
        context.open_sandbox = NoSandbox()
        context.open_verifier = NoSandbox()  # type: ignore[assignment]
        with pytest.raises(UnavailableError):
            verify(context, ArtifactVerify(name="caesar"))
    assert shell("artifact", "list").value["items"][0]["state"] == "draft"
    shell.require_sound()


def test_a_machine_without_namespaces_exits_5_and_blames_nobody(shell: Shell) -> None:
    hand_over(shell)
    wrap = (
        'exec "$1" -c "import sys, lignin.adapters.sandbox.doctor as d\n'
        "from lignin.domain.errors import UnavailableError\n"
        "def none(*_): raise UnavailableError('namespaces are off')\n"
        "d._open_probed = none\n"
        "from lignin.interfaces.cli import run; sys.exit(run(['artifact', 'verify', 'caesar']))\""
    )
    done = shell.spawn(wrap=wrap)
    assert done.returncode == 5, done.stderr
    assert b'"code": "unavailable"' in done.stderr and b"Traceback" not in done.stderr
    assert shell("artifact", "list").value["items"][0]["state"] == "draft"


@pytest.mark.parametrize("status", ["infrastructure", "no interpreter"])
def test_a_broken_sandbox_is_inconclusive_and_never_counts_against(
    shell: Shell, status: str
) -> None:
    case = json.loads((GOOD / "bash-join/case.json").read_text())
    (shell.project / "examples.json").write_text(json.dumps(case["examples"]))
    entry = next(path for path in (GOOD / "bash-join").iterdir() if path.name != "case.json")
    captured = shell(
        "artifact", "capture", entry, "--name", "bash-join", "--kind", "script", "--no-verify",
        "--examples", "@examples.json",
    )  # fmt: skip
    assert captured.code == 0, captured.err

    def answer(_: Execution) -> Observed:
        message = "bash is not in the sandbox" if status == "no interpreter" else "broken"
        return Observed(status="infrastructure", tier="ns", message=message)

    with open_context(settings_of(shell)) as context:
        box = ScriptedSandbox(answer)
        verifier = Verifier(box, load_checks(), context.load_kinds(), scanners=())
        context.open_sandbox, context.open_verifier = lambda: box, lambda: verifier
        found = verify(context, ArtifactVerify(name="bash-join"))
    assert (found.verdict, found.exit_code(), found.state) == ("inconclusive", 10, "draft")
    shell.require_sound()


@pytest.mark.slow
def test_two_demos_at_once_on_one_store_both_finish(shell: Shell) -> None:
    command = [sys.executable, "-m", "lignin", "demo", "--sessions", "4", "--quiet"]
    both = [
        subprocess.Popen(
            command, cwd=shell.project, env=shell.surroundings(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        _, told = process.communicate(timeout=120)
        assert b"Traceback" not in told
        # serving locks the folder: the one that comes second may be told to repeat
        assert process.returncode in {0, 5, 8}, told
    assert shell("demo", "--sessions", "4", "--quiet").code == 0
    shell.require_sound()


def settings_of(shell: Shell) -> Settings:
    """The settings of a shell's commands."""
    return load_settings({"LIGNIN_HOME": str(shell.home)}, shell.project)
