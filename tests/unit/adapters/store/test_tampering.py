"""What `verify` says of a store that somebody changed behind the ledger's back."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.adapters.store.audit import stored_spaces, verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.artifacts.store import examples_blob, tree_blobs
from lignin.domain.artifacts import File, Manifest, make_tree
from lignin.domain.examples import Example
from lignin.testing.changes import TickingClock, change, event, records, space_created, used

TREE = make_tree(
    {
        "lignin.json": Manifest(kind="program", entry="a.py", runtime="").to_file(),
        "a.py": File(content=b"def a():\n    return 1\n" * 50_000),  # more than one chunk
    }
)
VERSION = f"version/a@{TREE.digest}"
FILE = f"sha256:{TREE.files['a.py'].sha256}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """A store with one captured version, examples, keyed commits and records."""
    path = tmp_path / "ledger.db"
    ledger = SqlLedger(f"sqlite:///{path}", TickingClock())
    examples = examples_blob((Example(arguments={}, result=1),), f"examples/{TREE.digest}")
    captured = event(
        VERSION,
        "version.captured",
        name="a",
        digest=TREE.digest,
        kind="program",
        requested=True,
        keep_until="2030-01-01T00:00:00.000000Z",
        provenance={"session": None},
        sighting_key="k",
    )
    added = event(f"examples/{TREE.digest}", "examples.added", blob=examples.digest, by="agent")
    ledger.commit(change("team", space_created("team")))
    ledger.commit(
        change(
            "team",
            captured,
            added,
            blobs=(*tree_blobs(TREE, VERSION), examples),
            idempotency_key="c",
        )
    )
    ledger.commit(change("team", used("a"), idempotency_key="u"))
    for number in range(3):
        ledger.commit(change("team", records=(records("ses_1", b"%d" % number, b"more"),)))
    ledger.close()
    return path


def _faults(path: Path) -> list[str]:
    ledger = SqlLedger(f"sqlite:///{path}", TickingClock())
    try:
        return [f for space in stored_spaces(ledger) for f in verify_space(ledger, space).faults]
    finally:
        ledger.close()


def test_an_untouched_store_has_no_fault(store: Path) -> None:
    assert _faults(store) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("delete from book", "the book of 'team' is missing"),
        ("update book set last_at = '2020-01-01T00:00:00.000000Z'", "the book says 2020"),
        ("update book set position = position + 1", "events are missing"),
        ("delete from receipt where idempotency_key = 'u'", "the receipts do not fit"),
        ("update receipt set first_position = 1", "the receipts do not fit"),
        ("update receipt set event_ids = '[]'", "the receipts do not fit"),
        ("update receipt set idempotency_key = 'z' where idempotency_key = 'u'", "'z'"),
        (f"delete from blob_ref where digest = '{FILE}'", "has no reference to it"),
        (f"delete from blob_ref where digest = '{TREE.digest}'", "has no reference to it"),
        ("delete from blob_ref where stream like 'examples/%'", "has no reference to it"),
        (f"update blob_ref set stream = 'usage/z' where digest = '{FILE}'", "no event of it names"),
        (f"insert into blob_ref select 'team', digest, '{VERSION}' from blob", "no event of it"),
        (f"delete from blob where digest = '{FILE}'", "is missing"),
        ("update blob set size = size + 1", "its row says"),
        ("update blob set chunks = 9", "its row says"),
        (f"delete from blob_chunk where digest = '{FILE}' and number = 1", "hash to"),
        ("update segment set last_seq = last_seq + 1 where first_seq = 5", "booked otherwise"),
        ("update segment set first_seq = 2 where first_seq = 1", "booked otherwise"),
        ("update segment set sealed = 1", "booked otherwise"),
        ("update segment set stream = 'record/ses_2'", "the log does not know"),
        ("delete from segment where first_seq = 3", "lacks records after 2"),
        ("update state_row set state = 'promoted' where kind = 'version'", "another row"),
        ("delete from event where position = 2", "chain breaks"),
        ("update event set payload = cast('{}' as blob) where position = 3", "chain breaks"),
    ],
)
def test_a_change_behind_the_ledgers_back_is_named(store: Path, statement: str, said: str) -> None:
    connection = sqlite3.connect(store)
    statement = statement.replace("insert into", "insert or ignore into")
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()
    assert any(said in fault for fault in _faults(store)), _faults(store)
