"""The command line in this process: parsing, printing, refusing, and its exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lignin.interfaces.cli import run
from lignin.interfaces.output import Progress, picked, progress_form, require_fields
from lignin.operations.artifact_models import CaptureView, VerificationView

DOUBLE = 'def double(number: int) -> int:\n    """Doubles."""\n    return number * 2\n'


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a store and a folder of the test's own."""
    for name in ("LIGNIN_STORE", "LIGNIN_SPACE", "LIGNIN_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LIGNIN_HOME", str(tmp_path / "lignin"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What was printed: stdout and stderr."""
    captured = capsys.readouterr()
    return captured.out, captured.err


def draft(folder: Path, name: str) -> None:
    """An unproven draft, without a run of the sandbox."""
    path = folder / f"{name}.py"
    path.write_text(DOUBLE.replace("double", name).replace("2", str(len(name))))
    assert run(["artifact", "capture", str(path), "--no-verify", "--quiet"]) == 0


@pytest.mark.parametrize("noun", ["artifact", "head", "store"])
def test_a_noun_alone_lists_its_verbs(noun: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([noun]) == 0
    out, err = said(capsys)
    assert "Commands:" in out
    assert err == ""


def test_a_shortcut_may_have_verbs_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["improve", "list", "--quiet", "--json"]) == 0
    assert json.loads(said(capsys)[0])["items"] == []
    assert run(["improve", "--help"]) == 0
    out, _ = said(capsys)
    assert "--system" in out
    assert "proposers" in out
    assert run(["improve"]) == 2
    assert "--system" in said(capsys)[1]
    assert run(["improve", "--system", "desk:a", "show", "imp_a"]) == 2
    assert "behind" in said(capsys)[1]
    assert run(["improve", "shwo"]) == 2
    assert "did you mean show" in said(capsys)[1]


def test_the_version_is_printed_by_option_and_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == run(["version"]) == 0
    out, _ = said(capsys)
    assert len(set(out.split())) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["artifact", "lst"], 2, "did you mean list"),
        (["artefact"], 2, "did you mean artifact"),
        (["artifact", "show"], 2, "missing: NAME"),
        (["artifact", "show", "absent"], 3, "absent"),
        (["trace", "mode", "show", "mod_absent"], 3, "no failure mode 'mod_absent'"),
        (["trace", "case", "show", "cas_absent"], 3, "no case 'cas_absent'"),
        (["artifact", "list", "--state", "odd"], 2, "--state"),
        (["artifact", "list", "--limit", "0"], 2, "limit"),
        (["artifact", "list", "--fields", "odd,total"], 2, "odd"),
        (["session", "append", "ses_x", "--events", "{x"], 2, "--events"),
        (["session", "append", "ses_x", "--events", "@absent"], 2, "absent"),
        (["head", "create", "main", "--no-input"], 2, "--yes"),
        (["head", "create", "main"], 2, "--yes"),
        (["schema", "artifact.lst"], 3, "artifact.list"),
        (["space", "list", "--space", "No Name"], 2, "space"),
    ],
)
def test_a_wrong_request_is_one_envelope_on_stderr(
    arguments: list[str], code: int, needle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    out, err = said(capsys)
    assert out == ""
    envelope = json.loads(err.splitlines()[-1])
    assert set(envelope) >= {"error", "code", "remediation"}
    assert needle in envelope["error"] + envelope["remediation"]


@pytest.mark.parametrize(
    ("at", "code", "needle"),
    [
        ("2020-01-01T00:00:00Z", 3, "no session 'ses_x'"),
        ("2020-01-01T02:00:00.5+02:00", 3, "no session 'ses_x'"),
        ("2020-01-01T00:00:00", 2, "no time zone"),
        ("2099-01-01T00:00:00Z", 2, "still to come"),
        ("yesterday", 2, "'yesterday' is no time"),
        ("5", 2, "'5' is no time"),
    ],
)
def test_a_time_is_taken_as_plain_text(
    at: str, code: int, needle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["trace", "feedback", "ses_x", "--label", "failure", "--reason", "r", "--at", at]
    assert run(words) == code
    assert needle in said(capsys)[1]


def test_a_list_keeps_its_total_when_cut_to_fields(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("double", "triple_up", "x"):
        draft(own_home, name)
    said(capsys)
    assert run(["artifact", "list", "--limit", "2", "--fields", "name", "--compact"]) == 0
    answer = json.loads(said(capsys)[0])
    assert answer["total"] == 3
    assert answer["next_after"]
    assert all(set(item) == {"name"} for item in answer["items"])


def test_fields_that_this_answer_lacks_are_no_error_once_the_work_is_done(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["artifact", "list", "--fields", "name", "--compact"]) == 0
    assert json.loads(said(capsys)[0]) == {"total": 0, "items": []}
    draft(own_home, "double")
    said(capsys)
    (own_home / "triple.py").write_text("def triple(n: int) -> int:\n    return 3 * n\n")
    capture = ["artifact", "capture", str(own_home / "triple.py"), "--no-verify", "--compact"]
    assert run([*capture, "--fields", "reasons,name"]) == 0
    told = {"name": "triple", "nearest": [{"name": "double"}], "verification": None}
    assert json.loads(said(capsys)[0]) == told


def test_fields_of_a_part_of_the_answer_are_picked() -> None:
    view = VerificationView(
        name="double", digest="sha256:0", state="verified", verdict="pass", reasons=["all hold"]
    )
    whole = CaptureView(
        name="double", digest="sha256:0", how="new", state="verified", reason="", remediation="",
        keep_until="", examples=4, verification=view,
    )  # fmt: skip
    value = whole.model_dump(mode="json")
    for fields in ("reasons", "reasons,verdict"):
        require_fields(CaptureView, fields)
    assert picked(CaptureView, value, "reasons") == {"verification": {"reasons": ["all hold"]}}
    assert picked(CaptureView, value, "state") == {"state": "verified"}


def test_text_says_the_total_and_how_to_narrow(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("double", "triple_up", "x"):
        draft(own_home, name)
    said(capsys)
    assert run(["artifact", "list", "--limit", "2", "--text"]) == 0
    out, _ = said(capsys)
    assert "2 of 3; for the others: --after " in out
    assert "--state" in out


def test_an_empty_list_says_where_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["artifact", "list", "--text"]) == 0
    assert "lignin demo" in said(capsys)[0]


def test_the_request_may_come_from_stdin(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draft(own_home, "double")
    said(capsys)
    for text, code in (('{"name": "double"}', 0), ("[1]", 2), ("{", 2), ('{"odd": 1}', 2)):
        path = own_home / "request.json"
        path.write_text(text)
        with path.open() as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            assert run(["artifact", "show", "--stdin"]) == code, text
    assert json.loads(said(capsys)[0])["name"] == "double"


@pytest.mark.parametrize("odd", ['{"path": "x.py", "exmaples": []}', '{"exmaples": []}'])
def test_an_unknown_key_on_stdin_is_answered_with_the_keys_there_are(
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    odd: str,
) -> None:
    path = own_home / "request.json"
    path.write_text(odd)
    with path.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert run(["artifact", "capture", "--stdin"]) == 2
    told = json.loads(said(capsys)[1])
    assert "exmaples" in told["error"]
    assert "it takes path, files, name, kind, function, examples, owner" in told["remediation"]


def test_a_dry_run_changes_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["head", "create", "main", "--dry-run"]) == 0
    assert json.loads(said(capsys)[0])["dry_run"] is True
    assert run(["head", "create", "main", "--yes"]) == 0
    said(capsys)
    assert run(["head", "list", "--fields", "name"]) == 0
    assert json.loads(said(capsys)[0])["total"] == 1


def test_quiet_silences_progress_and_else_it_is_ndjson(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from lignin.practice import record_sessions

    record_sessions(Path("recorded"), count=1, seed=7)
    assert run(["trace", "import", "recorded"]) == 0
    lines = said(capsys)[1].splitlines()
    assert lines
    assert all(set(json.loads(line)) == {"progress", "done", "total"} for line in lines)
    assert run(["trace", "import", "recorded", "--quiet"]) == 0
    assert said(capsys)[1] == ""


def test_progress_beside_text_in_a_log_is_plain_and_sparse(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from lignin.practice import record_sessions

    record_sessions(Path("recorded"), count=3, seed=7)
    assert run(["trace", "import", "recorded", "--text"]) == 0
    assert [line[:7] for line in said(capsys)[1].splitlines()] == ["lignin:"]
    now_s = iter(float(second) for second in range(14))
    progress = Progress(progress_form(terminal=False, json_answer=False), lambda: next(now_s))
    for done in range(8):
        progress("verified x", done, 8)
    assert said(capsys)[1].splitlines() == ["lignin: 0/8  verified x", "lignin: 5/8  verified x"]


def test_harvested_sessions_are_not_counted_twice(capsys: pytest.CaptureFixture[str]) -> None:
    from lignin.practice import record_sessions

    record_sessions(Path("recorded"), count=2, seed=7)
    assert run(["trace", "import", "recorded", "--quiet"]) == 0
    said(capsys)
    for how in ("new", "known"):
        assert run(["trace", "harvest", "--no-verify", "--quiet"]) == 0
        answer = json.loads(said(capsys)[0])
        assert list(answer["captured"]) == [how]
        assert all(refusal["reason"] for refusal in answer["refused"])


def test_schema_tells_what_an_operation_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "artifact.capture"]) == 0
    schema = json.loads(said(capsys)[0])
    assert "path" in schema["request"]["properties"]
    assert run(["schema"]) == 0
    assert "artifact.capture" in {one["name"] for one in json.loads(said(capsys)[0])["operations"]}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["completion", shell]) == 0
    assert "_LIGNIN_COMPLETE" in said(capsys)[0]


def test_a_real_bash_completes_nouns_verbs_and_options(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "lignin"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lignin "$@"\n')
    command.chmod(0o755)
    script = """
eval "$(lignin completion bash)"
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _lignin_completion lignin; echo "${COMPREPLY[@]}"; }
ask lignin art
ask lignin artifact cap
ask lignin artifact list --sta
ask lignin artifact list --state dra
"""
    path = os.pathsep.join([str(command.parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["artifact", "capture", "--state", "draft"], done.stderr
