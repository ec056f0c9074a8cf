"""The hostile families, by class."""

from collections.abc import Mapping

from corpora.hostile.form import Family

CLASSES: Mapping[str, tuple[Family, ...]] = {}
