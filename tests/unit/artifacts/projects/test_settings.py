"""Settings go into JSON in place: whatever is there stays, byte for byte and in meaning."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.artifacts.projects.jsonc import parse_places
from lignin.artifacts.projects.marked import Marked
from lignin.artifacts.projects.settings import (
    Setting,
    how_it_stands,
    put_setting,
    take_setting,
)
from lignin.domain.errors import InvalidRequestError

SERVER = Setting(path=("servers", "lignin"), value={"command": "x", "args": ["a"]}, part="p")
HOOK = Setting(path=("hooks", "Stop"), value={"run": "hook me"}, part="p", sign="hook me")
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
KEYS = st.sampled_from(["servers", "hooks", "Stop", "lignin", "a", "é", 'q"', "//"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(
    value=OBJECTS,
    indent=st.sampled_from([None, 0, 1, 2, 4, "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    tail=st.sampled_from(["", "\n", "\n// end", " /* end */\n"]),
)
def test_putting_in_only_adds_and_taking_out_gives_the_meaning_back(
    value: dict[str, Any], indent: Any, end: str, tail: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", end) + tail
    marked = Marked(text.encode())
    done = []
    for setting in (SERVER, HOOK):
        root = parse_places(marked.content)
        try:
            if how_it_stands(root, setting).how != "absent":
                continue
        except InvalidRequestError:
            continue  # something of another kind is in the way
        marked, made = put_setting(marked, setting)
        done.append((setting, made))
        assert how_it_stands(parse_places(marked.content), setting).how == "same"
    assert marked.without() == text.encode()
    content = marked.content
    for setting, made in reversed(done):
        content, stood = take_setting(content, setting, made)
        assert stood.how == "same"
    root = parse_places(content)
    assert root is not None and root.value() == value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}', '{"a": 1, "servers": {"lignin": {"command": "x", "args": ["a"]}}}'),
        ('{"servers": {}}', None),
        (
            '{\n    "servers": {\n        "b": 1, // note\n    },\n}',
            '{\n    "servers": {\n        "b": 1, // note\n        "lignin": {\n'
            '            "command": "x",\n            "args": [\n                "a"\n'
            "            ]\n        },\n    },\n}",
        ),
    ],
)
def test_what_goes_in_looks_like_what_is_there(before: str, after: str | None) -> None:
    done, _ = put_setting(Marked(before.encode()), SERVER)
    if after is not None:
        assert done.content.decode() == after


def test_a_comment_of_a_person_keeps_a_container_that_was_ours() -> None:
    done, made = put_setting(Marked(b"{}"), SERVER)
    edited = done.content.replace(b'"lignin"', b'// my note\n    "lignin"')
    left, stood = take_setting(edited, SERVER, made)
    assert stood.how == "same"
    assert b"// my note" in left
    root = parse_places(left)
    assert root is not None and root.value() == {"servers": {}}


def test_what_is_not_ours_is_not_taken_out() -> None:
    text = b'{"servers": {"lignin": {"command": "mine"}}}'
    assert take_setting(text, SERVER, ())[0] == text


@pytest.mark.parametrize(
    "text", ['{"a" 1}', "{,}", '{"a": 1 "b": 2}', "{", "[1", "tru", '{"a": 01}']
)
def test_what_is_no_json_is_told_with_its_place(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="line 1"):
        parse_places(text.encode())
