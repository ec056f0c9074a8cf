"""The sample of what nothing flagged, and what its labels say."""

import pytest

from lignin.traces.audit import SampledRun, draw, report_misses, wilson


def runs(count: int, stratum: str = "s", label: str | None = None) -> list[SampledRun]:
    return [
        SampledRun(session=f"{stratum}{n}", stratum=stratum, probability=0.1, label=label)
        for n in range(count)
    ]


def test_every_stratum_is_drawn_from_evenly_as_long_as_it_lasts() -> None:
    sample = draw([*runs(100), *runs(3, "few")], 20, "")
    assert [run.stratum for run in sample].count("few") == 3
    assert len(sample) == 20


def test_a_sample_stays_as_runs_arrive_and_differs_by_seed() -> None:
    before = {run.session for run in draw(runs(50), 10, "x")}
    after = {run.session for run in draw(runs(55), 10, "x")}
    assert len(before & after) >= 7
    assert before != {run.session for run in draw(runs(50), 10, "y")}


def test_an_interval_of_wilson_holds_the_share_and_stays_within_bounds() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_misses_are_weighted_by_the_size_of_their_stratum() -> None:
    population = [*runs(90), *runs(10, "t")]
    sample = [*runs(1, label="failure"), *runs(1, label="success"), *runs(2, "t", "success")]
    strata, estimate = report_misses(population, sample)
    assert [(s.name, s.labelled, s.missed, s.rate) for s in strata] == [
        ("s", 2, 1, 0.5),
        ("t", 2, 0, 0.0),
    ]
    assert estimate == 45.0


def test_without_labels_there_is_no_rate() -> None:
    strata, estimate = report_misses(runs(5), runs(2))
    assert (strata[0].rate, strata[0].interval, estimate) == (None, None, None)
