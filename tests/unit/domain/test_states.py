"""The transition table, pair by pair, and reducers that change nothing they were given."""

import copy
import dataclasses
import itertools

import pytest

from lignin.domain.errors import IllegalTransitionError, LigninError
from lignin.domain.events import Event
from lignin.domain.fleets import TRANSITIONS as PIECE_STATES
from lignin.domain.jobs import STATES as JOB_STATES
from lignin.domain.jobs import JobAsked
from lignin.domain.states import REDUCERS, reduce_event
from lignin.domain.states.artifacts import SERVABLE, STATES, TRANSITIONS, require_transition
from lignin.domain.states.connectors import DELIVERY_STEPS
from lignin.domain.states.harness import PROPOSAL_STEPS
from lignin.domain.states.jobs import parse_job
from lignin.domain.states.row import Row
from lignin.testing.changes import ACTOR

# Written out from decision record 2, not derived from the table under test.
ALLOWED = {
    ("draft", "verified"),
    ("draft", "rejected"),
    ("draft", "expired"),
    ("expired", "draft"),
    ("verified", "promoted"),
    ("verified", "rejected"),
    ("verified", "draft"),
    ("promoted", "deprecated"),
    ("promoted", "verified"),
    ("deprecated", "promoted"),
    ("deprecated", "retired"),
    ("retired", "verified"),
    ("quarantined", "verified"),
    ("quarantined", "retired"),
} | {(s, "quarantined") for s in STATES if s not in ("rejected", "quarantined")}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_a_version_moves_only_as_the_record_allows(before: str, after: str) -> None:
    if (before, after) in ALLOWED:
        require_transition(before, after)  # type: ignore[arg-type]
    else:
        with pytest.raises(IllegalTransitionError):
            require_transition(before, after)  # type: ignore[arg-type]


def test_a_rejection_is_reopened_as_a_draft_only_and_only_under_another_check_set() -> None:
    require_transition("rejected", "draft", reopened=True)
    for after in set(STATES) - {"draft"}:
        with pytest.raises(IllegalTransitionError):
            require_transition("rejected", after, reopened=True)
    assert SERVABLE <= set(STATES) == set(TRANSITIONS)


def _event(stream: str, type_: str, seq: int, payload: dict[str, object]) -> Event:
    return Event(
        space="s",
        position=seq,
        stream=stream,
        seq=seq,
        event_id="evt_1",
        type=type_,
        schema_version=1,
        at="2026-01-02T03:04:05.678901Z",
        actor=ACTOR,
        cause=None,
        correlation_id=None,
        idempotency_key=None,
        decision_id=None,
        payload_digest="sha256:" + "0" * 64,
        payload=payload,
    )


@pytest.mark.parametrize(("before", "after"), list(itertools.product(PROPOSAL_STEPS, repeat=2)))
def test_a_proposal_moves_only_as_its_steps_allow(before: str, after: str) -> None:
    row = Row(stream="proposal/p", kind="proposal", seq=1, body={}, state=before)
    event = _event("proposal/p", "proposal.decided", 2, {"to": after})
    if after in PROPOSAL_STEPS[before]:
        assert reduce_event(row, event).state == after
    else:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(DELIVERY_STEPS, repeat=2)))
def test_a_delivery_moves_only_as_its_steps_allow(before: str, after: str) -> None:
    body = {"attempts": 1, "first_at": "2027"}
    row = Row(stream="delivery/d", kind="delivery", seq=1, body=body, state=before)
    payload = BEGUN if after == "begun" else {"told": "b"}
    event = _event("delivery/d", f"delivery.{after}", 2, dict(payload))
    if after in DELIVERY_STEPS[before]:  # type: ignore[index]
        assert reduce_event(row, event).state == after
    else:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event)


PROVENANCE = {"session": "ses_1"}
CAPTURED = {
    "name": "a",
    "digest": "d",
    "kind": "program",
    "requested": False,
    "keep_until": "2027",
    "sighting_key": "k",
    "provenance": PROVENANCE,
}
JOB = JobAsked(kind="operation", input={}).to_json()
HEAD = {"stable": "r0", "salt": "s", "extends": None}
OPENED = {"head": "main", "base": "r0"}
BEGUN = {"connector": "forge", "kind": "comment", "posting": "sha256:a", "until": "2027"}
STORIES: dict[str, list[tuple[str, dict[str, object]]]] = {
    "space": [("space.created", {"kind": "user"})],
    "session": [
        ("session.started", {"client": "c", "revision": None}),
        ("session.updated", {"model": "m"}),
        ("session.ended", {"outcome": "success"}),
    ],
    "record": [("records.appended", {"first_seq": 1, "count": 1, "chain": "00"})] * 2,
    "artifact": [
        ("artifact.registered", {"kind": "program", "owner": "o", "successor": "p"}),
        ("artifact.reassigned", {"owner": "p", "successor": "q"}),
    ],
    "version": [
        ("version.captured", CAPTURED),
        ("version.sighted", {"provenance": PROVENANCE, "keep_until": "2028", "requested": True}),
        ("version.moved", {"to": "verified", "reason": "r", "check_set": "c1"}),
    ],
    "flowstate": [
        ("flowstate.set", {"blob": "b1", "form": "f", "form_version": 1, "run": "job_1"}),
        ("flowstate.set", {"blob": "b2", "form": "f", "form_version": 1, "run": "job_2"}),
    ],
    "missed": [
        ("missed.added", {"run": "job_1", "blob": "b1", "digest": "d", "code": "tool"}),
        ("missed.added", {"run": "job_2", "blob": "b2", "digest": "d", "code": "tool"}),
        ("missed.taken", {"runs": ["job_1"]}),
    ],
    "sighting": [("sighting.noted", {"name": "a", "digest": "d"})] * 2,
    "outline": [("outline.noted", {"form": 1, "words": "", "shape": "", "takes": 0})] * 2,
    "revision": [("revision.created", {"slots": {}, "extends": None})] * 2,
    "head": [
        ("head.created", HEAD),
        ("head.leased", {"holder": "a", "until": "2027"}),
        ("head.released", {"token": 1}),
        ("head.canary_set", {"canary": None, "share_ppm": 1, "holdout_ppm": 2}),
        ("head.moved", {"from": "r0", "to": "r1"}),
    ],
    "proposal": [
        ("proposal.opened", OPENED),
        ("proposal.decided", {"to": "accepted", "decision": {}}),
        ("proposal.applied", {"revision": "r1"}),
        ("decision.reopened", {"reasons": ["r"]}),
    ],
    "note": [("slot.noted", {"head": "main", "weakness": "w"})] * 2,
    "examples": [
        ("examples.added", {"blob": "b"}),
        ("examples.added", {"blob": "b"}),
        ("examples.withdrawn", {"blobs": ["b"]}),
    ],
    "recording": [("recording.added", {"blob": "b", "by": "user:a"})] * 2,
    "evidence": [("evidence.recorded", {"kind": "k"})] * 2,
    "result": [("result.recorded", {"verdict": "pass"})] * 2,
    "usage": [("usage.recorded", {"client": "c", "path": "p", "ok": False})] * 2,
    "feedback": [("feedback.joined", {"label": "failure", "version": "a@d"})] * 2,
    "judgement": [("run.judged", {"verdict": "failure"})] * 2,
    "serving": [("skills.served", {"skills": []})] * 2,
    "project": [("project.prepared", {"files": []}), ("project.restored", {"files": []})],
    "connector": [("connector.polled", {"cursor": "1", "taken": 1})] * 2,
    "message": [
        ("message.taken", {"source": "forge", "message": "b"}),
        ("message.settled", {"note": ""}),
    ],
    "delivery": [
        ("delivery.begun", BEGUN),
        ("delivery.refused", {"told": "b"}),
        ("delivery.begun", BEGUN),
        ("delivery.unknown", {"told": "b"}),
        ("delivery.sent", {"told": "b"}),
    ],
    "purge": [("payload.purged", {"count": 1})] * 2,
    "request": [
        ("request.begun", {"operation": "artifact.call", "request": "sha256:a"}),
        ("request.answered", {"blob": "sha256:b"}),
    ],
    "lesson": [
        ("lesson.proposed", {"blob": "sha256:a", "by": "agent:a", "words": ""}),
        ("lesson.approved", {"approved_by": "user:a", "before": ["Bash"]}),
        ("lesson.withdrawn", {"reason": "r"}),
    ],
    "surfacing": [("lesson.surfaced", {"lesson": "les_a", "client": "codex", "tool": "Bash"})],
    "case": [
        ("case.accepted", {"task": "t", "into": None}),
        ("case.merged", {"task": "t", "into": "cas_a"}),
        ("case.withdrawn", {"task": "t", "into": None}),
        ("case.accepted", {"task": "t", "into": None}),
    ],
    "trial": [("trial.scored", {"system": "sha256:a", "case": "c", "number": 0, "score": None})],
    "system": [("system.named", {"name": "desk:a", "simulated": True})] * 2,
    "decision": [
        ("decision.opened", {"proposal": "", "plan": "sha256:a", "campaign": "main"}),
        ("decision.reached", {"verdict": "accept", "told": "sha256:b", "trials": 3}),
    ],
    "release": [
        ("release.begun", {"line": "head main", "system": "sha256:a", "suite": "sha256:b"}),
        ("release.cut", {"told": "sha256:c", "mean": 0.9}),
    ],
    "line": [("line.pinned", {"release": "rel_a"})] * 2,
    "seal": [("case.drawn", {"sealed": True, "salt": "slt_a", "share": 0.2})],
    "opening": [("sealed.opened", {"release": "rel_a", "cases": 3, "set": "sha256:d"})],
    "draft": [
        ("draft.filed", {"repository": "/repo", "commit": "abc", "files": {}}),
        ("draft.tried", {"decision": "dec_1"}),
        ("draft.branched", {"branch": "lignin/x", "commit": "def", "decision": "dec_1"}),
    ],
    "fleet": [
        ("fleet.planned", {"plan": "d", "goal": "g", "pieces": ["a"]}),
        ("fleet.opened", {"base": "abc", "settings": {"worker": "w"}}),
        ("fleet.tuned", {"settings": {"worker": "v"}}),
        ("fleet.merging", {"pieces": ["a"], "onto": "abc"}),
        ("fleet.tried", {"tip": "def", "merged": [["a", "def"]], "outcome": {"merged": ["a"]}}),
        ("fleet.finished", {"tip": "def"}),
        ("fleet.branched", {"branch": "lignin/x", "commit": "def"}),
    ],
    "piece": [
        ("piece.planned", {"fleet": "flt_1", "piece": "a", "kind": "isolated", "needs": []}),
        ("piece.started", {"base": "abc", "prompt": "d", "worker": "w", "number": 1}),
        ("piece.returned", {"reason": "r", "told": "d", "patch": "", "asks": None}),
        ("piece.asked", {"why": "stuck", "text": "t"}),
        ("piece.settled", {"how": "retry", "text": "t", "patch": ""}),
        ("piece.started", {"base": "abc", "prompt": "d", "worker": "w", "number": 4}),
        ("piece.answered", {"result": {}, "digest": "d", "spent": {}, "asks": None}),
        ("piece.reviewed", {"text": ""}),
        ("piece.merged", {"commit": "def"}),
    ],
    "piececheck": [("piece.checked", {"fleet": "flt_1", "verdict": "pass"})] * 2,
    "campaign": [("campaign.moved", {"decisions": 1, "accepted": 0})] * 2,
    "fix": [
        ("case.fixed", {"case": "c", "by": {"decision": "dec_a"}}),
        ("case.fixed", {"case": "c", "by": {"decision": "dec_b"}}),
        ("case.margin", {"by": "user:a", "margin": 0.5}),
        ("case.let_go", {"by": "user:a", "reason": "no longer asked"}),
    ],
    "power": [
        ("power.opened", {"head": "", "plan": "sha256:a"}),
        ("power.reached", {"outcome": "measured", "told": "sha256:b"}),
    ],
    "sweep": [
        ("sweep.opened", {"head": "main", "plan": "sha256:a"}),
        ("sweep.reached", {"outcome": "clear", "told": "sha256:b"}),
    ],
    "backslide": [
        ("backslide.suspected", {"head": "main", "source": "feedback"}),
        ("backslide.shown", {"head": "main", "plan": "sha256:a"}),
        ("backslide.reached", {"outcome": "named", "told": "sha256:b"}),
    ],
    "improve": [
        ("improve.opened", {"head": "main", "side": "improve-a"}),
        ("improve.aimed", {"mode": "m", "target": ["c"]}),
        ("improve.drafted", {"ended": "drafted", "kind": "lesson"}),
        ("improve.proposed", {"proposal": "prp_a"}),
        ("improve.judged", {"outcome": "accept"}),
        ("improve.ending", {"proposal": "prp_b"}),
        ("improve.ended", {"stop": "goal"}),
        ("improve.continued", {}),
    ],
    "job": [
        ("job.opened", JOB),
        ("job.signalled", {"id": "one", "topic": "approval", "value": "sha256:a"}),
        ("job.cancelled", {"reason": "r"}),
        ("job.retried", {"reason": "r"}),
        ("job.ended", {"state": "succeeded", "output": "sha256:a", "attempts": 1, "spent": {}}),
        ("job.forked", {"into": "job_b", "step": 2}),
        ("job.judged", {"should": "alert", "why": "sha256:a"}),
    ],
    "dedup": [("job.claimed", {"job": "job_a"})] * 2,
    "subject": [("subject.kept", {"digest": "sha256:a"})] * 2,
    "lane": [("lane.set", {"queue": "evals", "needs": [], "paused": False})] * 2,
    "worker": [
        ("worker.started", {"host": "h", "pid": 1, "has": ["sandbox:net"]}),
        ("worker.stopped", {"done": 3}),
        ("worker.started", {"host": "h", "pid": 1, "has": ["sandbox:net"]}),
    ],
    "encoded": [("run.encoded", {"task": "t", "outcome": "success", "digest": "sha256:a"})] * 2,
    "heard": [("run.heard", {"task": "", "person": "", "model": "", "turns": 0, "digest": "d"})]
    * 2,
    "rubric": [
        ("rubric.added", {"name": "kind", "content": "sha256:a", "by": "user:a"}),
        ("rubric.compared", {"old": "sha256:b", "outcome": "accept", "told": "sha256:c"}),
        ("rubric.adopted", {"by": "user:a"}),
        ("rubric.replaced", {"digest": "sha256:d"}),
    ],
    "label": [("label.given", {"rubric": "kind", "item": "sha256:a", "label": "good"})] * 2,
    "agreement": [("agreement.measured", {"rubric": "kind", "outcome": "pass"})] * 2,
    "verdict": [("verdict.given", {"rubric": "sha256:a", "said": "good"})],
    "routine": [
        ("routine.induced", {"rank": 0, "digest": "sha256:a"}),
        ("routine.proven", {"artifact": "a", "verdict": "pass"}),
        ("routine.counted", {"runs": 1, "handed_over": 0}),
        ("routine.withdrawn", {"reason": "no longer holds"}),
        ("routine.induced", {"rank": 1, "digest": "sha256:b"}),
    ],
    "plan": [
        ("plan.filed", {"family": "f", "digest": "sha256:a"}),
        ("plan.withdrawn", {"reason": "no longer holds"}),
    ],
    "task": [
        ("task.begun", {"plan": "pln_a", "head": "main"}),
        ("task.intended", {"number": 1, "tag": "t", "state": "begun"}),
        ("task.settled", {"number": 1, "tag": "t", "state": "settled"}),
        ("task.decided", {"number": 1, "was_made": True, "by": "user:a"}),
        ("task.ended", {"ended": "done", "routine": "", "why": ""}),
        ("task.closed", {"by": "user:a", "reason": ""}),
    ],
    "asked": [("request.asked", {"task": "tsk_a"})] * 2,
    "filing": [
        ("run.filed", {"task": "t", "verdict": "failure", "mode": "m"}),
        ("run.filed", {"task": "t", "verdict": "success", "mode": None}),
    ],
    "budget": [
        ("budget.reserved", {"ticket": "t", "amounts": {"tokens": 5}, "limits": {"tokens": 5}}),
        ("budget.settled", {"ticket": "t", "amounts": {"tokens": 4}}),
    ],
    "loop": [
        ("loop.added", {"definition": "sha256:a", "trigger": "cron", "shape": "open"}),
        ("loop.paused", {"why": "w"}),
        ("loop.resumed", {}),
        ("loop.removed", {}),
    ],
    "looplane": [
        ("looplane.advanced", {"seen": "2026"}),
        ("looplane.entered", {"run": "lrn_a", "decided": "start"}),
        ("looplane.entered", {"run": "lrn_b", "decided": "queue"}),
        ("looplane.left", {"run": "lrn_a", "next": "lrn_b", "keep": True}),
        ("looplane.given_on", {"runs": ["lrn_a"]}),
        ("looplane.cleared", {}),
    ],
    "looprun": [
        ("looprun.opened", {"loop": "l", "decided": "queue"}),
        ("looprun.started", {}),
        ("looprun.claimed", {"holder": "h", "until": "2027"}),
        ("looprun.iterated", {"number": 1, "told": "sha256:a"}),
        ("looprun.waits", {"item": "inb_a", "until": "2027"}),
        ("looprun.woken", {"heard": "accepted"}),
        ("looprun.ended", {"outcome": "landed", "why": "done", "told": ""}),
    ],
    "autonomy": [
        ("autonomy.decided", {"loop": "l", "item": "i", "unchanged": True, "level": "draft"}),
        ("autonomy.risen", {"to": "approve", "why": "w"}),
        ("autonomy.fallen", {"loop": "l", "to": "draft", "why": "w", "incident": "bks_a"}),
    ],
    "inbox": [
        ("inbox.filed", {"loop": "l", "run": "r", "kind": "finding", "until": None}),
        ("inbox.seen", {"run": "s"}),
        ("inbox.snoozed", {"until": "2027"}),
        ("inbox.reopened", {"why": "it is time"}),
        ("inbox.settled", {"as": "accepted", "said": "sha256:a"}),
        ("inbox.applied", {"level": "approve", "facts": {}}),
    ],
    "mode": [
        ("mode.founded", {"coarse": "mod_c", "difference": "no_action"}),
        ("mode.split", {"support": 20}),
        ("mode.merged", {"support": 19}),
    ],
    "miner": [("miner.advanced", {"position": 1})] * 2,
}


@pytest.mark.parametrize("kind", sorted(REDUCERS))
def test_reducers_are_pure_and_every_event_type_is_told(kind: str) -> None:
    row: Row | None = None
    told = set()
    for seq, (type_, payload) in enumerate(STORIES[kind], start=1):
        event = _event(f"{kind}/x", type_, seq, payload)
        before = copy.deepcopy((row, event))
        after = reduce_event(row, event)
        assert (row, event) == before
        assert reduce_event(row, event) == after
        assert after.seq == seq
        assert after.kind == kind
        row = after
        told.add(type_)
    untold = {"proposal.superseded", "proposal.withdrawn", "backslide.refuted"}  # told below
    untold.add("fleet.cancelled")
    assert told | untold >= set(REDUCERS[kind])


def test_a_cancelled_fleet_is_not_gone_on_with_and_a_piece_moves_only_as_it_may() -> None:
    row: Row | None = None
    for seq, (type_, payload) in enumerate(STORIES["fleet"][:2], start=1):
        row = reduce_event(row, _event("fleet/x", type_, seq, payload))
    row = reduce_event(row, _event("fleet/x", "fleet.cancelled", 3, {"reason": "r"}))
    assert row.state == "cancelled"
    for type_, payload in STORIES["fleet"][1:6]:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, _event("fleet/x", type_, 4, payload))
    states = set(PIECE_STATES)
    for before, after in itertools.product(states, {"merged", "settled", "dropped"}):
        event = {
            "merged": ("piece.merged", {"commit": "c"}),
            "settled": ("piece.settled", {"how": "answer", "text": "t", "digest": "d"}),
            "dropped": ("piece.settled", {"how": "drop", "text": "t"}),
        }[after]
        piece = Row(stream="piece/p", kind="piece", seq=1, body={"reviewed": []}, state=before)
        if after in PIECE_STATES[before]:  # type: ignore[index]
            assert reduce_event(piece, _event("piece/p", event[0], 2, event[1])).state == after
        else:
            with pytest.raises(IllegalTransitionError):
                reduce_event(piece, _event("piece/p", event[0], 2, event[1]))


@pytest.mark.parametrize("step", ["superseded", "withdrawn"])
def test_an_open_proposal_may_be_superseded_or_withdrawn(step: str) -> None:
    row = reduce_event(None, _event("proposal/p", "proposal.opened", 1, dict(OPENED)))
    assert reduce_event(row, _event("proposal/p", f"proposal.{step}", 2, {})).state == step


def test_an_event_of_a_newer_version_moves_seq_and_changes_nothing_else() -> None:
    row = reduce_event(None, _event("head/x", "head.created", 1, dict(HEAD)))
    after = reduce_event(row, _event("head/x", "head.unheard_of", 2, {"a": 1}))
    assert after == row.moved(2)
    fresh = reduce_event(None, _event("unheard/x", "unheard.of", 1, {}))
    assert (fresh.kind, fresh.seq, fresh.body) == ("unheard", 1, {})


def test_withdrawn_examples_are_gone_and_may_be_given_again() -> None:
    def after(row: Row | None, seq: int, type_: str, payload: dict[str, object]) -> Row:
        return reduce_event(row, _event("examples/x", type_, seq, payload))

    row = after(None, 1, "examples.added", {"blob": "a", "by": "u"})
    row = after(row, 2, "examples.added", {"blob": "b", "by": "v"})
    row = after(row, 3, "examples.withdrawn", {"blobs": ["a"], "by": "u"})
    assert row.body == {"blobs": ["b"], "by": {"b": "v"}}
    row = after(row, 4, "examples.added", {"blob": "a", "by": "u"})
    assert row.body["blobs"] == ["b", "a"]


def test_only_withdrawn_examples_reopen_what_the_same_checks_rejected() -> None:
    require_transition("rejected", "draft", reopened=True)
    with pytest.raises(IllegalTransitionError):
        require_transition("rejected", "draft")


def test_only_a_fine_mode_is_split_off_or_merged_back() -> None:
    coarse = reduce_event(None, _event("mode/c", "mode.founded", 1, {"coarse": None}))
    assert coarse.state == "open"
    with pytest.raises(IllegalTransitionError):
        reduce_event(coarse, _event("mode/c", "mode.merged", 2, {"support": 1}))
    fine = reduce_event(None, _event("mode/f", "mode.founded", 1, {"coarse": "c"}))
    assert (fine.state, fine.parent) == ("latent", "c")
    with pytest.raises(IllegalTransitionError):
        reduce_event(fine, _event("mode/f", "mode.merged", 2, {"support": 1}))


def test_sealed_cases_are_drawn_and_opened_once_and_a_release_is_cut_once() -> None:
    for kind in ("seal", "opening", "release"):
        row: Row | None = None
        for seq, (type_, payload) in enumerate(STORIES[kind], start=1):
            row = reduce_event(row, _event(f"{kind}/x", type_, seq, payload))
        for type_, payload in STORIES[kind]:
            with pytest.raises(LigninError):
                reduce_event(row, _event(f"{kind}/x", type_, 9, payload))


def test_a_trial_is_filed_once_and_a_decision_reached_once() -> None:
    trial = {"system": "sha256:a", "case": "c", "number": 0, "score": 1.0}
    row = reduce_event(None, _event("trial/t", "trial.scored", 1, dict(trial)))
    assert (row.state, row.parent) == ("scored", "sha256:a")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, _event("trial/t", "trial.scored", 2, dict(trial)))
    opened = {"proposal": "prp_a", "plan": "sha256:a", "campaign": "main"}
    reached = {"verdict": "reject", "told": "sha256:b", "trials": 3}
    row = reduce_event(None, _event("decision/d", "decision.opened", 1, dict(opened)))
    row = reduce_event(row, _event("decision/d", "decision.reached", 2, dict(reached)))
    assert (row.state, row.parent) == ("reject", "prp_a")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, _event("decision/d", "decision.reached", 3, dict(reached)))


def test_only_what_is_suspected_is_refuted_and_nothing_is_shown_twice() -> None:
    suspected = {"head": "main", "source": "feedback"}
    row = reduce_event(None, _event("backslide/b", "backslide.suspected", 1, dict(suspected)))
    refuted = reduce_event(row, _event("backslide/b", "backslide.refuted", 2, {"outcome": "r"}))
    assert (row.state, refuted.state) == ("suspected", "refuted")
    shown = {"head": "main", "plan": "sha256:a"}
    row = reduce_event(row, _event("backslide/b", "backslide.shown", 2, dict(shown)))
    assert (row.state, row.body["source"]) == ("open", "feedback")
    for type_ in ("backslide.shown", "backslide.refuted", "backslide.suspected"):
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, _event("backslide/b", type_, 3, {**shown, "outcome": "r"}))


def test_a_fix_that_was_let_go_may_be_fixed_again_and_keeps_who_did() -> None:
    row = reduce_event(
        None, _event("fix/x", "case.fixed", 1, {"case": "c", "by": {"decision": "a"}})
    )
    row = reduce_event(row, _event("fix/x", "case.let_go", 2, {"by": "user:a", "reason": "r"}))
    assert (row.state, row.body["let_go"]["by"]) == ("let_go", "user:a")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, _event("fix/x", "case.let_go", 3, {"by": "user:a", "reason": "r"}))
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, _event("fix/x", "case.margin", 3, {"by": "user:a", "margin": 0.5}))
    row = reduce_event(
        row, _event("fix/x", "case.fixed", 3, {"case": "c", "by": {"decision": "b"}})
    )
    assert (row.state, [each["decision"] for each in row.body["by"]]) == ("kept", ["a", "b"])


def test_a_rubric_is_in_use_once_and_a_verdict_is_filed_once() -> None:
    added = {"name": "kind", "content": "sha256:a", "by": "user:a"}
    row = reduce_event(None, _event("rubric/r", "rubric.added", 1, dict(added)))
    assert (row.state, row.parent) == ("proposed", "kind")
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, _event("rubric/r", "rubric.replaced", 2, {"digest": "sha256:b"}))
    row = reduce_event(row, _event("rubric/r", "rubric.adopted", 2, {"by": "user:a"}))
    with pytest.raises(IllegalTransitionError):
        reduce_event(row, _event("rubric/r", "rubric.adopted", 3, {"by": "user:a"}))
    given = {"rubric": "sha256:a", "said": "good"}
    verdict = reduce_event(None, _event("verdict/v", "verdict.given", 1, dict(given)))
    with pytest.raises(IllegalTransitionError):
        reduce_event(verdict, _event("verdict/v", "verdict.given", 2, dict(given)))


JOB_MOVES = {
    "job.ended": ({"state": "failed"}, {"open"}),
    "job.cancelled": ({"reason": "r"}, {"open"}),
    "job.retried": ({"reason": "r"}, {"failed", "cancelled", "dead"}),
}


@pytest.mark.parametrize(("type_", "before"), list(itertools.product(JOB_MOVES, JOB_STATES)))
def test_a_job_ends_once_and_only_what_did_not_succeed_is_retried(type_: str, before: str) -> None:
    payload, allowed = JOB_MOVES[type_]
    row = reduce_event(None, _event("job/j", "job.opened", 1, dict(JOB)))
    event = _event("job/j", type_, 2, dict(payload))
    row = dataclasses.replace(row, state=before)
    if before in allowed:
        assert reduce_event(row, event).state in JOB_STATES
    else:
        with pytest.raises(IllegalTransitionError):
            reduce_event(row, event)


def test_a_retried_job_is_another_turn_and_forgets_its_error() -> None:
    row = reduce_event(None, _event("job/j", "job.opened", 1, dict(JOB)))
    error = {"code": "unavailable", "message": "m", "hint": ""}
    ended = {"state": "failed", "error": error, "attempts": 2}
    row = reduce_event(row, _event("job/j", "job.ended", 2, ended))
    job = parse_job(row)
    assert (job.run, job.attempts, job.error and job.error.code) == ("j", 2, "unavailable")
    again = parse_job(reduce_event(row, _event("job/j", "job.retried", 3, {})))
    assert (again.run, again.attempts, again.error, again.state) == ("j.2", 0, None, "open")
