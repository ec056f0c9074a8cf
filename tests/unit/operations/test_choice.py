"""Which version a bare name means to each verb, and that a fix enters where it is promoted."""

import itertools
from typing import Any, get_args

import pytest

from lignin.domain.errors import GateFailedError
from lignin.domain.states import Row
from lignin.domain.states.artifacts import STATES
from lignin.operations.choice import Verb, choose, told_others, told_waiting
from lignin.operations.harvest import promote_proven
from lignin.operations.lifecycle import verify_version
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk

FIX = "# a second try\n" + DOUBLE
TEXT = "def double(text: str) -> str:\n    return text + text\n"
TEXTS = [{"arguments": {"text": t}, "result": t + t} for t in ("a", "bc", "", "x y", "12")]


def version(state: str, at: int) -> Row:
    digest = f"sha256:{at:064x}"
    body = {"digest": digest, "captured_at": f"2026-01-0{at}", "state": state, "reason": "so"}
    return Row(stream=f"version/one@{digest}", kind="version", seq=1, body=body, state=state)


@pytest.mark.parametrize(
    ("verb", "states", "meant"),
    [
        ("look", ("promoted", "verified"), 1),
        ("look", ("rejected", "draft"), 2),
        ("verify", ("promoted", "verified"), 2),
        ("verify", ("promoted", "rejected"), 1),
        ("verify", ("verified", "draft", "quarantined"), 2),
        ("promote", ("promoted", "verified"), 2),
        ("promote", ("verified", "promoted"), 2),
        ("promote", ("promoted", "verified", "draft"), 2),
        ("promote", ("promoted", "rejected"), 1),
        ("promote", ("rejected", "draft"), 2),
        ("quarantine", ("promoted", "verified"), 1),
        ("quarantine", ("deprecated", "verified"), 1),
        ("deprecate", ("promoted", "verified"), 1),
        ("retire", ("deprecated", "promoted"), 1),
        ("restore", ("retired", "promoted"), 1),
        ("clear", ("quarantined", "promoted"), 1),
        ("withdraw", ("rejected", "promoted"), 1),
        ("withdraw", ("promoted", "draft"), 1),
    ],
)
def test_a_bare_name_means_one_version_to_each_verb(
    verb: Verb, states: tuple[str, ...], meant: int
) -> None:
    rows = [version(state, at) for at, state in enumerate(states, start=1)]
    for order in itertools.permutations(rows):
        assert choose(order, verb) is rows[meant - 1]


@pytest.mark.parametrize("verb", get_args(Verb.__value__ if hasattr(Verb, "__value__") else Verb))
def test_every_state_alone_is_what_its_name_means(verb: Verb) -> None:
    for state in STATES:
        assert choose([version(state, 1)], verb).state == state


def test_the_others_are_told_newest_first_and_what_waits_with_its_reason() -> None:
    rows = [version("promoted", 2), version("verified", 1), version("rejected", 3)]
    assert told_others(rows, rows[0]) == (
        "000000000000 is rejected and newer; 000000000000 is verified"
    )
    assert told_waiting(rows, rows[0]) == ["a newer version is rejected: 000000000000 (so)"]
    assert told_others(rows[:1], rows[0]) == ""


def test_promoting_by_name_puts_the_fix_in_place_of_what_is_served(desk: Desk) -> None:
    first = desk.double(promote=True)
    fixed = desk("artifact.capture", path=desk.write("double.py", FIX), examples=EXAMPLES)
    assert fixed.state == "verified"
    shown = desk("artifact.show", name="double")
    assert (shown.digest, shown.state) == (first.digest, "promoted")
    assert shown.others == f"{fixed.digest[7:19]} is verified and newer"
    assert desk("artifact.source", name="double").warnings()
    promoted = desk("artifact.promote", name="double")
    assert promoted.digest == fixed.digest and promoted.proposal
    assert desk("artifact.call", name="double", input={"number": 4}).digest == fixed.digest


def test_promoting_what_is_promoted_says_so_and_what_waits(desk: Desk) -> None:
    first = desk.double(promote=True)
    draft = desk("artifact.capture", path=desk.write("double.py", FIX), verify=False)
    again = desk("artifact.promote", name="double")
    assert (again.digest, again.proposal) == (first.digest, "")
    assert again.reasons[0] == "already promoted in head main"
    assert f"a newer version is draft: {draft.digest[7:19]} (captured)" in again.reasons


def test_another_function_of_the_same_name_does_not_replace_what_is_served(desk: Desk) -> None:
    first = desk.double(promote=True)
    other = desk("artifact.capture", path=desk.write("double.py", TEXT), examples=TEXTS)
    assert other.state == "verified"
    named: dict[str, Any] = {"name": f"double@{other.digest}"}
    with pytest.raises(GateFailedError, match="'number' would be gone") as refused:
        desk("artifact.promote", **named)
    assert "--breaking" in refused.value.hint
    assert desk("artifact.call", name="double", input={"number": 4}).digest == first.digest
    done = desk("artifact.promote", **named, breaking=True)
    assert any("breaking is meant" in reason for reason in done.reasons)
    assert desk("artifact.call", name="double", input={"text": "a"}).output == "aa"


def test_a_harvest_never_breaks_callers(desk: Desk) -> None:
    first = desk.double(promote=True)
    other = desk("artifact.capture", path=desk.write("double.py", TEXT), examples=TEXTS)
    with desk.context.view() as view:
        row = view.row(f"version/double@{other.digest}")
    assert row is not None
    [judged] = promote_proven(desk.context, [(row, verify_version(desk.context, row))], "main")
    assert judged.moved is None
    assert any("would break" in reason for reason in judged.reasons)
    assert desk("artifact.call", name="double", input={"number": 4}).digest == first.digest
