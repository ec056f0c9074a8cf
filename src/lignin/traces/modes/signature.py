"""What a failed run comes to: how its effects differ from what the other runs of the task came to.

Pure. The reference is not the largest group of the others: every set of effects that some run of
the task came to may be the right one, more likely the more runs came to it, and less likely where
the failed run came to it too. The likelihoods are added up per class of difference, so that groups
which are wrong in different ways still agree on what *this* run did wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from lignin.domain.codec import Json
from lignin.domain.effects import Effect
from lignin.domain.modes import Difference, Signature
from lignin.traces.modes.account import Account, without_words
from lignin.traces.modes.manner import REPEATS, done_twice, manner_of

# Each further run that came to a set of effects makes it so many times likelier to be right.
_VOTE = 4.0
# A run that failed seldom failed with the right effects: its own count for so much.
_OWN = 0.1
TAIL = 3
MAX_NAME, MAX_NAMES = 200, 20


def sign(run: Account, siblings: Sequence[Account]) -> Signature:
    """Return the signature of a failed run.

    Args:
        run: What the run came to.
        siblings: What other runs of the same task came to, whether they failed or not; without
            those that infrastructure broke.
    """
    tail = tuple(tool[:MAX_NAME] for tool in run.tools[-TAIL:])
    if not siblings:
        return _alone(run, tail)
    if any(each.run.writes and each.effects for each in (run, *siblings)):
        # Where there is something to change, an answer in words is none.
        run, siblings = without_words(run), [without_words(each) for each in siblings]
    difference, reference, votes = _reference(run, siblings)
    agreeing = [each for each in siblings if each.effects == reference]
    tool, arguments = _place(difference, run, reference)
    manner = manner_of(difference, run, reference, agreeing)
    if difference == "unsaid" and (twice := done_twice(run, agreeing)):
        difference, manner, tool = "extra_action", "twice", twice.tool
    return Signature(
        difference=difference,
        manner=manner,
        tool=tool[:MAX_NAME],
        arguments=tuple(name[:MAX_NAME] for name in arguments[:MAX_NAMES]),
        error=run.error,
        tail=tail,
        votes=votes,
    )


def _reference(
    run: Account, siblings: Sequence[Account]
) -> tuple[Difference, frozenset[Effect], int]:
    """The likeliest class of difference, its likeliest reference, and how many others came to it."""
    came_to = Counter(each.effects for each in siblings)
    votes = Counter(came_to)
    if any(each.trust for each in siblings):
        votes = Counter(dict.fromkeys(came_to, 0))
        for each in siblings:
            votes[each.effects] += each.trust
    most = max(votes.values())
    weights = {effects: _VOTE ** (count - most) for effects, count in votes.items()}
    if run.effects in weights:
        weights[run.effects] *= _VOTE * _OWN
    likely: defaultdict[Difference, float] = defaultdict(float)
    for effects, weight in weights.items():
        likely[differ(run, effects)] += weight
    difference = max(likely, key=lambda each: (likely[each], each))
    reference = max(
        (effects for effects in came_to if differ(run, effects) == difference),
        key=lambda effects: (votes[effects], repr(_in_order(effects))),
    )
    return difference, reference, came_to[reference]


def differ(run: Account, right: frozenset[Effect]) -> Difference:
    """Return how a run's effects differ from the right ones."""
    missing, extra = right - run.effects, run.effects - right
    if not missing and not extra:
        return "unsaid"
    if not run.effects:
        return "premature_handover" if run.handed_over else "no_action"
    if not extra:
        return "missing_action"
    if not missing:
        return "extra_action"
    if {effect.tool for effect in missing} & {effect.tool for effect in extra}:
        return "wrong_arguments"
    return "wrong_tool"


def _place(
    difference: Difference, run: Account, right: frozenset[Effect]
) -> tuple[str, tuple[str, ...]]:
    """The tool where a run first differs from the reference, and the arguments that differ."""
    missing = _in_order(right - run.effects)
    extra = [effect for effect in run.in_order if effect not in right]
    if difference != "wrong_arguments":
        first = (extra or missing)[:1]
        return (first[0].tool if first else ""), ()
    lacking = {effect.tool for effect in missing}
    wrong = next(effect for effect in extra if effect.tool in lacking)
    pairs = [_unequal(wrong, each) for each in missing if each.tool == wrong.tool]
    return wrong.tool, min(pairs, key=lambda names: (len(names), names))


def _in_order(effects: frozenset[Effect]) -> list[Effect]:
    """Effects in an order that no run decides; their values may be of any type."""
    return sorted(effects, key=repr)


def _unequal(one: Effect, other: Effect) -> tuple[str, ...]:
    mine, theirs = _by_name(one), _by_name(other)
    return tuple(
        sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    )


def _by_name(effect: Effect) -> Mapping[str, Json]:
    return dict(effect.arguments)


def _alone(run: Account, tail: tuple[str, ...]) -> Signature:
    """What can be said of a run that has no siblings: how it ended."""
    difference: Difference = "undetermined"
    tool = ""
    if run.handed_over and not without_words(run).effects:
        difference = "premature_handover"
    elif not run.effects:
        difference = "no_action"
    elif run.error:
        difference, tool = "unrecovered_error", run.error_tool
    elif run.repeats >= REPEATS:
        difference, tool = "repetition", run.repeated_tool
    return Signature(difference=difference, tool=tool[:MAX_NAME], error=run.error, tail=tail)
