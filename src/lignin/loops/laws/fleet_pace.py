"""How many results may lie unreviewed: what people were seen to review in an hour. Pure.

Starting an agent is a keystroke; reading what it did is not. So the measured rate of reviews bounds what is
begun, not the number of agents that a machine could run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)
AHEAD_H = 1.0
"""So many hours of reviewing may lie ahead of a person."""
UNMEASURED = 3
"""What may be open before people were seen to review."""
LEAST = 1
FEWEST = 3
"""Reviews that make a rate; fewer tell nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many unreviewed results may be open, and why."""

    bound: int
    per_hour: float | None
    told: str


def decide_pace(reviewed_at: Iterable[datetime], now: datetime, chosen: int | None = None) -> Pace:
    """Return how many unreviewed results may be open.

    Args:
        reviewed_at: When people reviewed results, of any fleet of the space.
        chosen: A bound that a person chose; it stands whatever was measured.
    """
    recent = [at for at in reviewed_at if timedelta(0) <= now - at <= WINDOW]
    per_hour: float | None = None
    if len(recent) >= FEWEST:
        hours = max(1.0, (now - min(recent)).total_seconds() / 3600)
        per_hour = round(len(recent) / hours, 2)
    if chosen is not None:
        return Pace(bound=chosen, per_hour=per_hour, told=f"{chosen}, as chosen")
    if per_hour is None:
        return Pace(
            bound=UNMEASURED,
            per_hour=None,
            told=f"{UNMEASURED}, as fewer than {FEWEST} results were reviewed within 24 hours",
        )
    bound = max(LEAST, int(per_hour * AHEAD_H))
    return Pace(bound=bound, per_hour=per_hour, told=f"{bound}, at {per_hour:g} reviews an hour")
