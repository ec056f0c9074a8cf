"""Any history of commits leaves what a plain dictionary says, and replay gives the same rows."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lignin.adapters.store.audit import replay, verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import ConflictError
from lignin.testing.changes import (
    TickingClock,
    change,
    head_created,
    head_moved,
    records,
    space_created,
    used,
)

HEADS = st.sampled_from(["a", "b", "c"])


class LedgerMachine(RuleBasedStateMachine):
    """Heads as a dict of seq and revision, uses as counts, records as lists, keys as a set."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = self._open()
        self.ledger.commit(change("team", space_created("team")))
        self.heads: dict[str, tuple[int, str]] = {}
        self.uses: dict[str, int] = {}
        self.records: dict[str, list[bytes]] = {}
        self.keys: dict[str | None, str] = {}
        self.position = 1

    def _open(self) -> SqlLedger:
        return SqlLedger(f"sqlite:///{Path(self.folder.name)}/ledger.db", TickingClock())

    @rule(name=HEADS)
    def create(self, name: str) -> None:
        try:
            self.ledger.commit(change("team", head_created(name)))
        except ConflictError:
            assert name in self.heads
            return
        assert name not in self.heads
        self.heads[name] = (1, "r0")
        self.position += 1

    @rule(name=HEADS, seq=st.integers(0, 4), to=st.sampled_from(["r1", "r2"]))
    def swap(self, name: str, seq: int, to: str) -> None:
        known, stable = self.heads.get(name, (0, "r0"))
        move = head_moved(name, stable, to)
        try:
            self.ledger.commit(change("team", move, used(name), expects={f"head/{name}": seq}))
        except ConflictError:
            assert seq != known or name not in self.heads
            return
        assert seq == known
        self.heads[name] = (known + 1, to)
        self.uses[name] = self.uses.get(name, 0) + 1
        self.position += 2

    @rule(name=HEADS, key=st.none() | st.sampled_from(["k1", "k2", "k3"]))
    def use(self, name: str, key: str | None) -> None:
        again = change("team", used(name), idempotency_key=key)
        if self.keys.get(key, name) != name:
            with pytest.raises(ConflictError, match="stands for another change"):
                self.ledger.commit(again)
            return
        (receipt,) = self.ledger.commit(again)
        assert receipt.repeated == (key in self.keys)
        if not receipt.repeated:
            self.uses[name] = self.uses.get(name, 0) + 1
            self.position += 1
            assert receipt.last_position == self.position
        if key is not None:
            self.keys[key] = name

    @rule(name=HEADS, contents=st.lists(st.binary(max_size=5), min_size=1, max_size=3))
    def append(self, name: str, contents: list[bytes]) -> None:
        self.ledger.commit(change("team", records=(records(name, *contents),)))
        self.records.setdefault(name, []).extend(contents)
        self.position += 1

    @rule(name=HEADS)
    def seal(self, name: str) -> None:
        self.ledger.seal("team", f"record/{name}")

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self._open()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        with self.ledger.view("team") as view:
            assert view.position == self.position
            heads = {r.key: (r.seq, r.body["stable"]) for r in view.page("head").rows}
            assert heads == self.heads
            assert {r.key: r.body["uses"] for r in view.page("usage").rows} == self.uses
            for name, contents in self.records.items():
                assert list(view.contents(f"record/{name}")) == contents
            rows = replay(self.ledger, "team")
            assert view.rows(rows) == rows

    def teardown(self) -> None:
        assert verify_space(self.ledger, "team").faults == []
        self.ledger.close()
        self.folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=10, stateful_step_count=20)
