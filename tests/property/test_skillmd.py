"""The SKILL.md writer and reader are each other's inverse, and the reference reader agrees."""

import re
from pathlib import Path

import pytest
import skills_ref.parser
import skills_ref.validator
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lignin.artifacts.skillmd import (
    SkillDocument,
    clean_description,
    is_skill_name,
    parse_skill,
    render_skill,
)
from lignin.domain.artifacts import HIDDEN
from lignin.domain.errors import LigninError

NASTY = st.sampled_from(
    ["---", "\n---\n", "...", '"', "'", "\\", "\\x2d", ": ", " #", "{}", "[]", "&a", "*a", "!!str"]
    + [
        "\r\n",
        "\u2028",
        "\u0085",
        "\ufeff",
        "\x00",
        "\t",
        "- ",
        "%YAML",
        "null",
        "é",
        "🪵",
        "\u00a0",
    ]
    + ["\x7f", "\ufffe", "\U0010ffff", "|", ">-", "@", "`"]
)
TEXT = st.lists(
    NASTY | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=8
).map("".join)
DESCRIPTION = (
    TEXT.map(lambda text: re.sub("[<>]", "", text)).filter(lambda text: text.strip())
).filter(lambda text: len(text) <= 1024)
NAME = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,6}){0,3}", fullmatch=True)
DOCUMENT = st.builds(
    SkillDocument,
    name=NAME,
    description=DESCRIPTION,
    license=TEXT,
    compatibility=TEXT.map(lambda text: text[:500]),
    metadata=st.dictionaries(TEXT.filter(bool).map(lambda text: text[:40]), TEXT, max_size=4),
    allowed_tools=TEXT,
    body=TEXT,
)


@given(DOCUMENT)
def test_a_rendered_skill_reads_back_without_loss(doc: SkillDocument) -> None:
    assert parse_skill(render_skill(doc)) == doc


@settings(max_examples=60)
@given(DOCUMENT)
def test_the_reference_reader_and_yaml_see_the_same_front_matter(doc: SkillDocument) -> None:
    text = render_skill(doc).decode()
    metadata, _ = skills_ref.parser.parse_frontmatter(text)
    assert skills_ref.validator.validate_metadata(dict(metadata), Path(doc.name)) == []
    assert metadata["name"] == doc.name
    assert metadata["description"] == doc.description
    assert metadata.get("metadata", {}) == dict(doc.metadata)
    front = re.match(r"^---\n(.*?)\n---", text, re.DOTALL)
    assert front is not None
    plain = yaml.safe_load(front.group(1))
    assert plain["description"] == doc.description
    assert plain["name"] == doc.name


@given(st.binary(max_size=200) | TEXT.map(lambda t: b"---\n" + t.encode() + b"\n---\n"))
def test_any_bytes_are_a_document_or_a_clear_error(raw: bytes) -> None:
    try:
        parse_skill(raw)
    except LigninError as error:
        assert error.message


@given(TEXT)
@example("\ufeff")
def test_a_cleaned_description_can_always_be_written(text: str) -> None:
    cleaned = clean_description(text)
    if cleaned:
        assert parse_skill(render_skill(SkillDocument(name="a", description=cleaned)))
    else:
        assert not HIDDEN.sub("", text).strip()


@given(st.text(max_size=70))
def test_a_name_is_accepted_only_where_the_reference_accepts_it(name: str) -> None:
    if is_skill_name(name):
        doc = {"name": name, "description": "x"}
        assert skills_ref.validator.validate_metadata(doc, Path(name)) == []


def test_a_lone_surrogate_is_refused_everywhere() -> None:
    for doc in (
        SkillDocument(name="a", description="\ud800x"),
        SkillDocument(name="a", description="x", body="\udfff"),
    ):
        with pytest.raises(LigninError, match="surrogate"):
            render_skill(doc)
