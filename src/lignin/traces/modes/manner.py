"""In what manner a run differs from its reference: what tells causes apart.

Pure. A cause may show as several classes of difference (who gives up may have done nothing or
something), and one class may have several causes. Manners are told by forms of values, by what is
usual over all runs and by what came back, never by names.
"""

import re
from collections import Counter
from collections.abc import Hashable, Sequence

from lignin.domain.codec import Json
from lignin.domain.effects import Effect
from lignin.domain.modes import Manner
from lignin.traces.effects import Made
from lignin.traces.modes.account import Account
from lignin.traces.modes.usual import Usual, has_figure, is_short
from lignin.traces.modes.words import other_unit

REPEATS = 6
_PLAIN = re.compile(r"[\W_]+")
VALUE_MANNERS: frozenset[Manner] = frozenset(["of_another", "other_unit", "other_choice"])
"""Manners of a wrong value that say what went wrong also where the tool refused it."""


def gave_up(run: Account, right: frozenset[Effect]) -> bool:
    """True where a run says that it could not.

    One whose last call was right and refused is stopped by what had gone wrong before.
    """
    last = run.run.made[-1] if run.run.made else None
    is_stopped = last is not None and last.failed and last.effect in right
    return run.gave_up and not is_stopped


def done_twice(run: Account, agreeing: Sequence[Account]) -> Effect | None:
    """Return an effect that a run made more often than most of those that came to the same."""
    counts = [Counter(each.in_order) for each in agreeing]
    for effect, count in Counter(run.in_order).items():
        if effect in run.by_user:
            continue  # what a user turns off and on again, he was told to
        if count > 1 and sum(each[effect] < count for each in counts) > len(counts) / 2:
            return effect
    return None


def refused(run: Account, missing: frozenset[Effect]) -> Made | None:
    """Return the last refused call of a tool whose effect is missing.

    One that asked for the right thing is none: it was refused for what had gone wrong before.
    """
    tools = {effect.tool for effect in missing}
    calls = [m for m in run.run.made if m.failed and m.call.name in tools]
    return next((m for m in reversed(calls) if m.effect not in missing), None)


def skipped_step(run: Account, agreeing: Sequence[Account], usual: Usual) -> str:
    """Return a step usually taken first that most of the others tried and the run did not."""
    tried = {made.call.name for made in run.run.writes}
    for tool in sorted(usual.first - tried):
        others = sum(any(m.call.name == tool for m in each.run.writes) for each in agreeing)
        if others > len(agreeing) / 2:
            return tool
    return ""


def value_manner(run: Account, wrong: Effect, rights: Sequence[Effect], usual: Usual) -> Manner:
    """Return how the first argument that differs from the nearest right call differs."""
    name, value, right = min(
        (_differing(wrong, each) for each in rights),
        key=lambda found: (found[0], repr(found[1:])),
    )[1:]
    if not name:
        return ""
    if _is_positive(value) and _is_positive(right):
        return "other_unit" if other_unit(value, right) else "other_figure"
    if _plain(value) and _plain(value) == _plain(right):
        return "other_value"
    choices = usual.choices.get((wrong.tool, name), frozenset[Hashable]())
    if _hashable(value) in choices and _hashable(right) in choices:
        return "other_choice"
    if is_short(value) and has_figure(value) and _was_seen(run, wrong, value):
        return "of_another"
    return "other_value"


def _differing(wrong: Effect, right: Effect) -> tuple[int, str, Json, Json]:
    """How many arguments differ, and the first one with both its values."""
    mine, theirs = dict(wrong.arguments), dict(right.arguments)
    names = sorted(n for n in mine.keys() | theirs.keys() if mine.get(n) != theirs.get(n))
    name = names[0] if names else ""
    return len(names), name, mine.get(name), theirs.get(name)


def _is_positive(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _plain(value: Json) -> str:
    """A text without blanks and punctuation: two forms of one value have it in common."""
    return _PLAIN.sub("", value).lower() if isinstance(value, str) else ""


def _hashable(value: Json) -> Hashable:
    return value if isinstance(value, str | bool) else None


def _was_seen(run: Account, wrong: Effect, value: str) -> bool:
    """True where the user or a call that worked told of the value before it was used.

    What comes after may repeat it, and so may an error.
    """
    whole = re.compile(rf"(?<![\w-]){re.escape(value)}(?![\w-])", re.IGNORECASE)
    if any(whole.search(step.text) for step in run.run.users):
        return True
    for made in run.run.made:
        if made.effect == wrong:
            return False
        if not made.failed and whole.search(made.call.observation or ""):
            return True
    return False
