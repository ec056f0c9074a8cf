"""What caused a run to differ from its reference, as far as its calls and last words tell.

Pure. Causes are looked for in one order, what ends a run before what bends it: the same call over and
over, an early handing over, giving up; then a call refused and passed over, a step that others take
first, work handed over in place of being done, a wrong value; last the words.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.codec import Json
from lignin.domain.effects import Effect
from lignin.domain.modes import Difference, Manner
from lignin.traces.modes.account import Account, handings
from lignin.traces.modes.manner import (
    REPEATS,
    VALUE_MANNERS,
    done_twice,
    gave_up,
    refused,
    skipped_step,
    value_manner,
)
from lignin.traces.modes.usual import Usual
from lignin.traces.modes.words import says_nothing_of, words_manner


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """How a run differs, in what manner, and where."""

    difference: Difference
    manner: Manner = ""
    tool: str = ""
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A run beside its reference; `plain` is what the effects alone tell."""

    run: Account
    right: frozenset[Effect]
    missing: frozenset[Effect]
    extra: tuple[Effect, ...]
    agreeing: Sequence[Account]
    usual: Usual
    plain: Cause


def cause_of(
    difference: Difference,
    run: Account,
    right: frozenset[Effect],
    agreeing: Sequence[Account],
    usual: Usual,
) -> Cause:
    """Return what made a run differ.

    Args:
        difference: Its class of difference from the reference's effects.
        right: The reference's effects.
        agreeing: The runs that came to them.
        usual: What is usual over the runs of all tasks.
    """
    tool, arguments = _place(difference, run, right)
    case = _Case(
        run=run,
        right=right,
        missing=right - run.effects,
        extra=tuple(_extra(run, right)),
        agreeing=agreeing,
        usual=usual,
        plain=Cause(difference=difference, tool=tool, arguments=arguments),
    )
    return next((found for look in _LOOKED_FOR if (found := look(case))), case.plain)


def _handed_over(case: _Case) -> Cause | None:
    """Handed over where the others did not, or otherwise, and told nothing of what they tell."""
    plain, by_hand = case.plain, {effect.tool for effect in handings(case.run)}
    if plain.difference == "premature_handover" or (
        plain.difference == "wrong_arguments" and plain.tool in by_hand
    ):
        is_early = gave_up(case.run, case.right) or says_nothing_of(
            case.run.told, [each.told for each in case.agreeing]
        )
    else:
        is_early = (
            plain.difference == "extra_action"
            and by_hand.issuperset(effect.tool for effect in case.extra)
            and not _mostly(each.handed_over for each in case.agreeing)
        )
    return replace(plain, difference="premature_handover", arguments=()) if is_early else None


def _left_off(case: _Case) -> Cause | None:
    """Something is missing and nothing was done in its place."""
    run, missing = case.run, case.missing
    if not missing or case.extra:
        return None
    if run.repeats >= REPEATS:
        return replace(case.plain, manner="repeated")
    if gave_up(run, case.right):
        return replace(case.plain, manner="gave_up")
    if call := refused(run, missing):
        return _refused(call.effect, case)
    if run.handed_over and not _mostly(each.handed_over for each in case.agreeing):
        return replace(case.plain, difference="wrong_tool")
    return None


def _refused(wrong: Effect, case: _Case) -> Cause:
    """A refused call in place of what is missing: with a value that says why, or just refused."""
    rights = [effect for effect in case.missing if effect.tool == wrong.tool]
    manner = value_manner(case.run, wrong, rights, case.usual)
    if manner not in VALUE_MANNERS:
        return replace(case.plain, manner="refused", tool=wrong.tool)
    names = nearest(wrong, rights)
    return Cause(difference="wrong_arguments", manner=manner, tool=wrong.tool, arguments=names)


def _step_skipped(case: _Case) -> Cause | None:
    step = skipped_step(case.run, case.agreeing, case.usual)
    if step and all(effect.tool == step for effect in case.missing):
        return replace(case.plain, manner="step_skipped", tool=step, arguments=())
    return None


def _wrong_value(case: _Case) -> Cause | None:
    if case.plain.difference != "wrong_arguments":
        return None
    wrong = _other_use(case.run, case.right)
    rights = [effect for effect in case.missing if effect.tool == wrong.tool]
    return replace(case.plain, manner=value_manner(case.run, wrong, rights, case.usual))


def _twice(case: _Case) -> Cause | None:
    """An effect made twice: too much, or in place of another of the same tool."""
    twice = done_twice(case.run, case.agreeing)
    if twice and not case.missing:
        return Cause(difference="extra_action", manner="twice", tool=twice.tool)
    if twice and twice.tool in {effect.tool for effect in case.missing}:
        return Cause(difference="wrong_arguments", manner="of_another", tool=twice.tool)
    return None


def _words_or_nothing(case: _Case) -> Cause | None:
    if case.plain.difference == "unsaid":
        return replace(
            case.plain, manner=words_manner(case.run.told, [each.told for each in case.agreeing])
        )
    is_left_out = case.missing and not case.extra
    return replace(case.plain, manner="left_out") if is_left_out else None


_LOOKED_FOR: tuple[Callable[[_Case], Cause | None], ...] = (
    _handed_over,
    _left_off,
    _step_skipped,
    _wrong_value,
    _twice,
    _words_or_nothing,
)


def _mostly(flags: Iterable[bool]) -> bool:
    found = list(flags)
    return sum(found) > len(found) / 2


def _extra(run: Account, right: frozenset[Effect]) -> list[Effect]:
    return [effect for effect in run.in_order if effect not in right]


def _other_use(run: Account, right: frozenset[Effect]) -> Effect:
    """The first effect of a tool that the reference used otherwise."""
    lacking = {effect.tool for effect in right - run.effects}
    return next(effect for effect in _extra(run, right) if effect.tool in lacking)


def _place(
    difference: Difference, run: Account, right: frozenset[Effect]
) -> tuple[str, tuple[str, ...]]:
    """The tool where a run first differs from the reference, and the arguments that differ."""
    missing = in_order(right - run.effects)
    if difference != "wrong_arguments":
        first = (_extra(run, right) or missing)[:1]
        return (first[0].tool if first else ""), ()
    wrong = _other_use(run, right)
    return wrong.tool, nearest(wrong, [each for each in missing if each.tool == wrong.tool])


def in_order(effects: frozenset[Effect]) -> list[Effect]:
    """Effects in an order that no run decides; their values may be of any type."""
    return sorted(effects, key=repr)


def nearest(wrong: Effect, rights: Sequence[Effect]) -> tuple[str, ...]:
    """The names of the arguments in which a call differs from the nearest right one."""
    return min((_unequal(wrong, each) for each in rights), key=lambda names: (len(names), names))


def _unequal(one: Effect, other: Effect) -> tuple[str, ...]:
    mine, theirs = _by_name(one), _by_name(other)
    return tuple(
        sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    )


def _by_name(effect: Effect) -> Mapping[str, Json]:
    return dict(effect.arguments)
