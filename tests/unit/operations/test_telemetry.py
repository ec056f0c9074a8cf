"""Telemetry that an exporter sends again is recognised, by a server that was restarted too."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lignin.operations import telemetry
from lignin.operations.telemetry import Taken, take_request
from lignin.traces.resent import Recent
from unit.operations.conftest import Desk

SESSION = [{"key": "session.id", "value": {"stringValue": "talk"}}]


def spans(*numbers: int, name: str = "chat") -> list[dict[str, Any]]:
    return [
        {
            "traceId": "0" * 31 + "1",
            "spanId": f"{number + 1:016x}",
            "name": name,
            "attributes": SESSION,
            "startTimeUnixNano": "1763000000000000000",
        }
        for number in numbers
    ]


def log(text: str) -> dict[str, Any]:
    time = "1763000000000000000"
    return {"timeUnixNano": time, "body": {"stringValue": text}, "attributes": SESSION}


def metric(value: int) -> dict[str, Any]:
    points = [{"asInt": str(value), "timeUnixNano": "1", "attributes": SESSION}]
    return {"name": "tokens", "sum": {"dataPoints": points}}


SHAPE = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
}


def send(desk: Desk, recent: Recent, signal: Any, *items: dict[str, Any]) -> Taken:
    outer, middle, inner = SHAPE[signal]
    body = json.dumps({outer: [{middle: [{inner: list(items)}]}]}).encode()
    return take_request(desk.context, signal, "json", body, recent)


def records(desk: Desk) -> int:
    return sum(row.records for row in desk("trace.list").items)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("signal", "before", "more"),
    [
        ("traces", spans(1, 2, 3), spans(4)),
        ("logs", [log("a"), log("b")], [log("c")]),
        ("metrics", [metric(1), metric(2)], [metric(3)]),
    ],
)
def test_what_is_sent_again_adds_nothing_and_what_is_new_beside_it_does(
    desk: Desk, restarted: bool, signal: str, before: list[Any], more: list[Any]
) -> None:
    recent = Recent()
    assert send(desk, recent, signal, *before).known == 0
    for _ in range(2):
        recent = Recent() if restarted else recent
        again = send(desk, recent, signal, *before)
        assert (again.taken, again.known, again.rejected) == (len(before), len(before), 0)
    assert records(desk) == len(before)
    mixed = send(desk, Recent() if restarted else recent, signal, *before[1:], *more)
    assert (mixed.taken, mixed.known) == (len(before), len(before) - 1)
    assert records(desk) == len(before) + 1


def test_a_span_that_differs_by_a_byte_is_kept(desk: Desk) -> None:
    recent = Recent()
    send(desk, recent, "traces", *spans(1), *spans(1))
    assert records(desk) == 1
    assert send(desk, recent, "traces", *spans(1, name="tool")).known == 0
    assert records(desk) == 2


def test_equal_log_records_of_one_request_are_as_many_as_were_sent(desk: Desk) -> None:
    recent = Recent()
    assert send(desk, recent, "logs", log("a"), log("a")).known == 0
    assert send(desk, recent, "logs", log("a"), log("a")).known == 2
    assert records(desk) == 2


def test_a_secret_makes_no_difference_to_what_is_known(desk: Desk) -> None:
    secret = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    recent = Recent()
    assert send(desk, recent, "logs", log(secret)).redacted
    assert send(desk, Recent(), "logs", log(secret)).known == 1
    assert records(desk) == 1


def test_only_the_last_records_are_read_again_and_all_of_those(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(desk, Recent(), "traces", *spans(*range(100)))
    send(desk, Recent(), "traces", *spans(*range(100, 150)))
    assert send(desk, Recent(), "traces", *spans(*range(150))).known == 150
    monkeypatch.setattr(telemetry, "WINDOW", 60)
    assert send(desk, Recent(), "traces", *spans(*range(100))).known == 10


def test_the_same_request_many_times_at_once_is_kept_once(desk: Desk) -> None:
    recent = Recent()
    batches = [spans(*range(10 * n, 10 * n + 10)) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: send(desk, recent, "traces", *batches[n % 4]), range(16)))
    assert records(desk) == 40
