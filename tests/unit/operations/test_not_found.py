"""Whatever is not there: the error says so, and what to do next."""

import re
from typing import Any

from lignin.domain.errors import LigninError, NotFoundError
from unit.operations.conftest import OPERATIONS, Desk

DIGEST = "sha256:" + "0" * 64
COMMAND = re.compile(r"`lignin ([a-z]+) ([a-z]+)")
ONE = {"name": "absent"}
VERSION = {"name": "double@000000"}
FLEET = {"fleet": "flt_absent"}
SESSION = {"session": "ses_absent"}
PROPOSAL = {"proposal": "prp_absent"}
ABSENT: dict[str, list[dict[str, Any]]] = {
    "artifact.call": [
        ONE,
        VERSION,
        {"name": "double", "head": "absent"},
        {**ONE, **SESSION},
        {"name": "double", "input": {"number": 1}, "task": "tsk_absent"},
    ],
    "artifact.capture": [{"path": "absent"}],
    "artifact.clear": [ONE, VERSION],
    "artifact.deprecate": [ONE, VERSION],
    "artifact.promote": [ONE, VERSION, {"name": "double", "head": "absent"}],
    "artifact.quarantine": [ONE, VERSION],
    "artifact.reassign": [{**ONE, "owner": "user:a", "successor": "user:b"}],
    "artifact.restore": [ONE, VERSION],
    "artifact.retire": [ONE, VERSION],
    "artifact.show": [ONE, VERSION],
    "artifact.source": [ONE, VERSION],
    "artifact.withdraw": [ONE, VERSION],
    "artifact.verify": [ONE, VERSION, {"name": "double", "recordings": "absent"}],
    "connector.poll": [ONE],
    "connector.read": [{**ONE, "ticket": "1"}],
    "connector.send": [{**ONE, "body": "t"}, {"name": "server:absent", "tool": "t"}],
    "connector.settle": [{"delivery": "dlv_absent", "sent": True}],
    "connector.test": [ONE, {"name": "server:absent"}],
    "demo": [{"data": "absent"}],
    "dependency.fetch": [ONE, VERSION],
    "dependency.lock": [{"requires": ["absent"], "wheels": "absent"}, {"requires": ["absent.py"]}],
    "dependency.remove": [ONE],
    "eval.run": [
        {"system": "desk:a+absent"},
        {"system": "artifact:absent"},
        {"system": "desk:a", "case": ["cas_absent"]},
        {"system": "desk:a", "suite": "absent"},
        {"system": "python:absent_module:run", "unsandboxed": True},
    ],
    "eval.power": [
        {"system": "desk:a+absent"},
        {"system": "desk:a", "head": "absent"},
        {"system": "desk:a", "case": ["cas_absent"]},
    ],
    "eval.forget": [{"case": "cas_absent", "reason": "r"}],
    "eval.keep": [{"case": "cas_absent", "margin": 0.5}],
    "eval.sweep": [
        {"system": "desk:a", "head": "absent"},
        {"system": "desk:a", "case": ["cas_absent"]},
        {"system": "desk:a", "suite": "absent"},
    ],
    "eval.compare": [{"before": "absent", "after": "absent"}],
    "eval.rows": [{"system": "absent"}],
    "eval.show": [{"system": "absent"}],
    "gate.campaign": [{"file": "absent"}],
    "gate.decide": [{"incumbent": "absent", "candidate": "absent"}],
    "gate.explain": [{"decision": "dec_absent"}],
    "gate.prove": [
        {"incumbent": "desk:a", "candidate": "desk:b", "case": ["cas_absent"]},
        {**PROPOSAL, "system": "desk:a"},
    ],
    "gate.plot": [{"decision": "dec_absent"}],
    "gate.recompute": [{"decision": "dec_absent"}],
    "head.create": [{**ONE, "extends": "home:absent"}],
    "head.diff": [{"old": DIGEST, "new": DIGEST}],
    "head.history": [ONE],
    "head.lease": [ONE],
    "head.note": [{**ONE, "slot": "double", "weakness": "w"}],
    "head.offer": [{**ONE, "slot": "double"}],
    "head.release": [{**ONE, "token": 1}],
    "head.rollback": [ONE, {"to": DIGEST}],
    "head.show": [ONE],
    "init": [{"folder": "absent"}, {"client": ["absent"]}, {"undo": True, "client": ["codex"]}],
    "plugin.write": [{"folder": "plugin", "head": "absent"}],
    "lesson.approve": [{"lesson": "les_absent"}],
    "lesson.propose": [{"text": "look before you leap", **SESSION}],
    "lesson.withdraw": [{"lesson": "les_absent", "reason": "r"}],
    "skill.list": [{"head": "absent"}],
    "skill.show": [{"name": "absent"}, {"name": "absent", "head": "absent"}],
    "power.show": [{"power": "pow_absent"}],
    "job.cancel": [{"job": "job_absent"}],
    "job.fork": [{"job": "job_absent"}],
    "job.judge": [{"job": "job_absent", "should": "quiet"}],
    "job.repair": [{"skill": ["absent"]}, {"head": "absent"}],
    "job.review": [{"skill": ["absent"]}, {"head": "absent"}],
    "job.retry": [{"job": "job_absent"}],
    "job.signal": [{"job": "job_absent", "topic": "leave"}],
    "job.show": [{"job": "job_absent"}],
    "job.start": [
        {"kind": "absent", "input": {}},
        {"kind": "operation", "input": {"operation": "absent.verb"}},
    ],
    "job.tail": [{"job": "job_absent"}],
    "worker.show": [{"worker": "absent"}],
    "inbox.settle": [{"item": "inb_absent"}],
    "inbox.show": [{"item": "inb_absent"}],
    "loop.add": [{"file": "absent.toml"}],
    "loop.audit": [{"file": "absent.toml"}],
    "loop.autonomy": [ONE],
    "loop.history": [ONE],
    "loop.new": [{"template": "absent"}],
    "loop.pause": [ONE],
    "loop.remove": [ONE],
    "loop.resume": [ONE],
    "loop.run": [ONE],
    "loop.show": [ONE],
    "improve": [
        {"system": "desk:a+absent"},
        {"system": "desk:a", "head": "absent"},
        {"system": "desk:a", "case": ["cas_absent"]},
        {"system": "desk:a", "suite": "absent"},
    ],
    "improve.plot": [{"campaign": "imp_absent"}],
    "improve.show": [{"campaign": "imp_absent"}],
    "message.settle": [{"message": "msg_absent"}],
    "message.show": [{"message": "msg_absent"}],
    "proposal.apply": [PROPOSAL],
    "proposal.create": [
        {"put": [f"double@{DIGEST}"]},
        {"put": ["double"], "head": "absent"},
        {"put": ["absent@000000"]},
    ],
    "proposal.decide": [PROPOSAL],
    "proposal.draft": [
        {"head": "absent", "folder": ".", "hypothesis": "h"},
        {"mode": "mod_absent", "proposer": "command:true"},
        {"folder": "absent", "hypothesis": "h"},
        {"patch": "absent", "hypothesis": "h"},
    ],
    "proposal.rebase": [PROPOSAL],
    "proposal.show": [PROPOSAL],
    "proposal.withdraw": [PROPOSAL],
    "proposer.try": [
        {"proposer": "command:true", "mode": "mod_absent"},
        {"proposer": "command:true", "mode": "mod_absent", "head": "absent"},
    ],
    "recording.make": [SESSION],
    "rubric.add": [{"file": "absent.yaml"}],
    "rubric.adopt": [{"rubric": "absent"}],
    "rubric.agree": [{"rubric": "absent", "judge": "cat"}],
    "rubric.compare": [{"old": "absent", "new": "absent", "judge": "cat"}],
    "rubric.items": [{"rubric": "absent"}],
    "rubric.label": [{"rubric": "absent", "trial": "trl_absent", "label": "good"}],
    "rubric.labels": [{"rubric": "absent"}],
    "rubric.show": [{"rubric": "absent"}],
    "repo.branch": [{"draft": "drf_absent"}],
    "repo.propose": [{"surface": ["*"], "repo": ".", "folder": ".", "hypothesis": "h"}],
    "repo.prove": [{"draft": "drf_absent", "system": "python agent.py"}],
    "repo.show": [{"draft": "drf_absent"}],
    "fleet.cancel": [FLEET],
    "fleet.check": [{"plan": "absent.toml"}],
    "fleet.graph": [FLEET],
    "fleet.piece": [{**FLEET, "piece": "one"}],
    "fleet.plan": [{"goal": "g", "planner": "true"}],
    "fleet.review": [FLEET],
    "fleet.run": [{"plan": "flt_absent"}, {"plan": "absent.toml"}],
    "fleet.settle": [{**FLEET, "piece": "one", "how": "retry"}],
    "fleet.show": [FLEET],
    "session.append": [{**SESSION, "events": [1]}],
    "session.end": [SESSION],
    "session.fork": [{**SESSION, "at": 1}],
    "session.purge": [{**SESSION, "record": 1, "reason": "r"}],
    "session.read": [SESSION],
    "session.show": [SESSION],
    "session.start": [{"head": "absent"}],
    "skill.serve": [{"folder": "absent"}, {"head": "absent"}, {"client": ["absent"]}],
    "space.create": [{**ONE, "parent": "nowhere"}],
    "task.close": [{"task": "tsk_absent"}],
    "task.settle": [{"task": "tsk_absent", "made": True}],
    "task.show": [{"task": "tsk_absent"}],
    "tool.list": [{"tools": "absent"}],
    "trace.code": [SESSION],
    "trace.detect": [{"sessions": ["ses_absent"]}],
    "trace.feedback": [
        {**SESSION, "label": "failure", "reason": "r"},
        {"artifact": "absent", "label": "failure", "reason": "r"},
        {"proposal": "prp_absent", "label": "failure", "reason": "r"},
    ],
    "release.cut": [
        {"system": "desk:a", "head": "absent"},
        {"system": "desk:a+absent"},
        {"system": "desk:a", "suite": "absent"},
    ],
    "release.show": [{"release": "rel_absent"}],
    "routine.cover": [{"traces": ["absent"]}],
    "routine.families": [{"head": "absent"}],
    "routine.plan": [{"head": "absent"}],
    "routine.promote": [{"routine": "rtn_absent"}],
    "routine.prove": [{"routine": "rtn_absent"}],
    "routine.reuse": [{"routine": "rtn_absent"}, {"traces": ["absent"]}],
    "routine.run": [{"request": "please", "head": "absent"}],
    "routine.show": [{"routine": "rtn_absent"}],
    "trace.harvest": [{"sessions": ["ses_absent"]}],
    "trace.import": [{"paths": ["absent"]}, {"mine": True}],
    "trace.case": [{"case": "cas_absent"}],
    "trace.judge": [{"case": "cas_absent", "runs": ["."]}],
    "trace.mode": [{"mode": "mod_absent"}],
    "trace.show": [SESSION],
}
NAMES_NOTHING = {
    "artifact.expire",
    "artifact.list",
    "connector.list",
    "connector.sent",
    "artifact.search",
    "dependency.list",
    "eval.backslides",
    "eval.list",
    "fleet.list",
    "gate.list",
    "head.list",
    "lesson.list",
    "lesson.recall",
    "mcp",
    "power.list",
    "report.needs",
    "improve.list",
    "job.lane",
    "job.lanes",
    "job.list",
    "inbox.list",
    "loop.list",
    "loop.templates",
    "loop.tick",
    "improve.proposers",
    "message.list",
    "proposal.list",
    "repo.list",
    "sandbox.doctor",
    "rubric.list",
    "session.list",
    "space.list",
    "store.backup",
    "store.copy",
    "store.verify",
    "task.list",
    "trace.audit",
    "trace.lessons",
    "trace.list",
    "release.list",
    "release.seal",
    "routine.induce",
    "routine.list",
    "trace.cases",
    "trace.modes",
    "trace.requests",
    "up",
    "worker",
    "worker.list",
}
"""These list, filter, or make what they name."""


def test_every_operation_that_names_something_is_walked() -> None:
    assert set(ABSENT) == set(OPERATIONS) - NAMES_NOTHING


def error_of(desk: Desk, name: str, request: dict[str, Any]) -> LigninError | None:
    """What an operation raises, if it does."""
    try:
        desk(name, **request)
    except LigninError as error:
        return error
    return None


def test_what_is_not_there_is_not_found_and_the_hint_names_a_way_on(desk: Desk) -> None:
    desk.double(promote=True)
    wrong = []
    for name, requests in ABSENT.items():
        for request in requests:
            error = error_of(desk, name, request)
            commands = {".".join(found) for found in COMMAND.findall(error.hint if error else "")}
            if not isinstance(error, NotFoundError) or not error.hint or commands - set(OPERATIONS):
                wrong.append((name, request, error, error.hint if error else ""))
    assert wrong == [], "\n".join(map(str, wrong))
