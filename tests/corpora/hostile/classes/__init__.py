"""The hostile families, by class."""

from collections.abc import Mapping

from corpora.hostile.classes import (
    delayed,
    destructive,
    obfuscated,
    packed,
    plain,
    sniffing,
    supply,
)
from corpora.hostile.form import Family

CLASSES: Mapping[str, tuple[Family, ...]] = {
    "plain": plain.FAMILIES,
    "obfuscated": obfuscated.FAMILIES,
    "delayed": delayed.FAMILIES,
    "sniffing": sniffing.FAMILIES,
    "packed": packed.FAMILIES,
    "destructive": destructive.FAMILIES,
    "supply": supply.FAMILIES,
}
