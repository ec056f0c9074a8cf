"""From what people said to candidates: what recurs, as what it could be kept, and the evidence. Pure.

A candidate says what was seen and where. Text grants nothing: nothing is made, served or scheduled
because of one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from lignin.domain.ids import derive_id
from lignin.traces.requests.alike import by_chance, counted, grouped
from lignin.traces.requests.times import regular
from lignin.traces.requests.turns import Turn
from lignin.traces.requests.words import words_of

Kind = Literal["skill", "rule", "loop"]
LEAST_SESSIONS = 3
LEAST_DAYS = 2
LEAST_SHARE = 0.8
OFTEN = 0.5
MOST_BY_CHANCE = 0.05
"""How likely it may be that one of all the candidates is there by chance."""
MAX_DID = 8
_HOME = re.compile(r"/(?:home|Users)/([^/]+)|[A-Za-z]:[/\\]Users[/\\]([^/\\]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A turn, and whose run it is from; "" where a run does not tell. Runs of one task count once."""

    session: str
    task: str
    person: str
    model: str
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that people ask, or correct, again and again.

    Args:
        kind: What it could be kept as: a skill (a request), a rule (a correction) or a loop (a request
            at regular times, or after one event).
        wording: How it was said most typically, redacted as it was stored.
        when: The regular times, or the event; "" for no loop.
        heard: Every time that it was said, in the order of sessions and steps.
        did: The tools that the agent then called at least half of the times.
    """

    kind: Kind
    wording: str
    when: str
    heard: tuple[Heard, ...]
    did: tuple[str, ...]

    @property
    def request(self) -> str:
        """Id: the hash of the words."""
        return derive_id("req", [self.kind == "rule", sorted(words_of(self.wording))])

    @property
    def sessions(self) -> tuple[str, ...]:
        """The sessions in which it was said."""
        return tuple(dict.fromkeys(each.session for each in self.heard))

    @property
    def days(self) -> int | None:
        """On how many days; None where no run tells the time."""
        return len({time.date() for time in _times(self.heard)}) or None

    @property
    def people(self) -> int | None:
        """By how many people; None where no run tells."""
        return len({each.person for each in self.heard if each.person}) or None


def candidates(heard: Iterable[Heard]) -> list[Candidate]:
    """Return the candidates of all that was said, those of the most sessions first."""
    known = sorted(heard, key=lambda each: (each.session, each.turn.step))
    events = Counter(each.turn.before for each in known if each.turn.before)
    corrections = [each for each in known if each.turn.is_correction]
    requests = [each for each in known if each.turn.is_request]
    found = [_candidate(group, "rule", events) for group in _recurring(corrections)]
    found += [_candidate(group, "skill", events) for group in _recurring(requests)]
    return sorted(found, key=lambda each: (-len(each.sessions), each.request))


def person_of(cwd: str) -> str:
    """Whose home folder a run was in; "" where it was in none."""
    match = _HOME.match(cwd)
    return (match[1] or match[2] or "") if match else ""


def _recurring(heard: Sequence[Heard]) -> list[list[Heard]]:
    """What was said alike in enough sessions, on more than one day or by more than one person."""
    said = [words_of(each.turn.text) for each in heard]
    groups = [each for each in grouped(said) if _is_spread([heard[place] for place in each])]
    sure = MOST_BY_CHANCE / max(1, len(said))  # any of them could have been a group's first
    counts = counted(said)
    told = [group for group in groups if by_chance(group, said, counts) < sure]
    return [[heard[place] for place in group] for group in told]


def _is_spread(group: Sequence[Heard]) -> bool:
    if len({each.task or each.session for each in group}) < LEAST_SESSIONS:
        return False
    days = {time.date() for time in _times(group)}
    people = {each.person for each in group if each.person}
    return not days or len(days) >= LEAST_DAYS or len(people) > 1


def _candidate(group: Sequence[Heard], kind: Kind, events: Counter[str]) -> Candidate:
    when = "" if kind == "rule" else regular(_times(group)) or _after_event(group, events)
    counts = Counter(tool for each in group for tool in dict.fromkeys(each.turn.calls))
    often = [tool for tool, count in counts.most_common() if count >= OFTEN * len(group)]
    return Candidate(
        kind="loop" if when else kind,
        wording=group[0].turn.text,
        when=when,
        heard=tuple(sorted(group, key=lambda each: (each.session, each.turn.step))),
        did=tuple(often[:MAX_DID]),
    )


def _times(group: Iterable[Heard]) -> list[datetime]:
    found = []
    for each in group:
        try:
            at = datetime.fromisoformat(each.turn.at)
        except ValueError:
            continue
        if at.tzinfo is not None:
            found.append(at)
    return found


def _after_event(group: Sequence[Heard], events: Counter[str]) -> str:
    """The call that nearly all of a group came after, and that others come after much less."""
    before = Counter(each.turn.before for each in group)
    tool, count = before.most_common(1)[0]
    if not tool or count < LEAST_SHARE * len(group):
        return ""
    sessions = {each.session for each in group if each.turn.before == tool}
    share, usual = count / len(group), events[tool] / max(1, events.total())
    return f"after {tool}" if len(sessions) >= LEAST_SESSIONS and usual <= share / 2 else ""
