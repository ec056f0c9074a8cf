"""Setting aside and settling what a loop's iterations spend. Owns `budget/`. Nothing here commits.

An iteration takes one ticket from the budget of its run and one from that of the loop's day, both or
neither. The ledger's reducer refuses a ticket that does not fit, so no reading beforehand is needed for
safety; reading only tells sooner, and why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lignin.domain.budgets import Shortfall, at_most, left_of, set_aside, settled, shortfall, taken
from lignin.domain.codec import Json
from lignin.domain.events import Change, NewEvent, Scope
from lignin.domain.loops import Amounts, Loop, parse_amounts
from lignin.ports.clock import IdSource
from lignin.ports.ledger import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What an iteration has set aside, of which budgets."""

    ticket: str
    amounts: Amounts
    budgets: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "ticket": self.ticket,
            "amounts": self.amounts.to_json(),
            "budgets": list(self.budgets),
        }


def parse_ticket(value: Mapping[str, Json]) -> Ticket:
    """Read a ticket back from its JSON."""
    return Ticket(
        ticket=value["ticket"],
        amounts=parse_amounts(value["amounts"]),
        budgets=tuple(value["budgets"]),
    )


def budgets_of(loop: Loop, run: str, at: datetime) -> dict[str, Amounts]:
    """The budgets that an iteration draws on, by stream, with their limits."""
    found = {f"budget/{run}": loop.stop.budget}
    if loop.stop.daily.to_json():
        found[f"budget/{loop.name}.{at:%Y-%m-%d}"] = loop.stop.daily
    return found


def plan_ticket(
    view: View, loop: Loop, run: str, number: int, at: datetime, *, is_part: bool = False
) -> Ticket | Shortfall:
    """Return the ticket that an iteration takes, or what there is too little of.

    What is left is not handed out in part: an action that is used to more would spend more.

    Args:
        is_part: It goes on with an iteration that waited for somebody, on what is left of its run's.
    """
    wanted = set_aside(loop.stop.once, loop.stop.budget, loop.stop.iterations)
    budgets = budgets_of(loop, run, at)
    books = {stream: view.row(stream) for stream in budgets}
    spent = {stream: taken(row.body) if row else {} for stream, row in books.items()}
    if is_part:
        left = left_of(loop.stop.budget, spent[f"budget/{run}"])
        wanted = at_most(wanted, {unit: value for unit, value in left.items() if value})
    for stream, limits in budgets.items():
        short = shortfall(limits, spent[stream], wanted)
        if short is not None:
            return short
    return Ticket(ticket=f"{run}/{number}", amounts=wanted, budgets=tuple(budgets))


class Budgets:
    """Sets aside and settles."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids

    def reserve(self, scope: Scope, ticket: Ticket, limits: Mapping[str, Amounts]) -> Change:
        """The change that takes a ticket of each of its budgets.

        Raises (when committed):
            LimitedError: One of them does not hold it.
        """
        events = tuple(
            self._event(
                stream,
                "budget.reserved",
                {
                    "ticket": ticket.ticket,
                    "amounts": ticket.amounts.to_json(),
                    "limits": limits[stream].to_json(),
                },
            )
            for stream in ticket.budgets
        )
        return scope.change(events=events, idempotency_key=f"reserve:{ticket.ticket}")

    def settle(self, scope: Scope, ticket: Ticket, told: Amounts) -> Change:
        """The change that says what was spent; what was not told counts as all that was set aside."""
        spent = settled(ticket.amounts, told).to_json()
        events = tuple(
            self._event(stream, "budget.settled", {"ticket": ticket.ticket, "amounts": spent})
            for stream in ticket.budgets
        )
        return scope.change(events=events, idempotency_key=f"settle:{ticket.ticket}")

    def _event(self, stream: str, type_: str, payload: Mapping[str, Json]) -> NewEvent:
        return NewEvent(stream=stream, type=type_, payload=payload, event_id=self._ids.new("evt"))
