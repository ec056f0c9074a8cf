"""What happens to each kind of stream, event by event; every event type is told in one of them."""

from lignin.domain.events import Event
from lignin.domain.jobs import JobAsked
from lignin.testing.changes import ACTOR


def event_of(stream: str, type_: str, seq: int, payload: dict[str, object]) -> Event:
    """An event of a stream as a ledger tells it."""
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
