"""A desk with jobs and an engine, on the fake engine."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.jobs import JobAsked
from lignin.jobs.laws.fitting import Able
from lignin.jobs.service import Jobs
from lignin.operations.feeding import Feeder
from lignin.operations.jobkind import JobKind, Work, load_job_kinds
from lignin.operations.jobwork import ask_job, bodies_of
from lignin.testing.fakes.engine import FakeEngine, FakeStore
from unit.operations.conftest import Desk


class Shop:
    """A desk with an engine: a worker that takes every lane unless told otherwise."""

    def __init__(self, desk: Desk, kinds: Mapping[str, JobKind] | None = None) -> None:
        self.store = FakeStore()
        self.kinds = {**load_job_kinds(), **(kinds or {})}
        self._desk, self._made = desk, 0
        self.engine = self.hire()

    def hire(self, able: Able | None = None) -> FakeEngine:
        """Another worker."""
        self._made += 1
        self.engine = FakeEngine(self.store, f"wrk_{self._made}")
        self.context = replace(self._desk.context, open_engine=lambda: self.engine)
        self.desk = Desk(self.context)
        self.feeder = Feeder(self.context, self.engine, able)
        self.engine.launch(bodies_of(self.context, self.kinds), [])
        return self.engine

    def lose_engine(self) -> None:
        """The engine's database is gone."""
        self.engine.die()
        self.store = FakeStore()
        self.hire()

    def feed(self) -> None:
        self.feeder.reconcile()
        self.engine.listen(self.feeder.lanes)

    def work(self, run: str) -> None:
        self.feed()
        self.engine.wait(run, 60)

    def ask(self, kind: str, value: Json, **more: Any) -> str:
        asked = JobAsked(kind=kind, input=value, **more)
        return ask_job(self.context, asked)[0]

    def state(self, name: str) -> str:
        return str(self.desk("job.show", job=name).state)


def kind(body: Callable[[Work], Json]) -> dict[str, JobKind]:
    made = JobKind(name="it", summary="A test.", body=body, check=lambda _value: None)
    return {"it": made}


def asked(shop: Shop, value: Json = None, **more: Any) -> str:
    """A job of the test's own kind, which `ask_job` does not know."""
    job = JobAsked(kind="it", input=value, **more)
    with shop.context.view() as view:
        name, change = Jobs(shop.context.ids).open(view, shop.context.scope, job)
    assert change is not None
    shop.context.commit(change)
    return name
