"""Signatures, modes and templates hold for any runs and lines, in any order."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.modes import parse_signature, split_modes
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.lessons import counted, recovered
from lignin.traces.modes.account import account_of
from lignin.traces.modes.signature import sign
from lignin.traces.modes.usual import usual_of
from lignin.traces.modes.words import other_unit
from lignin.traces.runs import Run, run_of
from lignin.traces.templates import Templates, template_of

VALUES = st.one_of(
    st.integers(-5, 100_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.sampled_from(["r-4", "r-7", "suite", "[1, 2]", '{"a": "b"}', ""]),
    st.lists(st.sampled_from(["x", 1, None]), max_size=3),
)
CALLS = st.builds(
    ToolCall,
    call_id=st.just("c"),
    name=st.sampled_from(["get_room", "book_room", "charge", "transfer_to_person", "submit", ""]),
    arguments=st.dictionaries(st.sampled_from(["room", "cents", "answer"]), VALUES, max_size=2),
    observation=st.one_of(st.none(), st.sampled_from(["ok r-7", "Error: no r-7", "\n"])),
    is_error=st.sampled_from([None, True, False]),
)
STEPS = st.builds(
    Step,
    index=st.integers(1, 99),
    role=st.sampled_from(["user", "assistant"]),
    text=st.sampled_from(
        ["", "Done.", "Paid 9.00, code X17.", "I could not do this.", '{"a": [], "b": 9}', "[{"]
    ),
    calls=st.lists(CALLS, max_size=3).map(tuple),
)


def _run(steps: list[Step]) -> Run:
    return run_of(Trajectory(source="f", format="t", session="s", steps=tuple(steps), task_id=1))


RUNS = st.lists(STEPS, max_size=6).map(_run)


@given(RUNS, st.lists(RUNS, max_size=6), st.randoms(use_true_random=False))
def test_every_failed_run_has_one_signature_whatever_the_order(
    failed: Run, others: list[Run], rng: random.Random
) -> None:
    accounts = [account_of(other) for other in others]
    found = sign(account_of(failed), accounts)
    rng.shuffle(accounts)
    assert sign(account_of(failed), accounts) == found
    assert parse_signature(found.to_json()) == found
    assert found.fine.startswith("mod_")
    assert found.coarse.startswith("mod_")


@given(st.lists(RUNS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_every_failed_run_is_in_one_mode_and_the_order_of_runs_decides_nothing(
    runs: list[Run], rng: random.Random
) -> None:
    def modes(order: list[int]) -> dict[int, str]:
        accounts = {place: account_of(runs[place]) for place in order}
        usual = usual_of(list(accounts.values()))
        found = {
            place: sign(accounts[place], [accounts[o] for o in order if o != place], usual)
            for place in order
        }
        support = Counter(each.fine for each in found.values() if each.parent)
        split = split_modes(support, 2)
        return {place: s.fine if s.fine in split else s.coarse for place, s in found.items()}

    order = list(range(len(runs)))
    first = modes(order)
    rng.shuffle(order)
    assert modes(order) == first
    assert sorted(first) == sorted(order)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50)), st.integers(1, 20))
def test_what_is_split_off_has_support_and_more_support_never_merges(
    support: dict[str, int], least: int
) -> None:
    split = split_modes(support, least)
    assert all(support[mode] >= least for mode in split)
    assert split <= split_modes({mode: count + 1 for mode, count in support.items()}, least)


@given(st.floats(), st.floats())
def test_units_are_told_for_any_figures(one: float, other: float) -> None:
    assert other_unit(one, one) is False
    assert isinstance(other_unit(one, other), bool)


@given(RUNS)
def test_lessons_of_a_run_name_steps_of_it(run: Run) -> None:
    steps = {step.index for step in run.trajectory.steps}
    for lesson in counted(recovered("s", run)):
        assert lesson.text
        assert {each.failed_step for each in lesson.seen} <= steps
        assert {each.worked_step for each in lesson.seen} <= steps


WORDS = st.sampled_from(
    ["job", "failed", "at", "/a/b", "x=3", "'q'", "id_7", "7", "-", "", "a@b.c"]
)
LINES = st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=6).map(" ".join))


@given(st.lists(LINES, max_size=40), st.randoms(use_true_random=False))
def test_templates_are_the_same_in_any_order_and_lots(lines: list[str], rng: random.Random) -> None:
    whole = dict(zip(lines, Templates().find(lines), strict=True))
    shuffled = list(lines)
    rng.shuffle(shuffled)
    templates = Templates()
    found: dict[str, str] = {}
    for start in range(0, len(shuffled), 7):
        lot = shuffled[start : start + 7]
        found.update(zip(lot, templates.find(lot), strict=True))
    assert {line: templates.settle(each) for line, each in found.items()} == whole
    for line in lines:
        assert isinstance(template_of(line), str)
