"""From trajectories to judgements, and the step at which a run went wrong."""

import pytest

from corpora.traces import FILES, written
from lignin.domain.effects import Effect
from lignin.domain.findings import Judgement
from lignin.domain.traces import Trajectory
from lignin.traces.consensus import UNKNOWN
from lignin.traces.detect import detect
from lignin.traces.detector import load_detectors
from lignin.traces.importer import load_importers
from lignin.traces.localise import locate
from lignin.traces.runs import run_of, runs_of
from unit.traces.detection.made_runs import TASK, agent, booked, call, move, run, user


def judge(*trajectories: Trajectory) -> tuple[Judgement, ...]:
    return detect(trajectories, load_detectors())


def test_the_run_that_did_otherwise_failed_at_its_own_change() -> None:
    *right, wrong = judge(*[booked(7, source=name) for name in "abcd"], booked(8, source="e"))
    assert [judgement.verdict for judgement in right] == ["success"] * 4
    assert all(judgement.step is None for judgement in right)
    assert (wrong.verdict, wrong.probability > 0.8) == ("failure", True)
    assert wrong.findings[0].kind == "consensus"
    assert "move_booking" in wrong.findings[0].evidence


def test_every_failed_run_comes_with_evidence() -> None:
    """Half the runs do one thing, half another, so that no single finding settles it."""
    runs = [booked(7 + n % 2, source="ab"[n % 2], task=t) for t in range(5) for n in range(4)]
    runs += [booked(7, source=name, task=t) for t in range(5, 9) for name in "ab"]
    failed = [judgement for judgement in judge(*runs) if judgement.verdict == "failure"]
    assert failed
    assert all(judgement.findings for judgement in failed)


def test_a_declared_outcome_comes_first() -> None:
    passed, failed = judge(booked(8, outcome="success"), booked(7, outcome="failure"))
    assert (passed.verdict, passed.probability, passed.step) == ("success", 0.0, None)
    assert (failed.verdict, failed.probability) == ("failure", 1.0)
    assert failed.step is not None


def test_a_crashed_run_is_never_the_agents_fault() -> None:
    crashed, _, _ = judge(run(), booked(7), booked(7))
    assert crashed.verdict == "infrastructure"


def test_a_run_alone_in_which_nothing_is_found_is_unknown() -> None:
    (alone,) = judge(booked(7))
    assert (alone.verdict, alone.step) == ("unknown", None)


def test_runs_with_a_file_each_are_of_one_origin_by_format_agent_and_model() -> None:
    alone = runs_of([booked(7, source="a"), booked(7, source="b")])
    assert {each.origin for each in alone} == {"made//"}
    together = runs_of([booked(7, source="a"), booked(7, source="a")])
    assert {each.origin for each in together} == {"a"}


def test_no_runs_give_no_judgements() -> None:
    assert judge() == ()


def test_judging_does_not_depend_on_the_order_of_the_runs() -> None:
    runs = [*[booked(7, source=name) for name in "abc"], booked(8, source="d"), run(task=2)]
    assert judge(*runs) == tuple(reversed(judge(*reversed(runs))))


@pytest.mark.parametrize("kind", FILES)
def test_runs_of_every_format_can_be_judged(kind: str) -> None:
    form, name, _ = FILES[kind]
    importer = next(each for each in load_importers() if each.name == form)
    trajectories = [t for t, _ in importer.parse(name, written(kind)).sessions]
    judgements = judge(*trajectories)
    assert len(judgements) == len(trajectories)
    for trajectory, judgement in zip(trajectories, judgements, strict=True):
        assert 0 <= judgement.probability <= 1
        assert judgement.step in {None, *(step.index for step in trajectory.steps)}


def belief(*effects: Effect) -> object:
    from dataclasses import replace

    return replace(UNKNOWN, siblings=3, expected=frozenset(effects), right=0.1)


def moved(room: int) -> Effect:
    return run_of(run(agent("", move(room)))).made[0].effect


@pytest.mark.parametrize(
    ("turns", "expected", "step"),
    [
        pytest.param(
            [user(TASK), agent("Room 8?"), user("Room 8, the quiet one"), agent("", move(8))],
            [7],
            3,
            id="done at once at the user's word",
        ),
        pytest.param(
            [
                user(TASK), agent("Which?"), user("The quiet one, by the garden"),
                agent("Shall I?"), user("Yes, please"), agent("", move(8)),
            ],
            [7],
            3,
            id="asked for, then agreed to",
        ),
        pytest.param(
            [
                user(TASK), agent("Which?"), user("The quiet one"),
                agent("", call("get_rooms")), agent("", move(8)),
            ],
            [7],
            5,
            id="looked further and chose on its own",
        ),
        pytest.param(
            [user(TASK), agent("Which?"), user("Yes, please"), agent("", move(7)),
             agent("", call("cancel_booking", booking="B-1042"))],
            [7],
            5,
            id="nobody else made such a change",
        ),
        pytest.param(
            [user(TASK), agent("", call("transfer_to_human")), user("Oh")],
            [7],
            2,
            id="handed over",
        ),
        pytest.param(
            [user(TASK), agent("I cannot do that."), user("Oh"), agent("Sorry.")],
            [7],
            2,
            id="refused",
        ),
        pytest.param(
            [
                user("Change the room of B-1042 and its guest, please"),
                agent("", call("change_room", booking="B-1042", room=7)),
                agent("", call("change_guest", "Error: locked", booking="B-1042", guest="Ann")),
            ],
            [],
            2,
            id="an own change stood in the way of what had been asked for",
        ),
        pytest.param(
            [
                user("Change the room of B-1042"),
                agent("", call("change_room", booking="B-1042", room=7)),
                user("Now the guest too"),
                agent("", call("change_guest", "Error: locked", booking="B-1042", guest="Ann")),
            ],
            [],
            4,
            id="asked for only afterwards",
        ),
    ],
)  # fmt: skip
def test_a_run_went_wrong_where_it_was_decided(
    turns: list[tuple[str, str, tuple[object, ...]]], expected: list[int], step: int
) -> None:
    effects = [moved(room) for room in expected]
    if not effects:
        effects = [run_of(run(*turns)).made[0].effect, run_of(run(*turns)).made[1].effect]  # type: ignore[arg-type]
    assert locate(run_of(run(*turns)), belief(*effects)) == step  # type: ignore[arg-type]


def test_an_empty_run_has_no_step() -> None:
    assert locate(run_of(run()), UNKNOWN) is None
