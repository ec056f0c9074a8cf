"""Operations over HTTP: the same answers and errors as the command line's, and what only HTTP has."""

import json
import stat
from pathlib import Path

import pytest

from lignin.domain.errors import DeniedError
from lignin.interfaces.errors import FAMILIES
from lignin.interfaces.http.problems import TITLES
from lignin.interfaces.http.serve import load_token
from unit.interfaces.serving import DOUBLE, Served


def test_what_was_captured_is_found_called_and_listed(served: Served) -> None:
    captured = served.post("artifact.capture", **DOUBLE)
    assert (captured.status, captured.json["state"]) == (200, "verified")
    pinned = f"double@{captured.json['digest'][7:19]}"
    assert (
        served.get("artifact.search", query="double a number").json["items"][0]["name"] == "double"
    )
    called = served.post("artifact.call", name=pinned, input={"number": 21})
    assert called.json["output"] == 42


def test_a_list_goes_on_from_its_key(served: Served) -> None:
    for number in range(5):
        served.post("lesson.propose", text=f"lesson number {number} says something")
    first = served.get("lesson.list", limit=3).json
    rest = served.get("lesson.list", limit=3, after=first["next_after"]).json
    ids = [each["lesson"] for each in (*first["items"], *rest["items"])]
    assert (len(ids), len(set(ids)), rest["next_after"]) == (5, 5, None)


def test_an_error_is_problem_details_with_the_remediation(standing: Served) -> None:
    got = standing.get("artifact.show", name="absent")
    assert got.status == 404
    assert got.headers["content-type"] == "application/problem+json"
    assert got.json["code"] == "not_found"
    assert got.json["remediation"]


def test_every_family_of_errors_has_a_title() -> None:
    assert {status for _, status in FAMILIES.values()} <= set(TITLES)


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/api/v1/artifact/list", {"params": {"limit": "none"}}, 400),
        ("GET", "/api/v1/artifact/list", {"params": {"unknown": "1"}}, 400),
        ("GET", "/api/v1/artifact/list?name=a&name=b", {}, 400),
        ("POST", "/api/v1/artifact/call", {"content": b"{"}, 400),
        ("POST", "/api/v1/artifact/call", {"json": [1]}, 400),
        ("POST", "/api/v1/artifact/call", {"json": {"name": 1}}, 400),
        ("POST", "/api/v1/artifact/call?dry_run=maybe", {"json": {"name": "a"}}, 400),
        ("POST", "/api/v1/artifact/call", {"content": b"a", "headers": {"content-type": "text/plain"}}, 400),
        ("POST", "/api/v1/artifact/list", {}, 405),
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/", {}, 404),
    ],
)  # fmt: skip
def test_a_bad_request_is_a_problem_and_no_fault(
    standing: Served, method: str, path: str, more: dict[str, object], status: int
) -> None:
    got = standing.ask(method, path, **more)  # type: ignore[arg-type]
    assert got.status == status
    assert got.headers["content-type"] == "application/problem+json"


def test_a_dry_run_tells_and_keeps_nothing(served: Served) -> None:
    got = served.ask("POST", "/api/v1/artifact/capture?dry_run=true", json=DOUBLE)
    assert got.json["state"] == "verified"
    assert served.get("artifact.list").json["total"] == 0


def test_the_same_key_answers_the_same_and_does_it_once(served: Served) -> None:
    again = {"idempotency-key": "k1"}
    first = served.ask("POST", "/api/v1/session/start", json={"client": "c"}, headers=again)
    second = served.ask("POST", "/api/v1/session/start", json={"client": "c"}, headers=again)
    assert first.json["session"] == second.json["session"]
    other = served.ask("POST", "/api/v1/session/start", json={"client": "d"}, headers=again)
    assert other.status == 409


def test_without_a_key_it_is_done_twice(served: Served) -> None:
    first, second = (served.post("session.start", client="c").json["session"] for _ in range(2))
    assert first != second


def test_an_error_is_the_kept_answer_too(served: Served) -> None:
    again = {"idempotency-key": "k2"}
    for _ in range(2):
        got = served.ask(
            "POST", "/api/v1/session/fork", json={"session": "ses_absent", "at": 0}, headers=again
        )
        assert got.status == 404


def test_progress_comes_as_events_and_the_answer_last(standing: Served) -> None:
    got = standing.ask(
        "POST", "/api/v1/trace/harvest", json={}, headers={"accept": "text/event-stream"}
    )
    kind, data = got.text.strip().rsplit("\n\n", 1)[-1].split("\n", 1)
    assert kind == "event: result"
    assert "captured" in json.loads(data.removeprefix("data: ")) or data


def test_a_problem_comes_as_an_event(standing: Served) -> None:
    got = standing.ask(
        "GET", "/api/v1/artifact/show?name=absent", headers={"accept": "text/event-stream"}
    )
    assert got.text.startswith("event: problem\n")


def test_the_token_is_made_once_and_is_for_its_owner_only(tmp_path: Path) -> None:
    first = load_token(tmp_path / "home")
    assert len(first) >= 40
    assert stat.S_IMODE((tmp_path / "home" / "http.token").stat().st_mode) == 0o600
    assert load_token(tmp_path / "home") == first


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_token(tmp_path)
    (tmp_path / "http.token").chmod(0o644)
    with pytest.raises(DeniedError):
        load_token(tmp_path)


def test_telemetry_comes_in_on_the_same_port(served: Served) -> None:
    span = {"traceId": "ab" * 16, "spanId": "cd" * 8, "name": "chat", "startTimeUnixNano": "1"}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert served.ask("POST", "/v1/traces", json=body).status == 200
    assert served.ask("POST", "/v1/traces", json=body, shown=False).status == 401


def test_uses_are_told_apart_by_the_surface_that_took_them(served: Served) -> None:
    digest = served.post("artifact.capture", **DOUBLE).json["digest"]
    asked = {"name": f"double@{digest}", "input": {"number": 1}}
    for agent in ("my.app/2", "lignin_sdk/0.1.0"):
        headers = {"user-agent": agent}
        assert (
            served.ask("POST", "/api/v1/artifact/call", json=asked, headers=headers).status == 200
        )
    used = served.get("artifact.show", name="double").json["usage"]["by"]
    assert used == {"http/call": 1, "sdk/call": 1}
