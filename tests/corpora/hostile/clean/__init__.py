"""The clean artifacts, by family."""

from corpora.hostile.clean import (
    documents,
    effects,
    figures,
    lookalikes,
    lookalikes_more,
    reaching,
    scripts,
    shaping,
    wording,
    working,
)

FAMILIES = (
    *documents.FAMILIES,
    *effects.FAMILIES,
    *figures.FAMILIES,
    *lookalikes.FAMILIES,
    *lookalikes_more.FAMILIES,
    *reaching.FAMILIES,
    *scripts.FAMILIES,
    *shaping.FAMILIES,
    *wording.FAMILIES,
    *working.FAMILIES,
)
