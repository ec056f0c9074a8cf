"""Hostile families by class: for development."""

from collections.abc import Mapping

from corpora.hostile.classes.open import (
    delayed,
    destructive,
    obfuscated,
    packed,
    plain,
    prose,
    resource,
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
    "prose": prose.FAMILIES,
    "destructive": destructive.FAMILIES,
    "supply": supply.FAMILIES,
    "resource": resource.FAMILIES,
}
