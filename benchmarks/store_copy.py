"""Copying a store of a million events: SQLite to Postgres and back, heads and state compared.

Usage: python benchmarks/store_copy.py [EVENTS [POSTGRES_URL]]. Without a URL it starts a server of
its own. Events are control events and records: by default 3 in 10 are control events (moves of
heads, uses, sessions started), the others records of 100 bytes in sessions of 60.
"""

import json
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from lignin.adapters.store.audit import verify_space
from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.transfer import copy_store
from lignin.domain.events import Actor, Change, NewEvent, Records
from lignin.domain.ids import ENTROPY_BYTES, make_id
from postgres_server import find_programs, running_server

ACTOR = Actor(sub="user:bench")
SPACE = "bench"
HEADS = 200
CONTROL_SHARE = 0.3


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def _id(prefix: str) -> str:
    return make_id(prefix, at=datetime.now(UTC), entropy=os.urandom(ENTROPY_BYTES))


def _emit(
    figure: str, value: float, unit: str, *, note: str, bar: str = "", met: bool | None = None
) -> None:
    line = {
        "subject": "store_copy",
        "figure": figure,
        "value": round(value, 2),
        "unit": unit,
        "baseline": None,
        "ratio": None,
        "bar": bar,
        "met": met,
        "note": note,
    }
    print(json.dumps(line), flush=True)


def _event(stream: str, type_: str, payload: dict[str, object]) -> NewEvent:
    return NewEvent(stream=stream, type=type_, payload=payload, event_id=_id("evt"))


def fill(ledger: SqlLedger, count: int) -> tuple[int, int]:
    """Write about `count` events in all; return how many control events and records there are."""
    events = [_event("space/" + SPACE, "space.created", {"kind": "user", "parent": None})]
    head = {"stable": "r0", "salt": "s", "extends": None}
    events += [_event(f"head/h{n}", "head.created", head) for n in range(HEADS)]
    ledger.commit(Change(space=SPACE, actor=ACTOR, events=tuple(events)))
    control, records, number = len(events), 0, 0
    while control + records < count:
        appends, events = [], []
        while len(events) < 1000:
            session = f"ses_{number:08d}"
            contents = tuple(b"%d %d " % (number, n) + b"x" * 90 for n in range(60))
            appends.append(
                Records(
                    stream=f"record/{session}", type="t", first_id=_id("evt"), contents=contents
                )
            )
            started = {"client": "bench", "revision": None, "forked_from": None}
            events.append(_event(f"session/{session}", "session.started", started))
            used = {"client": "bench", "path": "call", "ok": True}
            many = int(60 * CONTROL_SHARE / (1 - CONTROL_SHARE)) - 3
            events += [
                _event(f"usage/u{(number + n) % 997}", "usage.recorded", used) for n in range(many)
            ]
            head_name, turn = f"head/h{number % HEADS}", number // HEADS
            moved = {"from": f"r{turn}", "to": f"r{turn + 1}"}
            events.append(_event(head_name, "head.moved", moved))
            number += 1
        control += len(events) + len(appends)
        records += 60 * len(appends)
        ledger.commit(
            Change(
                space=SPACE,
                actor=ACTOR,
                events=tuple(events),
                records=tuple(appends),
                idempotency_key=f"fill:{number}",
            )
        )
    return control, records


def _state(ledger: SqlLedger) -> tuple[str, int, int, list[object]]:
    report = verify_space(ledger, SPACE)
    assert report.sound, report.faults[:3]
    rows: list[object] = []
    with ledger.view(SPACE) as view:
        for kind in ("head", "usage", "session", "space", "record"):
            after = None
            while True:
                page = view.page(kind, after=after, limit=10_000)
                rows += page.rows
                after = page.next_after
                if after is None:
                    break
    return report.head, report.events, report.records, rows


def main(count: int, postgres_url: str) -> None:
    """Fill, copy there and back, compare."""
    with tempfile.TemporaryDirectory() as folder:
        first = SqlLedger(f"sqlite:///{folder}/first.db", _Clock())
        middle = SqlLedger(postgres_url, _Clock())
        last = SqlLedger(f"sqlite:///{folder}/last.db", _Clock())
        began = time.perf_counter()
        control, records = fill(first, count)
        mix = f"{control} control events, {records} records"
        _emit("filled", time.perf_counter() - began, "s", note=mix)
        for name, source, target in (
            ("SQLite to Postgres", first, middle),
            ("Postgres to SQLite", middle, last),
        ):
            began = time.perf_counter()
            copy_store(source, target)
            elapsed = time.perf_counter() - began
            rate = round((control + records) / elapsed)
            _emit(f"copy {name}", elapsed, "s", note=f"{rate} events/s; {mix}")
        states = []
        for name, ledger in (("source", first), ("Postgres", middle), ("copy back", last)):
            began = time.perf_counter()
            states.append(_state(ledger))
            head = f"head {states[-1][0][:16]}"
            _emit(f"verify and replay, {name}", time.perf_counter() - began, "s", note=head)
        equal = states[0] == states[1] == states[2]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows, events = len(states[0][3]), states[0][1] + states[0][2]
        _emit(
            "equal heads and state",
            float(equal),
            "1 = equal",
            bar="equal",
            met=equal,
            note=f"{rows} rows, {events} events; peak {peak:.0f} MiB",
        )
        for ledger in (first, middle, last):
            ledger.close()


if __name__ == "__main__":
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        main(events, sys.argv[2])
    else:
        programs = find_programs()
        if programs is None:
            sys.exit("no Postgres server found: apt-get install postgresql")
        with running_server(programs) as url:
            main(events, url)
