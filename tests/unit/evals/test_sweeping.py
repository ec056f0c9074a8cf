"""A look at a system: each break is found, what was heard is not asked again, plans are read back."""

from collections import Counter
from collections.abc import Mapping, Sequence

from lignin.evals.laws.bank import Banked
from lignin.evals.laws.course import Ask
from lignin.evals.live import follow
from lignin.evals.sweeping import Inspected, Inspection, Seen, parse_inspection


def plan(
    cases: int, *, modes: int = 0, rotate: bool = False, to_the_end: bool = True
) -> Inspection:
    return Inspection(
        system="now",
        cases={
            f"c{n}": Inspected(
                name=f"c{n}",
                digest=f"d{n}",
                grader="told/1",
                mode=f"m{n % modes}" if modes else "",
                against=f"fix{n % 2}",
                banked=Banked(10.0, 10),
                first={"incumbent": 10, "candidate": 3},
                to=0.5,
            )
            for n in range(cases)
        },
        seed="s",
        rotate=rotate,
        to_the_end=to_the_end,
    )


def looked(what: Inspection, fails: Mapping[str, bool]) -> tuple[Seen, Counter[Ask]]:
    asked: Counter[Ask] = Counter()

    def answer(asks: Sequence[tuple[Ask, int]]) -> list[float]:
        for ask, turn in asks:
            assert turn == asked[ask], "nothing is asked twice, and nothing passed over"
            asked[ask] += 1
        return [float(not fails.get(ask.case) or ask.arm == "incumbent") for ask, _ in asks]

    return follow(what.course(), answer), asked


def test_every_break_is_found_where_one_would_do() -> None:
    fails = {"c3": True, "c11": True, "c17": True}
    seen, asked = looked(plan(20), fails)
    assert set(seen.broken) == set(fails)
    assert seen.unclear == ()
    assert seen.trials == sum(asked.values())
    first, fewer = looked(plan(20, to_the_end=False), fails)
    assert len(first.broken) == 1
    assert sum(fewer.values()) < sum(asked.values())


def test_rotation_pays_by_mode_and_escalates_only_in_doubt() -> None:
    whole, paid = looked(plan(40, modes=8), {})
    rotated, less = looked(plan(40, modes=8, rotate=True), {})
    assert (whole.broken, rotated.broken) == ((), ())
    assert sum(less.values()) <= sum(paid.values()) / 4
    fails = {f"c{n}": True for n in range(0, 40, 8)}
    seen, more = looked(plan(40, modes=8, rotate=True), fails)
    assert set(seen.broken) == set(fails)
    assert sum(more.values()) < sum(paid.values())


def test_trials_are_of_what_the_case_is_compared_with_and_never_both_arms_at_once() -> None:
    what = plan(2)
    assert what.key(Ask("candidate", "c1"), 2).number == 5
    assert what.key(Ask("incumbent", "c1"), 2).system == "fix1"
    one = Inspected(
        name="c", digest="d", grader="told/1", mode="", against="now",
        banked=Banked(3.0, 3), first={"incumbent": 4, "candidate": 3},
    )  # fmt: skip
    same = Inspection(system="now", cases={"c": one}, seed="s")
    numbers = [
        same.key(Ask(arm, "c"), turn).number  # type: ignore[arg-type]
        for arm in ("incumbent", "candidate")
        for turn in range(5)
    ]
    assert len(set(numbers)) == 10


def test_plan_is_read_back_as_it_was() -> None:
    what = plan(3, modes=2, rotate=True)
    assert parse_inspection(what.to_json()) == what


def test_nothing_to_look_at_is_clear() -> None:
    seen, asked = looked(plan(0), {})
    assert (seen.broken, seen.trials, sum(asked.values())) == ((), 0, 0)
