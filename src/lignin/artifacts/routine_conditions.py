"""What has to hold before a routine is used, in words that a person would write. Pure."""

import json
import re

from lignin.artifacts.routine_text import WORD, plain, shown, singular, tool_words
from lignin.domain.codec import Json
from lignin.domain.routines import Constant, Guard, Item, Pick, Reference, Routine, Use

_STARS = re.compile(r"\[\*\]|\.\*|\.~")
_SAYS_NOTHING = ("details", "detail", "info", "information", "data", "record", "by")


def condition_of(guard: Guard, routine: Routine, named: str = "") -> str:
    """Return a guard as a condition: `the order's status is delivered`.

    Args:
        named: What the program calls the parameter that it is about, where it is about one.
    """
    told = guard.expected(_value)
    if isinstance(guard.at, Use):
        return f"{named or plain(guard.at.parameter)} is {told}"
    of_each = guard.at.pick.value if guard.at.pick else None
    before = f"for each of {plain(of_each.parameter)} " if isinstance(of_each, Item) else ""
    return f"{before}{_place(guard.at, routine)} {'are' if guard.how == 'empty' else 'is'} {told}"


def _value(value: Json) -> str:
    return shown(value) if isinstance(value, str) else json.dumps(value)


def _place(place: Reference, routine: Routine) -> str:
    path = place.parts[1] if _STARS.search(place.path) else place.path
    fields = WORD.findall(path.replace("[#]", "").rpartition(".")[2].replace("_", " "))
    field = plain(" ".join(fields))
    owner = _owner(place, routine)
    if field and " whose " in owner:
        return f"the {field} of {owner}"
    return f"{owner}'s {field}" if field else owner


def _owner(place: Reference, routine: Routine) -> str:
    """What a place belongs to: the thing that a condition picks, an element, or what a tool is about."""
    thing = _thing(place, routine)
    pick = place.pick
    if pick is None:
        return f"the {thing}"
    fact = _words(pick.fact)
    if pick.how == "where":
        return f"the {thing}{_which(pick, fact, thing)}"
    if pick.how in ("only", "last"):
        return f"the {pick.how} {thing}"
    return f"the {thing} with the {'smallest' if pick.how == 'min' else 'largest'} {fact}"


def _which(pick: Pick, fact: str, thing: str) -> str:
    if isinstance(pick.value, Constant):
        return f" whose {fact} is {_value(pick.value.value)}"
    return "" if fact.startswith(thing) else f" of that {fact}"


def _thing(place: Reference, routine: Routine) -> str:
    fact = _words(place.pick.fact) if place.pick else ""
    if fact.endswith(" id"):
        return fact.removesuffix(" id")
    lists = [
        part for part in re.split(r"[.\[\]*~]+", place.parts[0]) if part and not part.isdigit()
    ]
    if lists:
        return _words(singular(lists[-1]))
    _, *about = plain(tool_words(routine.steps[place.step].tool)).split()
    about = about[: next((n for n, word in enumerate(about) if word in _SAYS_NOTHING), len(about))]
    return " ".join(about) or "result"


def _words(text: str) -> str:
    return plain(" ".join(WORD.findall(text.replace("_", " "))))
