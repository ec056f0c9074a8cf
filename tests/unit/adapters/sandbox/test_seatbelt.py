"""The tier for macOS, as far as it can be tried elsewhere: its profile, command and answer."""

import re
import sys
from pathlib import Path

import pytest

from lignin.adapters.sandbox.seatbelt import (
    SeatbeltSandbox,
    interpreter_folders,
    open_seatbelt_sandbox,
    profile,
)
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Limits
from lignin.testing.conformance.sandbox import call

ROOT = "/private/var/folders/x/lignin-1"
TEXT = profile(("/opt/python",), ROOT)


def _rules(does: str) -> list[str]:
    return re.findall(rf"^\({re.escape(does)}(.*)\)$", TEXT, re.MULTILINE)


def _paths(does: str) -> set[str]:
    return {path for rule in _rules(does) for path in re.findall(r'"([^"]*)"', rule)}


def test_everything_is_denied_that_is_not_listed() -> None:
    assert TEXT.splitlines()[:2] == ["(version 1)", "(deny default)"]
    assert TEXT.count("(") == TEXT.count(")")
    allowed = set(re.findall(r"^\(allow ([\w*-]+)", TEXT, re.MULTILINE))
    assert allowed == {
        "process-fork", "process-exec", "signal", "sysctl-read", "file-read-metadata",
        "file-read*", "file-write*", "file-write-data",
    }  # fmt: skip


def test_the_network_is_denied_last_so_that_no_rule_opens_it() -> None:
    assert TEXT.rstrip().splitlines()[-1] == "(deny network*)"
    assert "(allow network" not in TEXT and "mach" not in TEXT


def test_only_the_run_s_own_folders_are_written_to() -> None:
    assert _paths("allow file-write*") == {f"{ROOT}/{name}" for name in ("work", "tmp", "home")}
    assert _paths("allow file-write-data") == {"/dev/null", "/dev/dtracehelper"}


def test_nothing_of_the_user_s_is_read() -> None:
    readable = _paths("allow file-read*")
    assert {"/opt/python", f"{ROOT}/artifact", f"{ROOT}/guest"} <= readable
    subpaths = set(re.findall(r'\(subpath "([^"]*)"\)', TEXT))
    for secret in ("/Users/me/.ssh/id", "/etc/master.passwd", "/private/etc/x", "/usr/local/x"):
        assert not any(secret == path or secret.startswith(f"{path}/") for path in subpaths)
    assert "/" not in subpaths  # its own entry is a literal


def test_signals_reach_the_same_sandbox_only() -> None:
    assert _rules("allow signal") == [" (target same-sandbox)"]


@pytest.mark.parametrize("path", ['/a") (allow default) ("', "/a\\", '/a"b'])
def test_a_path_cannot_add_a_rule(path: str) -> None:
    text = profile((path,), ROOT)
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert "allow default" not in plain
    assert plain.count("(") == plain.count(")")
    assert plain.count("\n") == TEXT.count("\n")


def test_a_path_with_a_line_end_is_refused() -> None:
    with pytest.raises(UnavailableError, match="no profile"):
        profile(("/a\n(allow default)",), ROOT)


def test_the_guest_is_started_under_the_profile_of_its_run() -> None:
    folders = {name: Path(ROOT, name) for name in ("artifact", "work", "tmp", "guest")}
    words = SeatbeltSandbox(("/opt/python",)).command(folders, ["python", "guest.py"], Limits())
    assert words == ["/usr/bin/sandbox-exec", "-p", TEXT, "python", "guest.py"]


def test_packages_are_read_and_never_written_to() -> None:
    text = profile(("/opt/python",), ROOT, "/data/sets/a")
    rules = [line for line in text.splitlines() if '"/data/sets/a"' in line]
    assert {rule.split(" (")[0] for rule in rules} == {"(allow file-read*"}
    assert text.count("file-write") == TEXT.count("file-write")


def test_a_run_goes_through_the_program_with_its_profile(tmp_path: Path) -> None:
    stand_in = tmp_path / "sandbox-exec"
    kept = tmp_path / "profile"
    stand_in.write_text(
        f'#!/bin/sh\n[ "$1" = -p ] || exit 9\nprintf %s "$2" > {kept}\nshift 2\nexec "$@"\n'
    )
    stand_in.chmod(0o755)
    opened = open_seatbelt_sandbox("darwin", str(stand_in))
    seen = call(
        opened, "import resource\ndef f():\n    return resource.getrlimit(resource.RLIMIT_AS)[1]"
    )
    opened.close()
    assert (seen.tier, seen.result) == ("seatbelt", -1)  # memory is not bounded there
    assert kept.read_text().startswith("(version 1)\n(deny default)")
    assert opened.capabilities == {"fs", "net"}


def test_it_says_why_it_does_not_work() -> None:
    with pytest.raises(UnavailableError, match="needs macOS; this is linux"):
        open_seatbelt_sandbox("linux")
    with pytest.raises(UnavailableError, match="there is no /nowhere"):
        open_seatbelt_sandbox("darwin", "/nowhere")


def test_its_folders_are_those_of_the_interpreter() -> None:
    assert str(Path(sys.base_prefix).resolve()) in interpreter_folders()
