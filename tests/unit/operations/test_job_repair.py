"""Thresholds of durable skills: fitted to what people said, proven on runs that fitting never saw, proposed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lignin.artifacts.store import load_tree
from lignin.domain.errors import InvalidRequestError
from lignin.operations.feeding import Feeder
from lignin.operations.jobkind import load_job_kinds
from lignin.operations.jobwork import bodies_of
from lignin.testing.fakes.engine import FakeEngine, FakeStore
from unit.operations.conftest import Desk
from unit.operations.flows import FlowDesk, open_flow_desk

WATCH = '''"""Watches a load."""

LIMIT = 2  # alerts far too often
WORKFLOW = {
    "alert": {"type": "object", "properties": {"high": {"const": True}}, "required": ["high"]},
    "thresholds": {"LIMIT": {"low": 1, "high": 12}},
    "state": {"base": {"form": {"type": "integer"}, "initial": 0}},
}

def weigh(load: int, base: int, limit: int) -> bool:
    return load + base >= limit

def watch(ctx, load: int) -> dict:
    """Says whether the load is high."""
    more = ctx.wait("more", 60)
    base = ctx.state("base").get()
    high = ctx.step("weigh", weigh, load + (more or 0), base, LIMIT)
    return {"high": high, "load": load}
'''
TRUE_LIMIT = 8


class Watch:
    """A flow desk with an engine that keeps what runs did."""

    def __init__(self, flows: FlowDesk) -> None:
        self.engine = FakeEngine(FakeStore(), "wrk_1")
        context = replace(flows.desk.context, open_engine=lambda: self.engine)
        self.flows = FlowDesk(desk=Desk(context))
        self.desk = self.flows.desk
        self._feeder = Feeder(context, self.engine)
        self.engine.launch(bodies_of(context, load_job_kinds()), [])

    def work(self, digest: str, load: int, more: int = 0) -> str:
        job = self.flows.start("watch", digest, load=load)
        if more:
            self.desk("job.signal", job=job, topic="more", value=more)
        self._feeder.reconcile()
        self.engine.listen(self._feeder.lanes)
        assert self.engine.wait(job, 1000).state == "succeeded"
        return job

    def judged(self, digest: str, loads: list[int], limit: int = TRUE_LIMIT) -> None:
        """Runs that a person judged by the limit that would have been right."""
        for load in loads:
            more = load % 2  # a part of it comes by a signal
            job = self.work(digest, load - more, more)
            self.desk("job.judge", job=job, should="alert" if load >= limit else "quiet")

    def repair(self, **request: Any) -> Any:
        (found,) = self.desk("job.repair", **{"skill": ["watch"], **request}).items
        return found


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    with open_flow_desk(tmp_path) as made:
        yield Watch(made)


# Whichever runs are held out, by ids of chance, the others have both sides of the limit.
MANY = [*[TRUE_LIMIT - 1] * 15, *[TRUE_LIMIT] * 3]
FEW = [*[TRUE_LIMIT - 1] * 9, *[TRUE_LIMIT] * 6]


def test_thresholds_are_fitted_proven_on_unseen_runs_and_proposed(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH, "watch")
    watch.judged(digest, MANY)
    found = watch.repair()
    assert found.outcome == "proposed", found
    assert (found.now, found.fitted) == ({"LIMIT": 2}, {"LIMIT": TRUE_LIMIT})
    assert (found.judged, found.replayed, found.held_out) == (18, 18, 6)
    assert (found.right_before, found.right_after, found.gained, found.lost) == (1, 6, 5, 0)
    assert found.chance == pytest.approx(0.5**5)
    shown = watch.desk("proposal.show", proposal=found.proposal)
    assert shown.state == found.decision == "accepted"
    with watch.desk.context.view() as view:
        row = view.row(f"proposal/{found.proposal}")
    assert row is not None
    assert row.body["facts"]["repair"]["fitted"] == {"LIMIT": TRUE_LIMIT}
    again = watch.repair()
    assert (again.outcome, again.proposal) == ("proposed-already", found.proposal)
    watch.desk("proposal.apply", proposal=found.proposal)
    (slot,) = watch.desk("head.show", name="main").slots
    with watch.desk.context.view() as view:
        files = load_tree(view, slot.digest).files
    assert files["watch.py"].content.decode() == WATCH.replace(
        "LIMIT = 2 ", f"LIMIT = {TRUE_LIMIT} "
    )


def test_the_loop_files_what_is_proven_with_its_proposal(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH, "watch")
    watch.judged(digest, MANY)
    watch.desk("loop.add", file=watch.desk("loop.new", template="repair").path)
    assert watch.desk("loop.run", name="repair").state == "landed"
    (item,) = watch.desk("inbox.list").items
    assert item.title.startswith("watch: other thresholds are proven: prp_")
    assert watch.desk("inbox.show", item=item.item).proposed.endswith("which is accepted")


def test_too_few_judgements_are_said_so(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH, "watch")
    watch.judged(digest, [3, 4, 5, 8, 9])
    found = watch.repair()
    assert (found.outcome, found.proposal) == ("too-few", "")
    assert "at least 5 are needed" in found.why


def test_a_gain_that_chance_may_be_is_not_proposed(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH.replace("LIMIT = 2 ", "LIMIT = 7 "), "watch")
    watch.judged(digest, FEW)
    found = watch.repair()
    assert (found.outcome, found.proposal) == ("not-proven", "")
    assert found.fitted["LIMIT"] == TRUE_LIMIT


def test_thresholds_that_stand_right_are_left(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH.replace("LIMIT = 2 ", f"LIMIT = {TRUE_LIMIT} "), "watch")
    watch.judged(digest, FEW)
    assert watch.repair().outcome == "no-better"


def test_a_run_that_is_forgotten_is_no_evidence(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH, "watch")
    watch.judged(digest, [3, 4, 5])
    watch.engine.store.rows.clear()
    found = watch.repair()
    assert (found.outcome, found.judged, found.replayed) == ("too-few", 3, 0)


def test_only_what_a_review_would_have_repaired_is_looked_at_by_itself(watch: Watch) -> None:
    digest = watch.flows.keep(WATCH, "watch")
    watch.judged(digest, [8, 9, 10])
    assert watch.desk("job.repair").items == []
    plain = WATCH.replace('    "thresholds": {"LIMIT": {"low": 1, "high": 12}},\n', "")
    watch.judged(watch.flows.keep(plain, "watch"), [3])
    assert watch.repair().outcome == "no-thresholds"


@pytest.mark.parametrize(
    "text",
    ["OTHER = 2", "LIMIT = 1 + 1", "LIMIT = 2\nLIMIT = 3", "LIMIT = 2\ndef f():\n    global LIMIT"],
)
def test_a_threshold_that_is_no_plain_constant_is_refused_at_capture(
    watch: Watch, text: str
) -> None:
    body = WATCH.replace("LIMIT = 2  # alerts far too often", text).replace(", LIMIT)", ", 2)")
    with pytest.raises(InvalidRequestError, match="LIMIT"):
        watch.flows.keep(body, "watch")
