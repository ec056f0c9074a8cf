"""What failed runs of a task make a case of: the fewest checks that tell them from those that passed."""

from collections.abc import Mapping
from dataclasses import replace

from lignin.domain.codec import Json
from lignin.domain.judging import judge_attempt
from lignin.domain.modes import Signature
from lignin.traces.cases import Draft, Sample, attempt_of, draft_cases
from lignin.traces.runs import run_of
from unit.traces.modes.runs import Made, run

BOOK: Made = ("book_room", {"room": 4})
PAY: Made = ("charge_card", {"cents": 900})


def sample(
    *made: Made,
    name: str = "s",
    verdict: str = "success",
    declared: bool = True,
    said: str = "Done.",
) -> Sample:
    trajectory = replace(run(*made, said=said), session=name)
    failed = Signature(difference="missing_action") if verdict == "failure" else None
    return Sample(
        session=name,
        run=run_of(trajectory),
        verdict=verdict,
        signature=failed,
        is_declared=declared,
    )


def failed(*made: Made, said: str = "Done.", signature: Signature | None = None) -> Sample:
    found = sample(*made, name="f", verdict="failure", said=said)
    return replace(found, signature=signature or found.signature)


def only(*group: Sample) -> Draft:
    drafts, _ = draft_cases(group)
    assert len(drafts) == 1
    return drafts[0]


def arguments(draft: Draft) -> list[tuple[str, Mapping[str, Json]]]:
    return [(each.tool, each.arguments) for each in draft.case.checks.required]


def test_what_all_passing_runs_changed_is_required_and_the_failed_run_lacks_it() -> None:
    draft = only(sample(BOOK, PAY, name="a"), sample(BOOK, PAY, name="b"), failed(BOOK))
    assert arguments(draft) == [BOOK[:2], PAY[:2]]
    assert draft.basis == "declared"
    assert [each.session for each in draft.faulty] == ["f"]
    assert judge_attempt(draft.case, attempt_of(draft.faulty[0].run)).verdict == "fail"
    assert all(
        judge_attempt(draft.case, attempt_of(each.run)).verdict == "pass"
        for each in draft.references
    )


def test_passing_runs_that_differ_leave_what_they_differ_in_open() -> None:
    other: Made = ("charge_card", {"cents": 850})
    draft = only(sample(BOOK, PAY, name="a"), sample(BOOK, other, name="b"), failed(PAY))
    assert arguments(draft) == [BOOK[:2]]
    assert {each.arguments["cents"] for each in draft.case.checks.allowed} == {900, 850}


def test_extra_change_by_a_tool_that_others_never_used_is_forbidden_and_nothing_more() -> None:
    extra: Made = ("send_gift", {"cents": 5})
    draft = only(sample(BOOK, name="a"), failed(BOOK, extra))
    assert [each.tool for each in draft.case.checks.forbidden] == ["send_gift"]
    assert draft.case.checks.closed_tools == {"book_room"}
    plain = only(sample(BOOK, name="a"), failed(PAY))
    assert plain.case.checks.forbidden == ()  # what it left out tells enough


def test_figure_that_only_the_failed_run_left_unsaid_must_be_told() -> None:
    draft = only(
        sample(BOOK, name="a", said="Room 4 for 900."),
        sample(BOOK, name="b", said="It is 900, room 4, ref 17."),
        failed(BOOK, said="Room 4 it is."),
    )
    assert draft.case.checks.said == {"900"}


def test_figure_that_only_the_failed_run_told_must_not_be() -> None:
    draft = only(
        sample(BOOK, name="a", said="Sent."),
        sample(BOOK, name="b", said="Sent."),
        failed(BOOK, said="Sent under O-999."),
    )
    assert draft.case.checks.unsaid == {"999"}


def test_failed_run_that_did_and_said_the_same_is_not_told_apart() -> None:
    draft = only(sample(BOOK, name="a"), failed(BOOK))
    assert (draft.faulty, [each.session for each in draft.untold]) == ((), ["f"])


def test_undeclared_runs_count_where_two_agree_and_one_alone_does_not() -> None:
    one = sample(BOOK, PAY, name="a", declared=False)
    two = sample(BOOK, PAY, name="b", declared=False)
    odd = sample(PAY, name="c", declared=False)
    draft = only(one, two, odd, failed(BOOK))
    assert draft.basis == "consensus"
    assert [each.session for each in draft.references] == ["a", "b"]
    assert draft_cases([one, failed(BOOK)]) == (
        (),
        ("too few agree on what is right, and what went wrong is not wrong in every task",),
    )


def test_declared_passes_outweigh_what_others_agree_on() -> None:
    agreeing = [sample(PAY, name=name, declared=False) for name in "ab"]
    draft = only(*agreeing, sample(BOOK, name="c"), failed(PAY))
    assert arguments(draft) == [BOOK[:2]]


def test_run_that_failed_alone_is_only_held_against_what_is_wrong_in_any_task() -> None:
    stuck = Signature(difference="unrecovered_error", tool="build", error="E")
    draft = only(failed(("build", {"n": 1}, "E"), signature=stuck))
    assert (draft.basis, draft.case.checks.must_work) == ("alone", {"build"})
    assert judge_attempt(draft.case, attempt_of(draft.faulty[0].run)).verdict == "fail"
    round_and_round = Signature(difference="repetition", tool="get_x")
    draft = only(failed(*[("get_x", {"n": 1})] * 6, signature=round_and_round))
    assert judge_attempt(draft.case, attempt_of(draft.faulty[0].run)).verdict == "fail"
    early = Signature(difference="premature_handover")
    draft = only(failed(("transfer_to_human", {"why": "x"}), signature=early))
    assert judge_attempt(draft.case, attempt_of(draft.faulty[0].run)).verdict == "fail"
    assert draft_cases([failed(BOOK)])[0] == ()


def test_broken_surroundings_make_no_case_and_no_reference() -> None:
    broken = sample(BOOK, name="x", verdict="infrastructure")
    assert draft_cases([broken]) == ((), ())
    assert draft_cases([broken, failed(PAY)])[0] == ()


def test_runs_of_another_world_are_never_what_a_run_is_held_against() -> None:
    def elsewhere(each: Sample) -> Sample:
        trajectory = replace(each.run.trajectory, format="other")
        return replace(each, run=replace(each.run, trajectory=trajectory))

    drafts, reasons = draft_cases([elsewhere(sample(BOOK, PAY, name="a")), failed(BOOK)])
    assert (drafts, len(reasons)) == ((), 1)
    right = [sample(BOOK, PAY, name="b"), elsewhere(sample(PAY, name="c"))]
    drafts, _ = draft_cases([*right, failed(BOOK), elsewhere(failed(BOOK))])
    assert [[each.session for each in draft.references] for draft in drafts] == [["b"], ["c"]]


def test_recording_branches_where_runs_changed_different_things() -> None:
    read: Made = ("get_state", {}, None, "one")
    other: Made = ("get_state", {}, None, "two")
    draft = only(sample(BOOK, read, name="a"), failed(PAY, other))
    states = {
        (call.tool, call.text): (call.state, call.next_state) for call in draft.case.recording
    }
    assert states == {
        ("book_room", "ok"): (0, 1),
        ("get_state", "one"): (1, 1),
        ("charge_card", "ok"): (0, 2),
        ("get_state", "two"): (2, 2),
    }
