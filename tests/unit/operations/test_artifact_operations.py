"""Capture, verify, promote, call and retire, as a caller meets them."""

from dataclasses import replace

import pytest

from lignin.domain.errors import (
    DeniedError,
    GateFailedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
)
from lignin.domain.events import Actor
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk

WRONG = DOUBLE.replace("number * 2", "number * 2 if number < 10 else 0")


def test_captured_code_with_examples_is_verified_at_once(desk: Desk) -> None:
    captured = desk.double()
    assert (captured.name, captured.state, captured.how) == ("double", "verified", "new")
    assert captured.verification.verdict == "pass"
    assert captured.verification.exit_code() == 0


def test_the_same_code_captured_again_is_the_same_version(desk: Desk) -> None:
    first, again = desk.double(), desk.double()
    assert again.digest == first.digest
    assert desk("artifact.list").total == 1


def test_code_that_contradicts_its_examples_is_refused_with_the_input(desk: Desk) -> None:
    path = desk.write("double.py", WRONG)
    captured = desk("artifact.capture", path=path, examples=EXAMPLES)
    assert captured.verification.verdict == "fail"
    assert captured.exit_code() == captured.verification.exit_code() == 6
    assert any('"number":' in reason for reason in captured.verification.reasons)
    with pytest.raises(GateFailedError):
        desk("artifact.promote", name="double")
    assert desk("head.list").total == 0


def test_code_refused_before_is_refused_again_with_the_reason_and_what_to_do(desk: Desk) -> None:
    path = desk.write("double.py", WRONG)
    first, again = (desk("artifact.capture", path=path, examples=EXAMPLES) for _ in range(2))
    assert (again.how, again.state, again.exit_code()) == ("known", "rejected", 6)
    assert '"number":' in again.reason
    assert again.reason == first.reason
    assert "new version" in again.remediation


def test_a_wrong_example_is_withdrawn_and_the_code_judged_anew(desk: Desk) -> None:
    """What the answer to a rejection advises works, and nothing less does."""
    path, wrong = desk.write("double.py", DOUBLE), [{"arguments": {"number": 2}, "result": 5}]
    refused = desk("artifact.capture", path=path, examples=[*EXAMPLES, *wrong])
    assert refused.state == "rejected"
    assert "artifact withdraw" in refused.remediation
    assert desk("artifact.capture", path=path, examples=EXAMPLES).state == "rejected"
    mended = desk("artifact.withdraw", name="double", examples=wrong)
    assert (mended.withdrawn, mended.state, mended.exit_code()) == (1, "verified", 0)
    assert desk("artifact.show", name="double").examples == len(EXAMPLES)


def test_without_any_example_left_nothing_is_proven(desk: Desk) -> None:
    path, wrong = desk.write("double.py", DOUBLE), [{"arguments": {"number": 2}, "result": 5}]
    desk("artifact.capture", path=path, examples=[*EXAMPLES, *wrong])
    bare = desk("artifact.withdraw", name="double")
    assert (bare.withdrawn, bare.state, bare.exit_code()) == (7, "draft", 10)


def test_withdrawn_examples_may_be_given_again(desk: Desk) -> None:
    desk.double()
    desk("artifact.withdraw", name="double", examples=EXAMPLES[:2])
    assert desk("artifact.show", name="double").examples == len(EXAMPLES) - 2
    desk.double()
    assert desk("artifact.show", name="double").examples == len(EXAMPLES)


def test_nobody_withdraws_what_somebody_else_gave(desk: Desk) -> None:
    path, wrong = desk.write("double.py", DOUBLE), [{"arguments": {"number": 2}, "result": 5}]
    desk("artifact.capture", path=path, examples=[*EXAMPLES, *wrong])
    scope = replace(desk.context.scope, actor=Actor(sub="agent:other"))
    other = Desk(replace(desk.context, scope=scope))
    for examples in (wrong, None):
        with pytest.raises(NotFoundError, match="agent:other gave no such example"):
            other("artifact.withdraw", name="double", examples=examples)
    assert desk("artifact.show", name="double").examples == len(EXAMPLES) + 1


def test_withdrawing_examples_frees_nothing_of_what_else_speaks_against_it(desk: Desk) -> None:
    text = DOUBLE.replace("number * 2", "number * 2 if number < 21 else double(number)")
    path = desk.write("double.py", text)
    assert desk("artifact.capture", path=path, examples=EXAMPLES).state == "rejected"
    done = desk("artifact.withdraw", name="double", examples=EXAMPLES[:1])
    assert (done.state, done.verification) == ("rejected", None)


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ({"arguments": {"y": 1}, "result": 2}, "has the argument 'y'; the function takes 'number'"),
        ({"arguments": {}, "result": 2}, "lacks the argument 'number'"),
        ({"arguments": {"number": 1}}, "example 1 has neither 'result' nor 'error'"),
        ({"arguments": {"number": 1}, "output": 2}, "example 1: an example has no key 'output'"),
    ],
)
def test_an_example_that_judges_nothing_is_bad_input_and_records_nothing(
    desk: Desk, example: dict[str, object], told: str
) -> None:
    path = desk.write("double.py", DOUBLE)
    with pytest.raises(InvalidRequestError, match=told) as refused:
        desk("artifact.capture", path=path, examples=[example])
    assert "result" in refused.value.hint
    assert desk("artifact.list").total == 0


def test_null_is_a_result_like_any_other(desk: Desk) -> None:
    path = desk.write("none.py", "def none(x: int) -> None | int:\n    return x or None\n")
    given = [{"arguments": {"x": x}, "result": x or None} for x in (0, 1, 2, 5)]
    assert desk("artifact.capture", path=path, examples=given).state == "verified"


def test_more_examples_than_are_ever_needed_are_refused_at_once(desk: Desk) -> None:
    many = [{"arguments": {"number": n}, "result": 2 * n} for n in range(2001)]
    with pytest.raises(LimitedError, match="2001 examples; at most 2000"):
        desk("artifact.capture", path=desk.write("double.py", DOUBLE), examples=many)


def test_a_script_handed_over_with_examples_is_no_one_off(desk: Desk) -> None:
    path = desk.write("lines.sh", "#!/bin/sh\n# Sorted unique lines\nsort -u\n")
    given = [
        {"stdin": text, "result": {"stdout": out, "exit_code": 0}}
        for text, out in (("b\na\n", "a\nb\n"), ("a\na\n", "a\n"), ("", ""), ("c\n", "c\n"))
    ]
    with pytest.raises(InvalidRequestError, match="one-off"):
        desk("artifact.capture", path=path)
    captured = desk("artifact.capture", path=path, examples=given, verify=False)
    assert (captured.name, captured.state) == ("lines", "draft")


def test_examples_that_contradict_each_other_blame_nobody_and_are_named(desk: Desk) -> None:
    path = desk.write("double.py", DOUBLE)
    two = [*EXAMPLES, {"arguments": {"number": 3}, "result": 7}]
    captured = desk("artifact.capture", path=path, examples=two)
    assert (captured.state, captured.verification.verdict) == ("draft", "inconclusive")
    [reason] = [r for r in captured.verification.reasons if "contradict" in r]
    assert '{"number":3}' in reason
    assert all(side in reason for side in ("6 (user:tester)", "7 (user:tester)"))


def test_a_contradiction_hides_no_other_wrong_answer(desk: Desk) -> None:
    two = [*EXAMPLES, {"arguments": {"number": 3}, "result": 7}]
    captured = desk("artifact.capture", path=desk.write("double.py", WRONG), examples=two)
    assert captured.verification.verdict == "fail"


def test_code_without_examples_is_inconclusive_and_stays_a_draft(desk: Desk) -> None:
    captured = desk("artifact.capture", path=desk.write("double.py", DOUBLE))
    assert captured.state == "draft"
    assert captured.verification.exit_code() == 10


def test_an_unchanged_artifact_costs_no_run(desk: Desk) -> None:
    desk.double()
    again = desk("artifact.verify", name="double")
    assert (again.reused, again.runs, again.verdict) == (True, 0, "pass")
    assert desk("artifact.verify", name="double", again=True).runs > 0


@pytest.mark.parametrize("path", ["absent.py", "../nowhere"])
def test_capturing_what_is_not_there_is_not_found(desk: Desk, path: str) -> None:
    with pytest.raises(NotFoundError):
        desk("artifact.capture", path=path)


def test_examples_that_are_no_list_are_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="list"):
        desk("artifact.capture", path=desk.write("double.py", DOUBLE), examples={"number": 1})


def test_a_script_is_not_proven_by_examples_of_a_function(desk: Desk) -> None:
    """Run without its words it fails and prints nothing, which such an example agreed with."""
    path = desk.write("twice.py", "import sys\n\nprint(int(sys.argv[1]) * 2)\n")
    with pytest.raises(InvalidRequestError, match="this is a script") as caught:
        desk("artifact.capture", path=path, examples=EXAMPLES)
    assert '"argv"' in caught.value.hint
    assert desk("artifact.list").total == 0
    used = [
        {"argv": [str(n)], "result": {"stdout": f"{2 * n}\n", "exit_code": 0}} for n in (1, 3, 4, 7)
    ]
    assert desk("artifact.capture", path=path, examples=used).name == "twice"


def test_an_unknown_artifact_is_not_found_by_any_verb(desk: Desk) -> None:
    for verb in ("show", "source", "verify", "promote", "call", "deprecate", "quarantine"):
        with pytest.raises(NotFoundError):
            desk(f"artifact.{verb}", name="absent")


def test_a_promoted_program_is_called_by_name(desk: Desk) -> None:
    desk.double(promote=True)
    called = desk("artifact.call", name="double", input={"number": 21})
    assert (called.output, called.error, called.exit_code()) == (42, None, 0)
    usage = desk("artifact.show", name="double").usage
    assert usage["uses"] == 1


def test_a_verified_version_is_called_only_by_digest(desk: Desk) -> None:
    captured = desk.double()
    with pytest.raises(NotFoundError):
        desk("artifact.call", name="double", input={"number": 21})
    pinned = f"double@{captured.digest.removeprefix('sha256:')[:8]}"
    assert desk("artifact.call", name=pinned, input={"number": 21}).output == 42


@pytest.mark.parametrize("given", [{}, {"number": "two"}, {"number": 1, "more": 2}])
def test_arguments_that_do_not_fit_the_interface_are_refused(desk: Desk, given: object) -> None:
    desk.double(promote=True)
    with pytest.raises(InvalidRequestError, match="double"):
        desk("artifact.call", name="double", input=given)


def test_a_draft_is_not_run_for_callers(desk: Desk) -> None:
    captured = desk("artifact.capture", path=desk.write("double.py", DOUBLE))
    with pytest.raises(DeniedError):
        desk("artifact.call", name=f"double@{captured.digest}", input={"number": 1})


def test_show_and_source_tell_everything(desk: Desk) -> None:
    desk.double()
    shown = desk("artifact.show", name="double")
    assert (shown.owner, shown.successor) == ("user:tester", "space:home")
    assert shown.examples == len(EXAMPLES)
    assert shown.provenance[0]["how"] == "handed over"
    assert shown.evidence["verification"]["verdict"] == "pass"
    assert DOUBLE in desk("artifact.source", name="double").files.values()


def test_a_list_says_the_total_and_how_to_go_on(desk: Desk) -> None:
    for factor in (2, 3, 4):
        text = DOUBLE.replace("double", f"times{factor}").replace("* 2", f"* {factor}")
        desk("artifact.capture", path=desk.write(f"times{factor}.py", text), verify=False)
    page = desk("artifact.list", limit=2)
    assert (len(page.items), page.total) == (2, 3)
    assert "--state" in page.narrow
    rest = desk("artifact.list", limit=2, after=page.next_after)
    assert len(rest.items) == 1
    assert rest.next_after is None


def test_retirement_takes_deprecation_first_and_can_be_undone(desk: Desk) -> None:
    desk.double(promote=True)
    with pytest.raises(InvalidRequestError, match="only what is deprecated or quarantined"):
        desk("artifact.retire", name="double")
    assert desk("artifact.deprecate", name="double", reason="old").state == "deprecated"
    assert desk("artifact.retire", name="double", forward_to="triple").state == "retired"
    restored = desk("artifact.restore", name="double")
    assert (restored.state, restored.verdict) == ("verified", "pass")


def test_only_what_is_retired_is_restored_and_what_is_quarantined_cleared(desk: Desk) -> None:
    desk.double()
    with pytest.raises(InvalidRequestError, match="not retired"):
        desk("artifact.restore", name="double")
    with pytest.raises(InvalidRequestError, match="not quarantined"):
        desk("artifact.clear", name="double")


def test_a_quarantined_version_is_not_called_until_cleared(desk: Desk) -> None:
    desk.double(promote=True)
    assert desk("artifact.quarantine", name="double").state == "quarantined"
    with pytest.raises(DeniedError, match="quarantined"):
        desk("artifact.call", name="double", input={"number": 1})
    cleared = desk("artifact.clear", name="double")
    assert (cleared.verdict, cleared.state) == ("pass", "promoted")  # its head held it all along


def test_an_artifact_is_handed_over(desk: Desk) -> None:
    desk.double()
    handed = desk("artifact.reassign", name="double", owner="user:ada", successor="user:bob")
    assert (handed.owner, handed.successor) == ("user:ada", "user:bob")


def acting(desk: Desk, sub: str, *act: str) -> Desk:
    scope = replace(desk.context.scope, actor=Actor(sub=sub, act=act))
    return Desk(replace(desk.context, scope=scope))


@pytest.mark.parametrize("holder", [{"owner": "agent:one"}, {"successor": "agent:one"}])
def test_an_agent_hands_over_what_is_its_own_and_only_that(desk: Desk, holder: object) -> None:
    path = desk.write("double.py", DOUBLE)
    desk("artifact.capture", path=path, verify=False, **holder)
    to = {"name": "double", "owner": "agent:two", "successor": "user:tester"}
    with pytest.raises(DeniedError, match="agent:two is an agent"):
        acting(desk, "agent:two")("artifact.reassign", **to)
    with pytest.raises(DeniedError):
        acting(desk, "agent:one", "agent:two")("artifact.reassign", **to)
    assert desk("artifact.show", name="double").owner != "agent:two"
    assert acting(desk, "agent:one")("artifact.reassign", **to).owner == "agent:two"


def test_nobody_hands_over_through_an_agent(desk: Desk) -> None:
    desk.double()
    with pytest.raises(DeniedError):
        acting(desk, "user:tester", "agent:one")(
            "artifact.reassign", name="double", owner="agent:one", successor="agent:one"
        )
    assert desk("artifact.show", name="double").owner == "user:tester"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("gcd_fraction", "gcd-fraction"),
        ("gcd_fraction.py", "gcd-fraction"),
        ("gcdFraction", "gcd-fraction"),
        ("gcd-fractoin", "gcd-fraction"),
        ("gcd_fraction@sha256:123456", "gcd-fraction"),
        ("quite-different", ""),
    ],
)
def test_a_name_that_is_not_known_is_answered_with_those_that_are_near(
    desk: Desk, asked: str, meant: str
) -> None:
    text = DOUBLE.replace("double", "gcd_fraction")
    assert desk("artifact.capture", path=desk.write("any.py", text), examples=EXAMPLES).name == (
        "gcd-fraction"
    )
    desk("artifact.promote", name="gcd-fraction")
    for verb in ("show", "source", "verify", "promote", "call", "retire"):
        with pytest.raises(NotFoundError) as caught:
            desk(f"artifact.{verb}", name=asked)
        assert ("did you mean gcd-fraction?" in caught.value.hint) == bool(meant)
        assert "artifact list" in caught.value.hint


def test_a_call_before_anything_is_promoted_says_what_to_do(desk: Desk) -> None:
    desk.double()
    with pytest.raises(NotFoundError, match="no head 'main'") as caught:
        desk("artifact.call", name="double", input={"number": 1})
    assert "artifact promote" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        desk("artifact.call", name="Double", input={"number": 1})
    assert "did you mean double?" in caught.value.hint


def test_a_version_that_is_not_known_is_answered_with_where_they_are(desk: Desk) -> None:
    desk.double()
    with pytest.raises(NotFoundError, match="no version 123456") as caught:
        desk("artifact.show", name="double@123456")
    assert "artifact show double" in caught.value.hint


def test_nothing_fresh_is_let_go(desk: Desk) -> None:
    desk("artifact.capture", path=desk.write("double.py", DOUBLE))
    assert desk("artifact.expire").let_go == []
