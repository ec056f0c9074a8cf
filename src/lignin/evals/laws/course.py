"""How a rule asks for trials: written once as a generator, driven live, from a record, or simulated.

A course yields the trials that it wants next and is sent their scores in the same order, from 0 to 1;
None where a trial came to nothing that counts (an outage, or a record that has no more). Pure.
"""

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

Arm = Literal["incumbent", "candidate"]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ask:
    """One trial that is wanted: of which of the two systems, on which case."""

    arm: Arm
    case: str


Asks: TypeAlias = Sequence[Ask]
Scores: TypeAlias = Sequence[float | None]
Course: TypeAlias = Generator[Asks, Scores, Result]


Seen: TypeAlias = Mapping[Ask, Sequence[float]]
"""What came of trials that were asked for; of those that came to nothing nothing is here."""


class Heard:
    """What courses were told, one after the other: the scores of each ask, and how many asks there were."""

    __slots__ = ("asks", "scores")

    def __init__(self) -> None:
        self.asks = 0
        self.scores: defaultdict[Ask, list[float]] = defaultdict(list)

    def through(self, course: Course[Result]) -> Course[Result]:
        """A course whose answers are noted."""
        try:
            asks = next(course)
            while True:
                scores = yield asks
                self.asks += len(asks)
                for ask, score in zip(asks, scores, strict=True):
                    if score is not None:
                        self.scores[ask].append(score)
                asks = course.send(scores)
        except StopIteration as stop:
            result: Result = stop.value
            return result
