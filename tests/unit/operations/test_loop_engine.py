"""Loops on an engine: asked for once, driven once, gone on with after a crash, heard over HTTP."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError
from lignin.domain.jobs import JobError, JobState
from lignin.interfaces.otlp import build_app
from lignin.jobs.service import Jobs, load_job
from lignin.operations.job_models import _brief
from lignin.operations.looplooking import claim, running, tick
from lignin.operations.looprunning import drive
from lignin.operations.loopticking import Ticker, ask_for_runs
from lignin.ports.ledger import require_known
from unit.operations.conftest import Desk
from unit.operations.loop_desk import (
    add,
    business,
    command,
    counting,
    definition,
    script,
)
from unit.operations.shop import Shop


@pytest.fixture
def shop(desk: Desk) -> Iterator[Shop]:
    yield Shop(desk)


def begin(shop: Shop, **request: Any) -> Any:
    return shop.desk("loop.run", name="triage", take_only=True, **request)


def state(shop: Shop) -> str:
    return str(shop.desk("loop.history", name="triage").items[0].state)


def test_a_worker_asks_for_a_run_once_and_drives_it_to_its_end(shop: Shop) -> None:
    add(shop.desk, counting(shop.desk, until=3))
    begin(shop)
    jobs = ask_for_runs(shop.context)
    assert len(jobs) == 1
    assert ask_for_runs(shop.context) == []
    shop.work(jobs[0])
    assert shop.desk("loop.history", name="triage").items[0].why.startswith("goal reached")
    assert shop.state(jobs[0]) == "succeeded"
    steps = [step.name for step in shop.desk("job.show", job=jobs[0]).steps]
    assert steps[:5] == ["claim", "plan", "context", "act act", "goal"]
    assert steps[-1] == "end"
    assert ask_for_runs(shop.context) == []


def test_a_run_that_waited_is_asked_for_again_when_the_answer_is_there(shop: Shop) -> None:
    add(shop.desk, business(shop.desk))
    begin(shop)
    shop.work(ask_for_runs(shop.context)[0])
    assert state(shop) == "waiting"
    assert ask_for_runs(shop.context) == []
    item = shop.desk("inbox.list").items[0].item
    shop.desk("inbox.settle", item=item, how="answer", say="yes")
    shop.work(ask_for_runs(shop.context)[0])
    assert state(shop) == "archived"


def test_a_run_whose_job_is_cancelled_ends_and_lets_the_next_one_begin(shop: Shop) -> None:
    add(shop.desk, definition(command(script(shop.desk, "act.py", "print(task['given'])"))))
    begin(shop, given="one")
    begin(shop, given="two")
    (job,) = ask_for_runs(shop.context)
    claim(shop.context, running(shop.context)[0], job, 600)
    shop.desk("job.cancel", job=job, reason="enough")
    assert ask_for_runs(shop.context) == []
    (following,) = ask_for_runs(shop.context)
    shop.work(following)
    ends = {each.state: each.why for each in shop.desk("loop.history", name="triage").items}
    assert set(ends) == {"cancelled", "landed"}
    assert ends["cancelled"].endswith(f"its job {job} cancelled: enough")
    assert [item.title for item in shop.desk("inbox.list").items] == ["two"]


@pytest.mark.parametrize("ends", ["failed", "dead"])
def test_a_run_whose_job_failed_is_told_and_what_it_was_given_is_kept(
    shop: Shop, ends: JobState
) -> None:
    trigger = {"kind": "message"}
    add(shop.desk, definition(command(script(shop.desk, "act.py", "")), trigger=trigger))
    begin(shop, given="one", id="1")
    (job,) = ask_for_runs(shop.context)
    context, error = shop.context, JobError(code="internal", message="the engine gave it up")
    with context.view() as view:
        ended = Jobs(context.ids).end(view, context.scope, load_job(view, job), ends, error=error)
    assert ended is not None
    context.commit(ended)
    assert ask_for_runs(context) == []
    assert state(shop) == "failed"
    (item,) = shop.desk("inbox.list").items
    assert item.title.startswith("a run of triage failed: its job ")
    with context.view() as view:
        assert len(require_known(view, "looplane/triage").body["kept"]) == 1


def test_a_run_that_somebody_else_drives_does_not_end_with_its_job(shop: Shop) -> None:
    add(shop.desk, definition(command(script(shop.desk, "act.py", ""))))
    begin(shop)
    (job,) = ask_for_runs(shop.context)
    claim(shop.context, running(shop.context)[0], "by hand", 600)
    shop.desk("job.cancel", job=job)
    assert ask_for_runs(shop.context) == []
    assert state(shop) == "running"


def test_what_waits_in_the_queue_is_asked_for_when_the_run_before_it_ends(shop: Shop) -> None:
    add(shop.desk, definition(command(script(shop.desk, "act.py", "print(task['given'])"))))
    begin(shop, given="one")
    begin(shop, given="two")
    for _ in range(2):
        (job,) = ask_for_runs(shop.context)
        shop.work(job)
    titles = [item.title for item in shop.desk("inbox.list").items]
    assert sorted(titles) == ["one", "two"]


def test_a_ticker_looks_and_asks_and_does_so_no_more_often_than_it_should(shop: Shop) -> None:
    trigger = {"kind": "traces"}
    add(shop.desk, definition(command(script(shop.desk, "act.py", "")), trigger=trigger))
    ticker = Ticker(shop.context)
    ticker.tend()
    shop.desk("session.start")
    ticker.tend()
    assert shop.desk("job.list").total == 0
    Ticker(shop.context).tend()
    assert shop.desk("job.list").total == 1


class Crash(BaseException):
    """The process died here."""


class Recorder:
    """The steps of an engine, with a death at one place: before it is done, before or behind its record."""

    def __init__(self, place: int, when: str) -> None:
        self.recorded: list[tuple[str, Json]] = []
        self._place, self._when, self._at = place, when, 0

    def again(self) -> "Recorder":
        self._at, self._place = 0, -1
        return self

    def __call__(self, name: str, do: Callable[[], Json]) -> Json:
        at, self._at = self._at, self._at + 1
        if at < len(self.recorded):
            known, value = self.recorded[at]
            assert known == name
            return value
        self._die(at, "before")
        value = json.loads(json.dumps(do()))
        self._die(at, "unrecorded")
        self.recorded.append((name, value))
        self._die(at, "recorded")
        return value

    def _die(self, at: int, when: str) -> None:
        if (at, when) == (self._place, self._when):
            raise Crash


def crashed_at(desk: Desk, place: int, when: str) -> tuple[list[str], str, Any]:
    """A run that dies once and is taken over: its steps, what was acted, and how all stands."""
    name = f"loop-{place + 1}-{when}"
    acts = desk.context.cwd / f"{name}.acts"
    act = f"pathlib.Path({str(acts)!r}).open('a').write('x'); print('found it')"
    check = {"kind": "checks", "checks": [command(script(desk, "check.py", ""))]}
    value = definition(command(script(desk, f"{name}.py", act)), gate=check)
    add(desk, {**value, "loop": name})
    run = desk("loop.run", name=name, take_only=True).run
    recorder = Recorder(place, when)
    try:
        drive(desk.context, run, recorder)
    except Crash:
        drive(desk.context, run, recorder.again())
    with desk.context.view() as view:
        row, budget = require_known(view, f"looprun/{run}"), require_known(view, f"budget/{run}")
    items = desk("inbox.list", loop=name).items
    stands = [row.state, len(row.body["iterations"]), budget.body["held"], budget.body["settled"]]
    stands += [[(item.title, item.seen) for item in items]]
    return [step for step, _ in recorder.recorded], acts.read_text(), stands


def test_a_death_at_any_place_changes_nothing_and_acts_at_most_once_more(desk: Desk) -> None:
    steps, acts, stands = crashed_at(desk, -1, "never")
    assert (acts, stands) == ("x", ["landed", 1, {}, 1, [("found it", 1)]])
    assert steps == ["plan", "context", "act act", "check act 1", "settle", "plan", "end"]
    for place in range(len(steps)):
        for when in ("before", "unrecorded", "recorded"):
            again = crashed_at(desk, place, when)
            is_in_flight = (steps[place], when) == ("act act", "unrecorded")
            assert again == (steps, "xx" if is_in_flight else "x", stands), (steps[place], when)


# webhooks


def hook(desk: Desk, name: str = "triage", **more: Any) -> Any:
    client = TestClient(build_app(desk.context), base_url="http://localhost")
    return client.post(f"/loops/{name}", **more)


def test_a_webhook_starts_a_run_and_the_same_delivery_again_does_not(desk: Desk) -> None:
    add(
        desk,
        definition(
            command(script(desk, "act.py", "print(task['given']['n'])")),
            trigger={"kind": "webhook", "overlap": "queue"},
        ),
    )
    headers = {"X-GitHub-Delivery": "d-1"}
    first = hook(desk, json={"n": 7}, headers=headers)
    again = hook(desk, json={"n": 7}, headers=headers)
    assert (first.status_code, first.json()["decided"], again.json()["decided"]) == (
        202,
        "start",
        "known",
    )
    assert first.json()["run"] == again.json()["run"]
    hook(desk, json={"n": 8})
    hook(desk, json={"n": 8})
    assert desk("loop.history", name="triage").total == 3
    desk("loop.tick")
    assert {item.title for item in desk("inbox.list").items} == {"7"} | {"8"}


def test_a_webhook_is_refused_where_it_may_not_come(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    assert hook(desk, json={}).status_code == 404  # it listens to messages
    assert hook(desk, name="absent", json={}).status_code == 404
    assert hook(desk, name="..%2Fx", json={}).status_code == 404
    assert hook(desk, json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert hook(desk, json={}, headers={"Host": "evil.example"}).status_code == 403
    assert hook(desk, content=b"x" * 300_000).status_code == 413
    guarded = TestClient(build_app(desk.context, "tok"), base_url="http://localhost")
    assert guarded.post("/loops/triage", json={}).status_code == 403
    assert desk("loop.history", name="triage").total == 0


def test_ticks_of_two_processes_take_a_tick_once(desk: Desk) -> None:
    trigger = {"kind": "traces"}
    add(desk, definition(command(script(desk, "act.py", "")), trigger=trigger))
    desk("session.start")
    assert tick(desk.context).taken == {"triage": ["start"]}
    assert tick(desk.context).taken == {}
    assert json.dumps(desk("loop.history", name="triage").total) == "1"


def test_a_delivery_that_is_not_taken_may_come_again(desk: Desk) -> None:
    act = command(script(desk, "act.py", ""))
    add(desk, definition(act, trigger={"kind": "webhook", "overlap": "skip"}))
    headers = {"Idempotency-Key": "d-1"}
    desk("loop.pause", name="triage")
    paused = hook(desk, json={"n": 1}, headers=headers)
    assert (paused.status_code, paused.json()["error"]) == (503, "unavailable")
    desk("loop.resume", name="triage")
    begun = hook(desk, json={"n": 1}, headers=headers)
    assert (begun.status_code, begun.json()["decided"]) == (202, "start")
    assert hook(desk, json={"n": 2}, headers={"Idempotency-Key": "d-2"}).status_code == 503
    desk("loop.tick")
    again = hook(desk, json={"n": 2}, headers={"Idempotency-Key": "d-2"})
    assert again.json()["decided"] == "start"
    assert desk("loop.history", name="triage").total == 2


def test_what_is_delivered_waits_in_line_unless_the_file_says_otherwise(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", "")), trigger={"kind": "webhook"}))
    assert [hook(desk, json={"n": n}).json()["decided"] for n in (1, 2)] == ["start", "queue"]


def test_a_message_under_an_id_that_is_not_taken_may_be_sent_again(desk: Desk) -> None:
    add(desk, definition(command(script(desk, "act.py", ""))))
    desk("loop.pause", name="triage")
    with pytest.raises(UnavailableError):
        desk("loop.run", name="triage", given="x", id="m-1")
    desk("loop.resume", name="triage")
    assert desk("loop.run", name="triage", given="x", id="m-1").decided == "start"


def test_the_text_of_a_job_shows_what_its_steps_gave_and_no_digests() -> None:
    asked = {"kind": "step", "digest": "sha256:" + "a" * 64}
    assert _brief({"ask": asked, "value": {"n": 7}}) == {"n": 7}
    assert _brief({"digest": "sha256:" + "b" * 64, "outcome": "ok", "n": 2}) == {
        "outcome": "ok",
        "n": 2,
    }
    assert _brief([1]) == [1]
