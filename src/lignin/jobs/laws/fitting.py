"""Which worker a job fits, and which lanes a worker listens to. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from lignin.domain.jobs import lacks, parse_lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """What a worker takes.

    Args:
        name: The worker's id.
        has: What it found out that it has, such as `client:codex`.
        queues: The queues it was started for; empty for all.
    """

    name: str
    has: frozenset[str]
    queues: frozenset[str] = frozenset()


def listened(lanes: Iterable[str], able: Able) -> tuple[str, ...]:
    """The lanes that a worker takes jobs from."""
    return tuple(sorted(lane for lane in lanes if takes(able, lane)))


def takes(able: Able, lane: str) -> bool:
    """Whether a worker takes the jobs of a lane."""
    queue, needs = parse_lane(lane)
    return queue in (able.queues or {queue}) and not lacks(needs, able.has)


def why_waiting(lane: str, workers: Sequence[Able]) -> str:
    """Why no living worker takes a lane, in words; empty where one does.

    Names what the nearest worker lacks, so that somebody can put it there.
    """
    if any(takes(able, lane) for able in workers):
        return ""
    queue, needs = parse_lane(lane)
    if not workers:
        return "no worker is alive: `lignin up` or `lignin worker` starts one"
    serving = [able for able in workers if queue in (able.queues or {queue})]
    if not serving:
        return f"no living worker takes the queue {queue!r}: `lignin worker --queues {queue}`"
    nearest = min(serving, key=lambda able: (len(lacks(needs, able.has)), able.name))
    told = ", ".join(lacks(needs, nearest.has))
    return f"no living worker has what it needs; {nearest.name} lacks {told}"


def any_takes(lane: str, workers: Collection[Able]) -> bool:
    """Whether some worker takes a lane."""
    return any(takes(able, lane) for able in workers)
