"""What each use took of a run's tokens and costs. Pure.

A step that the client says was done under a skill belongs to that skill's use. Any other step of a
model belongs to the calls that it made, in equal shares. So no step is given out twice, and the
uses of a run never sum to more than the run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lignin.domain.traces import Step
from lignin.traces.attribution import short_name
from lignin.traces.usage.signs import Account, time_of

if TYPE_CHECKING:
    from lignin.traces.usage.merge import Merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Tokens and micro-USD; None where nothing counts them."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_microusd: int | None = None

    def plus(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cost_microusd=_sum(self.cost_microusd, other.cost_microusd),
        )

    def share(self, number: int, of: int) -> "Spent":
        """One of so many shares; the first ones take what does not divide."""
        return Spent(
            input_tokens=_share(self.input_tokens, number, of),
            output_tokens=_share(self.output_tokens, number, of),
            cost_microusd=_share(self.cost_microusd, number, of),
        )

    def only_tokens(self) -> "Spent":
        """Without the cost."""
        return Spent(input_tokens=self.input_tokens, output_tokens=self.output_tokens)

    def only_cost(self) -> "Spent":
        """Without the tokens."""
        return Spent(cost_microusd=self.cost_microusd)


def spent_of(account: Account, uses: Sequence["Merged"]) -> Iterator[tuple["Merged", Spent]]:
    """Yield what each use of a session took, step by step, as one account counts it."""
    by_call: dict[str, list[Merged]] = {}
    for use in uses:
        for call_id in use.call_ids:
            by_call.setdefault(call_id, []).append(use)
    for steps, calls in _requests(account.run.steps):
        spent = Spent()
        for step in steps:
            spent = spent.plus(_of_step(step))
        skill = next((name for step in steps if (name := short_name(step.skill))), "")
        if skill and (at_work := _at_work(uses, skill, time_of(steps[-1].at))):
            yield at_work, spent
            continue
        for number, call_id in enumerate(calls):
            own = by_call.get(call_id, [])
            for place, use in enumerate(own):
                yield use, spent.share(number, len(calls)).share(place, len(own))


def _requests(steps: Sequence[Step]) -> Iterator[tuple[list[Step], list[str]]]:
    """Each request of a model: the steps that count it, and the calls that it made.

    Telemetry tells of calls in steps of their own, after the request that made them.
    """
    request: list[Step] = []
    calls: dict[str, None] = {}
    for step in steps:
        if _of_step(step) != Spent():
            if request and (calls or not _is_same(request[-1], step)):
                yield request, list(calls)
                request, calls = [], {}
            request.append(step)
        for call in step.calls:
            calls[call.call_id] = None
    if request:
        yield request, list(calls)


def _is_same(one: Step, other: Step) -> bool:
    """True where one counts the tokens of a request and the other its cost."""
    return (one.cost_microusd is None) != (other.cost_microusd is None)


def _at_work(uses: Sequence["Merged"], skill: str, at: datetime) -> "Merged | None":
    before = [use for use in uses if use.name == skill and use.began <= at]
    return max(before, key=lambda use: use.began, default=None)


def _of_step(step: Step) -> Spent:
    return Spent(
        input_tokens=step.input_tokens,
        output_tokens=step.output_tokens,
        cost_microusd=step.cost_microusd,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other + (one or 0)


def _share(whole: int | None, number: int, of: int) -> int | None:
    if whole is None:
        return None
    return whole // of + (number < whole % of)
