"""Whoever goes on with a task repeats none of what was done."""

from collections.abc import Iterable, Mapping

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError
from lignin.governance.continued import (
    ALREADY_DONE,
    HELD,
    TAKEN_OVER,
    UNKNOWN,
    ContinuedTools,
    JournalledTools,
)
from lignin.ports.journal import Made
from lignin.ports.tools import Observation, ToolSpec
from lignin.testing.fakes.journal import MemoryJournal


def spec(name: str, effect: str, *, idempotent: bool = False) -> ToolSpec:
    return ToolSpec(
        name=name,
        description="",
        input={},
        effect="write" if effect == "write" else "read",
        idempotent=idempotent,
        errors=("refused",),
    )


class Shop:
    """Tools that count; `pay` of 0 is refused, `break` fails on its way back."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Json]]] = []

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return {
            "look": spec("look", "read"),
            "pay": spec("pay", "write"),
            "set": spec("set", "write", idempotent=True),
            "break": spec("break", "write"),
            "break_set": spec("break_set", "write", idempotent=True),
        }

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        self.calls.append((tool, dict(arguments)))
        if tool.startswith("break") and len(self.calls) == 1:
            raise UnavailableError("gone")
        if arguments == {"n": 0}:
            return Observation(error="refused", message="nothing to pay")
        if arguments == {"n": -1}:
            return Observation(error="internal", message="stack trace")
        return Observation(result={"call": len(self.calls)})


def nothing_against(made: Iterable[Made]) -> str:
    return ""


def told(notes: MemoryJournal) -> list[tuple[str, str]]:
    return [(what, made.tool) for what, made in notes.told]


def begun(shop: Shop, notes: MemoryJournal) -> JournalledTools:
    return JournalledTools(shop, notes, nothing_against)


def test_change_is_noted_before_and_after_it_is_made() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    tools.call("look", {})
    tools.call("pay", {"n": 1})
    assert told(notes) == [("settle", "look"), ("intend", "pay"), ("settle", "pay")]
    assert [made.number for made in tools.made] == [1, 2]


def test_done_change_is_answered_from_the_record_as_often_as_it_is_asked() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    first = tools.call("pay", {"n": 1})
    went_on = ContinuedTools(shop, notes)
    for _ in range(3):
        again = went_on.call("pay", {"n": 1})
        assert first is not None and again is not None
        assert (again.result, again.message) == (first.result, ALREADY_DONE)
    assert shop.calls == [("pay", {"n": 1})]
    went_on.call("pay", {"n": 2})
    assert shop.calls[-1] == ("pay", {"n": 2})


def test_name_that_a_client_gives_a_tool_does_not_get_around_the_record() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    tools.call("pay", {"n": 1})
    again = ContinuedTools(shop, notes).call("mcp__shop__pay", {"n": 1})
    assert again is not None
    assert (again.message, len(shop.calls)) == (ALREADY_DONE, 1)


def test_reads_are_made_anew() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    tools.call("look", {})
    ContinuedTools(shop, notes).call("look", {})
    assert shop.calls == [("look", {})] * 2


def test_refused_change_changed_nothing_and_may_be_made() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    tools.call("pay", {"n": 0})
    ContinuedTools(shop, notes).call("pay", {"n": 0})
    assert shop.calls == [("pay", {"n": 0})] * 2


def test_error_that_no_contract_names_may_have_come_halfway() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    tools.call("pay", {"n": -1})
    assert told(notes) == [("intend", "pay")]
    answer = ContinuedTools(shop, notes).call("pay", {"n": -1})
    assert answer is not None and answer.error == UNKNOWN
    assert len(shop.calls) == 1


@pytest.mark.parametrize(("tool", "made_again"), [("break", False), ("break_set", True)])
def test_change_that_nobody_knows_of_is_repeated_only_where_that_does_no_harm(
    tool: str, made_again: bool
) -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    with pytest.raises(UnavailableError):
        tools.call(tool, {"n": 1})
    assert told(notes) == [("intend", tool)]
    answer = ContinuedTools(shop, notes).call(tool, {"n": 1})
    assert answer is not None
    assert (len(shop.calls) == 2) is made_again
    assert (answer.error == UNKNOWN) is not made_again


def test_set_value_that_was_changed_since_can_be_set_back() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = begun(shop, notes)
    tools.call("set", {"to": "a"})
    went_on = ContinuedTools(shop, notes)
    went_on.call("set", {"to": "a"})
    assert len(shop.calls) == 1
    went_on.call("set", {"to": "b"})
    went_on.call("set", {"to": "a"})
    assert [given for _, given in shop.calls] == [{"to": "a"}, {"to": "b"}, {"to": "a"}]


def test_nothing_is_changed_while_something_is_against_it() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = JournalledTools(shop, notes, lambda made: "closed" if list(made) else "")
    tools.call("look", {})
    held = tools.call("pay", {"n": 1})
    assert held == Observation(error=HELD, message="closed")
    assert shop.calls == [("look", {})]
    assert told(notes) == [("settle", "look")]


def test_unknown_tool_is_whatever_the_tools_say() -> None:
    shop, notes = Shop(), MemoryJournal()
    assert ContinuedTools(shop, notes).call("absent", {}) is not None


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_change_that_was_made_while_going_on_is_not_made_by_who_goes_on_next(
    is_handed_over: bool,
) -> None:
    shop, notes = Shop(), MemoryJournal()
    if is_handed_over:
        begun(shop, notes).call("look", {})
    first = ContinuedTools(shop, notes).call("pay", {"n": 1})
    for _ in range(2):
        again = ContinuedTools(shop, MemoryJournal(notes)).call("pay", {"n": 1})
        assert first is not None and again is not None
        assert (again.result, again.message) == (first.result, ALREADY_DONE)
    assert [call for call in shop.calls if call[0] == "pay"] == [("pay", {"n": 1})]


@pytest.mark.parametrize(("tool", "made_again"), [("break", False), ("break_set", True)])
def test_change_that_was_lost_while_going_on_is_unknown_to_who_goes_on_next(
    tool: str, made_again: bool
) -> None:
    shop, notes = Shop(), MemoryJournal()
    with pytest.raises(UnavailableError):
        ContinuedTools(shop, notes).call(tool, {"n": 1})
    answer = ContinuedTools(shop, notes).call(tool, {"n": 1})
    assert answer is not None and (answer.error == UNKNOWN) is not made_again
    assert (len(shop.calls) == 2) is made_again


def test_error_that_no_contract_names_is_unknown_while_going_on_too() -> None:
    shop, notes = Shop(), MemoryJournal()
    tools = ContinuedTools(shop, notes)
    first = tools.call("pay", {"n": -1})
    assert first is not None and first.error == "internal"
    again = tools.call("pay", {"n": -1})
    assert again is not None and again.error == UNKNOWN
    assert len(shop.calls) == 1


def test_value_is_set_back_by_who_goes_on_after_somebody_who_set_something_else() -> None:
    shop, notes = Shop(), MemoryJournal()
    begun(shop, notes).call("set", {"to": "a"})
    ContinuedTools(shop, notes).call("set", {"to": "b"})
    ContinuedTools(shop, notes).call("set", {"to": "a"})
    assert [given for _, given in shop.calls] == [{"to": "a"}, {"to": "b"}, {"to": "a"}]


def test_program_changes_nothing_more_once_somebody_goes_on() -> None:
    shop, notes = Shop(), MemoryJournal()
    program = begun(shop, notes)
    program.call("pay", {"n": 1})
    ContinuedTools(shop, MemoryJournal(notes)).call("pay", {"n": 2})
    held = program.call("pay", {"n": 2})
    assert held == Observation(error=HELD, message=TAKEN_OVER)
    assert shop.calls == [("pay", {"n": 1}), ("pay", {"n": 2})]


def test_of_two_who_go_on_at_once_one_makes_a_change() -> None:
    shop, notes = Shop(), MemoryJournal()
    other = ContinuedTools(shop, MemoryJournal(notes))

    class Meanwhile(MemoryJournal):
        """The other comes between this one's look and its note."""

        def intend(self, made: Made) -> None:
            other.call("pay", {"n": 1})
            super().intend(made)

    answer = ContinuedTools(shop, Meanwhile(notes)).call("pay", {"n": 1})
    assert answer is not None and answer.message == ALREADY_DONE
    assert shop.calls == [("pay", {"n": 1})]
