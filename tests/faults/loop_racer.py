"""A process that races others for occurrences or for a budget; prints what it got as JSON."""

import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lignin.adapters.store.ledger import SqlLedger
from lignin.app import SystemClock, SystemIds
from lignin.domain.errors import ConflictError, LimitedError
from lignin.domain.events import Actor, Scope
from lignin.domain.loops import Amounts
from lignin.loops.budgets import Budgets, Ticket
from lignin.loops.laws.ticks import occurrence_of, plan_due
from lignin.loops.service import Loops, load_loop
from lignin.ports.ledger import Ledger, require_known

SCOPE = Scope(space="home", actor=Actor(sub="service:racer"))
START = datetime(2026, 3, 28, 23, tzinfo=UTC)
"""Two hours later clocks in Europe go forward."""


def tick(ledger: Ledger, at: datetime) -> list[str]:
    """Look once, as a scheduler does at an instant; returns the occurrences that it took."""
    loops = Loops(SystemIds())
    while True:
        with ledger.view("home") as view:
            row = require_known(view, "loop/ticking")
            loop = load_loop(view, row)
            lane = view.row("looplane/ticking")
            seen = lane.body["seen"] if lane else None
            since = datetime.fromisoformat(seen) if seen else START
            if at <= since:
                return []
            due = plan_due(loop.trigger, since, at)
            taken = loops.take(
                view, SCOPE, row, [occurrence_of(t) for t in due.ticks], seen=at.isoformat()
            )
        try:
            if taken.change is not None:
                ledger.commit(taken.change)
        except ConflictError:
            continue  # another scheduler was quicker: look again
        return list(taken.entries)


def schedule(ledger: Ledger, hours: int) -> list[str]:
    """Look every ten minutes of a clock of its own, as all schedulers do."""
    taken = []
    for step in range(1, hours * 6 + 1):
        taken += tick(ledger, START + timedelta(minutes=10 * step))
    return taken


def spend(ledger: Ledger, races: range, limit: int, name: str) -> list[str]:
    """Set aside what several want at once, and settle it; returns the budgets it got something of."""
    budgets, got = Budgets(SystemIds()), []
    limits = Amounts(money_microusd=limit, tokens=1000)
    for race in races:
        stream = f"budget/race-{race}"
        amounts = Amounts(money_microusd=40, tokens=1)
        ticket = Ticket(ticket=name, amounts=amounts, budgets=(stream,))
        try:
            ledger.commit(budgets.reserve(SCOPE, _named(ticket, race), {stream: limits}))
        except LimitedError:
            continue
        got.append(stream)
        if (
            race + len(name)
        ) % 2:  # half of them tell that it was less; the rest crash before they do
            ledger.commit(budgets.settle(SCOPE, _named(ticket, race), Amounts(money_microusd=40)))
    return got


def _named(ticket: Ticket, race: int) -> Ticket:
    return Ticket(ticket=f"{ticket.ticket}/{race}", amounts=ticket.amounts, budgets=ticket.budgets)


def main() -> None:
    """`URL what size name`: three threads, each on a ledger of its own."""
    url, what, size, name = sys.argv[1:]
    results: list[list[str]] = []

    def work(thread: int) -> None:
        ledger = SqlLedger(url, SystemClock())
        try:
            does: Callable[[], list[str]] = (
                (lambda: schedule(ledger, int(size)))
                if what == "schedule"
                else (lambda: spend(ledger, range(int(size)), 100, f"{name}-{thread}"))
            )
            results.append(does())
        finally:
            ledger.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(results) < len(threads):
        sys.exit(1)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
