"""Bad changes that a guard lets through most easily: inside its target, inside a mode, everywhere a little."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from _gate_rules import claim_of
from _gate_world import MIXES, Change, World, bank_of, drive, make_change, make_suite

from lignin.evals.laws.bank import Bank, Banked
from lignin.evals.laws.better import Claim, judge_better
from lignin.evals.laws.claims import FIRST_LEVEL, Asked
from lignin.evals.laws.recorded import decide_recorded
from lignin.evals.laws.table import parse_table
from lignin.evals.laws.watch import Unit

SPEC: Mapping[str, Any] = MIXES["guard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came of many proposals: shares of outcomes, and the trials of one."""

    accepted: float
    undecided: float
    trials: float


def in_target() -> Came:
    """A good change whose target names a case that works, too, and that it breaks."""
    spec, found = SPEC["in_target"], []
    suite = MIXES["suites"][spec["suite"]]
    for number in range(spec["proposals"]):
        rng = random.Random(f"{MIXES['seed']} in target {number}")
        world = World(make_suite(spec["suite"], rng), rng)
        bank = bank_of(world.rates, suite["bank"], world)
        change = make_change(spec["kind"], world.rates, rng, impact=suite["impact"])
        works = [case for case, rate in enumerate(world.rates) if rate >= MIXES["solved_from"]]
        broken = rng.choice(works)
        rates = [spec["to"] if case == broken else rate for case, rate in enumerate(change.rates)]
        named = replace(change, rates=rates, target=sorted([*change.target, broken]))
        found.append(_judged(claim_of(named, bank, FIRST_LEVEL, number), world, rates))
    return _came(found)


def one_of_a_mode(
    size: int, asked: int, *, every_case: bool = False, to: float | None = None
) -> Came:
    """A gain on its target beside one case of a mode that breaks, asked for until it is accepted."""
    spec, found = SPEC["one_of_a_mode"], []
    for number in range(spec["proposals"]):
        rng = random.Random(f"{MIXES['seed']} mode {size} {number}")
        many, open_ = spec["cases"], spec["open"]
        world = World([spec["healthy"]] * many + [spec["open_rate"]] * open_, rng)
        bank = bank_of(world.rates, spec["bank"], world)
        rates = [spec["healthy"]] * (many + open_)
        if to != spec["healthy"]:
            rates[rng.randrange(many)] = spec["to"] if to is None else to
        modes = [range(first, first + size) for first in range(0, many, size)]
        units = [[case] for case in range(many)] if every_case else modes
        claim = _claim(bank, [*range(many, many + open_)], units, number)
        found.append(_until_accepted(claim, world, rates, asked))
    return _came(found)


def _until_accepted(
    claim: Claim, world: World, rates: Sequence[float], asked: int
) -> tuple[str, int]:
    """The last outcome, and all trials; each decision knows those of the ones before."""
    outcome, first = "", world.trials
    for turn in range(asked):
        judged, made = drive(
            judge_better(replace(claim, seed=f"{claim.seed} {turn}")), world, rates
        )
        outcome = judged.outcome
        if outcome == "accept":
            break
        bank, known = dict(claim.bank.cases), dict(claim.known)
        for ask, score in made:
            side = bank if ask.arm == "incumbent" else known
            side[ask.case] = side.get(ask.case, Banked()).with_score(score)
        claim = replace(claim, bank=Bank(cases=bank), known=known)
    return outcome, world.trials - first


def many_a_little(cases: int, worse: int, to: float, proposals: int) -> Came:
    """A gain on a few cases while many others pass a little less often."""
    spec, found = SPEC["many_a_little"], []
    for number in range(proposals):
        rng = random.Random(f"{MIXES['seed']} little {cases} {worse} {to} {number}")
        before, after = _little(cases, worse, to)
        world = World(before, rng)
        bank = bank_of(before, spec["bank"], world)
        works = range(cases - spec["open"])
        claim = _claim(bank, [*range(cases)][-spec["open"] :], [[case] for case in works], number)
        found.append(_judged(claim, world, after))
    return _came(found)


def many_a_little_on_record(cases: int, worse: int, to: float, proposals: int) -> Came:
    """The same on trials that are all there."""
    spec, found = SPEC["many_a_little"], []
    for number in range(proposals):
        rng = random.Random(f"{MIXES['seed']} recorded little {cases} {worse} {to} {number}")
        tables = [
            parse_table(
                {"case": str(case), "trial": trial, "score": int(rng.random() < rate)}
                for case, rate in enumerate(side)
                for trial in range(spec["recorded_trials"])
            )
            for side in _little(cases, worse, to)
        ]
        target = tuple(str(case) for case in range(cases - spec["open"], cases))
        verdict = decide_recorded(tables[0], tables[1], Asked(target=target)).verdict
        found.append((verdict, 2 * cases * spec["recorded_trials"]))
    return _came(found)


def padded(times: int) -> Came:
    """Removals that lose the margin, decided on record; one safe case has so many times the trials."""
    spec, found = SPEC["padding"], []
    for number in range(spec["removals"]):
        rng = random.Random(f"{MIXES['seed']} padding {number}")
        cases, trials = spec["cases"], spec["trials"]
        lost = round(spec["loss"] * cases * 2)
        sides = [[1.0] * cases, [0.5] * lost + [1.0] * (cases - lost)]
        tables = [
            parse_table(
                {
                    "case": str(case),
                    "trial": trial,
                    "score": int(rng.random() < rate),
                    "cost_usd": cost,
                }
                for case, rate in enumerate(side)
                for trial in range(trials * (times if cost == 1 and case == cases - 1 else 1))
            )
            for side, cost in zip(sides, (2, 1), strict=True)
        ]
        asked = Asked(claim="no_worse_and_cheaper", saving="cost_usd")
        # What it breaks would speak against it; here the comparison with the release is on trial alone.
        shown = decide_recorded(tables[0], tables[1], asked)
        is_shown = shown.wealth >= shown.needed
        found.append(("accept" if is_shown else shown.verdict, trials * cases))
    return _came(found)


def _little(cases: int, worse: int, to: float) -> tuple[list[float], list[float]]:
    spec = SPEC["many_a_little"]
    few, works = spec["open"], cases - spec["open"]
    before = [spec["healthy"]] * works + [spec["open_rate"]] * few
    return before, [to] * worse + [spec["healthy"]] * (works - worse) + [0.95] * few


def _claim(bank: Bank, target: Sequence[int], units: Sequence[Sequence[int]], number: int) -> Claim:
    change = Change("", [0.0] * len(bank.cases), list(target), frozenset())
    guarded = tuple(
        Unit(name=f"unit{name}", cases=tuple(map(str, cases)), is_touched=False)
        for name, cases in enumerate(units)
    )
    return replace(claim_of(change, bank, FIRST_LEVEL, number), units=guarded)


def _judged(claim: Claim, world: World, rates: Sequence[float]) -> tuple[str, int]:
    before = world.trials
    judged, _ = drive(judge_better(claim), world, rates)
    return judged.outcome, world.trials - before


def _came(found: Sequence[tuple[str, int]]) -> Came:
    return Came(
        accepted=sum(outcome == "accept" for outcome, _ in found) / len(found),
        undecided=sum(outcome == "undecided" for outcome, _ in found) / len(found),
        trials=sum(paid for _, paid in found) / len(found),
    )


def tell_guard(tell: Callable[..., None]) -> None:
    """Tell what a guard lets through of each, as lines of the benchmark."""
    came, many = in_target(), SPEC["in_target"]["proposals"]
    tell(
        "accepted though it breaks a case of its target",
        100 * came.accepted,
        "%",
        bar="at most 3 %",
        met=came.accepted <= 0.03,
        note=f"the target names a case that works, too, which falls to .3; simulated, {many} proposals on 200 "
        f"cases; {came.trials:.0f} trials each",
    )
    _tell_modes(tell)
    _tell_little(tell)
    plain, more = padded(1), padded(SPEC["padding"]["times"])
    tell(
        "removals that lose the margin shown to be no worse on record, one safe case padded 50-fold",
        100 * more.accepted,
        "%",
        baseline=100 * plain.accepted,
        bar="no more than unpadded",
        met=more.accepted <= plain.accepted,
        note=f"simulated, {SPEC['padding']['removals']} removals of 50 cases; baseline: unpadded",
    )


def _tell_modes(tell: Callable[..., None]) -> None:
    spec = SPEC["one_of_a_mode"]
    many = f"simulated, {spec['proposals']} proposals, 100 cases"
    for size in spec["modes_of"]:
        once = one_of_a_mode(size, 1)
        for times in (1, spec["asked"]):
            came = once if times == 1 else one_of_a_mode(size, times)
            tell(
                f"accepted though it breaks one case alone in a mode of {size}, asked "
                + ("once" if times == 1 else f"until accepted, at most {times} times"),
                100 * came.accepted,
                "%",
                baseline=None if times == 1 else 100 * once.accepted,
                note=f"it falls to 0; the decision tells this chance; {many}; {came.trials:.0f} trials each",
            )
    for to in (spec["to"], 0.3):
        came = one_of_a_mode(10, 1, every_case=True, to=to)
        tell(
            f"accepted though it breaks one case alone in a mode of 10 to {to:g}, every case cleared",
            100 * came.accepted,
            "%",
            bar="at most 3 %",
            met=came.accepted <= 0.03,
            note=f"{many}; {came.trials:.0f} trials each",
        )
    came = one_of_a_mode(10, 1, every_case=True, to=spec["healthy"])
    tell("good changes accepted, every case cleared", 100 * came.accepted, "%",
         bar="at least 85 %", met=came.accepted >= 0.85,
         note=f"modes of 10; {many}; {came.trials:.0f} trials each")  # fmt: skip


def _tell_little(tell: Callable[..., None]) -> None:
    spec = SPEC["many_a_little"]
    for cases, worse, proposals in spec["suites"]:
        for to in spec["to"]:
            live = many_a_little(cases, worse, to, proposals)
            told = many_a_little_on_record(cases, worse, to, proposals)
            is_good = to == spec["healthy"]
            for came, how in ((live, "live"), (told, "on record")):
                harm = f"accepted though {worse} of {cases} cases pass {to:g} instead of 1, {how}"
                tell(
                    f"good changes accepted, {cases} sound cases, {how}" if is_good else harm,
                    100 * came.accepted,
                    "%",
                    bar="at least 85 %" if is_good else "at most 3 %",
                    met=came.accepted >= 0.85 if is_good else came.accepted <= 0.03,
                    note=f"4 cases gain; {100 * came.undecided:.0f} % undecided; simulated, {proposals} "
                    f"proposals; {came.trials:.0f} trials each",
                )
