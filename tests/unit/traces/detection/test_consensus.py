"""What the runs of one task say about each other."""

from dataclasses import replace

import pytest

from lignin.domain.effects import Effect
from lignin.domain.traces import Trajectory
from lignin.traces.consensus import believe, difference, likeness
from lignin.traces.runs import group_runs, run_of
from unit.traces.detection.made_runs import agent, booked, call, run, user

A, B = Effect("move", (("room", 7),)), Effect("move", (("room", 8),))
C = Effect("cancel", ())
AGREED = [booked(7, task=99), booked(7, task=99)]
"""Runs of another task that show that agreement means something here."""


def judged(*trajectories: Trajectory, doubts: tuple[float, ...] = ()) -> list[float]:
    runs = [run_of(trajectory) for trajectory in trajectories]
    return [round(belief.right, 3) for belief in believe(runs, group_runs(runs), doubts)]


def test_the_odd_one_out_is_not_believed() -> None:
    right = judged(booked(7), booked(7), booked(7), booked(8))
    assert min(right[:3]) > 0.9
    assert right[3] < 0.05


def test_a_difference_counts_what_was_left_out_added_and_replaced() -> None:
    assert difference(frozenset(), frozenset([A])) == (1, 0, 0)
    assert difference(frozenset([A, C]), frozenset([A])) == (0, 1, 0)
    assert difference(frozenset([B]), frozenset([A])) == (0, 0, 1)
    assert likeness(frozenset([A]), frozenset([A])) == 1.0
    assert likeness(frozenset(), frozenset([A])) == 0.0


def test_a_run_that_did_more_is_believed_before_one_that_did_less() -> None:
    more, less, *_ = judged(booked(7), booked(None), *AGREED)
    assert more > less


def test_the_word_of_a_reliable_source_outweighs_two_of_unreliable_ones() -> None:
    """Elsewhere `good` does what most do and `bad`, `worse` are alone; here it is one against two."""
    others = [
        booked(room, source=source, task=task)
        for task in range(2, 12)
        for source, room in (
            ("good", 7), ("fine", 7), ("sound", 7), ("bad", 100 + task), ("worse", 200 + task),
        )
    ]  # fmt: skip
    contested = [
        booked(7, source="good"),
        booked(9, source="bad"),
        booked(9, source="worse"),
    ]
    # Their runs must not be taken for incomparable, so they agree with the others now and then.
    agreeing = [
        booked(7, source=source, task=task)
        for task in range(20, 24)
        for source in ("good", "fine", "bad", "worse")
    ]
    good, bad, worse = judged(*contested, *others, *agreeing)[:3]
    assert good > 0.5 > bad == worse


def test_a_declared_outcome_settles_it() -> None:
    right = judged(booked(7, outcome="failure"), booked(7), booked(8, outcome="success"))
    assert right[1] < 0.5 < right[2]


def test_a_doubtful_run_has_less_of_a_say() -> None:
    trusted = judged(booked(7), booked(8), *AGREED)
    doubted = judged(booked(7), booked(8), *AGREED, doubts=(2.0, -2.0, 0.0, 0.0))
    assert trusted[0] == trusted[1]
    assert doubted[0] < doubted[1]


def test_where_effects_never_repeat_nobody_is_compared() -> None:
    runs = [run_of(booked(room)) for room in range(10, 20)]
    assert all(belief.siblings == 0 for belief in believe(runs, group_runs(runs)))


def test_where_nobody_changes_anything_agreement_says_nothing() -> None:
    runs = [run_of(booked(None)) for _ in range(5)]
    assert all(belief.siblings == 0 for belief in believe(runs, group_runs(runs)))


def test_runs_of_another_task_set_with_the_same_number_are_no_siblings() -> None:
    flight = run(
        user("I want to fly from Oslo to Lima next week, seat by the window, paid with miles."),
        agent("", call("search_flights", origin="OSL", target="LIM")),
        agent("", call("book_flight", flight="LH-7781")),
        user("Great."),
    )
    runs = [run_of(each) for each in (booked(7), flight, booked(8), replace(flight, source="b"))]
    assert group_runs(runs) == ((0, 2), (1, 3))


def test_runs_without_a_task_id_are_siblings_by_the_same_long_request() -> None:
    runs = [run_of(booked(7, task=None)), run_of(booked(8, task=None, source="b"))]
    assert group_runs(runs) == ((0, 1),)
    short = [run_of(run(user("hello"), task=None)) for _ in range(2)]
    assert group_runs(short) == ((0,), (1,))


def test_a_crashed_run_is_nobodys_sibling() -> None:
    runs = [run_of(booked(7)), run_of(booked(7)), run_of(run())]
    assert [belief.siblings for belief in believe(runs, group_runs(runs))] == [1, 1, 0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("I looked it up.\nFinal answer: **42.**", "42"),
        ("So the answer is Lima", "lima"),
        (r"Hence \boxed{1/2}.", "1/2"),
        ("Paris", "paris"),
        (
            "This is a long account of all that was looked at and of why nothing came of it all. "
            * 2,
            "",
        ),
        ("", ""),
    ],
)
def test_a_run_that_only_answers_is_compared_by_its_answer(text: str, answer: str) -> None:
    effects = run_of(run(user("What is it?"), agent(text))).effects
    assert [dict(effect.arguments)["text"] for effect in effects] == ([answer] if answer else [])


def test_the_odd_answer_is_not_believed_and_a_dialogue_is_not_an_answer() -> None:
    def asked(reply: str) -> Trajectory:
        return run(
            user("How far is it from Oslo to Bergen by rail, in whole kilometres?"), agent(reply)
        )

    right = judged(*[asked("Answer: 496")] * 4, asked("Answer: 371"))
    assert right[0] > 0.9 > 0.1 > right[4]
    assert run_of(run(user("Hello"), agent("Hi"), user("Bye"), agent("Bye"))).effects == frozenset()
