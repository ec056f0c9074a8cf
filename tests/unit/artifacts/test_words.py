"""Ranking by words."""

from lignin.artifacts.nearest import words_of
from lignin.artifacts.words import WordIndex


def index_of(**texts: str) -> WordIndex:
    index = WordIndex()
    for name, text in texts.items():
        index.put(f"{name}@sha256:a", frozenset(words_of(text)), name)
    return index


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    index = index_of(one="parse common", two="parse rareword", three="parse common")
    assert next(hit.key[:3] for hit in index.rank("common rareword")) == "two"


def test_a_word_of_the_name_tells_more() -> None:
    index = index_of(first="renders invoices", invoice="renders something")
    assert index.rank("invoice")[0].key.startswith("invoice@")


def test_what_is_dropped_is_not_found_and_what_is_put_again_says_the_new() -> None:
    index = index_of(one="parse dates", two="parse dates")
    index.drop("one@sha256:a")
    index.put("two@sha256:a", frozenset(words_of("render tables")), "two")
    assert index.rank("dates") == []
    assert [hit.key for hit in index.rank("tables")] == ["two@sha256:a"]
    assert index.matched("two@sha256:a", "tables and dates") == ["table"]


def test_nothing_is_found_by_nothing() -> None:
    assert index_of(one="parse dates").rank("") == []
