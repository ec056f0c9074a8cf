"""What a person said in a run, what the agent had done before, and what it did then. Pure.

A turn is a correction where three things come together: the agent had acted, the words negate or
redirect, and the agent then changes what it had done. What the words are about does not matter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.requests.words import REDIRECTS, STANDING
from lignin.traces.routines.commands import as_command

MAX_TEXT = 1200
"""A longer turn is a pasted document or a prompt, not something a person says again."""
MAX_CALLS = 40
_TAGGED = re.compile(r"<([A-Za-z][\w-]*)(?:\s[^<>]*)?>.*?</\1>", re.DOTALL)
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”")
_ASKS = re.compile(
    r"[?？]|\b(?:please|could you) (?:provide|confirm|share|tell|let me know)\b", re.IGNORECASE
)
_LAST_WORDS = 400
_UNDOES = re.compile(r"git (?:revert|restore|reset|checkout|stash|rm)\b|undo\b")
_NUMBER = re.compile(r"[\d.,:%-]+")

Change = Literal["", "undone", "redone", "added"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One thing that a person said in a run.

    Args:
        step: The step's index in the run.
        text: What was said, without pasted blocks.
        at: When, as the trace says it; "" where it does not.
        first: Nothing was done before it in the run.
        asked: The agent had just asked something, so that this is an answer.
        redirects: The words negate or redirect.
        change: How what the agent did then changes what it had done before.
        before: The last tool that was called before.
        calls: The tools that were called then, in order.
        places: Which of the run's calls those are: from the first to before the second.
    """

    step: int
    text: str
    at: str
    first: bool
    asked: bool
    redirects: bool
    change: Change
    before: str
    calls: tuple[str, ...]
    places: tuple[int, int]

    @property
    def is_correction(self) -> bool:
        """True where the person corrected the agent, and it listened."""
        if self.first or not self.redirects or not self.change:
            return False
        return not self.asked or bool(STANDING.search(self.text))

    @property
    def is_request(self) -> bool:
        """True where the person asked for something of his own accord, and the agent acted on it."""
        return bool(self.calls) and not self.asked and not self.is_correction

    def to_json(self) -> dict[str, Json]:
        """The turn as a JSON object; `parse_turn` reads it back."""
        body = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**body, "calls": list(self.calls), "places": list(self.places)}


def parse_turn(body: Mapping[str, Json]) -> Turn:
    """Read a turn back."""
    start, end = body["places"]
    return Turn(**{**body, "calls": tuple(body["calls"]), "places": (start, end)})


@dataclass(frozen=True, slots=True)
class _Act:
    tool: str
    values: frozenset[str]
    given: str


def turns_of(run: Trajectory) -> tuple[Turn, ...]:
    """Return what a person said in a run, in order; what only came along with it is left out."""
    found: list[Turn] = []
    before: list[_Act] = []
    place, asked = 0, False
    for said, steps in _segments(run.steps):
        calls = [each for step in steps for each in step.calls if each.requestor == "assistant"]
        acts = [_act(call) for call in calls]
        text = _spoken(said.text) if said else ""
        if said and text:
            redirects = bool(REDIRECTS.search(_QUOTED.sub(" ", text)))
            found.append(
                Turn(
                    step=said.index,
                    text=text,
                    at=said.at or "",
                    first=not before,
                    asked=asked,
                    redirects=redirects,
                    change=_change(before, acts, text) if redirects else "",
                    before=before[-1].tool if before else "",
                    calls=tuple(act.tool for act in acts[:MAX_CALLS]),
                    places=(place, place + len(calls)),
                )
            )
        place += len(calls)
        before = acts or before
        last = next((step.text for step in reversed(steps) if step.role == "assistant"), "")
        asked = bool(_ASKS.search(last[-_LAST_WORDS:]))
    return tuple(found)


def _segments(steps: Sequence[Step]) -> Iterator[tuple[Step | None, list[Step]]]:
    """What was said, and the steps until something is said again; said in a row is said once."""
    said: Step | None = None
    rest: list[Step] = []
    for step in steps:
        if step.role == "user" and _spoken(step.text):
            if said is not None or rest:
                yield said, rest
            said, rest = step, []
        elif step.role != "user":
            rest.append(step)
    if said is not None or rest:
        yield said, rest


def _spoken(text: str) -> str:
    """What a person typed, as far as one can tell: nothing of a prompt or a pasted document."""
    plain = _FENCED.sub(" ", _TAGGED.sub(" ", text)).strip()
    return " ".join(plain.split()) if 0 < len(plain) <= MAX_TEXT else ""


def _act(call: ToolCall) -> _Act:
    command = as_command(call)
    tool, arguments = command or (call.name, call.arguments)
    values = {
        value
        for value in arguments.values()
        if isinstance(value, str) and 2 < len(value) <= 200 and not _NUMBER.fullmatch(value)
    }
    return _Act(tool, frozenset(values), repr(sorted(arguments.items())))


def _change(before: Sequence[_Act], after: Sequence[_Act], text: str) -> Change:
    """How what was done then changes what had been done before; "" where it does not."""
    if any(_UNDOES.match(act.tool) for act in after):
        return "undone"
    for new in after:
        for old in before:
            same_tool = new.tool == old.tool
            if same_tool and new.given != old.given:
                return "redone"
            if not same_tool and new.values & old.values:
                return "redone"
    known = {act.tool for act in before}
    is_new = any(act.tool not in known for act in after)
    return "added" if is_new and STANDING.search(text) else ""
