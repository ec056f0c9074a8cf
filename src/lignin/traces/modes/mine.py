"""From runs to verdicts and signatures, all runs of some tasks at once. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lignin.domain.codec import Json
from lignin.domain.findings import Judgement
from lignin.domain.ids import derive_id
from lignin.domain.modes import Signature
from lignin.domain.states import Row
from lignin.domain.traces import Trajectory
from lignin.traces.attribution import find_uses
from lignin.traces.detect import Examined, examine
from lignin.traces.detector import Detector
from lignin.traces.judge import judge
from lignin.traces.localise import locate
from lignin.traces.modes.account import Account, account_of
from lignin.traces.modes.signature import MAX_NAME, MAX_NAMES, sign
from lignin.traces.modes.usual import Usual, usual_of

_OPENING_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A run's judgement, its signature where it failed, and the places of its siblings."""

    judgement: Judgement
    signature: Signature | None
    siblings: tuple[int, ...]


def task_of(session: Row, trajectory: Trajectory) -> str:
    """Return the id of what may be one task: runs of different ids are never siblings.

    A run that names no task and begins with no long request is a task of its own. Runs whose
    outcome was hidden are never siblings of others: those are the same runs again.
    """
    hidden = bool(session.body.get("outcome_hidden"))
    if trajectory.task_id is not None:
        return derive_id("tsk", ["task", str(trajectory.task_id), hidden])
    asked = next((step.text for step in trajectory.steps if step.role == "user" and step.text), "")
    opening = " ".join(asked.lower().split())
    if len(opening) < _OPENING_CHARS:
        return derive_id("tsk", ["session", session.key, hidden])
    return derive_id("tsk", ["opening", opening, hidden])


def facts_of(trajectory: Trajectory) -> dict[str, Json]:
    """Return what a run's mode is described by."""
    costs = [step.cost_microusd for step in trajectory.steps if step.cost_microusd is not None]
    models = (trajectory.model, *(step.model for step in trajectory.steps))
    return {
        "source": trajectory.source,
        "path": trajectory.path,
        "task_id": trajectory.task_id,
        "trial": trajectory.trial,
        "model": next((model for model in models if model), ""),
        "artifacts": sorted({use.name for use in find_uses(trajectory)}),
        "cost_microusd": sum(costs) if costs else None,
        "steps": len(trajectory.steps),
    }


def mine(trajectories: Sequence[Trajectory], detectors: Sequence[Detector]) -> tuple[Mined, ...]:
    """Return what each run is judged to be, and what the failed ones come to."""
    examined = examine(trajectories, detectors)
    places = {id(each.case.run): place for place, each in enumerate(examined)}
    accounts = [account_of(each.case.run) for each in examined]
    usual = usual_of(accounts)
    mined = []
    for each, account in zip(examined, accounts, strict=True):
        siblings = tuple(places[id(run)] for run in each.case.siblings)
        judgement = judge(each.case, each.seen, locate(each.case.run, each.case.belief))
        others = [accounts[place] for place in siblings if not examined[place].case.run.is_empty]
        signature = _signature(judgement, each, account, others, usual)
        if signature:
            signature = replace(signature, artifacts=_artifacts(each.case.run.trajectory))
        mined.append(Mined(judgement=judgement, signature=signature, siblings=siblings))
    return tuple(mined)


def _signature(
    judgement: Judgement,
    examined: Examined,
    account: Account,
    siblings: Sequence[Account],
    usual: Usual,
) -> Signature | None:
    if judgement.verdict == "infrastructure":
        return Signature(difference="infrastructure", error=account.error)
    if judgement.verdict != "failure":
        return None
    is_comparable = examined.case.belief.siblings > 0
    return sign(account, siblings if is_comparable else (), usual)


def _artifacts(trajectory: Trajectory) -> tuple[str, ...]:
    uses = find_uses(trajectory)
    names = {f"{use.name}@{use.version}" if use.version else use.name for use in uses}
    return tuple(name[:MAX_NAME] for name in sorted(names)[:MAX_NAMES])


def group_of(place: int, mined: Sequence[Mined], sessions: Sequence[str]) -> str:
    """Return the name of a run's group of siblings: its first session."""
    return min(sessions[each] for each in (place, *mined[place].siblings))
