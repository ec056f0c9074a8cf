"""A sweep that rolls back by itself only where it has earned that and its gate was measured."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.codec import canonical_bytes, digest_bytes
from lignin.domain.errors import GateFailedError, NotFoundError
from lignin.domain.events import Blob, Change, NewEvent
from lignin.evals.power import Outcome, tell_power
from lignin.loops.inbox import Filing, Inbox
from lignin.loops.ladder import Ladder
from lignin.loops.laws.answers import Finding
from lignin.loops.service import load_loop
from lignin.operations.loopladder import ceiling
from lignin.ports.ledger import View, require_known
from lignin.testing.fakes.sandbox import ProcessSandbox
from unit.operations.conftest import Desk, open_desk
from unit.operations.heads_with_fixes import AGENT, SUITE, Harnessed


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, sandbox: ProcessSandbox) -> tuple[Path, str]:
    """A head of seven moves, the fourth of which breaks what the first had fixed."""
    folder = tmp_path_factory.mktemp("alone")
    with open_desk(folder, sandbox) as desk:
        return folder, Harnessed(desk).prepare().six_moves()


@pytest.fixture
def slid(
    tmp_path: Path, history: tuple[Path, str], sandbox: ProcessSandbox
) -> Iterator[tuple[Desk, str]]:
    folder, guilty = history
    shutil.copytree(folder, tmp_path / "copy")
    with open_desk(tmp_path / "copy", sandbox) as desk:
        yield desk, guilty


def sweep(promote_after: int = 1) -> dict[str, Any]:
    request = {"system": AGENT, "head": "main", "unsandboxed": True, "suite": SUITE}
    return {
        "loop": "sweep",
        "trigger": {"kind": "manual"},
        "context": [],
        "action": {"kind": "operation", "name": "eval.sweep", "with": request},
        "gate": {"kind": "head", "head": "main"},
        "stop": {"budget": {"time_s": 600}},
        "autonomy": {
            "promote_after": promote_after,
            "classes": {"rollback": {"kind": "operation", "name": "proposal.apply"}},
        },
    }


def add(desk: Desk, value: dict[str, Any]) -> None:
    desk("loop.add", file=desk.write("sweep.json", json.dumps(value)))


def measured(desk: Desk, caught: int, of: int, *, simulated: bool = False) -> None:
    """File that a suite was measured to catch so many of its reverted fixes."""
    items = [
        Outcome(kind="fix_undone", about=str(n), outcome="caught" if n < caught else "missed")
        for n in range(of)
    ]
    told = {"items": [each.to_json() for each in items], **tell_power(items)}
    plan, content = canonical_bytes({"cases": {}}), canonical_bytes(told)
    stream = f"power/pow_{caught}_{of}"
    facts = {"head": "main", "system": "sha256:a", "name": "a", "simulated": simulated, "cases": 8}
    payloads = (
        ("power.opened", {**facts, "plan": digest_bytes(plan)}),
        ("power.reached", {"outcome": "measured", "told": digest_bytes(content)}),
    )
    events = tuple(
        NewEvent(stream=stream, type=type_, payload=payload, event_id=desk.context.ids.new("evt"))
        for type_, payload in payloads
    )
    blobs = tuple(
        Blob(stream=stream, digest=digest_bytes(each), content=each) for each in (plan, content)
    )
    desk.context.commit(desk.context.scope.change(events=events, blobs=blobs))


def earn(desk: Desk, decisions: int) -> None:
    """Let a person accept so many rollbacks as they were proposed."""
    filings = [
        Filing(
            loop="sweep",
            run="lrn_before",
            kind="finding",
            finding=Finding(key=f"before {n}", title="t", change="rollback"),
        )
        for n in range(decisions)
    ]
    with desk.context.view() as view:
        made = Inbox(desk.context.ids).file(view, desk.context.scope, filings)
    desk.context.commit(*made)
    for filing in filings:
        desk("inbox.settle", item=filing.item, changed=False, how="accept")


def level(desk: Desk) -> str:
    return str(desk("loop.autonomy", name="sweep").items[0].level)


def slots(desk: Desk) -> set[str]:
    return {each.slot for each in desk("head.show", name="main").slots}


def test_without_a_measurement_it_only_tells(slid: tuple[Desk, str]) -> None:
    desk, guilty = slid
    add(desk, sweep())
    ran = desk("loop.run", name="sweep")
    assert ran.state == "landed"
    item = desk("inbox.show", item=ran.items[0])
    assert (item.change, item.level) == ("rollback", "suggest")
    assert guilty in item.evidence[0]
    assert desk("inbox.settle", item=item.item).items[0].applied is None
    assert "haste" in slots(desk)


@pytest.mark.parametrize(
    ("caught", "of", "simulated"), [(20, 40, False), (40, 40, True), (0, 0, False)]
)
def test_a_weak_or_simulated_measurement_lets_it_go_no_further_than_draft(
    slid: tuple[Desk, str], caught: int, of: int, simulated: bool
) -> None:
    desk, _ = slid
    add(desk, sweep())
    measured(desk, caught, of, simulated=simulated)
    desk("loop.run", name="sweep")
    with desk.context.view() as view:
        assert require_known(view, "loop/sweep").state == "active"
    assert level(desk) in ("suggest", "draft")
    assert "haste" in slots(desk)


def test_with_approval_it_rolls_back_when_a_person_accepts(slid: tuple[Desk, str]) -> None:
    desk, _ = slid
    add(desk, sweep())
    measured(desk, 6, 6)
    try:
        earn(desk, 2)
    finally:
        assert level(desk) == "approve"
    ran = desk("loop.run", name="sweep")
    item = next(i for i in ran.items if desk("inbox.show", item=i).title.startswith("c1"))
    assert "haste" in slots(desk)
    settled = desk("inbox.settle", item=item).items[0]
    assert (settled.state, settled.applied["level"]) == ("applied", "approve")
    assert "haste" not in slots(desk)


def test_automatic_it_rolls_back_by_itself_with_the_audit_and_falls_when_taken_back(
    slid: tuple[Desk, str],
) -> None:
    desk, _ = slid
    add(desk, sweep())
    measured(desk, 17, 17)
    earn(desk, 2)
    measured(desk, 18, 18)
    earn_last(desk)
    assert level(desk) == "automatic"
    desk("loop.run", name="sweep")
    assert slots(desk) == {"first", "second", "manners", "style", "tone", "third"}
    [item] = [i for i in desk("inbox.list", state="applied", loop="sweep").items if "c1" in i.title]
    applied = desk("inbox.show", item=item.item).applied
    assert (applied["by"], applied["level"]) == ("agent:loop-sweep", "automatic")
    proposal = desk("proposal.show", proposal=applied["facts"]["proposal"])
    assert (proposal.state, proposal.claim) == ("applied", "restore")
    assert proposal.decision["gate"] in ("autonomy", "lignin")
    taken_back = desk("inbox.settle", item=item.item, how="reverse", say="it was right").items[0]
    assert taken_back.state == "dismissed"
    assert taken_back.undone.startswith("main has gone back, by prp_")
    assert "haste" in slots(desk)
    standing = desk("loop.autonomy", name="sweep").items[0]
    assert (standing.level, standing.incidents) == ("suggest", 1)
    assert "took back" in standing.why[0]


def test_what_was_put_over_it_since_is_not_taken_back_with_it(
    slid: tuple[Desk, str],
) -> None:
    desk, _ = slid
    add(desk, sweep())
    measured(desk, 17, 17)
    earn(desk, 2)
    ran = desk("loop.run", name="sweep")
    item = next(i for i in ran.items if desk("inbox.show", item=i).title.startswith("c1"))
    desk("inbox.settle", item=item)
    before = slots(desk)
    Harnessed(desk).slip_in("haste", "be quick, and kind.")
    with pytest.raises(GateFailedError, match="something else by now in haste"):
        desk("inbox.settle", item=item, how="reverse", say="it was right")
    assert desk("inbox.show", item=item).state == "applied"
    assert slots(desk) == before | {"haste"}


def earn_last(desk: Desk) -> None:
    """One more decision that a person did not change, on a rollback that was applied long ago."""

    def decide(view: View) -> tuple[None, list[Change]]:
        loop = load_loop(view, require_known(view, "loop/sweep"))
        decided = Ladder(desk.context.ids).decided(
            view,
            desk.context.scope,
            loop,
            "rollback",
            ceiling(view, loop),
            item="inb_before",
            unchanged=True,
        )
        return None, [decided]

    desk.context.decide_and_commit(decide)


def test_what_could_not_be_applied_is_tried_again_by_accepting_again(
    slid: tuple[Desk, str],
) -> None:
    desk, _ = slid
    add(desk, sweep())
    measured(desk, 6, 6)
    earn(desk, 2)
    finding = Finding(key="x", title="t", change="rollback", request={"proposal": "prp_absent"})
    filing = Filing(loop="sweep", run="lrn_x", kind="finding", finding=finding)
    with desk.context.view() as view:
        desk.context.commit(*Inbox(desk.context.ids).file(view, desk.context.scope, [filing]))
    for _ in range(2):
        with pytest.raises(NotFoundError):
            desk("inbox.settle", item=filing.item)
    assert desk("inbox.show", item=filing.item).state == "accepted"
    assert desk("loop.autonomy", name="sweep").items[0].in_a_row == 1


def test_a_change_of_a_loop_that_lets_a_fix_slide_back_is_an_incident(
    slid: tuple[Desk, str],
) -> None:
    desk, guilty = slid
    add(desk, sweep())
    measured(desk, 17, 17)
    finding = Finding(key="g", title="t", change="rollback", request={"proposal": guilty})
    filing = Filing(loop="sweep", run="lrn_x", kind="finding", finding=finding)
    inbox, scope = Inbox(desk.context.ids), desk.context.scope
    with desk.context.view() as view:
        desk.context.commit(*inbox.file(view, scope, [filing]))
    with desk.context.view() as view:
        row = require_known(view, f"inbox/{filing.item}")
    facts = {"proposal": guilty, "head": "main"}
    desk.context.commit(inbox.applied(scope, row, "automatic", facts))
    assert desk("loop.autonomy", name="sweep").items[0].incidents == 0
    desk("loop.run", name="sweep")  # it names the guilty one
    standing = desk("loop.autonomy", name="sweep").items[0]
    assert standing.incidents == 1
    assert "slid back" in standing.why[0]
    assert desk("loop.autonomy", name="sweep").items[0].incidents == 1
