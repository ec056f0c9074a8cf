"""Faults are what a client, a validator or we refuse; advice is the rest."""

import pytest

from lignin.artifacts.skill_rules import advise_skill, validate_skill
from lignin.domain.artifacts import File

GOOD = '---\nname: "a-b"\ndescription: "Sums the prices of an order."\n---\n\nText.\n'


def files(text: str, **others: str) -> dict[str, File]:
    found = {"SKILL.md": File(content=text.encode())}
    return found | {path: File(content=body.encode()) for path, body in others.items()}


def test_a_good_skill_has_neither_faults_nor_advice() -> None:
    good = files(GOOD + "See [guide](references/g.md).", **{"references/g.md": "x"})
    assert validate_skill(good, folder="a-b") == []
    assert advise_skill(good) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("no front matter", "no front matter"),
        ("---\nname: a\n", "not closed"),
        ("\ufeff" + GOOD, "byte order mark"),
        (GOOD.replace("a-b", "A_b"), "name"),
        (GOOD.replace("a-b", "a--b"), "name"),
        (GOOD.replace("a-b", "é"), "name"),
        (GOOD.replace('"a-b"', "123"), "reads as int"),
        (GOOD.replace("Sums", "<b>Sums"), "angle bracket"),
        (GOOD.replace("Sums the prices of an order.", " "), "description is empty"),
        (GOOD.replace("Sums", "S" * 1025), "at most 1024"),
        (GOOD.replace("---\n\n", "version: 1\n---\n\n"), "'version'"),
        (GOOD.replace("---\n\n", "hooks: x\n---\n\n"), "'hooks'"),
        (GOOD.replace("---\n\n", 'compatibility: ""\n---\n\n'), "compatibility is empty"),
        (GOOD.replace("---\n\n", "metadata: {}\n---\n\n"), "flow style"),
        (GOOD.replace("---\n\n", "metadata:\n  a: [x]\n---\n\n"), "not text"),
        (GOOD.replace("---\n\n", "license: &a b\n---\n\n"), "anchor"),
        (GOOD.replace("---\n\n", "license: !!str b\n---\n\n"), "tag"),
        (GOOD.replace("---\n\n", "name: b\n---\n\n"), "twice"),
        (GOOD.replace("---\n\n", "license: a: b\n---\n\n"), "line 4"),
        (GOOD + "!`rm -rf /`", "runs a command"),
        (GOOD + "```!\nrm -rf /\n```", "runs a command"),
        (GOOD + "[x](../../etc/passwd)", "leaves the folder"),
        (GOOD + "[x](/etc/passwd)", "leaves the folder"),
    ],
)
def test_a_fault_is_named(text: str, fault: str) -> None:
    assert any(fault in found for found in validate_skill(files(text)))


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (".claude-plugin/plugin.json", "hidden"),
        ("sub/.mcp.json", "hidden"),
        ("sub/SKILL.md", "further skill"),
        ("sub/skill.md", "further skill"),
        ("agents/openai.yaml", "asks the client for tools"),
        ("skill.MD", "collide"),
        ("../up", "unsafe path"),
    ],
)
def test_files_that_do_more_than_text_are_faults(path: str, fault: str) -> None:
    assert any(fault in found for found in validate_skill(files(GOOD, **{path: "x"})))


def test_the_folder_has_to_be_named_as_the_skill() -> None:
    assert validate_skill(files(GOOD), folder="other")
    assert validate_skill({}) == ["there is no SKILL.md"]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (GOOD + "line\n" * 500, "lines"),
        (GOOD + "x" * 20_010, "tokens"),
        (GOOD.removesuffix("\nText.\n"), "empty"),
        (GOOD.replace("Sums the prices of an order.", "Sums."), "too short"),
        (GOOD.replace("a-b", "my-claude"), "claude"),
        (GOOD + "[x](missing.md)", "no file behind"),
        (GOOD + "[x](a/b/c.md)", "deeper than one folder"),
    ],
)
def test_advice_is_given_where_agents_will_use_it_worse(text: str, advice: str) -> None:
    found = files(text, **{"a/b/c.md": "x"})
    assert validate_skill(found) == []
    assert any(advice in item for item in advise_skill(found))


def test_links_in_code_and_to_the_web_are_not_followed() -> None:
    text = GOOD + "```\n[x](../a)\n```\n`[y](../b)` [z](https://example.org/../a) [s](#part)\n"
    assert validate_skill(files(text)) == []
    assert advise_skill(files(text)) == []
