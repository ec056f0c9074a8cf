"""Which stores are opened, by whom, and what that leaves to the other processes that have them open."""

import multiprocessing
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from lignin.adapters.store.engine import open_engine, require_local, translated_errors
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.testing.changes import TickingClock, change, space_created, used

fork = multiprocessing.get_context("fork")

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
srv:/home /home nfs4 rw 0 0
/dev/sdb1 /home/ada/local ext4 rw 0 0
//srv/x /mnt/my\\040share cifs rw 0 0
tmpfs /over tmpfs rw 0 0
ssh /over fuse.sshfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home", "nfs4"),
        ("/home/ada/x", "nfs4"),
        ("/mnt/my share/x", "cifs"),
        ("/over", "fuse.sshfs"),
    ],
)
def test_a_network_file_system_is_refused_by_name(folder: str, kind: str) -> None:
    with pytest.raises(InvalidRequestError, match=kind):
        require_local(Path(folder), MOUNTS)


@pytest.mark.parametrize("folder", ["/", "/homestead", "/home/ada/local/x", "/mnt/my", "/tmp"])
def test_a_local_folder_is_taken(folder: str) -> None:
    require_local(Path(folder), MOUNTS)


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        open_engine(url)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnavailableError, match="file"):
        open_engine(f"sqlite:///{tmp_path}/file/below/ledger.db")


def _open_at_once(url: str, number: int, out: object) -> None:
    try:
        ledger = SqlLedger(url, TickingClock())
        ledger.commit(change(f"s{number}", space_created(f"s{number}")))
        ledger.close()
        out.put("")  # type: ignore[attr-defined]
    except Exception as error:
        out.put(f"{type(error).__name__}: {error}")  # type: ignore[attr-defined]


def test_processes_that_open_a_new_store_at_once_all_get_it(tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path}/new.db", fork.Queue()
    children = [fork.Process(target=_open_at_once, args=(url, n, out)) for n in range(8)]
    for child in children:
        child.start()
    assert [out.get(timeout=60) for _ in children] == [""] * 8
    for child in children:
        child.join()


def test_a_new_store_and_its_folder_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", TickingClock())
    ledger.commit(change("team", space_created("team")))
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    ledger.close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes == dict.fromkeys(("ledger.db", "ledger.db-wal", "ledger.db-shm"), 0o600)


_READ_AND_LEAVE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("select count(*) from event").fetchone()
connection.close()  # the last one to leave takes the journal away
"""


def test_opening_a_store_twice_keeps_its_journal_from_a_process_that_leaves(tmp_path: Path) -> None:
    """A server does: every dry run opens the store anew, beside its resident writer."""
    path = tmp_path / "ledger.db"
    url = f"sqlite:///{path}"
    ledger = SqlLedger(url, TickingClock())
    ledger.commit(change("team", space_created("team")), change("team", used("a")))
    SqlLedger(url, TickingClock()).close()
    subprocess.run([sys.executable, "-c", _READ_AND_LEAVE, path], check=True)
    assert path.with_name("ledger.db-wal").exists()
    receipt = ledger.commit(change("team", used("a")))[0]
    other = SqlLedger(url, TickingClock())
    with other.view("team") as view:
        assert view.log(after=receipt.first_position - 1)
    other.close()
    ledger.close()


@pytest.mark.parametrize(
    ("state", "is_away"),
    [
        (None, True),
        ("57P01", True),
        ("57P03", True),
        ("08006", True),
        ("57014", False),
        ("53100", False),
    ],
)
def test_a_server_that_stops_or_starts_is_away_and_one_that_refuses_is_not(
    state: str | None, is_away: bool
) -> None:
    class SaidError(Exception):
        sqlstate = state

    with pytest.raises(UnavailableError) as caught, translated_errors("postgresql://host/lignin"):
        raise OperationalError("select 1", {}, SaidError("no"))
    assert bool(caught.value.fields.get("is_away")) is is_away


def test_a_file_that_cannot_be_used_is_not_away() -> None:
    with pytest.raises(UnavailableError) as caught, translated_errors("sqlite:///ledger.db"):
        raise OperationalError("select 1", {}, sqlite3.OperationalError("database is locked"))
    assert "is_away" not in caught.value.fields
