"""Jobs from the ledger through an engine and back, on the fake engine."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.events import Actor
from lignin.domain.jobs import PER_KEY, JobLimits
from lignin.jobs.laws.fitting import Able
from lignin.operations.context import Context
from lignin.operations.jobkind import Work
from lignin.operations.jobwork import bodies_of
from lignin.ports.engine import Retry
from unit.operations.conftest import Desk
from unit.operations.shop import Shop, asked, kind

SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.fixture
def shop(desk: Desk) -> Iterator[Shop]:
    yield Shop(desk)


def test_a_job_does_an_operation_and_shows_what_came_of_it(shop: Shop) -> None:
    name = shop.ask("operation", {"operation": "space.list"})
    assert (shop.state(name), shop.desk("job.show", job=name).run) == ("open", "")
    shop.work(name)
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.run, shown.worker) == ("succeeded", "succeeded", "wrk_1")
    assert shown.output["answer"]["total"] == 1
    assert [step.name for step in shown.steps] == ["space.list"]
    (listed,) = shop.desk("job.list", state="succeeded").items
    assert (listed.job, listed.attempts, listed.asked_by) == (name, 1, "user:tester")


def test_the_list_says_of_open_jobs_how_far_their_runs_are(shop: Shop) -> None:
    shop.desk("job.lane", lane="default", pause=True)
    name = shop.ask("operation", {"operation": "space.list"})
    assert [(each.state, each.run) for each in shop.desk("job.list").items] == [("open", "")]
    shop.feed()
    assert [(each.job, each.run) for each in shop.desk("job.list").items] == [(name, "queued")]
    shop.desk("job.lane", lane="default", resume=True)
    shop.work(name)
    assert [(each.state, each.run) for each in shop.desk("job.list").items] == [("succeeded", "")]


def test_a_job_acts_as_who_asked_for_it_whoever_works(shop: Shop) -> None:
    agent = replace(shop.context.scope, actor=Actor(sub="user:ada", act=("agent:coder",)))
    shop.context.scope = agent
    name = shop.ask("operation", {"operation": "session.start"})
    decides = {"operation": "head.create", "request": {"name": "other"}}
    refused = shop.ask("operation", decides)
    shop.work(name)
    shop.work(refused)
    with shop.context.view() as view:
        by = {event.type: event for event in view.log() if event.correlation_id == name}
    assert by["session.started"].actor == agent.actor
    assert shop.desk("job.show", job=refused).error["code"] == DeniedError.code


def test_a_secret_is_in_no_history(shop: Shop) -> None:
    def body(work: Work) -> Json:
        return work.step("tell", lambda _: {"key": SECRET})

    shop = Shop(shop.desk, kind(body))
    name = asked(shop, {"given": SECRET})
    shop.work(name)
    shown = shop.desk("job.show", job=name)
    assert shown.state == "succeeded"
    told = f"{shown.model_dump_json()} {shop.engine.steps(name)} {shop.engine.status(name)}"
    assert SECRET not in told
    assert "[redacted:" in told


def test_a_step_whose_checkpoint_was_lost_does_not_write_twice(shop: Shop) -> None:
    made: list[str] = []

    def body(work: Work) -> Json:
        def start(context: Context) -> Json:
            session = Desk(context)("session.start", client="test").session
            made.append(session)
            if len(made) == 1:  # acknowledged by the ledger, and then the worker dies
                shop.engine.die()
                shop.store.leases.pop("wrk_1", None)
                shop.hire()
                shop.feed()
                shop.engine.recover()
            return {"session": session}

        return work.step("start", start)

    shop = Shop(shop.desk, kind(body))
    name = asked(shop)
    shop.work(name)
    shop.engine.wait(name, 60)
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.attempts, len(made)) == ("succeeded", 2, 2)
    assert made[0] == made[1] == shown.output["session"]
    with shop.context.view() as view:
        assert view.page("session").total == 1


def test_without_the_steps_keys_it_would_write_twice(shop: Shop) -> None:
    """What the test before proves is the keys' doing."""
    made: list[str] = []

    def body(work: Work) -> Json:
        def start(context: Context) -> Json:
            made.append(Desk(context)("session.start", client="test").session)
            if len(made) == 1:
                raise UnavailableError("the answer was lost")
            return {}

        return work.step("start", start, Retry(attempts=2), keyed=False)

    shop = Shop(shop.desk, kind(body))
    shop.work(asked(shop))
    assert len(set(made)) == 2


def test_a_lost_engine_is_made_anew_from_what_the_ledger_says(shop: Shop) -> None:
    calls: list[str] = []

    def body(work: Work) -> Json:
        calls.append(work.job.id)
        return work.step("one", lambda _: len(calls))

    shop = Shop(shop.desk, kind(body))
    done, waits = asked(shop), asked(shop, start_at="2027-01-01T00:00:00.000000Z")
    shop.work(done)
    shop.lose_engine()
    left = asked(shop)
    shop.feed()
    assert shop.engine.status(waits).state == "queued"
    shop.engine.wait(left, 60)
    with pytest.raises(NotFoundError):
        shop.engine.status(done)  # it ended on the ledger and is not done again
    assert calls == [done, left]
    assert [shop.state(name) for name in (done, left, waits)] == ["succeeded", "succeeded", "open"]


def test_what_ended_without_the_ledger_hearing_of_it_is_ended_there(shop: Shop) -> None:
    def body(work: Work) -> Json:
        return work.step("one", lambda _: "done")

    shop = Shop(shop.desk, kind(body))
    name = asked(shop)

    class Deaf:
        def __getattr__(self, name: str) -> Any:
            return getattr(shop.context.ledger, name)

        def commit(self, *_changes: object) -> object:
            raise UnavailableError("the disk is full")

    deaf = replace(shop.context, ledger=Deaf())  # type: ignore[arg-type]
    shop.engine._bodies = bodies_of(deaf, shop.kinds)
    shop.work(name)
    assert (shop.engine.status(name).state, shop.state(name)) == ("succeeded", "open")
    shop.feeder.reconcile()
    assert shop.desk("job.show", job=name).output == "done"


def test_a_kind_that_no_worker_knows_is_dead_and_says_so(shop: Shop) -> None:
    name = asked(shop)
    shop.work(name)
    shop.feeder.reconcile()
    assert shop.state(name) == "dead"
    assert shop.desk("job.retry", job=name).turn == 2


def test_a_cancelled_job_is_stopped_and_stays_cancelled(shop: Shop) -> None:
    began: list[str] = []

    def body(work: Work) -> Json:
        began.append(work.step("one", lambda _: "one"))
        return work.run.wait("never", 3600)

    shop = Shop(shop.desk, kind(body))
    name = asked(shop)
    shop.feed()
    shop.store.advance(1)
    assert began
    shop.desk("job.cancel", job=name, reason="no longer wanted")
    shop.feeder.follow()
    assert shop.engine.wait(name, 10).state == "cancelled"
    shop.feeder.reconcile()
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.error["message"]) == ("cancelled", "no longer wanted")
    assert shop.desk("job.cancel", job=name).state == "cancelled"


def test_a_run_that_goes_on_for_a_job_that_is_over_is_stopped_by_reconciling(shop: Shop) -> None:
    shop = Shop(shop.desk, kind(lambda work: work.run.wait("never", 3600)))
    name = asked(shop)
    shop.feed()
    shop.store.advance(1)
    shop.desk("job.cancel", job=name)
    shop.feeder.reconcile()
    assert shop.engine.status(name).state == "cancelled"


def test_a_retry_goes_on_at_the_step_that_failed(shop: Shop) -> None:
    calls: list[str] = []

    def body(work: Work) -> Json:
        def fail(_context: Context) -> Json:
            calls.append("two")
            if len(calls) < 3:
                raise InvalidRequestError("not yet", hint="again")
            return "two"

        one = work.step("one", lambda _: calls.append("one"))
        return [one, work.step("two", fail)]

    shop = Shop(shop.desk, kind(body))
    name = asked(shop)
    shop.work(name)
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.error["hint"]) == ("failed", "again")
    shop.desk("job.retry", job=name)
    shop.work(f"{name}.2")
    assert calls == ["one", "two", "two"]
    assert shop.desk("job.show", job=name).turn == 2
    with pytest.raises(ConflictError):
        shop.desk("job.retry", job=name)


def test_a_fork_keeps_the_steps_before_and_makes_the_others_anew(shop: Shop) -> None:
    calls: list[str] = []

    def body(work: Work) -> Json:
        for step in ("one", "two", "three"):
            work.step(step, lambda _, step=step: calls.append(f"{step} {work.job.asked.input}"))
        return work.job.asked.input

    shop = Shop(shop.desk, kind(body))
    name = asked(shop, "old")
    shop.work(name)
    shop.kinds["it"].check("new")
    from lignin.jobs.service import Jobs

    with shop.context.view() as view:
        fork, change = Jobs(shop.context.ids).fork(
            view, shop.context.scope, name, step=2, changed="new"
        )
    shop.context.commit(change)
    shop.work(fork)
    assert calls == ["one old", "two old", "three old", "two new", "three new"]
    assert shop.desk("job.show", job=fork).output == "new"
    assert shop.desk("job.show", job=name).forks == [fork]


def test_a_fork_from_a_step_that_there_is_not_is_refused(shop: Shop) -> None:
    name = shop.ask("operation", {"operation": "space.list"})
    for step in (1, 3):
        with pytest.raises(InvalidRequestError, match="never began"):
            shop.desk("job.fork", job=name, step=step)
    shop.work(name)
    with pytest.raises(InvalidRequestError, match="has 1 steps: there is no step 99"):
        shop.desk("job.fork", job=name, step=99)
    fork = shop.desk("job.fork", job=name, step=1).job
    shop.work(fork)
    assert shop.state(fork) == "succeeded"
    assert shop.desk("job.show", job=name).forks == [fork]
    shop.lose_engine()
    with pytest.raises(InvalidRequestError, match="no recorded steps"):
        shop.desk("job.fork", job=name)


@pytest.mark.parametrize(
    ("of", "asked_of"), [("fleet", {"fleet": "flt_1"}), ("loop", {"run": "lrn_1"})]
)
def test_a_job_that_a_fork_would_find_done_is_not_forked(
    shop: Shop, of: str, asked_of: Json
) -> None:
    name = shop.ask(of, asked_of)
    with pytest.raises(InvalidRequestError, match="would make nothing anew") as caught:
        shop.desk("job.fork", job=name, step=1)
    assert f"lignin {of} run" in caught.value.hint


def test_a_job_is_taken_only_by_a_worker_that_has_what_it_needs(shop: Shop) -> None:
    name = shop.ask("operation", {"operation": "space.list"}, needs=("client:codex",))
    plain = Able(name="wrk_2", has=frozenset({PER_KEY}))
    shop.engine.die()
    shop.hire(plain)
    shop.work(name) if shop.feeder.lanes else shop.feed()
    assert shop.feeder.lanes == []
    assert shop.state(name) == "open"
    shop.hire(replace(plain, has=plain.has | {"client:codex"}))
    shop.work(name)
    assert shop.state(name) == "succeeded"


def test_a_paused_lane_begins_nothing_and_says_so(shop: Shop) -> None:
    name = shop.ask("operation", {"operation": "space.list"})
    assert shop.desk("job.lane", lane="default", pause=True, rate="4/s").paused
    shop.feed()
    shop.store.advance(5)
    assert "paused" in shop.desk("job.show", job=name).waiting
    told = shop.desk("job.lane", lane="default", resume=True)
    assert (told.paused, told.rate, told.open) == (False, "4/1s", 1)
    shop.feeder.follow()
    shop.work(name)
    assert shop.state(name) == "succeeded"


@pytest.mark.parametrize("rate", ["4", "0/s", "4/d", "-1/s", "1/0s"])
def test_what_is_no_rate_is_refused(shop: Shop, rate: str) -> None:
    with pytest.raises(InvalidRequestError):
        shop.desk("job.lane", lane="default", rate=rate)


def test_a_job_that_spends_more_than_it_may_ends_there(shop: Shop) -> None:
    def body(work: Work) -> Json:
        for number in range(3):
            work.step(f"step {number}", lambda _: None)
            work.spend(microusd=40)
        return None

    shop = Shop(shop.desk, kind(body))
    name = asked(shop, limits=JobLimits(microusd=100))
    shop.work(name)
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.error["code"], shown.spent["microusd"]) == ("failed", "limited", 120)


def test_a_job_that_takes_too_long_fails(shop: Shop) -> None:
    shop = Shop(shop.desk, kind(lambda work: work.run.wait("never", 3600)))
    name = asked(shop, limits=JobLimits(seconds=5))
    shop.work(name)
    shop.feeder.reconcile()
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.error["code"]) == ("failed", "limited")


def test_following_a_job_tells_each_step_once_and_stops_when_nobody_reads(shop: Shop) -> None:
    name = shop.ask("operation", {"operation": "space.list"})
    shop.work(name)
    lines: list[Mapping[str, Json]] = []

    def hear(line: Mapping[str, Json]) -> bool:
        lines.append(line)
        return True

    shop.desk.context.tell = hear
    told = shop.desk("job.tail", job=name)
    assert (told.state, told.told, len(lines)) == ("succeeded", 2, 2)
    assert lines[0]["step"]["name"] == "space.list"
    waits = shop.ask("operation", {"operation": "space.list"})
    shop.desk.context.tell = lambda _line: False
    assert shop.desk("job.tail", job=waits).state == "open"


def test_long_outputs_are_cut_in_what_is_shown_and_whole_on_the_ledger(shop: Shop) -> None:
    shop = Shop(shop.desk, kind(lambda work: work.step("long", lambda _: "x" * 10_000)))
    name = asked(shop)
    shop.work(name)
    shown = shop.desk("job.show", job=name)
    assert shown.output["chars"] == 10_002
    assert len(shown.model_dump_json()) < 12_000


@pytest.mark.parametrize(
    ("kind_", "value", "error"),
    [
        ("absent", {}, NotFoundError),
        ("operation", {"operation": "absent.verb"}, NotFoundError),
        ("operation", {"operation": "os.system"}, NotFoundError),
        ("operation", {"operation": "up"}, InvalidRequestError),
        ("operation", {"operation": "space.list", "request": {"odd": 1}}, InvalidRequestError),
        ("verify", {"name": "double"}, InvalidRequestError),
        ("replay", {}, InvalidRequestError),
        ("trial", {}, InvalidRequestError),
    ],
)
def test_what_no_kind_takes_is_refused_when_it_is_asked_for(
    shop: Shop, kind_: str, value: Json, error: type[Exception]
) -> None:
    with pytest.raises(error):
        shop.desk("job.start", kind=kind_, input=value)
    assert shop.desk("job.list").total == 0


def test_a_version_is_proven_by_a_job(shop: Shop, tmp_path: Path) -> None:
    captured = shop.desk.double()
    name = shop.ask("verify", {"name": f"double@{captured.digest}", "again": True})
    shop.work(name)
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.output["verdict"]) == ("succeeded", "pass")
