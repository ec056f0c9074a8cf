"""The hostile families, by class."""

from collections.abc import Mapping

from corpora.hostile.classes import delayed, obfuscated, plain, sniffing
from corpora.hostile.form import Family

CLASSES: Mapping[str, tuple[Family, ...]] = {
    "plain": plain.FAMILIES,
    "obfuscated": obfuscated.FAMILIES,
    "delayed": delayed.FAMILIES,
    "sniffing": sniffing.FAMILIES,
}
