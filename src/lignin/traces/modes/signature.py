"""What a failed run comes to: how its effects differ from what the other runs of the task came to.

Pure. The reference is not the largest group of the others: every set of effects that some run of
the task came to may be the right one, more likely the more runs came to it, and less likely where
the failed run came to it too. The likelihoods are added up per class of difference, so that groups
which are wrong in different ways still agree on what *this* run did wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from lignin.domain.effects import Effect
from lignin.domain.modes import Difference, Signature
from lignin.traces.modes.account import Account, by_handing_over, without_words
from lignin.traces.modes.cause import cause_of, in_order
from lignin.traces.modes.manner import REPEATS
from lignin.traces.modes.usual import Usual

# Each further run that came to a set of effects makes it so many times likelier to be right.
_VOTE = 4.0
# A run that failed seldom failed with the right effects: its own count for so much.
_OWN = 0.1
TAIL = 3
WITNESSES = 100
NOTHING_USUAL = Usual()
MAX_NAME, MAX_NAMES = 200, 20


def sign(run: Account, siblings: Sequence[Account], usual: Usual = NOTHING_USUAL) -> Signature:
    """Return the signature of a failed run.

    Args:
        run: What the run came to.
        siblings: What other runs of the same task came to, whether they failed or not; without
            those that infrastructure broke.
        usual: What is usual over the runs of all tasks.
    """
    tail = tuple(tool[:MAX_NAME] for tool in run.tools[-TAIL:])
    if not siblings:
        return _alone(run, tail)
    handed_over = sum(each.handed_over for each in siblings) > len(siblings) / 2
    if handed_over or any(each.changes for each in (run, *siblings)):
        # Where there is something to change or to hand over, an answer in words is none.
        run, siblings = without_words(run), [without_words(each) for each in siblings]
    difference, reference, votes = _reference(run, siblings)
    if not reference and difference == "unsaid":
        run, siblings = by_handing_over(run, siblings)
        difference, reference, votes = _reference(run, siblings)
    agreeing = _witnesses([each for each in siblings if each.effects == reference])
    found = cause_of(difference, run, reference, agreeing, usual)
    return Signature(
        difference=found.difference,
        manner=found.manner,
        tool=found.tool[:MAX_NAME],
        arguments=tuple(name[:MAX_NAME] for name in found.arguments[:MAX_NAMES]),
        error=run.error,
        tail=tail,
        votes=votes,
    )


def _witnesses(agreeing: Sequence[Account]) -> Sequence[Account]:
    """At most so many of the runs that agree, whatever their order: enough to tell what is common."""
    if len(agreeing) <= WITNESSES:
        return agreeing
    return sorted(agreeing, key=_origin)[:WITNESSES]


def _origin(account: Account) -> tuple[str, ...]:
    run = account.run.trajectory
    return run.source, run.session, str(run.task_id), str(run.trial)


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
        key=lambda effects: (votes[effects], repr(in_order(effects))),
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
