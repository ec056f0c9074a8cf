"""Who is alive, by the store's clock, and what becomes of the runs of those who are not.

A lease is renewed every second and runs out after `LEASE_S`. A run whose worker has none goes back into
its queue without an owner; should that worker live after all, it is fenced at its next verb.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from lignin.adapters.engine import rows
from lignin.adapters.engine.database import RUN, Database, workers

LEASE_S = 6.0
_FORGET_S = 3600.0


class Leases:
    """The lease of one worker, and what it does with those of others."""

    def __init__(self, database: Database, worker_id: str) -> None:
        self._database = database
        self._id = worker_id

    def renew(self) -> None:
        """Be alive for `LEASE_S` from now."""
        until = self._database.now_ms + int(LEASE_S * 1000)

        def renew(on: sa.Connection) -> None:
            on.execute(
                self._database.insert(workers)
                .values(worker_id=self._id, lease_until_ms=until)
                .on_conflict_do_update(index_elements=["worker_id"], set_={"lease_until_ms": until})
            )

        self._database.write(renew)

    def take_over(self) -> list[str]:
        """Put the runs of workers without a lease back into their queues; their ids.

        Runs that are none of ours (another program's, or a row gone wrong) are quarantined meanwhile.
        """
        runs, now = self._database.tables.workflow_status, self._database.now_ms
        alive = sa.select(workers.c.worker_id).where(workers.c.lease_until_ms > now)
        left = (runs.c.status == rows.RUNNING) & runs.c.executor_id.not_in(alive)
        strange = runs.c.status.in_((rows.RUNNING, "ENQUEUED")) & (runs.c.name != RUN)
        looks = sa.select(sa.exists().where(left | strange).label("found"))
        if not self._database.read(looks)[0]["found"]:
            return []

        def take(on: sa.Connection) -> list[str]:
            on.execute(sa.update(runs).where(strange).values(status=rows.DEAD, owner_xid=None))
            on.execute(
                sa.delete(workers).where(workers.c.lease_until_ms < now - int(_FORGET_S * 1000))
            )
            return self._requeue(on, left, priority=rows.LEFT)

        return self._database.write(take)

    def requeue_stranded(self, tokens: Callable[[], set[str]]) -> None:
        """Put back runs that this worker took without knowing: the answer of the taking was lost.

        `tokens` is asked after the look, so that a run taken since is not mistaken for one.
        """
        runs = self._database.tables.workflow_status
        mine = (runs.c.status == rows.RUNNING) & (runs.c.executor_id == self._id)
        owned = self._database.read(sa.select(runs.c.owner_xid).where(mine).distinct())
        known = tokens()
        lost = [row["owner_xid"] for row in owned if row["owner_xid"] not in known]
        if lost:
            self._database.write(lambda on: self._requeue(on, mine & runs.c.owner_xid.in_(lost)))

    def give_back(self) -> None:
        """Put every run of this worker back, without counting it as a death, and end the lease."""
        runs = self._database.tables.workflow_status
        mine = (runs.c.status == rows.RUNNING) & (runs.c.executor_id == self._id)

        def give(on: sa.Connection) -> None:
            self._requeue(on, mine, recovery_attempts=runs.c.recovery_attempts - 1)
            on.execute(sa.delete(workers).where(workers.c.worker_id == self._id))

        self._database.write(give)

    def _requeue(self, on: sa.Connection, which: Any, **more: Any) -> list[str]:
        runs = self._database.tables.workflow_status
        return list(
            on.execute(
                sa.update(runs)
                .where(which)
                .values(
                    status="ENQUEUED",
                    owner_xid=None,
                    started_at_epoch_ms=None,
                    updated_at=self._database.now_ms,
                    **more,
                )
                .returning(runs.c.workflow_uuid)
            ).scalars()
        )
