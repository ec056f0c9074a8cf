"""The hostile families of both parts, by class."""

from collections.abc import Mapping

from corpora.hostile.classes import held, open
from corpora.hostile.form import Family

CLASSES: Mapping[str, tuple[Family, ...]] = {
    name: (*families, *held.CLASSES[name]) for name, families in open.CLASSES.items()
}
