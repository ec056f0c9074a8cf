"""What one account (a transcript, or telemetry) shows of each prompt's uses of each artifact. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lignin.domain.traces import Step, Trajectory
from lignin.traces.attribution import Use, find_uses

_OPEN_END = timedelta(seconds=30)
_ACTIVATIONS = ("skill_activated", "skill_invocation")
_FAMILIES = ("claude", "codex", "cursor", "gemini", "opencode")
_NAMES = {"claude": "claude-code", "gemini": "gemini-cli"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One stored run and whether its session was told by a client's telemetry."""

    key: str
    run: Trajectory
    is_telemetry: bool = False

    @property
    def session(self) -> str:
        """The client's own session: that of the main chain, where this is a sub-agent's."""
        return self.run.session.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One use as a run shows it, with the time that the call took.

    `is_mark`: only that a step belongs to a skill at work, which says not when that began.
    """

    use: Use
    began: datetime
    ended: datetime
    model: str
    is_mark: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All signs of one artifact under one prompt of one run, in order."""

    account: Account
    name: str
    signs: tuple[Sign, ...]

    @property
    def calls(self) -> tuple[Sign, ...]:
        """The direct calls among them."""
        return tuple(sign for sign in self.signs if sign.use.how == "direct call")

    @property
    def is_mark(self) -> bool:
        """True where nothing shows when the use began."""
        return all(sign.is_mark for sign in self.signs)


def family_of(client: str) -> str:
    """One name for a client, however its transcript, telemetry and MCP client call it."""
    said = client.lower()
    found = next((family for family in _FAMILIES if said.startswith(family)), "")
    return _NAMES.get(found, found) or client


def read_groups(account: Account) -> Iterator[Group]:
    """The uses of a run, grouped by prompt and artifact, in order of their first sign."""
    steps = {step.index: step for step in account.run.steps}
    prompts = _prompts(account.run)
    ends = _ends(account.run)
    groups: dict[tuple[int, str], list[Sign]] = {}
    for use in find_uses(account.run):
        step = steps[use.step]
        began = time_of(step.at)
        sign = Sign(
            use=use,
            began=began,
            ended=max(began, ends.get(use.step, began + _OPEN_END)),
            model=step.model or account.run.model,
            is_mark=use.how == "marked by client" and not _is_activation(step),
        )
        groups.setdefault((prompts[use.step], use.name), []).append(sign)
    for (_, name), signs in groups.items():
        yield Group(account=account, name=name, signs=tuple(signs))


def _is_activation(step: Step) -> bool:
    return step.label.rpartition(".")[2] in _ACTIVATIONS


def _prompts(run: Trajectory) -> dict[int, int]:
    """The number of the prompt that each step works on."""
    found, number = {}, 0
    for step in run.steps:
        number += step.role == "user"
        found[step.index] = number
    return found


def _ends(run: Trajectory) -> dict[int, datetime]:
    """When the last answer to each step's calls came."""
    ends: dict[int, datetime] = {}
    for step in run.steps:
        if step.role == "tool" and step.parent is not None and step.at:
            ends[step.parent] = max(ends.get(step.parent, EPOCH), time_of(step.at))
    return ends


def time_of(text: str | None) -> datetime:
    """An aware time; the epoch where there is none that can be read."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return EPOCH
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
