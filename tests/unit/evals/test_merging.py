"""Near-duplicate cases stand behind the first, and never show what is held out."""

from lignin.evals.merging import Filed, is_like, outcomes_of, plan_merges, split_of


def filed(case: str, *keys: str, kind: str = "live", **vector: tuple[int, int]) -> Filed:
    return Filed(case=case, kind=kind, keys=frozenset(keys), vector=vector)


def test_same_signature_and_outcomes_stand_behind_the_first() -> None:
    first = filed("a", "k", one=(1, 1), two=(0, 1))
    again = filed("b", "k", one=(1, 1), two=(0, 1))
    assert plan_merges([first, again]) == {"b": "a"}
    assert plan_merges([again, first]) == {"a": "b"}


def test_a_system_that_passes_one_and_fails_the_other_keeps_them_apart() -> None:
    first = filed("a", "k", one=(1, 1), two=(0, 1))
    other = filed("b", "k", one=(0, 1), two=(0, 1))
    assert plan_merges([first, other]) == {}


def test_another_signature_or_kind_keeps_them_apart() -> None:
    first = filed("a", "k", one=(0, 1))
    assert plan_merges([first, filed("b", "other", one=(0, 1))]) == {}
    assert plan_merges([first, filed("b", "k", kind="recorded", one=(0, 1))]) == {}


def test_case_with_a_failure_of_its_own_is_kept_and_one_with_fewer_is_not() -> None:
    first = filed("a", "k", one=(0, 1))
    more = filed("b", "k", "l", one=(0, 1))
    assert plan_merges([first, more]) == {}
    assert plan_merges([more, first]) == {"a": "b"}


def test_systems_that_only_one_case_saw_say_nothing() -> None:
    assert is_like(filed("a", "k", one=(0, 1)), filed("b", "k", two=(1, 1)))


def test_merging_is_not_chained_through_cases_that_stand_behind_others() -> None:
    cases = [filed(name, "k", one=(0, 1)) for name in "abcd"]
    assert plan_merges(cases) == {"b": "a", "c": "a", "d": "a"}


def test_about_a_third_is_held_out_and_nobody_chooses() -> None:
    drawn = [split_of(f"cas_{number}") for number in range(2000)]
    assert 0.25 < drawn.count("held_out") / len(drawn) < 0.35
    assert drawn == [split_of(f"cas_{number}") for number in range(2000)]


def test_trials_tell_cases_apart_where_there_are_enough_of_them() -> None:
    def tried(passed: int, trials: int) -> list[tuple[str, str, float | None]]:
        told = [("b", "sys", float(number < passed)) for number in range(trials)]
        return [*told, ("b", "sys", None), *(("a", "sys", 1.0) for _ in range(5))]

    few, enough = outcomes_of(tried(0, 4)), outcomes_of(tried(0, 5))
    assert few == {"a": {"sys": (5, 5)}}
    assert enough["b"] == {"sys": (0, 5)}
    for found, merged in ((few, {"b": "a"}), (enough, {})):
        cases = [filed("a", "k", **found.get("a", {})), filed("b", "k", **found.get("b", {}))]
        assert plan_merges(cases) == merged
