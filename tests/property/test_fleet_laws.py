"""Whether two patterns of paths meet is what trying every short path says."""

from fnmatch import fnmatchcase
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from lignin.loops.laws.fleet_surfaces import meet

PATTERNS = st.text("ab*?", max_size=4)
PATHS = ["".join(each) for size in range(9) for each in product("ab", repeat=size)]


@given(PATTERNS, PATTERNS)
def test_two_patterns_meet_exactly_where_some_path_fits_both(one: str, other: str) -> None:
    fits = any(fnmatchcase(path, one) and fnmatchcase(path, other) for path in PATHS)
    assert meet(one, other) is fits
