"""A request is read as it was meant or not at all, and no change is made twice over a hand-over."""

from collections.abc import Iterable, Mapping
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError
from lignin.governance.continued import UNKNOWN, ContinuedTools, JournalledTools
from lignin.governance.laws.drift import LIMIT, Wealth, after
from lignin.ports.journal import Made
from lignin.ports.tools import Observation, ToolSpec
from lignin.testing.fakes.journal import MemoryJournal
from lignin.traces.routines.requests import Request, mine_forms, parse_request

WORDS = st.lists(
    st.sampled_from(["please", "now", "move", "the", "box", "to", "shelf", "for", "me", "today"]),
    max_size=4,
)
CODES = st.integers(0, 99_999).map(lambda number: f"B-{number}")
MAILS = st.from_regex(r"[a-z]{2,6}\.[a-z]{2,6}@[a-z]{2,5}\.example", fullmatch=True)
COUNTS = st.integers(0, 500)
Row = tuple[str, str, int]
ROWS = st.lists(st.tuples(CODES, MAILS, COUNTS), min_size=5, max_size=9, unique=True)


def text_of(pieces: list[list[str]], row: Row) -> str:
    """The row's values with words around each."""
    told = [
        word for piece, value in zip(pieces, row, strict=False) for word in (*piece, str(value))
    ]
    return " ".join([*told, *pieces[-1], "."])


def values_of(row: Row) -> dict[str, Json]:
    return {"code": row[0], "mail": row[1], "count": row[2]}


@given(pieces=st.lists(WORDS, min_size=4, max_size=4), rows=ROWS)
def test_request_gives_back_its_own_values(pieces: list[list[str]], rows: list[Row]) -> None:
    *mined, new = rows
    forms = mine_forms([Request(text=text_of(pieces, e), values=values_of(e)) for e in mined])
    for row in (*mined, new):
        assert parse_request(forms, text_of(pieces, row)) in ([values_of(row)], [])
    if forms and len(mined) == forms[0].support:
        assert parse_request(forms, text_of(pieces, new)) == [values_of(new)]


@given(
    pieces=st.lists(WORDS, min_size=4, max_size=4),
    rows=ROWS,
    word=st.sampled_from(
        ["Not", "not", "never", "only", "B-1", "twice", "?", "7", "a.b@c.example"]
    ),
    data=st.data(),
)
def test_request_with_a_word_put_in_is_not_read(
    pieces: list[list[str]], rows: list[Row], word: str, data: st.DataObject
) -> None:
    forms = mine_forms([Request(text=text_of(pieces, e), values=values_of(e)) for e in rows])
    words = text_of(pieces, rows[0]).split(" ")
    words.insert(data.draw(st.integers(0, len(words))), word)
    assert parse_request(forms, " ".join(words)) == []


@given(pieces=st.lists(WORDS, min_size=4, max_size=4), rows=ROWS, data=st.data())
def test_request_with_a_word_left_out_is_not_read(
    pieces: list[list[str]], rows: list[Row], data: st.DataObject
) -> None:
    forms = mine_forms([Request(text=text_of(pieces, e), values=values_of(e)) for e in rows])
    words = text_of(pieces, rows[0]).split(" ")
    del words[data.draw(st.integers(0, len(words) - 1))]
    assert parse_request(forms, " ".join(words)) == []


class Ledger:
    """Tools that keep what took effect; one call fails, before or after its effect."""

    def __init__(self, fails_at: int, effect_first: bool) -> None:
        self.effects: list[str] = []
        self._fails_at, self._effect_first, self._calls = fails_at, effect_first, count()

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return {
            name: ToolSpec(
                name=name,
                description="",
                input={},
                effect="read" if name == "read" else "write",
                idempotent=False,
            )
            for name in ("read", "add", "pay")
        }

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        fails = next(self._calls) == self._fails_at
        if fails and not self._effect_first:
            raise UnavailableError("gone")
        if tool != "read":
            self.effects.append(f"{tool} {arguments['n']}")
        if fails:
            raise UnavailableError("gone")
        return Observation(result={"n": arguments["n"], "effects": len(self.effects)})


def never(_made: Iterable[Made]) -> str:
    return ""


PLANNED = st.lists(
    st.tuples(st.sampled_from(["read", "add", "pay"]), st.integers(0, 30)), max_size=9, unique=True
)


@given(
    planned=PLANNED, fails_at=st.integers(0, 9), effect_first=st.booleans(), stops=st.integers(0, 9)
)
def test_no_effect_is_repeated_by_starting_from_the_beginning(
    planned: list[tuple[str, int]], fails_at: int, effect_first: bool, stops: int
) -> None:
    world, store = Ledger(fails_at, effect_first), MemoryJournal()
    program = JournalledTools(world, store, never)
    try:
        for tool, number in planned[:stops]:
            program.call(tool, {"n": number})
    except UnavailableError:
        pass
    changes = [f"{tool} {number}" for tool, number in planned[:stops] if tool != "read"]
    for _ in range(3):
        unknown = 0
        agent = ContinuedTools(world, MemoryJournal(store))
        for tool, number in planned[:stops]:
            try:
                answer = agent.call(tool, {"n": number})
            except UnavailableError:  # the agent's own call was lost; it starts anew
                break
            assert answer is not None
            unknown += answer.error == UNKNOWN
            if answer.error is None and tool != "read":
                assert answer.result["n"] == number
        else:
            assert len(changes) - len(world.effects) <= unknown <= 1
        assert len(set(world.effects)) == len(world.effects)
        assert set(world.effects) <= set(changes)


@pytest.mark.parametrize("usual", [0.02, 0.1, 0.4])
@given(happened=st.lists(st.booleans(), max_size=60))
def test_wealth_is_fair_at_the_usual_rate(usual: float, happened: list[bool]) -> None:
    wealth = Wealth()
    for each in happened:
        up, down = after(wealth, True, usual).total, after(wealth, False, usual).total
        assert usual * up + (1 - usual) * down <= wealth.total * (1 + 1e-9)
        wealth = after(wealth, each, usual)
        assert wealth.total >= 0
        if wealth.has_grown:
            assert wealth.total >= LIMIT
            return
