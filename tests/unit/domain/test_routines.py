"""Places in what steps returned, as text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.routines import (
    Constant,
    Each,
    Item,
    Pick,
    Reference,
    Use,
    parameters_in,
    parse_reference,
    references_in,
)

NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("true", "false", "null")
)
FACTS = st.lists(st.from_regex(r"\w[\w -]{0,6}\w", fullmatch=True), min_size=1, max_size=3).map(
    lambda names: "." + ".".join(names)
)
EXACT = st.builds(Reference, st.integers(0, 20), st.sampled_from([".a", "[0].b[3]", ""]))
VALUES = st.one_of(
    st.builds(Constant, st.one_of(st.text(), st.integers(), st.booleans())),
    st.builds(Use, NAMES),
    st.builds(Item, NAMES),
    EXACT,
)
PICKS = st.one_of(
    st.builds(Pick, st.just("where"), FACTS, VALUES),
    st.builds(Pick, st.sampled_from(["only", "last"])),
    st.builds(Pick, st.sampled_from(["min", "max"]), FACTS),
)
PATHS = st.sampled_from(["[*].id", ".a[*]", "[*].a[*].b[0]", ".a.*.id", ".a.~"])


@given(place=st.builds(Reference, st.integers(0, 20), PATHS, st.one_of(st.none(), PICKS)))
def test_place_is_read_back_from_its_text(place: Reference) -> None:
    assert parse_reference(str(place)) == place


@pytest.mark.parametrize(
    "text",
    [
        '$2.orders[*]{status == "pending"}.order_id',
        "$2.lines[*]{sku == nullable}.line",
        "$3[*]{order_id == each of order_ids}.payment_history[0].id",
        "$2.methods.~{only}",
        "$1[*]{min unit price}.sku",
        "$1[*]{state == $2.wish.state}.sku",
        '$1[*]{name == "} a == b {"}.sku',
    ],
)
def test_text_of_a_place_is_the_same_again(text: str) -> None:
    assert str(parse_reference(text)) == text
    assert parse_reference(text).is_exact


def test_what_a_slot_reads() -> None:
    by = Reference(1, ".wish")
    place = Reference(0, "[*].id", Pick("where", ".state", by))
    assert references_in(Each(place)) == references_in(place) == (place, by)
    assert references_in(Use("a")) == ()
    chosen = Reference(0, "[*].id", Pick("where", ".state", Item("states")))
    assert parameters_in(chosen) == ("states",)
    assert parameters_in(Use("a")) == ("a",)
    assert parameters_in(Each(place)) == ()
