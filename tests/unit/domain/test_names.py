"""What spaces and heads may be called, wherever the name comes from."""

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.domain.names import require_name
from lignin.domain.soundness import require_sound
from lignin.testing.changes import change, head_created, used

BAD = ["", "../x", "Up", "a b", "-a", ".a", "a/b", "a\0", "a\n", "é", "a" * 64]


@pytest.mark.parametrize("name", ["a", "0", "team.x_y-z", "a" * 63])
def test_a_plain_name_is_taken(name: str) -> None:
    assert require_name("space", name) == name


@pytest.mark.parametrize("name", BAD)
def test_what_could_be_misread_is_no_name(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no name of a space") as caught:
        require_name("space", name)
    assert caught.value.hint


@pytest.mark.parametrize("name", BAD)
def test_no_change_founds_a_space_or_head_of_such_a_name(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no name of a space"):
        require_sound(change(name, used("a")))
    with pytest.raises(InvalidRequestError):
        require_sound(change("team", head_created(name)))
