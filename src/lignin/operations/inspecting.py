"""Driving a look at a system: the trials it asks for are run and filed, or read back from the record."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from lignin.domain.codec import Digest
from lignin.evals.laws.bank import NOTHING, Bank, Banked
from lignin.evals.laws.course import Ask
from lignin.evals.laws.recorded import GUARDED_FROM
from lignin.evals.live import follow
from lignin.evals.regressions import fix_of
from lignin.evals.sweeping import Inspected, Inspection, Seen
from lignin.evals.trials import Standing, filed_trial, standing, trials_of
from lignin.operations.trialwork import SuiteCase
from lignin.operations.tries import Tries
from lignin.ports.ledger import View
from lignin.ports.system import System

ENOUGH = 6
"""So many trials of what a case is compared with say whether it works."""


def seen_live(
    tries: Tries,
    plan: Inspection,
    systems: Mapping[Digest, System],
    suite: Mapping[str, SuiteCase],
) -> Seen:
    """Run a look to its end; trials that stand are not run again."""

    def answer(asks: Sequence[tuple[Ask, int]]) -> Sequence[float | None]:
        keys = [plan.key(ask, turn) for ask, turn in asks]
        wanted = [
            (systems[key.system], suite[ask.case], key.number)
            for key, (ask, _) in zip(keys, asks, strict=True)
        ]
        return [body["score"] for body in tries.trials(wanted)]

    return follow(plan.course(), answer)


def seen_again(view: View, plan: Inspection) -> Seen:
    """Come to a look again from the trials that were filed; nothing is run.

    Raises:
        UnfiledError: One was never filed.
    """

    def answer(asks: Sequence[tuple[Ask, int]]) -> Sequence[float | None]:
        return [filed_trial(view, plan.key(ask, turn))["score"] for ask, turn in asks]

    return follow(plan.course(), answer)


def stands(view: View, system: Digest) -> Standing:
    """What was tried of a system until now."""
    return standing(list(trials_of(view, system)))


def of_case(stood: Standing, case: SuiteCase) -> tuple[Banked, int]:
    """A case's trials that stand, and the number of the next one."""
    of = (case.digest, case.grader)
    return stood.banked.get(of, NOTHING), stood.following.get(of, 0)


def margin_of(view: View, case: SuiteCase) -> float | None:
    """What a fixed case may lose of its rate; None of one that was never fixed, or let go."""
    fix = fix_of(view, case.name, case.digest, is_stored=case.content is not None)
    return None if fix is None else float(fix.body["margin"])


def working(
    view: View,
    system: Digest,
    suite: Iterable[SuiteCase],
    starts: Mapping[str, int],
    likely: Collection[str] = (),
) -> dict[str, Inspected]:
    """The cases that a system passes by enough trials, as what a candidate must not break.

    Args:
        likely: Cases that are likelier to be broken than others.
        starts: By case, the number of the candidate's first trial, where that is not its very first.
    """
    stood = stands(view, system)
    found = {}
    for case in suite:
        banked, following = of_case(stood, case)
        if banked.trials < ENOUGH or Bank(cases={"": banked}).rate("") < GUARDED_FROM:
            continue
        margin = margin_of(view, case)
        found[case.name] = Inspected(
            name=case.name,
            digest=case.digest,
            grader=case.grader,
            mode=case.mode,
            against=system,
            banked=banked,
            first={"incumbent": following, "candidate": starts.get(case.name, 0)},
            to=0.3 if margin is None else 1 - margin,
            is_likely=case.name in likely,
        )
    return found
