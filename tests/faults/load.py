"""Many processes on one store, and a judge who knows what must have come of it.

Each writer notes what was acknowledged; a reader looks at several rows of one view all the time.
`find_damage` compares both with the store afterwards and says in words what does not fit.
"""

import multiprocessing
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lignin.adapters.store.audit import replay, verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import ConflictError, LigninError
from lignin.domain.events import Change, NewEvent, Receipt, Records
from lignin.domain.ids import ENTROPY_BYTES, make_id
from lignin.testing.changes import ACTOR, event, head_created, space_created

ARTIFACTS = 20
SPACE = "team"
fork = multiprocessing.get_context("fork")
OpenLedger = Callable[[str], SqlLedger]


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Notes:
    """What one writer was told."""

    moves: Counter[str] = field(default_factory=Counter)
    uses: Counter[str] = field(default_factory=Counter)
    records: list[tuple[str, bytes]] = field(default_factory=list)
    positions: list[tuple[int, str]] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)


def prepare(url: str) -> None:
    """A space with `ARTIFACTS` heads, the first half held under a lease nobody may pass."""
    ledger = SqlLedger(url, SystemClock())
    heads = [head_created(f"h{number}") for number in range(ARTIFACTS)]
    held = head_created("held")
    lease = event("head/held", "head.leased", holder="ada", until="2999-01-01T00:00:00.000000Z")
    ledger.commit(Change(space=SPACE, actor=ACTOR, events=(space_created(SPACE), *heads, held)))
    ledger.commit(Change(space=SPACE, actor=ACTOR, events=(lease,)))
    ledger.close()


def run(url: str, open_ledger: OpenLedger, *, processes: int, writes: int, seed: int) -> list[str]:
    """Let `processes` writers commit `writes` intents each beside a reader; return the damage."""
    prepare(url)
    stop, out, seen = fork.Event(), fork.Queue(), fork.Queue()
    reader = fork.Process(target=_read, args=(url, open_ledger, stop, seen))
    writers = [
        fork.Process(target=_write, args=(url, open_ledger, seed * 1000 + number, writes, out))
        for number in range(processes)
    ]
    for process in (reader, *writers):
        process.start()
    notes = [out.get(timeout=600) for _ in writers]
    stop.set()
    torn = seen.get(timeout=60)
    for process in (reader, *writers):
        process.join()
    return torn + find_damage(url, notes)


def find_damage(url: str, notes: list[Notes]) -> list[str]:
    """Everything in the store that does not fit what the writers were told."""
    damage = [fault for note in notes for fault in note.damage]
    ledger = SqlLedger(url, SystemClock())
    try:
        damage += verify_space(ledger, SPACE).faults
        with ledger.view(SPACE) as view:
            for number in range(ARTIFACTS):
                damage += _compare(view, number, notes)
            damage += _compare_log(view, notes)
            rows = replay(ledger, SPACE)
            if dict(view.rows(rows)) != rows:
                damage.append("replay gives other rows than are stored")
    except LigninError as error:
        damage.append(f"the store does not read: {error.message}")
    ledger.close()
    return damage


def _compare(view: Any, number: int, notes: list[Notes]) -> list[str]:
    damage, head = [], f"h{number}"
    moves = sum(note.moves[head] for note in notes)
    row = view.row(f"head/{head}")
    if row.body["moves"] != moves or row.seq != moves + 1:
        damage.append(f"{head}: {moves} moves acknowledged, {row.body['moves']} stored")
    for name in (f"moved-{head}", f"used-{head}"):
        uses = sum(note.uses[name] for note in notes)
        found = view.row(f"usage/{name}")
        if (found.body["uses"] if found else 0) != uses:
            damage.append(f"{name}: {uses} uses acknowledged, stored {found and found.body}")
    told = sorted(content for note in notes for where, content in note.records if where == head)
    if sorted(view.contents(f"record/{head}")) != told:
        damage.append(f"{head}: the records stored are not those acknowledged")
    return damage


def _compare_log(view: Any, notes: list[Notes]) -> list[str]:
    damage, log, after = [], [], 0
    while found := view.log(after=after, limit=5000):
        log += found
        after = found[-1].position
    if [item.position for item in log] != list(range(1, len(log) + 1)):
        damage.append("positions have gaps")
    if [item.at for item in log] != sorted(item.at for item in log):
        damage.append("times run backwards")
    there = {item.position: item.event_id for item in log}
    for position, event_id in (told for note in notes for told in note.positions):
        if there.get(position) != event_id:
            damage.append(f"{event_id} was acknowledged at {position}, where {there.get(position)}")
            break
    return damage


def _read(url: str, open_ledger: OpenLedger, stop: Any, out: Any) -> None:
    ledger = open_ledger(url)
    torn: list[str] = []
    while not stop.is_set() and len(torn) < 5:
        try:
            torn += _look(ledger)
        except Exception as error:
            torn.append(f"a reader ended: {type(error).__name__}: {error}")
            break
    ledger.close()
    out.put(torn)


def _look(ledger: SqlLedger) -> list[str]:
    torn = []
    with ledger.view(SPACE) as view:
        for number in range(ARTIFACTS):
            row, usage = view.row(f"head/h{number}"), view.row(f"usage/moved-h{number}")
            assert row is not None
            moves, uses = row.body["moves"], usage.body["uses"] if usage else 0
            if moves != uses or row.seq != moves + 1:
                torn.append(f"torn: h{number} moved {moves} times, its count says {uses}")
    return torn


class _Writer:
    def __init__(self, ledger: SqlLedger, seed: int) -> None:
        self.ledger, self.seed, self.notes = ledger, seed, Notes()
        self.rng = random.Random(seed)
        self.number = 0

    def step(self) -> None:
        head = f"h{min(int(self.rng.paretovariate(1.0)) - 1, ARTIFACTS - 1)}"
        act = self.rng.choices(
            (self.move, self.use, self.append, self.repeat, self.stale, self.trespass, self.half),
            (4, 4, 3, 2, 1, 1, 1),
        )[0]
        act(head)

    def move(self, head: str) -> None:
        """Read, think, swap: head and count of moves in one commit of two changes."""
        for _ in range(200):
            with self.ledger.view(SPACE) as view:
                row = view.row(f"head/{head}")
            assert row is not None
            to = f"r{self.seed}-{self.number}"
            moved = self.event(f"head/{head}", "head.moved", **{"from": row.body["stable"]}, to=to)
            both = (
                self.change((moved,), expects={f"head/{head}": row.seq}),
                self.change((self.used(f"moved-{head}"),)),
            )
            if self.commit(*both):
                self.notes.moves[head] += 1
                self.notes.uses[f"moved-{head}"] += 1
                return

    def use(self, head: str) -> None:
        if self.commit(self.change((self.used(f"used-{head}"),))):
            self.notes.uses[f"used-{head}"] += 1

    def append(self, head: str) -> None:
        contents = tuple(b"%d-%d-%d" % (self.seed, self.number, n) for n in range(3))
        new = Records(
            stream=f"record/{head}", type="t", first_id=self.fresh_id(), contents=contents
        )
        if self.commit(Change(space=SPACE, actor=ACTOR, records=(new,))):
            self.notes.records += [(head, content) for content in contents]

    def repeat(self, head: str) -> None:
        """The same key three times, as a client does that lost the answer."""
        used = self.used(f"used-{head}")
        change = self.change((used,), idempotency_key=f"k{self.seed}-{self.number}")
        if self.commit(change):
            self.notes.uses[f"used-{head}"] += 1
        for _ in range(2):
            (receipt,) = self.ledger.commit(change)
            if receipt.event_ids != (used.event_id,) or not receipt.repeated:
                self.notes.damage.append("a repeated key was not recognised")

    def stale(self, head: str) -> None:
        new = self.change((self.used(f"used-{head}"),), expects={"space/team": 7})
        if self.commit(new):
            self.notes.damage.append("a stale base was accepted")

    def trespass(self, head: str) -> None:
        for fences in ({}, {"head/held": 77}):
            moved = self.event("head/held", "head.moved", **{"from": "r0"}, to="r1")
            try:
                self.ledger.commit(self.change((moved,), fences=fences))
            except LigninError:
                continue
            self.notes.damage.append("a leased head moved without its token")

    def half(self, head: str) -> None:
        """A commit whose second change is refused."""
        good = self.change((self.used(f"used-{head}"),))
        bad = self.change((self.event(f"head/{head}", "head.created", stable="x"),))
        if self.commit(good, bad):
            self.notes.damage.append("a refused commit was acknowledged")

    def commit(self, *changes: Change) -> bool:
        try:
            receipts = self.ledger.commit(*changes)
        except ConflictError:
            return False
        self._check(changes, receipts)
        return True

    def _check(self, changes: tuple[Change, ...], receipts: tuple[Receipt, ...]) -> None:
        for change, receipt in zip(changes, receipts, strict=True):
            sent = [item.event_id for item in change.events]
            if change.events and list(receipt.event_ids) != sent:
                self.notes.damage.append("a receipt answers somebody else's change")
            self.notes.positions.append((receipt.first_position, receipt.event_ids[0]))

    def change(self, events: tuple[NewEvent, ...], **parts: Any) -> Change:
        return Change(space=SPACE, actor=ACTOR, events=events, **parts)

    def used(self, name: str) -> NewEvent:
        return self.event(f"usage/{name}", "usage.recorded", client="t", path="call", ok=True)

    def event(self, stream: str, type_: str, **payload: Any) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self.fresh_id())

    def fresh_id(self) -> str:
        self.number += 1
        number = (self.seed << 60) + (self.number << 30)
        return make_id("evt", at=datetime.now(UTC), entropy=number.to_bytes(ENTROPY_BYTES))


def _write(url: str, open_ledger: OpenLedger, seed: int, writes: int, out: Any) -> None:
    ledger = open_ledger(url)
    writer = _Writer(ledger, seed)
    try:
        for _ in range(writes):
            writer.step()
    except Exception as error:
        writer.notes.damage.append(f"a writer ended: {type(error).__name__}: {error}")
    out.put(writer.notes)
    ledger.close()
