"""What a release's trials come to, and trying the sealed cases that it opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.states import Row
from lignin.domain.trials import NOT_BELIEVED
from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.gain import mean_gain
from lignin.evals.laws.no_worse import LEAST_LEFT, MARGIN, margin_left
from lignin.evals.releases import last_release, sealed_digest, told_bank
from lignin.evals.trials import standing, trials_of
from lignin.operations.context import Context
from lignin.operations.trialwork import SuiteCase, suite_case
from lignin.operations.tries import top_up
from lignin.ports.ledger import View
from lignin.ports.system import System, SystemRun
from lignin.ports.tools import Tools

SEALED_TRIALS = 5
"""So often each sealed case is tried for a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unlisted:
    """A system whose trials are filed where nobody who asks for its trials finds them."""

    system: System

    @property
    def name(self) -> str:
        return ""

    @property
    def digest(self) -> Digest:
        return sealed_digest(self.system.digest)

    @property
    def simulated(self) -> bool:
        return self.system.simulated

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        return self.system.run(task, seed, tools)


def try_sealed(context: Context, system: System, parallel: int) -> int:
    """Try the sealed cases that were opened for a system; return how many trials were run."""
    with context.view() as view:
        suite = _opened(view, system.digest)
    if not suite:
        return 0
    return top_up(context, _Unlisted(system=system), suite, SEALED_TRIALS, parallel).paid


def _opened(view: View, system: Digest) -> list[SuiteCase]:
    opening = view.row(f"opening/{system}")
    if opening is None:
        return []
    cases = parse_json(view.blob(opening.body["set"]))
    return [suite_case(view, name, digest) for name, digest in cases]


def tell_release(view: View, row: Row, system: Digest) -> dict[str, Json]:
    """What a release's trials come to: its bank, means, and what may still be shown against it."""
    cases = {
        (digest, grader): name for name, digest, grader in parse_json(view.blob(row.body["suite"]))
    }
    rows = [
        each
        for each in trials_of(view, system)
        if (each.body["case_digest"], each.body["grader"]) in cases
    ]
    stood = standing(rows)
    bank = {of: stood.banked.get(of, Banked()) for of in cases}
    named = {cases[of]: each for of, each in bank.items() if each.trials}
    mean, interval = _mean(list(named.values()))
    return {
        "cases": len(cases),
        "trials": sum(each.trials for each in bank.values()),
        "mean": mean,
        "interval": interval,
        "margin_left": round(margin_left(Bank(cases=named), sorted(named), MARGIN), 4),
        "bank": [
            [*of, each.scored, each.trials, stood.following.get(of, 0)]
            for of, each in sorted(bank.items())
        ],
        "not_believed": sorted(
            {each.body["case"] for each in rows if each.body["kind"] in NOT_BELIEVED}
        ),
        "sealed": _sealed(view, system),
        "before": _before(view, row, bank),
    }


def tell_margin(left: float, margin: float = MARGIN) -> str:
    """What a claim to be no worse than a release may still lose, in words."""
    wrong = f"the release's own trials may be wrong by {100 * (margin - left):.1f} points"
    if left <= LEAST_LEFT * margin:
        return f"nothing can be shown to be no worse by {100 * margin:.0f} points: {wrong}"
    return f"a claim to be no worse by {100 * margin:.0f} points has to lose less than {100 * left:.1f}: {wrong}"


def _sealed(view: View, system: Digest) -> dict[str, Json] | None:
    """What the sealed cases came to together; nothing of any single one."""
    opening = view.row(f"opening/{system}")
    if opening is None:
        return None
    digests = {digest for _, digest in parse_json(view.blob(opening.body["set"]))}
    stood = standing(list(trials_of(view, sealed_digest(system))))
    banked = [each for (digest, _), each in stood.banked.items() if digest in digests]
    mean, interval = _mean(banked)
    return {
        "cases": len(digests),
        "mean": mean,
        "interval": interval,
        "opened_by": opening.body["by"],
        "opened_at": opening.body["at"],
        "opened_for": opening.body["release"],
    }


def _before(
    view: View, row: Row, bank: Mapping[tuple[Digest, str], Banked]
) -> dict[str, Json] | None:
    """The release that stands until now, with both means on the cases of both."""
    last = last_release(view, row.body["line"])
    if last is None or last.body["result"] is None:
        return None
    known = told_bank(parse_json(view.blob(last.body["result"]["told"])))
    both = [of for of, each in bank.items() if of in known and each.trials]
    if not both:
        return None
    return {
        "release": last.key,
        "cases": len(both),
        "now": _mean([bank[of] for of in both])[0],
        "then": _mean([known[of][0] for of in both])[0],
    }


def _mean(banked: Sequence[Banked]) -> tuple[float | None, list[float] | None]:
    """The mean rate of some cases with its 95 % interval, cases being drawn."""
    rates = {str(n): [each.scored / each.trials] for n, each in enumerate(banked) if each.trials}
    mean, interval = mean_gain(rates, least=0.0)
    if mean is None:
        return None, None
    told = [round(interval[0], 4), round(interval[1], 4)] if interval else None
    return round(mean, 4), told
