"""What is said of a mode, and which layer is blamed."""

from dataclasses import replace
from typing import Any

from lignin.domain.modes import Difference
from lignin.traces.modes.blame import blame
from lignin.traces.modes.report import Filed, report


def filed(
    number: int,
    *,
    task: str = "t",
    failed: bool = True,
    difference: Difference = "missing_action",
    votes: int = 3,
    **facts: Any,
) -> Filed:
    """A filing; a run that did not fail has no mode."""
    return Filed(
        session=f"s{number:03}",
        task=task,
        verdict="failure" if failed else "success",
        mode="m" if failed else None,
        difference=difference if failed else None,
        manner="left_out" if failed else "",
        tool="charge_card" if failed else "",
        votes=votes,
        facts={"at": f"2026-01-{number % 28 + 1:02}", "cost_microusd": 10, **facts},
    )


def contrast(factor: str, value: Any, other: Any) -> list[Filed]:
    """Of ten tasks: the runs with a value fail, those with another do not."""
    runs = []
    for number in range(10):
        runs.append(filed(2 * number, task=f"t{number}", **{factor: value}))
        runs.append(filed(2 * number + 1, task=f"t{number}", failed=False, **{factor: other}))
    return runs


def members(runs: list[Filed]) -> list[Filed]:
    return [each for each in runs if each.mode]


def test_a_value_that_alone_fails_on_the_same_tasks_is_blamed_with_its_figures() -> None:
    for factor, value, other, layer in (
        ("model", "small", "large", "model"),
        ("harness", "sha256:a", "sha256:b", "harness"),
        ("artifacts", ["helper"], [], "artifact"),
    ):
        runs = contrast(factor, value, other)
        found = blame(members(runs), runs)
        assert found.layer == layer
        assert "10 of 10 runs, 0 of 10 without it on the same tasks (5.0 expected" in found.reason


def test_factors_that_go_together_leave_it_undetermined() -> None:
    runs = []
    for number in range(10):
        runs.append(filed(number, task=f"t{number}", model="small", harness="a"))
        runs.append(filed(50 + number, task=f"t{number}", failed=False, model="large", harness="b"))
    found = blame(members(runs), runs)
    assert found.layer == "undetermined"
    assert "they go together" in found.reason


def test_other_tasks_are_no_contrast() -> None:
    runs = [filed(n, task=f"a{n}", model="small") for n in range(10)]
    runs += [filed(50 + n, task=f"b{n}", failed=False, model="large") for n in range(10)]
    assert blame(members(runs), runs).layer == "undetermined"


def test_few_runs_blame_nobody() -> None:
    runs = contrast("model", "small", "large")[:8]
    assert blame(members(runs), runs).layer == "undetermined"


def test_files_may_differ_in_anything_so_they_are_named_and_not_blamed() -> None:
    runs = contrast("source", "a.jsonl", "b.jsonl")
    found = blame(members(runs), runs)
    assert found.layer == "undetermined"
    assert "source a.jsonl: 10 of 10" in found.reason


def test_tasks_that_nobody_solves_are_blamed_on_the_grader_or_on_what_they_ask() -> None:
    agreed = [filed(10 * t + n, task=f"t{t}", votes=2) for t in range(4) for n in range(3)]
    assert blame(agreed, agreed).layer == "grader"
    split = [filed(10 * t + n, task=f"t{t}", votes=0) for t in range(4) for n in range(3)]
    assert blame(split, split).layer == "specification"


def test_a_mode_is_named_and_described_by_counts() -> None:
    runs = [filed(n, task=f"t{n % 2}", votes=n) for n in range(4)]
    told = report("m", is_fine=False, members=runs, runs=runs)
    assert told.name == "missing action"
    assert told.description.startswith("4 runs of 2 tasks left out something that other runs")
    assert "Most often: charge_card (4)." in told.description
    assert "How: left out in passing (4)." in told.description
    assert "1 had no other run of the task to compare with." in told.description
    assert told.exemplars == ("s003", "s002", "s001")
    assert (told.cost_microusd, told.trend) == (40, (2, 2))


def test_a_mode_of_a_cause_is_named_by_it_and_counts_the_classes_it_shows_in() -> None:
    runs = [replace(filed(n), manner="gave_up", difference=d) for n, d in enumerate(_DIFFERENCES)]
    told = report("m", is_fine=True, members=runs, runs=runs)
    assert told.name == "gave up"
    assert told.description.startswith("3 runs of 1 task: 2 left out something that other runs")
    assert "; 1 changed nothing and did not hand over." in told.description
    rule = [replace(each, manner="step_skipped", tool="confirm") for each in runs]
    told = report("m", is_fine=True, members=rule, runs=rule)
    assert told.name == "a step that comes first left out: confirm"


def test_artifacts_are_shown_with_their_versions() -> None:
    runs = [replace(filed(n), artifacts=(f"helper@{n % 2}",)) for n in range(3)]
    told = report("m", is_fine=False, members=runs, runs=runs)
    assert "Artifacts used: helper@0 (2); helper@1 (1)." in told.description


_DIFFERENCES: tuple[Difference, ...] = ("missing_action", "no_action", "missing_action")
