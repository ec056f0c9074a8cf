"""Verification in the real sandbox: a fixed sample of the seeded corpora, and the whole open part."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from corpora.artifacts import Family, Specimen, load
from lignin.artifacts.registry import load_kinds, load_plugins
from lignin.artifacts.verify import Verification, Verifier
from lignin.ports.sandbox import Sandbox

GOOD_SAMPLE = 12
FAULTY_SAMPLE = 24
REFUSED_BAR = 0.95
ADMITTED_BAR = 0.98


def judge(sandbox: Sandbox, specimens: list[Specimen]) -> list[Verification]:
    checks = load_plugins("lignin.artifacts.checks", "CHECK")
    verifier = Verifier(sandbox, checks.values(), load_kinds(), scanners=())
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda each: verifier.verify(each.tree, each.examples), specimens))


def sample(family: Family, count: int) -> list[Specimen]:
    """Evenly spread over the names; of the faulty ones the plain, and none that costs a time-out."""
    every = [
        specimen
        for specimen in load("open", family)
        if specimen.difficulty in {"", "plain"} and specimen.fault_class != "hang"
    ]
    return every[:: len(every) // count][:count]


def test_good_ones_of_the_sample_pass(sandbox: Sandbox) -> None:
    specimens = sample("good", GOOD_SAMPLE)
    found = judge(sandbox, specimens)
    refused = [
        (specimen.name, each.reasons)
        for specimen, each in zip(specimens, found, strict=True)
        if each.verdict != "pass"
    ]
    assert len(found) == GOOD_SAMPLE
    assert refused == []


def test_faulty_ones_of_the_sample_are_refused_with_a_reason(sandbox: Sandbox) -> None:
    specimens = sample("faulty", FAULTY_SAMPLE)
    assert len({specimen.fault_class for specimen in specimens}) >= 4
    found = judge(sandbox, specimens)
    pairs = list(zip(specimens, found, strict=True))
    assert len(pairs) == FAULTY_SAMPLE
    assert [specimen.name for specimen, each in pairs if each.verdict == "pass"] == []
    assert all(each.reasons for _, each in pairs)


@pytest.mark.slow
def test_the_whole_open_part_meets_the_bars(sandbox: Sandbox) -> None:
    good, faulty = list(load("open", "good")), list(load("open", "faulty"))
    admitted = [each.verdict == "pass" for each in judge(sandbox, good)]
    refused = [each.verdict != "pass" for each in judge(sandbox, faulty)]
    assert len(refused) >= 200
    assert sum(admitted) >= ADMITTED_BAR * len(admitted)
    assert sum(refused) >= REFUSED_BAR * len(refused)
