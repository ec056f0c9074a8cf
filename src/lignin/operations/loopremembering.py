"""What a run's iterations left to those after them, and its runs to the next ones. Reads, and decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lignin.domain.codec import Json, digest_bytes
from lignin.domain.loops import Amounts, Loop
from lignin.domain.states import Row
from lignin.loops.inbox import remembered, said_of
from lignin.loops.laws.answers import Answer, Finding, parse_answer, told_spent
from lignin.loops.laws.memory import Ran, remember
from lignin.loops.service import given_to, lane_of, told_iterations
from lignin.operations.loopladder import items_of
from lignin.ports.ledger import View, require_known

RECENT_RUNS = 5


def stood(told: Sequence[Mapping[str, Json]]) -> Json:
    """Where a run's work stood after its last act in a worktree; None where there was none."""
    acts = (act for each in reversed(told) for act in reversed(each["acts"]))
    return next((act["stand"] for act in acts if "stand" in act), None)


def carried_by(view: View, row: Row, start: int) -> list[Json]:
    """What the stages before came to, where the iteration goes on from a part."""
    told = told_iterations(view, row)
    return list(told[-1]["acts"][:start]) if told and start else []


def answer_of(act: Mapping[str, Json]) -> Answer:
    """What an act says, read: an operation's findings are known, all else is parsed.

    Raises:
        InvalidRequestError: It begins as an answer and is none.
    """
    said, job = str(act["said"]).encode(), str(act.get("job", ""))
    if act["findings"] is None:
        return replace(parse_answer(said), job=job)
    findings = tuple(
        Finding(**{**each, "evidence": tuple(each["evidence"])}) for each in act["findings"]
    )
    return Answer(findings=findings, mark=digest_bytes(said))


def told_by(done: Mapping[str, Json]) -> Amounts:
    """What something told that it spent; an operation's answer is no such word."""
    return Amounts() if done["findings"] is not None else told_spent(str(done["said"]).encode())


def heard_by(view: View, row: Row) -> Json:
    """What a person or the outside answered, where the run waited for it."""
    heard = row.body.get("heard")
    if not heard:
        return None
    item = view.row(f"inbox/{row.body['heard_from']}")
    return {"as": heard, "said": said_of(view, item) if item else ""}


def memory_of(view: View, loop: Loop, run: str) -> dict[str, Json]:
    """What a run is told of those before it."""
    lane, runs = lane_of(view, loop.name), list[Ran]()
    for name in reversed(lane["recent"]):
        row = view.row(f"looprun/{name}")
        if name == run or row is None or not row.body["end"] or len(runs) >= RECENT_RUNS:
            continue
        last = told_iterations(view, row)[-1:]
        end = row.body["end"]
        note = str(last[0]["note"]) if last else ""
        runs.append(Ran(run=name, at=end["at"], outcome=str(row.state), why=end["told"], note=note))
    missed = [given_to(view, require_known(view, f"looprun/{each}")) for each in lane["kept"]]
    return remember([remembered(view, row) for row in items_of(view, loop.name)], runs, missed)
