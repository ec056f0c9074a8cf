"""What a run came to: its effects, how it ended, and the error it did not get past. Pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lignin.domain.effects import Effect, effect_of_call
from lignin.traces.effects import Made, effect_of, is_failed
from lignin.traces.modes.words import told_in
from lignin.traces.runs import Run
from lignin.traces.templates import template_of

_TRUST = {"success": 3, "failure": 0, "infrastructure": 0}
_GIVING_UP = re.compile(
    r"could(?: no|n')t|cannot|can't|unable|not able|sorry|unfortunately|give up", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a run came to.

    Args:
        run: The run itself.
        in_order: Its effects in order; `effects` are the same as a set.
        by_user: What the agent got a user to do who holds tools of his own: an effect of the run,
            whoever's hand it was.
        tools: The tools called, in order.
        handed_over: True where it handed the task to somebody else.
        error: Template of the last error whose tool did not work afterwards, "" where all did.
        error_tool: That tool.
        told: The figures that the agent told last, or the leaves of a JSON value.
        gave_up: True where its last words say that it could not.
        trust: How many votes it has on what is right: more if it is known to have succeeded, none
            if it is known to have failed or gave up.
        repeats: How often the most repeated call was made; `repeated_tool` is its tool.
    """

    run: Run
    in_order: tuple[Effect, ...] = ()
    effects: frozenset[Effect] = frozenset()
    by_user: tuple[Effect, ...] = ()
    tools: tuple[str, ...] = ()
    handed_over: bool = False
    error: str = ""
    error_tool: str = ""
    told: frozenset[str] = frozenset()
    gave_up: bool = False
    trust: int = 1
    repeats: int = 0
    repeated_tool: str = ""

    @property
    def changes(self) -> bool:
        """True where something was changed, not only said."""
        return bool(self.by_user or (self.run.writes and self.effects))


def account_of(run: Run) -> Account:
    """Return what a run came to."""
    failed = _unrecovered(run.made)
    repeated = Counter(each.effect for each in run.made).most_common(1)
    by_user = _by_user(run)
    last_words = _last_words(run)
    gave_up = bool(_GIVING_UP.search(last_words))
    return Account(
        run=run,
        in_order=(*_in_order(run), *by_user),
        effects=run.effects.union(by_user),
        by_user=by_user,
        tools=tuple(each.call.name for each in run.made),
        handed_over=any(each.kind == "hand over" for each in run.made),
        error=template_of(failed.call.observation or "") if failed else "",
        error_tool=failed.call.name if failed else "",
        told=told_in(last_words),
        gave_up=gave_up,
        trust=_TRUST.get(run.trajectory.outcome or "", 0 if gave_up else 1),
        repeats=repeated[0][1] if repeated else 0,
        repeated_tool=repeated[0][0].tool if repeated else "",
    )


def _last_words(run: Run) -> str:
    steps = run.trajectory.steps
    return next((s.text for s in reversed(steps) if s.role == "assistant" and s.text), "")


def _in_order(run: Run) -> tuple[Effect, ...]:
    """The effects as they were made, an answer in words last."""
    made = [m.effect for m in run.made if not m.failed and m.effect in run.effects]
    return (*made, *sorted(run.effects.difference(made), key=repr))


def _by_user(run: Run) -> tuple[Effect, ...]:
    """The changes that a user made with tools of his own, under names that no tool of the agent has."""
    calls = (c for step in run.trajectory.steps for c in step.calls if c.requestor == "user")
    return tuple(
        effect_of_call(f"user: {call.name}", call.arguments)
        for call in calls
        if effect_of(call, run.trajectory.tools) == "write" and not is_failed(call)
    )


def without_words(account: Account) -> Account:
    """Return what a run came to without an answer in words, which some runs' last words stand for."""
    made = {*(each.effect for each in account.run.made), *account.by_user}
    return replace(
        account,
        in_order=tuple(each for each in account.in_order if each in made),
        effects=account.effects & made,
    )


def handings(account: Account) -> frozenset[Effect]:
    """Return the calls by which a run handed the task to somebody else."""
    made = account.run.made
    return frozenset(m.effect for m in made if m.kind == "hand over" and not m.failed)


def by_handing_over(run: Account, siblings: Sequence[Account]) -> tuple[Account, list[Account]]:
    """Return accounts with their handing over as an effect, for tasks where nothing else is done.

    What is written along with it counts only where most of the others wrote the same.
    """
    every = Counter(effect for each in siblings for effect in handings(each))
    total = sum(each.handed_over for each in siblings)
    is_fixed = bool(every) and max(every.values()) > total / 2
    found = [_handing(each, is_fixed) for each in (run, *siblings)]
    return found[0], found[1:]


def _handing(account: Account, is_fixed: bool) -> Account:
    found = handings(account)
    if not is_fixed:
        found = frozenset(Effect(effect.tool, ()) for effect in found)
    return replace(
        account,
        in_order=(*account.in_order, *sorted(found, key=repr)),
        effects=account.effects | found,
    )


def _unrecovered(made: Sequence[Made]) -> Made | None:
    """The last call that failed and whose tool did not work afterwards."""
    worked: set[str] = set()
    for each in reversed(made):
        if not each.failed:
            worked.add(each.call.name)
        elif each.call.name not in worked:
            return each
    return None
