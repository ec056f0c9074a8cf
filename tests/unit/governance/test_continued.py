"""Whoever goes on with a task repeats none of what was done."""

from collections.abc import Iterable, Mapping

import pytest

from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import UnavailableError
from lignin.governance.continued import (
    ALREADY_DONE,
    HELD,
    UNKNOWN,
    ContinuedTools,
    JournalledTools,
)
from lignin.ports.journal import Made
from lignin.ports.tools import Observation, ToolSpec


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


class Notes:
    """A journal in memory."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def tag(self, tool: str, arguments: Mapping[str, Json]) -> str:
        return digest_json([tool, dict(arguments)])

    def intend(self, made: Made) -> None:
        self.told.append(("intend", made.tool))

    def settle(self, made: Made) -> None:
        self.told.append(("settle", made.tool))


def nothing_against(made: Iterable[Made]) -> str:
    return ""


def begun(shop: Shop, notes: Notes) -> JournalledTools:
    return JournalledTools(shop, notes, nothing_against)


def test_change_is_noted_before_and_after_it_is_made() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    tools.call("look", {})
    tools.call("pay", {"n": 1})
    assert notes.told == [("settle", "look"), ("intend", "pay"), ("settle", "pay")]
    assert [made.number for made in tools.made] == [1, 2]


def test_done_change_is_answered_from_the_record_as_often_as_it_is_asked() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    first = tools.call("pay", {"n": 1})
    went_on = ContinuedTools(shop, tools.made, notes.tag)
    for _ in range(3):
        again = went_on.call("pay", {"n": 1})
        assert first is not None and again is not None
        assert (again.result, again.message) == (first.result, ALREADY_DONE)
    assert shop.calls == [("pay", {"n": 1})]
    went_on.call("pay", {"n": 2})
    assert shop.calls[-1] == ("pay", {"n": 2})


def test_name_that_a_client_gives_a_tool_does_not_get_around_the_record() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    tools.call("pay", {"n": 1})
    again = ContinuedTools(shop, tools.made, notes.tag).call("mcp__shop__pay", {"n": 1})
    assert again is not None
    assert (again.message, len(shop.calls)) == (ALREADY_DONE, 1)


def test_reads_are_made_anew() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    tools.call("look", {})
    ContinuedTools(shop, tools.made, notes.tag).call("look", {})
    assert shop.calls == [("look", {})] * 2


def test_refused_change_changed_nothing_and_may_be_made() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    tools.call("pay", {"n": 0})
    ContinuedTools(shop, tools.made, notes.tag).call("pay", {"n": 0})
    assert shop.calls == [("pay", {"n": 0})] * 2


def test_error_that_no_contract_names_may_have_come_halfway() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    tools.call("pay", {"n": -1})
    assert notes.told == [("intend", "pay")]
    answer = ContinuedTools(shop, tools.made, notes.tag).call("pay", {"n": -1})
    assert answer is not None and answer.error == UNKNOWN
    assert len(shop.calls) == 1


@pytest.mark.parametrize(("tool", "made_again"), [("break", False), ("break_set", True)])
def test_change_that_nobody_knows_of_is_repeated_only_where_that_does_no_harm(
    tool: str, made_again: bool
) -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    with pytest.raises(UnavailableError):
        tools.call(tool, {"n": 1})
    assert notes.told == [("intend", tool)]
    answer = ContinuedTools(shop, tools.made, notes.tag).call(tool, {"n": 1})
    assert answer is not None
    assert (len(shop.calls) == 2) is made_again
    assert (answer.error == UNKNOWN) is not made_again


def test_set_value_that_was_changed_since_can_be_set_back() -> None:
    shop, notes = Shop(), Notes()
    tools = begun(shop, notes)
    tools.call("set", {"to": "a"})
    went_on = ContinuedTools(shop, tools.made, notes.tag)
    went_on.call("set", {"to": "a"})
    assert len(shop.calls) == 1
    went_on.call("set", {"to": "b"})
    went_on.call("set", {"to": "a"})
    assert [given for _, given in shop.calls] == [{"to": "a"}, {"to": "b"}, {"to": "a"}]


def test_nothing_is_changed_while_something_is_against_it() -> None:
    shop, notes = Shop(), Notes()
    tools = JournalledTools(shop, notes, lambda made: "closed" if list(made) else "")
    tools.call("look", {})
    held = tools.call("pay", {"n": 1})
    assert held == Observation(error=HELD, message="closed")
    assert shop.calls == [("look", {})]
    assert notes.told == [("settle", "look")]


def test_unknown_tool_is_whatever_the_tools_say() -> None:
    shop, notes = Shop(), Notes()
    assert ContinuedTools(shop, (), notes.tag).call("absent", {}) is not None
