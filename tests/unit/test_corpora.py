"""The seeded corpora are whole, varied, and what their labels say."""

from collections import Counter

import jsonschema
import pytest

from corpora.artifacts import FAULT_CLASSES, Specimen, load, part_of
from corpora.artifacts.check import report, specimens


@pytest.fixture(scope="module")
def everything() -> list[Specimen]:
    return specimens()


def test_every_specimen_has_its_own_digest_and_name(everything: list[Specimen]) -> None:
    assert len({specimen.tree.digest for specimen in everything}) == len(everything)
    assert len({specimen.name for specimen in everything}) == len(everything)


def test_there_are_enough_good_ones_of_every_sort(everything: list[Specimen]) -> None:
    manifests = [s.tree.manifest for s in everything if s.family == "good"]
    sorts = Counter((manifest.kind, manifest.runtime == "python") for manifest in manifests)
    assert len(manifests) >= 130
    assert sorts["program", True] >= 100
    assert sorts["script", False] >= 20
    assert sorts["script", True] >= 10


def test_every_class_has_forty_faults_of_mixed_difficulty(everything: list[Specimen]) -> None:
    for name in FAULT_CLASSES:
        of_class = [s.difficulty for s in everything if s.fault_class == name]
        assert len(of_class) >= 40, name
        assert set(of_class) == {"plain", "disguised"}, name
    assert len({s.of for s in everything if s.family == "faulty"}) >= 100


def test_each_fault_has_a_note_and_the_examples_of_its_original(
    everything: list[Specimen],
) -> None:
    good = {s.name: s for s in everything if s.family == "good"}
    for specimen in everything:
        assert 5 <= len(specimen.examples) <= 12
        assert len({e.digest for e in specimen.examples}) == len(specimen.examples)
        if specimen.family == "faulty":
            assert specimen.note
            assert specimen.examples == good[specimen.of].examples
            assert specimen.tree.manifest == good[specimen.of].tree.manifest


def test_entry_and_examples_fit_the_kind(everything: list[Specimen]) -> None:
    for specimen in everything:
        manifest = specimen.tree.manifest
        file, _, function = manifest.entry.partition(":")
        assert file in specimen.tree.files
        assert bool(function) == (manifest.kind == "program")
        for example in specimen.examples:
            assert (example.arguments is None) == (manifest.kind == "script")


def test_recorded_examples_fit_the_declared_schemas(everything: list[Specimen]) -> None:
    for specimen in everything:
        interface = specimen.tree.manifest.interface
        if specimen.family == "good" and specimen.tree.manifest.kind == "program":
            for example in specimen.examples:
                jsonschema.validate(dict(example.arguments or {}), interface.input)
                if example.error is None:
                    jsonschema.validate(example.result, interface.output)
                else:
                    assert example.error in interface.errors


def test_both_parts_hold_their_share_and_never_split_a_fault_from_its_original() -> None:
    for family in ("good", "faulty"):
        parts = {part: load(part, family) for part in ("open", "held")}  # type: ignore[arg-type]
        share = len(parts["open"]) / (len(parts["open"]) + len(parts["held"]))
        assert 0.5 < share < 0.7
        for part, members in parts.items():
            assert all(part_of(specimen.of) == part for specimen in members)


@pytest.mark.slow
def test_every_label_is_true_when_the_specimens_are_run() -> None:
    faults, _ = report()
    assert faults == []
