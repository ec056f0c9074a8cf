"""A damaged or foreign store, nonsense in the environment, folders that refuse."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from faults.command import Shell, tree_of

GOOD = Path(__file__).parents[1] / "corpora/artifacts/good"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small tmpfs")


def test_invalid_project_file_is_refused_by_name(shell: Shell) -> None:
    for text in ("space = [", "space = 3", "space = 'Not a Name!'", "\x00\udcff"):
        (shell.project / ".lignin.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
        told = shell.refused(2, "space", "list")
        assert told["code"] == "invalid_request"
    assert not shell.home.exists()


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite://", "sqlite:///:memory:", "mysql://x/y", "://"]
)
def test_nonsense_store_url_is_refused(shell: Shell, url: str) -> None:
    shell.monkeypatch.setenv("LIGNIN_STORE", url)
    assert shell.refused(2, "space", "list")["remediation"] is not None


def test_store_on_an_unreachable_server_is_unavailable(shell: Shell) -> None:
    pytest.importorskip("psycopg")
    url = "postgresql://nobody:secret@127.0.0.1:1/x"  # pragma: allowlist secret
    shell.monkeypatch.setenv("LIGNIN_STORE", url)
    told = shell.refused(5, "space", "list")
    assert "secret" not in str(told)


def test_store_of_a_newer_program_is_left_alone(shell: Shell) -> None:
    shell("space", "list")
    with sqlite3.connect(shell.home / "ledger.db") as connection:
        connection.execute("update alembic_version set version_num = 'r9999'")
    connection.close()
    told = shell.refused(5, "space", "list")
    assert "newer" in told["remediation"]


def test_file_that_is_no_database_is_an_integrity_error_and_stays_as_it_is(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "ledger.db").write_bytes(b"this is a diary, not a database " * 200)
    before = tree_of(shell.home)
    told = shell.refused(9, "space", "list")
    assert "backup" in told["remediation"]
    assert tree_of(shell.home) == before


def test_a_database_of_another_program_is_left_alone(shell: Shell) -> None:
    shell("space", "list")
    foreign = shell.project / "diary.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("create table diary (day text)")
    connection.close()
    before = foreign.read_bytes()
    told = shell.refused(8, "store", "copy", f"sqlite:///{foreign}")
    assert "diary" in told["error"]
    assert foreign.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        "delete from event where position > (select max(position) - 1 from event)",
        "delete from book",
        "delete from state_row",
    ],
)
def test_a_damaged_store_is_not_copied(shell: Shell, damage: str) -> None:
    shell("space", "create", "team", "--yes", "--kind", "team")
    with sqlite3.connect(shell.home / "ledger.db") as connection:
        connection.execute(damage)
    connection.close()
    shell.refused(9, "store", "copy", f"sqlite:///{shell.project}/copy.db")
    assert not (shell.project / "copy.db").exists()


def test_damaged_pages_never_end_in_a_traceback(shell: Shell) -> None:
    hand_over(shell)
    path = shell.home / "ledger.db"
    whole = path.read_bytes()
    for start in range(4096, len(whole), 8 * 4096):
        path.write_bytes(whole[:start] + os.urandom(4096) + whole[start + 4096 :])
        for command in (("store", "verify"), ("artifact", "list")):
            answer = shell(*command)
            allowed = {0, 9} if command == ("store", "verify") else {0, 5, 8, 9}
            assert answer.code in allowed, (start, command, answer.err)
            if answer.code and not answer.out:
                assert answer.envelope["code"] in {"integrity", "unavailable", "conflict"}
    path.write_bytes(whole)
    shell.require_sound()


def test_truncated_write_ahead_log_loses_at_most_whole_commits(shell: Shell) -> None:
    shell("space", "list")
    holder = sqlite3.connect(shell.home / "ledger.db")  # keeps the log from being folded in
    holder.execute("select count(*) from event").fetchall()
    hand_over(shell)
    log = (shell.home / "ledger.db-wal").read_bytes()
    for share in (0.0, 0.3, 0.7, 0.95):
        folder = shell.home.with_name(f"cut-{share}")
        folder.mkdir()
        shutil.copy(shell.home / "ledger.db", folder)
        (folder / "ledger.db-wal").write_bytes(log[: int(len(log) * share)])
        cut = Shell(
            project=shell.project, home=folder, monkeypatch=shell.monkeypatch, capture=shell.capture
        )
        cut.require_sound()
    holder.close()


@pytest.mark.parametrize("table", ["blob_chunk", "segment"])
def test_corrupt_stored_bytes_are_named_by_verify_and_by_their_reader(
    shell: Shell, table: str
) -> None:
    hand_over(shell)
    started = shell("session", "start").value["session"]
    assert shell("session", "append", started, "--events", '[{"a": 1}]').code == 0
    connection = sqlite3.connect(shell.home / "ledger.db")
    connection.execute(f"update {table} set data = x'00112233'")
    connection.commit()
    connection.close()
    answer = shell("store", "verify")
    assert answer.code == 9
    assert answer.value["spaces"][0]["faults"]
    reader = (
        ("artifact", "source", "caesar") if table == "blob_chunk" else ("session", "read", started)
    )
    assert shell.refused(9, *reader)["code"] == "integrity"


def test_data_folder_that_is_a_file_is_refused(shell: Shell) -> None:
    shell.home.write_text("a file")
    assert shell.refused(5, "space", "list")["remediation"]
    assert shell.home.read_text() == "a file"


def test_redaction_key_cut_short_is_an_integrity_error(shell: Shell) -> None:
    shell("space", "list")
    (shell.home / "redaction.key").write_bytes(b"")
    assert "redaction key" in shell.refused(9, "space", "list")["error"]


def test_a_folder_that_is_gone_is_said(shell: Shell) -> None:
    done = shell.spawn("space", "list", wrap='mkdir gone && cd gone && rmdir ../gone && exec "$@"')
    assert done.returncode == 2
    assert b"gone" in done.stderr and b"Traceback" not in done.stderr


def test_without_home_the_data_folder_is_still_found_or_asked_for(shell: Shell) -> None:
    done = shell.spawn("space", "list", wrap='unset HOME; exec "$@"')
    assert done.returncode == 0
    assert not (shell.project / "~").exists()


@pytest.mark.parametrize(
    "command", [["verify"], ["backup", "copy.db"], ["copy", "sqlite:///copy.db"]]
)
def test_a_store_that_is_not_there_is_not_found_and_not_made(
    shell: Shell, command: list[str]
) -> None:
    shell.monkeypatch.setenv("LIGNIN_STORE", f"sqlite:///{shell.project}/no/such/typo.db")
    before = sorted(shell.project.rglob("*"))
    for more in ([], ["--dry-run"])[: 1 if command == ["verify"] else 2]:
        told = shell.refused(3, "store", *command, *more)
        assert "typo.db" in told["error"]
    assert sorted(shell.project.rglob("*")) == before
    assert not shell.home.exists()


def test_a_store_that_was_emptied_is_refused_until_it_is_restored(shell: Shell) -> None:
    assert shell("session", "start").code == 0
    assert shell("store", "backup", "backup.db").code == 0
    store = shell.home / "ledger.db"
    store.write_bytes(b"")
    for command in (["store", "verify"], ["space", "list"], ["session", "start"]):
        assert "in use" in shell.refused(9, *command)["error"]
        assert store.stat().st_size == 0
    shutil.copy(shell.project / "backup.db", store)
    shell.require_sound()


def test_verifying_a_copy_adds_nothing_to_it_and_makes_no_key(shell: Shell) -> None:
    assert shell("session", "start").code == 0
    assert shell("store", "backup", "backup.db").code == 0
    before = (shell.project / "backup.db").read_bytes()
    elsewhere = replace(shell, home=shell.project / "elsewhere")
    shell.monkeypatch.setenv("LIGNIN_STORE", f"sqlite:///{shell.project}/backup.db")
    elsewhere.require_sound()
    assert (shell.project / "backup.db").read_bytes() == before
    assert not elsewhere.home.exists()


def test_closed_streams_change_neither_exit_code_nor_store(shell: Shell) -> None:
    for wrap in ('exec "$@" >&-', 'exec "$@" <&- >&- 2>&-'):
        done = shell.spawn("space", "create", "team", "--yes", "--kind", "team", wrap=wrap)
        assert b"Traceback" not in done.stderr
        assert done.returncode in {0, 8}, (wrap, done.stderr)
    shell.require_sound()


def test_reader_that_leaves_early_is_no_error(shell: Shell) -> None:
    done = shell.spawn("space", "list", wrap='set -o pipefail; "$@" | true')
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


def _as_from_a_terminal() -> None:
    """What starts the tests in the background has them, and all they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupt_in_the_middle_keeps_a_sound_store(shell: Shell) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "lignin", "demo", "--sessions", "3"],
        cwd=shell.project, env=shell.surroundings(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, preexec_fn=_as_from_a_terminal,
    )  # fmt: skip
    assert process.stderr is not None
    first = process.stderr.readline()  # the work has begun
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    # What is started by `-m` ends by the signal itself, 130 to a shell too, where the interrupt came
    # while text was run as code, as making a dataclass does (`run_eval_code_obj`, CPython's pythonrun.c).
    assert process.returncode in (130, -signal.SIGINT), rest
    assert b"Traceback" not in first + rest
    assert b'"code": "interrupted"' in rest
    shell.require_sound()


def test_unforeseen_error_is_short_and_explained_only_on_request(shell: Shell) -> None:
    wrap = 'exec "$1" -c "import lignin.operations.space as s, sys\ns.SpaceList = None\n'
    wrap += "from lignin.interfaces.cli import run; sys.exit(run(['space', 'list']))\""
    done = shell.spawn(wrap=wrap)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b'"code": "internal"' in done.stderr
    loud = shell.spawn(wrap=wrap, environment={"LIGNIN_DEBUG": "1"})
    assert loud.returncode == 1
    assert b"Traceback" in loud.stderr


@as_root
def test_full_disk_is_said_and_nothing_is_half_written(shell: Shell) -> None:
    case = GOOD / "caesar"
    hand_over(shell)
    shell("artifact", "verify", "caesar")
    big = shell.project / "big.txt"
    big.write_bytes(os.urandom(400_000))
    script = (
        'mount -t tmpfs -o size=900k small "$SMALL" && cp "$OLD"/* "$SMALL"/ && '
        'head -c 10000000 /dev/zero > "$SMALL/filler" 2>/dev/null; "$@"; code=$?; '
        'rm -f "$SMALL/filler"; cp -r "$SMALL" "$KEPT"; exit $code'
    )
    kept, small = shell.home.with_name("kept"), shell.home.with_name("small")
    small.mkdir()
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", sys.executable, "-m", "lignin",
         "artifact", "capture", str(case / "caesar.py"), "--name", "again", "--no-verify"],
        cwd=shell.project, capture_output=True, timeout=60, check=False,
        env=shell.surroundings({
            "LIGNIN_HOME": str(small), "SMALL": str(small), "OLD": str(shell.home),
            "KEPT": str(kept),
        }),
    )  # fmt: skip
    if b"unshare" in done.stderr or b"mount:" in done.stderr:
        pytest.skip("no mounts here")
    assert done.returncode == 5, done.stderr
    assert b"Traceback" not in done.stderr and b"full" in done.stderr
    after = Shell(
        project=shell.project, home=kept, monkeypatch=shell.monkeypatch, capture=shell.capture
    )
    after.require_sound()


@as_root
def test_mounts_elsewhere_may_have_any_name(shell: Shell) -> None:
    odd = os.fsdecode(os.fsencode(shell.home.with_name("odd")) + b"\xff\xfe")
    Path(odd).mkdir()
    wrap = 'ODD=$0 exec unshare -m bash -c \'mount -t tmpfs odd "$ODD" && exec "$@"\' bash "$@"'
    for command in (("space", "list"), ("sandbox", "doctor")):
        done = subprocess.run(
            ["bash", "-c", wrap, odd, sys.executable, "-m", "lignin", *command],
            cwd=shell.project, env=shell.surroundings(), capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        if b"unshare" in done.stderr or b"mount:" in done.stderr:
            pytest.skip("no mounts here")
        assert b'"code"' not in done.stderr, done.stderr
        assert done.stdout.startswith(b"{")


@as_root
def test_read_only_folders_are_said(shell: Shell) -> None:
    hand_over(shell)
    assert shell("head", "create", "main", "--yes").code == 0
    script = 'mount --bind "$RO" "$RO" && mount -o remount,ro,bind "$RO" && exec "$@"'
    capture = ("artifact", "capture", str(GOOD / "base62/base62.py"), "--no-verify")
    for folder, command, codes in (
        (shell.home, capture, {4, 5}),
        (shell.project, ("skill", "serve"), {0, 4}),
        (shell.project, ("store", "backup", "copy.db"), {2, 4, 5}),
    ):
        done = subprocess.run(
            ["unshare", "-m", "bash", "-c", script, "bash", sys.executable, "-m", "lignin",
             *command],
            cwd=shell.project, capture_output=True, timeout=60, check=False,
            env=shell.surroundings({"RO": str(folder)}),
        )  # fmt: skip
        if b"unshare" in done.stderr or b"mount:" in done.stderr:
            pytest.skip("no mounts here")
        assert done.returncode in codes, (command, done.returncode, done.stderr)
        assert b"Traceback" not in done.stderr
    shell.require_sound()


def hand_over(shell: Shell) -> None:
    """Capture one program with its examples."""
    case = GOOD / "caesar/case.json"
    examples = shell.project / "examples.json"
    examples.write_text(json.dumps(json.loads(case.read_text())["examples"]))
    answer = shell(
        "artifact", "capture", GOOD / "caesar/caesar.py", "--name", "caesar", "--no-verify",
        "--examples", f"@{examples}",
    )  # fmt: skip
    assert answer.code == 0, answer.err


@as_root
def test_network_file_system_is_refused_before_a_store_is_made(shell: Shell) -> None:
    mounts = shell.project / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {shell.home} nfs4 rw 0 0\n")
    script = 'mount --bind "$MOUNTS" /proc/$$/mounts && exec "$@"'
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", script, "bash", sys.executable, "-m", "lignin",
         "space", "list"],
        cwd=shell.project, capture_output=True, timeout=60, check=False,
        env=shell.surroundings({"MOUNTS": str(mounts)}),
    )  # fmt: skip
    if b"unshare" in done.stderr or b"mount:" in done.stderr:
        pytest.skip("no mounts here")
    assert done.returncode == 2, done.stderr
    assert b"network file system" in done.stderr
    assert not (shell.home / "ledger.db").exists()
