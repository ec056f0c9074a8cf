"""A store that is away for a moment fails no job: the run stops, and goes on when it is taken up again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError
from lignin.operations.jobkind import Work
from lignin.operations.jobwork import bodies_of
from lignin.ports.ledger import View
from unit.operations.conftest import Desk
from unit.operations.shop import Shop, asked, kind


class Flaky:
    """A ledger that refuses its views as often as it is told."""

    def __init__(self, ledger: Any, error: UnavailableError) -> None:
        self._ledger, self._error = ledger, error
        self.refusals = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    @contextmanager
    def view(self, space: str) -> Iterator[View]:
        if self.refusals:
            self.refusals -= 1
            raise self._error
        with self._ledger.view(space) as view:
            yield view


def run(shop: Shop, error: UnavailableError, begun: list[str], *, before: int = 0) -> str:
    """A job whose store cannot be looked at once, between its steps or `before` its body."""
    flaky = Flaky(shop.context.ledger, error)

    def body(work: Work) -> Json:
        work.step("one", lambda _: begun.append("one"))
        if len(begun) == 1:
            begun.append("away")
            flaky.refusals = 1
        with work.context.view() as view:
            return view.space

    shop.kinds = {**shop.kinds, **kind(body)}
    shop.hire()
    name = asked(shop)
    shop.engine._bodies = bodies_of(replace(shop.context, ledger=flaky), shop.kinds)  # type: ignore[arg-type]
    flaky.refusals = before
    shop.feed()
    for _ in range(20):
        shop.store.advance(0.1)
    return name


@pytest.mark.parametrize("before", [0, 1])
def test_a_job_goes_on_when_the_store_is_back(desk: Desk, before: int) -> None:
    shop, begun = Shop(desk), list[str]()
    name = run(shop, UnavailableError("it restarts", is_away=True), begun, before=before)
    assert shop.state(name) == "open"
    shop.engine.die()
    shop.hire()
    shop.work(name)
    assert shop.state(name) == "succeeded"
    assert begun.count("one") == 1


def test_a_store_that_is_there_and_refuses_fails_the_job_with_its_words(desk: Desk) -> None:
    shop = Shop(desk)
    name = run(shop, UnavailableError("the disk is full"), [])
    shown = shop.desk("job.show", job=name)
    assert (shown.state, shown.error["message"]) == ("failed", "the disk is full")
