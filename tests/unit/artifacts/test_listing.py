"""The listing fits each client's budget and says everything that had to give way."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lignin.artifacts.client import Client
from lignin.artifacts.clients import claude_code, codex
from lignin.artifacts.listing import ListedSkill, plan_listing, shorten
from lignin.domain.errors import InvalidRequestError

CLIENTS = (claude_code.CLIENT, codex.CLIENT)
SKILLS = st.lists(
    st.builds(
        ListedSkill,
        name=st.from_regex(r"[a-z]{1,20}", fullmatch=True),
        description=st.text("ab. ,", min_size=1, max_size=300).map(lambda text: f"x{text}" * 3),
        uses=st.integers(0, 50),
    ),
    max_size=60,
    unique_by=lambda skill: skill.name,
)


def skills(count: int, description: str) -> list[ListedSkill]:
    return [ListedSkill(name=f"s{n:03}", description=description, uses=n) for n in range(count)]


@settings(max_examples=40)
@given(SKILLS, st.sampled_from(CLIENTS), st.integers(0, 9000))
def test_nothing_is_dropped_silently_and_the_budget_holds(
    wanted: list[ListedSkill], client: Client, taken: int
) -> None:
    listing = plan_listing(wanted, client, taken_chars=taken)
    shown = {entry.name: entry.description for entry in listing.entries}
    left = {skill.name for skill in listing.left_out}
    shortened = {item.name for item in listing.shortened}
    assert listing.chars <= client.listing_chars or not shown
    folder = client.project_folder
    assert listing.chars == taken + sum(len(client.entry(n, d, folder)) for n, d in shown.items())
    assert {skill.name for skill in wanted} == set(shown) | left
    assert not set(shown) & left
    for skill in wanted:
        if skill.name in shown:
            assert (shown[skill.name] != skill.description) == (skill.name in shortened)


def test_what_fits_is_listed_as_it_is() -> None:
    listing = plan_listing(skills(10, "Short and clear."), claude_code.CLIENT)
    assert not listing.shortened and not listing.left_out
    assert [entry.name for entry in listing.entries][:2] == ["s009", "s008"]


def test_the_least_used_give_way_first_and_at_a_sentence() -> None:
    text = "Sums the prices of an order. " + "Use it when a task asks for totals over lines. " * 12
    listing = plan_listing(skills(20, text.strip()), claude_code.CLIENT)
    assert not listing.left_out
    assert "s000" in {item.name for item in listing.shortened}
    assert "s019" not in {item.name for item in listing.shortened}
    by_name = {entry.name: entry.description for entry in listing.entries}
    assert by_name["s000"].endswith(".") and text.startswith(by_name["s000"])
    assert all("8000 characters" in item.reason for item in listing.shortened)


def test_skills_are_left_out_from_the_least_used_with_the_reason() -> None:
    listing = plan_listing(skills(500, "Does a thing that is described here."), codex.CLIENT)
    assert listing.chars <= 5_440
    names = [item.name for item in listing.left_out]
    assert names[-1] == "s000" and "s499" not in names
    assert len(names) + len(listing.entries) == 500
    assert "free characters" in listing.left_out[0].reason


def test_a_description_over_the_clients_cap_is_shortened_even_where_there_is_room() -> None:
    text = "One sentence here. " * 100
    listing = plan_listing([ListedSkill(name="a", description=text)], claude_code.CLIENT)
    assert len(listing.entries[0].description) <= 1_536
    assert "1536" in listing.shortened[0].reason


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        plan_listing([ListedSkill(name="a", description="x")] * 2, codex.CLIENT)


def test_shortening_without_a_sentence_ends_at_a_word() -> None:
    assert shorten("alpha beta gamma delta", 12) == "alpha beta…"
    assert shorten("alphabetagammadelta", 6) == "alpha…"
    assert shorten("One. Two v1.5 three. Four five six.", 22) == "One. Two v1.5 three."
