"""What recurs over sessions and days is told once, the same in any order, and nothing by chance."""

import random

from lignin.traces.requests.times import regular
from unit.traces.requests.talks import START, talk, told

NOTES = (
    "Write release notes for alpha from the merged pull requests",
    "please write the release notes of bravo out of the merged pull requests",
    "release notes for carbon from merged pull requests",
)


def noise(number: int) -> str:
    words = ["lamp", "river", "violin", "saddle", "copper", "window", "turnip", "ladder", "anchor"]
    one, two = random.Random(number).sample(words, 2)
    return f"{one}{'abcdefghij'[number % 10]} near {two}{'klmnopqrst'[number // 10 % 10]}"


def sessions(
    *texts: str, days: tuple[float, ...] = (0, 3, 11, 12, 30), person: str = "ada"
) -> list:
    return [
        talk(
            noise(place),
            ("ls a",),
            text,
            ("git log", "cat x"),
            session=f"s{place}",
            day=day,
            person=person,
        )
        for place, (text, day) in enumerate(zip(texts, days, strict=False))
    ]


def test_a_request_of_three_sessions_is_a_candidate_for_a_skill() -> None:
    [found] = told(sessions(*NOTES))
    assert (found.kind, len(found.sessions), found.days, found.people) == ("skill", 3, 3, 1)
    assert found.wording in NOTES
    assert found.did == ("git log", "cat {1}")


def test_the_order_of_the_runs_tells_nothing() -> None:
    runs = sessions(*NOTES, *NOTES[:2])
    first = told(runs)
    for seed in range(5):
        random.Random(seed).shuffle(runs)
        assert told(runs) == first


def test_two_sessions_one_day_of_one_person_or_one_task_are_not_enough() -> None:
    assert told(sessions(*NOTES[:2])) == []
    assert told(sessions(*NOTES, days=(1, 1.1, 1.2))) == []
    assert told(sessions(*NOTES), task="7") == []
    one_day = [
        talk(text, ("git log",), session=f"s{n}", day=1, person=person)
        for n, (text, person) in enumerate(zip(NOTES, ("ada", "bert", "cleo"), strict=True))
    ]
    assert [each.people for each in told(one_day)] == [3]


def test_the_same_in_one_session_over_and_over_counts_once() -> None:
    lines = [line for text in NOTES for line in (text, ("git log",))]
    assert told([talk(*lines, day=1)]) == []


def test_a_correction_of_three_sessions_is_a_candidate_for_a_rule() -> None:
    words = ("no, use uv not pip", "don't use pip, use uv", "please use uv instead of pip")
    runs = [
        talk("add it", ("pip install lib",), text, ("uv add lib",), session=f"s{n}", day=n)
        for n, text in enumerate(words)
    ]
    [rule] = [each for each in told(runs) if each.kind == "rule"]
    assert rule.wording in words
    assert rule.did == ("uv add {1}",)


def test_a_request_at_regular_times_is_a_candidate_for_a_loop() -> None:
    runs = sessions(*["Prepare the weekly numbers for the board"] * 5, days=(0, 7, 14, 21, 28))
    assert [(each.kind, each.when) for each in told(runs)] == [("loop", "every Monday about 09:00")]


def test_a_request_that_comes_after_one_event_is_a_candidate_for_a_loop() -> None:
    runs = [
        talk(
            f"{noise(n)} harbour",
            ("ls a",),
            f"{noise(n + 40)} tower",
            ("ls b",),
            f"{noise(n + 70)} stone",
            (f"git push {n}",),
            "check that the deployment is healthy",
            ("kubectl get pods",),
            session=f"s{n}",
            day=day,
        )
        for n, day in enumerate((0, 1, 5, 16))
    ]
    [found] = [each for each in told(runs) if "healthy" in each.wording]
    assert (found.kind, found.when) == ("loop", "after git push {1}")


def test_what_chance_alone_brings_together_is_not_told() -> None:
    draw = random.Random(3)
    verbs, nouns = ["fix", "move", "split"], ["cart", "page", "menu", "list"]
    runs = [
        talk(f"{draw.choice(verbs)} the {draw.choice(nouns)}", ("ls a",), session=f"s{n}", day=n)
        for n in range(60)
    ]
    assert told(runs) == []


def test_times_that_vary_are_not_regular() -> None:
    days = [0, 2, 9, 11, 25, 26]
    at = [START.replace(day=1).fromordinal(START.toordinal() + day) for day in days]
    assert regular(at) == ""
    assert regular(at[:3]) == ""
