"""How a rule asks for trials: written once as a generator, driven live, from a record, or simulated.

A course yields the trials that it wants next and is sent their scores in the same order, from 0 to 1;
None where a trial came to nothing that counts (an outage, or a record that has no more). Pure.
"""

from collections.abc import Generator, Sequence
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
