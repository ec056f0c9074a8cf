"""What a run came to: its effects, how it ended, and the error it did not get past. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lignin.domain.effects import Effect
from lignin.traces.effects import Made
from lignin.traces.runs import Run
from lignin.traces.templates import template_of

_TRUST = {"success": 3, "failure": 0, "infrastructure": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a run came to.

    Args:
        run: The run itself.
        in_order: Its effects in order; `effects` are the same as a set.
        tools: The tools called, in order.
        handed_over: True where it handed the task to somebody else.
        error: Template of the last error whose tool did not work afterwards, "" where all did.
        error_tool: That tool.
        trust: How many votes it has on what is right: more if it is known to have succeeded, none
            if it is known to have failed.
        repeats: How often the most repeated call was made; `repeated_tool` is its tool.
    """

    run: Run
    in_order: tuple[Effect, ...] = ()
    effects: frozenset[Effect] = frozenset()
    tools: tuple[str, ...] = ()
    handed_over: bool = False
    error: str = ""
    error_tool: str = ""
    trust: int = 1
    repeats: int = 0
    repeated_tool: str = ""


def account_of(run: Run) -> Account:
    """Return what a run came to."""
    failed = _unrecovered(run.made)
    repeated = Counter(each.effect for each in run.made).most_common(1)
    return Account(
        run=run,
        in_order=_in_order(run),
        effects=run.effects,
        tools=tuple(each.call.name for each in run.made),
        handed_over=any(each.kind == "hand over" for each in run.made),
        error=template_of(failed.call.observation or "") if failed else "",
        error_tool=failed.call.name if failed else "",
        trust=_TRUST.get(run.trajectory.outcome or "", 1),
        repeats=repeated[0][1] if repeated else 0,
        repeated_tool=repeated[0][0].tool if repeated else "",
    )


def _in_order(run: Run) -> tuple[Effect, ...]:
    """The effects as they were made, an answer in words last."""
    made = [m.effect for m in run.made if not m.failed and m.effect in run.effects]
    return (*made, *sorted(run.effects.difference(made), key=repr))


def without_words(account: Account) -> Account:
    """Return what a run came to without an answer in words, which some runs' last words stand for."""
    made = {each.effect for each in account.run.made}
    return replace(
        account,
        in_order=tuple(each for each in account.in_order if each in made),
        effects=account.effects & made,
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
