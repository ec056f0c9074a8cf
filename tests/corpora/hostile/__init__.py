"""Hostile artifacts and clean ones, written by an author who had not seen what detects them.

Owns the specimens and their labels; knows nothing of any check. What is written here is inert:
hosts end in `.invalid`, addresses are those kept for documentation. A hostile specimen must never be
run outside a sandbox. See `README.md`.
"""

from functools import cache

from corpora.hostile import clean
from corpora.hostile.classes import CLASSES
from corpora.hostile.form import Label, Part, Specimen
from corpora.hostile.weave import clean_specimens, hostile_specimens

__all__ = ["CLASSES", "Label", "Part", "Specimen", "load"]


@cache
def _everything() -> tuple[Specimen, ...]:
    hostile = [
        specimen
        for name, families in CLASSES.items()
        for specimen in hostile_specimens(name, families, clean.FAMILIES)
    ]
    return (*hostile, *clean_specimens(clean.FAMILIES))


def load(part: Part, label: Label) -> tuple[Specimen, ...]:
    """Load one part of one label, in the order of names."""
    found = [s for s in _everything() if s.part == part and s.label == label]
    return tuple(sorted(found, key=lambda specimen: specimen.name))
