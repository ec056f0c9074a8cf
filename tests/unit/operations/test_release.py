"""Sealed cases are for releases alone: no suite, decision, list or brief holds one; opened once."""

from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError
from lignin.domain.events import Actor, Change, Receipt
from lignin.evals.releases import Releases, sealed_cases, sealed_digest, sealed_sessions
from lignin.operations.releasework import tell_margin
from lignin.operations.trace_cases import cases_against, cases_of_mode
from lignin.operations.trialwork import stored_suite
from lignin.ports.clock import IdSource
from lignin.ports.ledger import Ledger, every_row, require_known
from lignin.practice.agents import Agent
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task
from unit.operations.conftest import Desk
from unit.operations.suites import FAILING, SOUND

SYSTEM = "desk:now+gave_up_early@0.2"


@pytest.fixture
def suite(desk: Desk) -> Desk:
    """Eight cases of the desk."""
    agents = [Agent(name="sound-1"), Agent(name="sound-2")]
    agents += [Agent(name=f, fault=f) for f in ("wrong_refund_method", "gave_up_early")]  # type: ignore[arg-type]
    for agent in agents:
        records = [
            run_record(run_task(make_task(FAMILIES[family], world), agent, 1), 0)
            for family in ("cancel", "return-refund", "late-cancel", "address-change")
            if family in FAMILIES
            for world in range(2)
        ]
        desk.write(f"runs/{agent.name}.jsonl", write_runs(records))
    desk("trace.import", paths=["runs"])
    desk("trace.cases")
    return desk


class Salted:
    """Ids, of which the salt is always the same: with it some of the cases are sealed, and not all."""

    def __init__(self, ids: IdSource, salt: str = "slt_b") -> None:
        self._ids, self._salt = ids, salt

    def new(self, prefix: str) -> str:
        return self._salt if prefix == "slt" else self._ids.new(prefix)


def sealed(desk: Desk, share: float = 0.5) -> list[str]:
    """The sealed cases, of which there are some and not all."""
    told = Desk(replace(desk.context, ids=Salted(desk.context.ids)))("release.seal", share=share)
    assert told.sealed
    assert told.left
    with desk.context.view() as view:
        return sorted(sealed_cases(view))


def test_cases_are_drawn_once_and_by_chance_that_nobody_chooses(suite: Desk) -> None:
    before = {each.case for each in suite("trace.cases").items}
    told = suite("release.seal", share=0.5)
    assert told.drawn == len(before)
    assert told.sealed + told.left == len(before)
    again = suite("release.seal", share=0.99)
    assert (again.drawn, again.newly, again.sealed) == (0, 0, told.sealed)
    listed = suite("trace.cases")
    assert listed.sealed == told.sealed
    with suite.context.view() as view:
        salts = {row.body["salt"] for row in every_row(view, "seal")}
    assert len(salts) == 1


@pytest.mark.parametrize(
    ("share", "count"), [(0.001, 3), (0.4, 3), (0.999, 3), (0.999, 1), (0.3, 10)]
)
def test_share_is_sealed_to_a_case_and_one_stays_open(desk: Desk, share: float, count: int) -> None:
    cases = [f"cas_{number}" for number in range(count)]
    for salt in range(20):
        draw = Releases(Salted(desk.context.ids, f"slt_{salt}")).draw
        events = draw(desk.context.scope, cases, share, others_open=False).events
        newly = sum(bool(each.payload["sealed"]) for each in events)
        assert newly < count
        assert abs(newly - share * count) < 1
        events = draw(desk.context.scope, cases, share, others_open=True).events
        assert abs(sum(bool(each.payload["sealed"]) for each in events) - share * count) < 1


def test_only_a_person_seals_or_cuts(suite: Desk) -> None:
    scope = replace(suite.context.scope, actor=Actor(sub="agent:a"))
    agent = Desk(replace(suite.context, scope=scope))
    for name, request in (("release.seal", {}), ("release.cut", {"system": SYSTEM})):
        with pytest.raises(DeniedError, match="only a person"):
            agent(name, **request)


def test_sealed_cases_are_nowhere(suite: Desk) -> None:
    shut = sealed(suite)
    for request in (
        ("trace.case", {"case": shut[0]}),
        ("trace.judge", {"case": shut[0], "runs": ["runs"]}),
        ("eval.run", {"system": SOUND, "case": [shut[0]]}),
        ("gate.prove", {"incumbent": FAILING, "candidate": SOUND, "case": [shut[0]]}),
        ("gate.prove", {"incumbent": FAILING, "candidate": SOUND, "target": [shut[0]]}),
        ("gate.prove", {"incumbent": FAILING, "candidate": SOUND, "must_pass": [shut[0]]}),
    ):
        with pytest.raises(InvalidRequestError, match=r"sealed|no cases of the suite"):
            suite(request[0], **request[1])
    ran = suite("eval.run", system=SOUND, trials=1)
    listed = suite("trace.cases")
    assert not {each.case for each in ran.items} & set(shut)
    assert not {each.case for each in listed.items} & set(shut)
    with suite.context.view() as view:
        hidden = sealed_sessions(view)
        assert not {case.name for case in stored_suite(view)} & set(shut)
        modes = {row.key for row in every_row(view, "mode")}
        for mode in modes:
            assert not set(cases_of_mode(view, mode)) & set(shut)
            assert not {name for name, _ in cases_against(view, mode)[0]} & set(shut)
    assert hidden
    for mode in suite("trace.modes").items:
        assert not {each.session for each in mode.members} & hidden
        assert not set(mode.exemplars) & hidden
    for lesson in suite("trace.lessons", least=1).items:
        assert not {each.session for each in lesson.seen} & hidden


def test_release_opens_sealed_cases_once_and_tells_one_score(suite: Desk) -> None:
    shut = sealed(suite)
    told = suite("release.cut", system=SYSTEM)
    assert told.sealed["cases"] == len(shut)
    assert told.sealed["opened_by"] == "user:tester"
    assert told.sealed["opened_for"] == told.release
    assert 0 <= told.sealed["mean"] <= 1
    assert told.cases == suite("eval.show", system=SYSTEM).cases
    assert f"over {len(shut)} cases, opened by user:tester" in told.to_text()
    for seen in (
        suite("eval.show", system=SYSTEM).items,
        suite("eval.rows", system=SYSTEM).items,
    ):
        cases = {each["case"] if isinstance(each, dict) else each.case for each in seen}
        assert not cases & set(shut)
    assert [each.name for each in suite("eval.list").items] == [SYSTEM]
    assert not any(name in told.model_dump_json() for name in shut)


def opened_for(desk: Desk, system: str) -> Any:
    with desk.context.view() as view:
        return require_known(view, f"opening/{system}")


def test_sealed_cases_are_not_opened_again_for_the_same_content(suite: Desk) -> None:
    sealed(suite)
    first = suite("release.cut", system=SYSTEM)
    opening = opened_for(suite, first.system)
    again = suite("release.cut", system=SYSTEM)
    assert (again.paid, again.release) == (0, first.release)
    second = suite("release.cut", system=SYSTEM, trials=25)
    assert second.release != first.release
    assert second.sealed == first.sealed  # as it was opened for the first: no trial is run again
    assert opened_for(suite, first.system) == opening
    change = Releases(suite.context.ids).open_sealed(
        suite.context.scope, second.release, first.system, [("cas_x", "sha256:x")]
    )
    with pytest.raises(LigninError):
        suite.context.commit(change)
    with suite.context.view() as view:
        trials = list(view.page("trial", parent=sealed_digest(first.system), limit=1000).rows)
    assert len(trials) == 5 * first.sealed["cases"]


def test_who_opened_is_on_record_before_the_first_sealed_trial(suite: Desk) -> None:
    sealed(suite)
    told = suite("release.cut", system=SYSTEM)
    with suite.context.view() as view:
        shut = view.page("trial", parent=sealed_digest(told.system), limit=1000).rows
        position = max(event.position for event in view.events(f"opening/{told.system}"))
        trials = [each for row in shut for each in view.events(row.stream)]
    assert trials
    assert all(each.position > position for each in trials)


def test_release_of_picked_cases_is_none(suite: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="the whole suite"):
        suite("release.cut", system=SYSTEM, case=["cas_a"])


def test_head_without_cases_has_no_release(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="no cases"):
        desk("release.cut", system="desk:a")


class Dying:
    """A ledger that fails for good after so many commits."""

    def __init__(self, ledger: Ledger, left: int) -> None:
        self._ledger, self._left = ledger, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def commit(self, *changes: Change) -> tuple[Receipt, ...]:
        if not self._left:
            raise ConnectionAbortedError("the process dies here")
        self._left -= 1
        return self._ledger.commit(*changes)


def test_cut_that_dies_again_and_again_opens_once_and_comes_to_the_same(suite: Desk) -> None:
    shut = sealed(suite)
    died = 0
    while True:
        ledger = Dying(suite.context.ledger, 7)
        try:
            told = Desk(replace(suite.context, ledger=ledger))("release.cut", system=SYSTEM)  # type: ignore[arg-type]
        except ConnectionAbortedError:
            died += 1
        else:
            break
    assert died > 2
    opening = opened_for(suite, told.system)
    assert (opening.seq, opening.body["cases"]) == (1, len(shut))
    with suite.context.view() as view:
        trials = list(view.page("trial", limit=1000).rows)
    assert {row.seq for row in trials} == {1}
    assert len(trials) == 20 * told.cases + 5 * len(shut)
    assert told.trials == 20 * told.cases


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (0.031, "a claim to be no worse by 5 points has to lose less than 3.1: the release's own "),
        (
            -0.005,
            "nothing can be shown to be no worse by 5 points: the release's own trials may be ",
        ),
    ],
)
def test_what_may_still_be_lost_is_told_in_words_and_never_below_nothing(
    left: float, told: str
) -> None:
    said = tell_margin(left)
    assert said.startswith(told)
    assert said.endswith(f"wrong by {100 * (0.05 - left):.1f} points")
    assert "-" not in said
