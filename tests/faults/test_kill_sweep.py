"""kill -9 anywhere on the whole path: old or new, never half, and the next run finishes."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator

import pytest

from faults.kill_bench import Bench

SAMPLE = 30
FULL = 400
RANDOM_SAMPLE, RANDOM_FULL = 6, 100


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(root=tmp_path_factory.mktemp("kill"))
    try:
        made.prepare()
        yield made
    finally:
        made.sandbox.end()


def chosen_points(bench: Bench, most: int) -> list[tuple[int, int]]:
    """(operation, moment) pairs, spread evenly over the operations and their kinds of moments."""
    points = [
        (number, at)
        for number, prepared in enumerate(bench.prepared)
        for at in range(1, len(prepared.moments) + 1)
    ]
    seen: Counter[tuple[int, str]] = Counter()
    ranked = []
    for number, at in points:
        label = bench.prepared[number].moments[at - 1]
        seen[number, label] += 1
        ranked.append((seen[number, label], number * 7919 % 101, at * 31 % 97, (number, at)))
    return [point for *_, point in sorted(ranked)][:most]


@pytest.mark.parametrize("most", [SAMPLE, pytest.param(FULL, marks=pytest.mark.slow)])
def test_a_process_killed_at_any_moment_leaves_old_or_new_and_the_repeat_finishes(
    bench: Bench, most: int
) -> None:
    points, faults = chosen_points(bench, most), []
    for number, at in points:
        prepared, folder = bench.prepared[number], bench.live
        label = f"{prepared.operation.name}, moment {at} ({prepared.moments[at - 1]})"
        if not bench.kill(prepared, folder, at=at):
            faults.append(f"{label}: the process outlived its moment")
        faults += [f"{label}: {fault}" for fault in bench.recover(prepared, folder)]
        shutil.rmtree(folder)
    total = sum(len(prepared.moments) for prepared in bench.prepared)
    print(f"{len(points)} kill points of {total}, {len(bench.prepared)} operations")
    assert len(points) >= min(most, total)
    assert faults == [], "\n".join(faults)


@pytest.mark.parametrize(
    "cases", [RANDOM_SAMPLE, pytest.param(RANDOM_FULL, marks=pytest.mark.slow)]
)
def test_a_process_killed_at_a_random_time_leaves_old_or_new(bench: Bench, cases: int) -> None:
    chance, faults, killed = random.Random(11), [], 0
    for case in range(cases):
        prepared, folder = bench.prepared[case % len(bench.prepared)], bench.live
        after_s = 0.001 + chance.random() * prepared.wall_s
        killed += bench.kill(prepared, folder, after_s=after_s)
        found = bench.recover(prepared, folder)
        faults += [f"{prepared.operation.name} after {after_s:.6f} s: {fault}" for fault in found]
        shutil.rmtree(folder)
    print(f"{killed} of {cases} killed at a random time, the others had finished")
    assert killed > 0
    assert faults == [], "\n".join(faults)
