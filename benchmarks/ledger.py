"""Commits, intake and reading of the ledger, each against a baseline in the same run."""

import json
import multiprocessing
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import bindparam, column, create_engine, select, table

from lignin.adapters.store.ledger import SqlLedger
from lignin.adapters.store.writer import ResidentLedger, Writer, socket_path
from lignin.domain.codec import canonical_bytes
from lignin.domain.errors import ConflictError
from lignin.domain.events import Actor, Change, NewEvent, RecordBatch, Records, format_time
from lignin.domain.ids import ENTROPY_BYTES, make_id
from lignin.traces.redact import redact

ACTOR = Actor(sub="user:bench")
SPACE = "bench"
HEADS = 500
REDACTION_KEY = bytes(range(32))
WARM_UP = 5
OUR_BATCH = 4096
"""Events of one commit of ours; `trace import` commits up to 8 MiB, several times as many."""
fork = multiprocessing.get_context("fork")


class _Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def _id(prefix: str) -> str:
    return make_id(prefix, at=datetime.now(UTC), entropy=os.urandom(ENTROPY_BYTES))


def _emit(
    figure: str,
    value: float,
    unit: str,
    *,
    baseline: float,
    baseline_name: str,
    ratio: float,
    bar: float | None = None,
    at_most: bool = False,
    note: str = "",
) -> None:
    """One line; `bar` bounds the ratio, from below or (`at_most`) from above."""
    met = None if bar is None else (ratio <= bar if at_most else ratio >= bar)
    words = "" if bar is None else f"{'at most' if at_most else 'at least'} {bar:g}x"
    line = {
        "subject": "ledger",
        "figure": figure,
        "value": round(value, 1),
        "unit": unit,
        "baseline": round(baseline, 1),
        "ratio": round(ratio, 3),
        "bar": words,
        "met": met,
        "note": f"against {baseline_name}; {note}",
    }
    print(json.dumps(line), flush=True)


def _event(stream: str, type_: str, payload: dict[str, object]) -> NewEvent:
    return NewEvent(stream=stream, type=type_, payload=payload, event_id=_id("evt"))


def _prepare(url: str) -> None:
    ledger = SqlLedger(url, _Clock())
    events = [_event("space/" + SPACE, "space.created", {"kind": "user", "parent": None})]
    events += [
        _event(f"head/h{i}", "head.created", {"stable": "r0", "salt": "s", "extends": None})
        for i in range(HEADS)
    ]
    ledger.commit(Change(space=SPACE, actor=ACTOR, events=tuple(events)))
    ledger.close()


def _write(
    url: str, resident: bool, hot_heads: bool, seed: int, count: int, ready, go, out
) -> None:
    """Commit `count` intents: 9 in 10 a commutative fact, 1 in 10 a compare-and-swap of a head."""
    ledger = (ResidentLedger if resident else SqlLedger)(url, _Clock())
    usage = {"client": "bench", "path": "call", "ok": True}
    for number in range(WARM_UP):  # connections, compiled statements, the interpreter's own caches
        _commit(ledger, _event(f"usage/warm{seed}", "usage.recorded", usage), {})
        _move(ledger, f"head/h{seed}", f"w{number}")
    rng, latencies, conflicts = random.Random(seed), [], 0
    ready.release()
    go.wait()
    for number in range(count):
        hot = min(int(rng.paretovariate(1.0)) - 1, HEADS - 1)
        began = time.perf_counter()
        if number % 10 == 0:
            head = hot if hot_heads else rng.randrange(HEADS)
            conflicts += _move(ledger, f"head/h{head}", f"r{seed}-{number}")
        else:
            _commit(ledger, _event(f"usage/u{hot}", "usage.recorded", usage), {})
        latencies.append(time.perf_counter() - began)
    out.put((latencies, conflicts))
    ledger.close()


def _commit(ledger: SqlLedger, event: NewEvent, expects: dict[str, int]) -> None:
    key = f"k:{event.event_id}"  # both sides keep a receipt, so that both do the same work
    change = Change(space=SPACE, actor=ACTOR, events=(event,), expects=expects, idempotency_key=key)
    ledger.commit(change)


def _move(ledger: SqlLedger, stream: str, to: str) -> int:
    """Swap a head until it succeeds; a conflict's answer carries where the head stands now."""
    with ledger.view(SPACE) as view:
        row = view.row(stream)
    seq, stable, conflicts = row.seq, row.body["stable"], 0
    while True:
        moved = _event(stream, "head.moved", {"from": stable, "to": to})
        try:
            _commit(ledger, moved, {stream: seq})
            return conflicts
        except ConflictError as conflict:
            conflicts += 1
            seq, stable = conflict.fields["actual"], conflict.fields["current"]["stable"]


def _serve(url: str) -> None:
    writer = Writer(SqlLedger(url, _Clock()), socket_path(url))
    writer.serve()


def _race(resident: bool, hot_heads: bool, processes: int, total: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        _prepare(url)
        server = None
        if resident:
            server = fork.Process(target=_serve, args=(url,))
            server.start()
            while not socket_path(url).exists():
                time.sleep(0.01)
        ready, go, out = fork.Semaphore(0), fork.Event(), fork.Queue()
        args = (total // processes, ready, go, out)
        workers = [
            fork.Process(target=_write, args=(url, resident, hot_heads, seed, *args))
            for seed in range(processes)
        ]
        for worker in workers:
            worker.start()
        for _ in workers:
            ready.acquire()
        began = time.perf_counter()
        go.set()
        results = [out.get() for _ in workers]
        elapsed = time.perf_counter() - began
        for worker in workers:
            worker.join()
        if server is not None:
            server.terminate()
            server.join()
        latencies = sorted(x for found, _ in results for x in found)
        return {
            "rate": len(latencies) / elapsed,
            "p50_ms": 1000 * statistics.median(latencies),
            "p99_ms": 1000 * latencies[int(len(latencies) * 0.99)],
            "conflicts": sum(conflicts for _, conflicts in results) / len(latencies),
        }


def writers() -> None:
    """Resident writer against the direct path, the same validation and tables on both sides."""
    settings = (
        (8, False, 2400, 8000, None),
        (64, False, 3200, 19200, 8),
        (64, True, 3200, 9600, None),
    )
    for processes, hot_heads, direct_total, resident_total, bar in settings:
        direct = _race(False, hot_heads, processes, direct_total)
        resident = _race(True, hot_heads, processes, resident_total)
        ratio = resident["rate"] / direct["rate"]
        spread = "Zipf-hot" if hot_heads else "even"
        _emit(
            f"commits per second, {processes} processes, heads {spread}, resident writer",
            resident["rate"],
            "1/s",
            baseline=direct["rate"],
            baseline_name="direct path",
            ratio=ratio,
            bar=bar,
            note=f"p50 {resident['p50_ms']:.2f} ms against {direct['p50_ms']:.2f}, p99 "
            f"{resident['p99_ms']:.1f} against {direct['p99_ms']:.1f}; conflicts per commit "
            f"{resident['conflicts']:.3f} against {direct['conflicts']:.3f}; facts Zipf-hot",
        )


def _payloads(count: int) -> list[bytes]:
    rng = random.Random(7)
    words = [f"word{rng.randrange(4000)}" for _ in range(4000)]
    return [
        json.dumps(
            {
                "type": "assistant",
                "uuid": f"{rng.getrandbits(128):032x}",
                "message": " ".join(rng.choices(words, k=49)),
                "tokens": rng.randrange(5000),
            }
        ).encode()
        for _ in range(count)
    ]


def _rows_intake(folder: str, sessions: list[tuple[str, list[bytes]]]) -> tuple[float, int]:
    """Chained rows, one per event with the same envelope and chain rule, in batches of 1,000."""
    connection = sqlite3.connect(f"{folder}/rows.db", isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute(
        "create table event(position integer primary key, stream text, seq int, event_id text,"
        " type text, at text, actor text, payload blob, chain blob)"
    )
    connection.execute("create unique index event_stream on event(stream, seq)")
    actor, chain, position, batch = canonical_bytes(ACTOR.to_json()).decode(), bytes(32), 0, []
    began = time.perf_counter()
    for stream, contents in sessions:
        shared = RecordBatch(
            space=SPACE,
            stream=stream,
            type="trace.record",
            first_seq=1,
            count=len(contents),
            first_id=_id("evt"),
            position=position + 1,
            at=format_time(datetime.now(UTC)),
            actor=ACTOR,
        )
        for offset, content in enumerate(contents):
            position += 1
            event_id, digest = shared.event_id(offset), sha256(content).digest()
            envelope = _envelope(shared, actor, event_id, digest.hex(), offset + 1)
            chain = sha256(chain + sha256(envelope).digest() + digest).digest()
            batch.append(
                (position, stream, offset + 1, event_id, "trace.record", shared.at, actor)
                + (content, chain)
            )
            if len(batch) == 1000:
                _flush(connection, batch)
                batch = []
    if batch:
        _flush(connection, batch)
    elapsed = time.perf_counter() - began
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    return elapsed, Path(f"{folder}/rows.db").stat().st_size


def _envelope(shared: RecordBatch, actor: str, event_id: str, digest: str, seq: int) -> bytes:
    return (
        f'{{"actor":{actor},"at":"{shared.at}","cause":null,"correlation_id":null,'
        f'"decision_id":null,"event_id":"{event_id}","idempotency_key":null,'
        f'"payload_digest":"sha256:{digest}","position":{shared.position},"schema_version":1,'
        f'"seq":{seq},"space":"{SPACE}","stream":"{shared.stream}","type":"trace.record"}}'
    ).encode()


def _flush(connection: sqlite3.Connection, batch: list[tuple[object, ...]]) -> None:
    connection.execute("begin immediate")
    connection.executemany("insert into event values(?,?,?,?,?,?,?,?,?)", batch)
    connection.execute("commit")


def _segment_intake(
    folder: str, sessions: list[tuple[str, list[bytes]]], *, redacting: bool = False
) -> tuple[float, int]:
    url = f"sqlite:///{folder}/ledger.db"
    _prepare(url)
    ledger = SqlLedger(url, _Clock())
    ledger.checkpoint()
    before = Path(f"{folder}/ledger.db").stat().st_size
    began = time.perf_counter()
    pending, count = [], 0
    for stream, raw in sessions:
        contents = [redact(each, REDACTION_KEY).content for each in raw] if redacting else raw
        pending.append(
            Records(
                stream=stream, type="trace.record", first_id=_id("evt"), contents=tuple(contents)
            )
        )
        count += len(contents)
        if count >= OUR_BATCH:
            ledger.commit(Change(space=SPACE, actor=ACTOR, records=tuple(pending)))
            pending, count = [], 0
    if pending:
        ledger.commit(Change(space=SPACE, actor=ACTOR, records=tuple(pending)))
    elapsed = time.perf_counter() - began
    ledger.checkpoint()
    ledger.close()
    return elapsed, Path(f"{folder}/ledger.db").stat().st_size - before


def _sessions(count: int) -> list[tuple[str, list[bytes]]]:
    payloads = _payloads(count)
    return [
        (f"record/ses_{start:08d}", payloads[start : start + 60]) for start in range(0, count, 60)
    ]


def intake(count: int = 60_000, rounds: int = 3) -> None:
    """Per-session segments against chained rows in batches of 1,000, interleaved."""
    sessions = _sessions(count)
    rows, ours, redacted = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_rows_intake(folder, sessions))
            ours.append(_segment_intake(folder, sessions))
        with tempfile.TemporaryDirectory() as folder:
            redacted.append(_segment_intake(folder, sessions, redacting=True))
    rate, base = count / min(t for t, _ in ours), count / min(t for t, _ in rows)
    size = sum(map(len, sessions[0][1])) // 60
    note = (
        f"{count} events of {size} bytes, FULL, redaction off; rows in batches of 1,000, "
        f"ours in commits of {OUR_BATCH}"
    )
    _emit(
        "intake, events per second",
        rate,
        "1/s",
        baseline=base,
        baseline_name="chained SQLite rows",
        ratio=rate / base,
        bar=1.5,
        note=note,
    )
    with_redaction = count / min(t for t, _ in redacted)
    _emit(
        "intake with redaction on, events per second",
        with_redaction,
        "1/s",
        baseline=base,
        baseline_name="chained SQLite rows, which redact nothing",
        ratio=with_redaction / base,
        note=note.replace("redaction off", "redaction on our side only"),
    )
    size, base_size = ours[0][1] / count, rows[0][1] / count
    _emit(
        "intake, bytes per event",
        size,
        "B",
        baseline=base_size,
        baseline_name="chained SQLite rows",
        ratio=size / base_size,
        bar=0.35,
        at_most=True,
        note=note,
    )


def reading(count: int = 12_000, reads: int = 400) -> None:
    """Reading one session of 60 events from its segment, against reading its rows."""
    sessions = _sessions(count)
    with tempfile.TemporaryDirectory() as folder:
        _rows_intake(folder, sessions)
        _segment_intake(folder, sessions)
        rows = sqlite3.connect(f"{folder}/rows.db")
        ledger = SqlLedger(f"sqlite:///{folder}/ledger.db", _Clock())
        layer = create_engine(f"sqlite:///{folder}/rows.db").connect()
        query = select(column("payload")).select_from(table("event"))
        query = query.where(column("stream") == bindparam("stream")).order_by(column("seq"))
        rng, ours, theirs, raw = random.Random(3), [], [], []
        with ledger.view(SPACE) as view:
            for _ in range(reads):
                stream = rng.choice(sessions)[0]
                began = time.perf_counter()
                found = view.contents(stream)
                ours.append(time.perf_counter() - began)
                began = time.perf_counter()
                same = [data for (data,) in layer.execute(query, {"stream": stream})]
                theirs.append(time.perf_counter() - began)
                began = time.perf_counter()
                driver = rows.execute(
                    "select payload from event where stream=? order by seq", (stream,)
                ).fetchall()
                raw.append(time.perf_counter() - began)
                assert found == same == [data for (data,) in driver]
        ledger.close()
        layer.close()
        rows.close()
    ours_us, theirs_us = 1e6 * statistics.median(ours), 1e6 * statistics.median(theirs)
    _emit(
        "read one session of 60 events, p50",
        ours_us,
        "us",
        baseline=theirs_us,
        baseline_name="its rows through the same layer",
        ratio=ours_us / theirs_us,
        bar=1.0,
        at_most=True,
        note=f"both return the 60 payloads; rows by the bare driver: "
        f"{1e6 * statistics.median(raw):.1f} us",
    )


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["intake", "reading", "writers"]
    for name in wanted:
        {"intake": intake, "reading": reading, "writers": writers}[name]()
