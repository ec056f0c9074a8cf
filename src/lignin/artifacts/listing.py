"""Fitting the listing of skills into what a client shows. Pure.

Owns the order in which descriptions are shortened and skills left out, and says so for each one;
a client that runs over its budget would drop them silently. Refuses to rank by worth: the caller
gives use counts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lignin.artifacts.client import Client
from lignin.domain.errors import InvalidRequestError

SHORT_LENGTHS = (400, 240, 140, 90)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)|[。！？]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSkill:
    """A skill that wants to be listed; `uses` is how often it was used, more goes first."""

    name: str
    description: str
    uses: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortened:
    """A description that had to give way, in characters before and after, and why."""

    name: str
    from_chars: int
    to_chars: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A skill that does not fit, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is served, highest priority first, with all that was changed to make it fit.

    `chars` is the exact length of the listing with `taken_chars` of other skills; at most `budget`
    unless the others alone exceed it, and then `entries` is empty.
    """

    entries: tuple[ListedSkill, ...]
    chars: int
    budget: int
    shortened: tuple[Shortened, ...]
    left_out: tuple[LeftOut, ...]


def shorten(text: str, limit: int) -> str:
    """Return the whole sentences of `text` that fit in `limit` characters.

    Where not even the first fits, the words that do and an ellipsis; `limit` is at least 2.
    """
    if len(text) <= limit:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text) if match.end() <= limit]
    if ends:
        return text[: ends[-1]].rstrip()
    space = text.rfind(" ", 1, limit)
    return text[: space if space > 0 else limit - 1].rstrip(" ,;:-") + "…"


def plan_listing(
    skills: Iterable[ListedSkill], client: Client, *, folder: str = "", taken_chars: int = 0
) -> Listing:
    """Return the listing that fits the client's budget, and everything that had to give way.

    Priority is uses, then name. Descriptions over the client's own cap are shortened first. Then,
    for each length of `SHORT_LENGTHS`, descriptions are shortened to it from the lowest priority
    up, stopping as soon as all fits. Then skills are left out from the lowest priority up.

    Args:
        skills: Names are unique.
        folder: The skills folder as the client prints it; by default its project folder.
        taken_chars: What skills that are not ours already take of the listing.

    Raises:
        InvalidRequestError: Two skills of one name.
    """
    ordered = sorted(skills, key=lambda skill: (-skill.uses, skill.name))
    if len({skill.name for skill in ordered}) != len(ordered):
        raise InvalidRequestError("two skills of one name cannot be listed together")
    where = folder or client.project_folder
    room = client.listing_chars - taken_chars
    texts = {skill.name: shorten(skill.description, client.description_chars) for skill in ordered}
    sizes = {name: len(client.entry(name, text, where)) for name, text in texts.items()}
    _shorten_until_it_fits(ordered, texts, sizes, room)
    left_out = _leave_out_until_it_fits(ordered, sizes, room)
    kept = [skill for skill in ordered if skill.name in sizes]
    return Listing(
        entries=tuple(
            ListedSkill(name=skill.name, description=texts[skill.name], uses=skill.uses)
            for skill in kept
        ),
        chars=taken_chars + sum(sizes.values()),
        budget=client.listing_chars,
        shortened=tuple(
            _report(skill, texts[skill.name], client)
            for skill in kept
            if texts[skill.name] != skill.description
        ),
        left_out=left_out,
    )


def _shorten_until_it_fits(
    ordered: list[ListedSkill], texts: dict[str, str], sizes: dict[str, int], room: int
) -> None:
    over = sum(sizes.values()) - room
    for limit in SHORT_LENGTHS:
        for skill in reversed(ordered):
            if over <= 0:
                return
            shorter = shorten(skill.description, limit)
            saved = len(texts[skill.name]) - len(shorter)
            if saved > 0:
                texts[skill.name] = shorter
                sizes[skill.name] -= saved
                over -= saved


def _leave_out_until_it_fits(
    ordered: list[ListedSkill], sizes: dict[str, int], room: int
) -> tuple[LeftOut, ...]:
    left_out = []
    total = sum(sizes.values())
    for skill in reversed(ordered):
        if total <= room:
            break
        size = sizes.pop(skill.name)
        reason = (
            f"the listing would take {total} of {max(room, 0)} free characters and this skill, "
            f"used {skill.uses} times, comes last; its entry takes {size}"
        )
        left_out.append(LeftOut(name=skill.name, reason=reason))
        total -= size
    return tuple(reversed(left_out))


def _report(skill: ListedSkill, text: str, client: Client) -> Shortened:
    capped = len(skill.description) > client.description_chars
    return Shortened(
        name=skill.name,
        from_chars=len(skill.description),
        to_chars=len(text),
        reason=f"{client.title} shows {client.description_chars} characters of a description"
        if capped and len(text) > SHORT_LENGTHS[0]
        else f"all listings together may take {client.listing_chars} characters in {client.title}",
    )
