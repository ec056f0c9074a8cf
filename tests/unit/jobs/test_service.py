"""Jobs on a real ledger: opened at most once, ended once, by whoever comes first."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.adapters.store.ledger import SqlLedger
from lignin.domain.errors import ConflictError, IllegalTransitionError, NotFoundError
from lignin.domain.events import Change, Scope
from lignin.domain.jobs import JobAsked, job_of_occurrence
from lignin.jobs.effects import StepIds, StepLedger
from lignin.jobs.service import Jobs, load_job, open_jobs
from lignin.testing.changes import ACTOR, START, CountingIds, TickingClock, change, space_created

ASKED = JobAsked(kind="operation", input={"operation": "space.list"})
SCOPE = Scope(space="s", actor=ACTOR)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    made = SqlLedger(f"sqlite:///{tmp_path / 'ledger.db'}", TickingClock())
    made.commit(change("s", space_created("s")))
    yield made
    made.close()


@pytest.fixture
def jobs() -> Jobs:
    return Jobs(CountingIds())


def opened(ledger: SqlLedger, jobs: Jobs, asked: JobAsked = ASKED) -> str:
    with ledger.view("s") as view:
        name, made = jobs.open(view, SCOPE, asked)
    if made is not None:
        ledger.commit(made)
    return name


def commit(ledger: SqlLedger, made: Change | None) -> None:
    assert made is not None
    ledger.commit(made)


def test_an_occurrence_opens_one_job_whatever_becomes_of_it(ledger: SqlLedger, jobs: Jobs) -> None:
    asked = replace(ASKED, source="loop/a", occurrence="2026-01-01T00:00Z")
    name = opened(ledger, jobs, asked)
    assert name == job_of_occurrence("loop/a", "2026-01-01T00:00Z")
    assert opened(ledger, jobs, asked) == name
    with ledger.view("s") as view:
        commit(ledger, jobs.end(view, SCOPE, load_job(view, name), "succeeded"))
    assert opened(ledger, jobs, asked) == name
    with ledger.view("s") as view:
        assert view.page("job").total == 1


def test_of_many_that_notice_an_occurrence_at_once_one_opens_it(
    ledger: SqlLedger, jobs: Jobs
) -> None:
    asked = replace(ASKED, source="loop/a", occurrence="t")
    with ledger.view("s") as view:
        changes = [jobs.open(view, SCOPE, asked)[1] for _ in range(8)]
    start, won = threading.Barrier(8), list[int]()

    def commit_one(number: int) -> None:
        start.wait()
        try:
            commit(ledger, changes[number])
        except ConflictError:
            return
        won.append(number)

    threads = [threading.Thread(target=commit_one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_claim_holds_while_its_job_is_open_and_no_longer(ledger: SqlLedger, jobs: Jobs) -> None:
    asked = replace(ASKED, dedup="nightly")
    first = opened(ledger, jobs, asked)
    assert opened(ledger, jobs, asked) == first
    assert opened(ledger, jobs, replace(asked, queue="other")) != first
    with ledger.view("s") as view:
        commit(ledger, jobs.cancel(view, SCOPE, first, "a test"))
    second = opened(ledger, jobs, asked)
    assert second != first
    with ledger.view("s") as view, pytest.raises(ConflictError, match="does the same"):
        jobs.retry(view, SCOPE, first, "a test")


def test_a_job_ends_once_and_another_turn_is_not_ended_by_the_first(
    ledger: SqlLedger, jobs: Jobs
) -> None:
    name = opened(ledger, jobs)
    with ledger.view("s") as view:
        first = load_job(view, name)
        ends = [jobs.end(view, SCOPE, first, state) for state in ("failed", "succeeded")]
    commit(ledger, ends[0])
    with pytest.raises(ConflictError):
        commit(ledger, ends[1])
    with ledger.view("s") as view:
        assert jobs.end(view, SCOPE, first, "succeeded") is None
        commit(ledger, jobs.retry(view, SCOPE, name, "a test"))
    with ledger.view("s") as view:
        assert [job.run for job in open_jobs(view)] == [f"{name}.2"]
        assert jobs.end(view, SCOPE, first, "succeeded") is None


def test_what_came_out_is_kept_beside_the_job(ledger: SqlLedger, jobs: Jobs) -> None:
    name = opened(ledger, jobs)
    with ledger.view("s") as view:
        commit(ledger, jobs.end(view, SCOPE, load_job(view, name), "succeeded", output=b"[1]"))
    with ledger.view("s") as view:
        job = load_job(view, name)
        assert job.output is not None
        assert view.blob(job.output) == b"[1]"


def test_a_fork_is_another_job_that_knows_where_it_comes_from(
    ledger: SqlLedger, jobs: Jobs
) -> None:
    name = opened(ledger, jobs, replace(ASKED, source="loop/a", occurrence="t"))
    with ledger.view("s") as view:
        fresh, made = jobs.fork(view, SCOPE, name, step=3, changed={"operation": "head.list"})
    ledger.commit(made)
    with ledger.view("s") as view:
        fork, row = load_job(view, fresh), view.row(f"job/{name}")
    assert (fork.asked.forked, fork.asked.input) == ((name, 3), {"operation": "head.list"})
    assert fork.asked.occurrence == ""
    assert row is not None
    assert row.body["forks"] == [fresh]


def test_what_is_not_there_or_over_is_not_moved(ledger: SqlLedger, jobs: Jobs) -> None:
    name = opened(ledger, jobs)
    with ledger.view("s") as view:
        with pytest.raises(NotFoundError):
            jobs.cancel(view, SCOPE, "job_absent", "a test")
        commit(ledger, jobs.end(view, SCOPE, load_job(view, name), "succeeded"))
    with ledger.view("s") as view:
        late = jobs.cancel(view, SCOPE, name, "a test")
    with pytest.raises(IllegalTransitionError):
        commit(ledger, late)


def test_a_step_that_is_made_again_writes_what_it_wrote_and_nothing_twice(
    ledger: SqlLedger,
) -> None:
    def step() -> list[str]:
        keyed, ids = StepLedger(ledger, "job_a/1"), StepIds("job_a/1", START)
        made = []
        for _ in range(2):
            with keyed.view("s") as view:
                name, change = Jobs(ids).open(view, SCOPE, ASKED)
            assert change is not None
            keyed.commit(change)
            made.append(name)
        return made

    first = step()
    with ledger.view("s") as view:
        position = view.position
    assert step() == first  # its commits were acknowledged, its checkpoint was lost
    with ledger.view("s") as view:
        assert view.page("job").total == 2
        assert view.position == position


def test_a_step_that_comes_to_something_else_the_second_time_is_refused(ledger: SqlLedger) -> None:
    def step(asked: JobAsked) -> None:
        keyed, ids = StepLedger(ledger, "job_a/1"), StepIds("job_a/1", START)
        with keyed.view("s") as view:
            _, made = Jobs(ids).open(view, SCOPE, asked)
        assert made is not None
        keyed.commit(made)

    step(ASKED)
    with pytest.raises(ConflictError, match="stands for another change"):
        step(replace(ASKED, queue="other"))
    with ledger.view("s") as view:
        assert [row.body["queue"] for row in view.page("job").rows] == ["default"]
