"""A job that is cancelled in the middle of an operation ends there, and not when that is done."""

from unit.operations.conftest import Desk
from unit.operations.shop import Shop
from unit.operations.suites import function, with_cases, with_outages


def test_an_operation_that_is_cancelled_midway_makes_no_more_trials(desk: Desk) -> None:
    with_cases(desk)
    system = function(desk, "tells")
    begun: list[str] = []

    def cancels(case: str, _seed: int) -> bool:
        begun.append(case)
        if len(begun) == 2:
            [job] = shop.desk("job.list").items
            shop.desk("job.cancel", job=job.job)
            shop.feeder.follow()
        return False

    shop = Shop(with_outages(desk, system["system"], cancels))
    request = {**system, "trials": 5}
    name = shop.ask("operation", {"operation": "eval.run", "request": request})
    shop.feed()
    shop.store.advance(1)
    shop.engine.wait(name, 60)
    assert shop.state(name) == "cancelled"
    assert len(begun) == 2
