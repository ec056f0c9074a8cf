"""Late feedback joins the run, the versions it used and the decisions that rest on them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    GateFailedError,
    InvalidRequestError,
    NotFoundError,
)
from lignin.domain.events import Actor
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk

LATER = "2099-01-01T00:00:00.000Z"


def taken(
    desk: Desk, *calls: dict[str, Any], at: str = LATER, cwd: str = "", name: str = "a"
) -> str:
    """Import one Claude Code session that makes some calls; returns its id."""
    lines: list[dict[str, Any]] = [
        {"type": "user", "message": {"role": "user", "content": "Double these, please."}}
    ]
    for number, call in enumerate(calls):
        use = {"type": "tool_use", "id": f"c{number}", **call}
        result = {"type": "tool_result", "tool_use_id": f"c{number}", "content": "ok"}
        lines.append(
            {"type": "assistant", "message": {"role": "assistant", "model": "m", "content": [use]}}
        )
        lines.append({"type": "user", "message": {"role": "user", "content": [result]}})
    for number, line in enumerate(lines):
        line.update(
            sessionId=f"s-{name}", uuid=f"u{number}", timestamp=at, cwd=cwd, version="2.0.1"
        )
        line["parentUuid"] = f"u{number - 1}" if number else None
    path = desk.write(f"{name}.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    before = {each.session for each in desk("trace.list").items}
    desk("trace.import", paths=[path])
    (found,) = {each.session for each in desk("trace.list").items} - before
    return str(found)


def skill(name: str) -> dict[str, Any]:
    return {"name": "Skill", "input": {"skill": name}}


def called(name: str) -> dict[str, Any]:
    return {"name": "Bash", "input": {"command": f"lignin artifact call {name} --input -"}}


def failed(desk: Desk, session: str, **more: Any) -> Any:
    return desk("trace.feedback", session=session, label="failure", reason="reverted", **more)


def applied(desk: Desk) -> str:
    (proposal,) = desk("proposal.list", state="applied").items
    return str(proposal.proposal)


def test_a_label_is_told_beside_the_declared_outcome(desk: Desk) -> None:
    session = taken(desk, skill("none"))
    at = "2020-03-02T10:00:00Z"
    failed(desk, session, at=at)
    (listed,) = desk("trace.list").items
    told = (listed.outcome, listed.label, listed.labelled_at, listed.label_reason)
    assert told == (None, "failure", "2020-03-02T10:00:00.000000Z", "reverted")
    shown = desk("trace.show", session=session)
    assert (shown.label, shown.label_reason) == ("failure", "reverted")
    assert "found to be failure" in shown.to_text()


def test_feedback_joins_the_served_version_and_reopens_its_promotion(desk: Desk) -> None:
    digest = desk.double(promote=True).digest
    desk("skill.serve", client=["claude-code"])
    session = taken(desk, skill("double"), cwd=str(desk.context.cwd))
    proposal, stable = applied(desk), desk("head.show", name="main").revision
    answer = failed(desk, session)
    assert answer.artifacts == {
        f"double@{digest}": "skill tool; it was served into the run's folder"
    }
    assert answer.reopened == [proposal]
    assert desk("artifact.show", name="double").found_failed == 1
    assert [each.found_failed for each in desk("artifact.list").items] == [1]
    (reopened,) = desk("proposal.list", state="reopened").items
    assert reopened.proposal == proposal
    assert reopened.reopened["from"] == "applied"
    assert session in reopened.reopened["reasons"][0]
    assert reopened.exit_code() == 10
    assert desk("head.show", name="main").revision == stable
    assert desk("artifact.call", name="double", input={"number": 2}).output == 4


def test_a_reopened_decision_waits_for_a_person_while_feedback_speaks_against_it(
    desk: Desk,
) -> None:
    desk.double(promote=True)
    session, proposal = taken(desk, called("double")), applied(desk)
    assert failed(desk, session).reopened == [proposal]
    undecided = desk("proposal.decide", proposal=proposal)
    assert undecided.state == "reopened"
    assert "1 runs that used it" in undecided.decision["reasons"][0]
    kept = desk("proposal.decide", proposal=proposal, approve=True)
    assert (kept.state, kept.decision["outcome"]) == ("applied", "accept")


def test_an_agent_settles_no_reopened_decision(desk: Desk) -> None:
    desk.double(promote=True)
    proposal = applied(desk)
    agent = Desk(
        replace(desk.context, scope=replace(desk.context.scope, actor=Actor(sub="agent:one")))
    )
    assert failed(agent, taken(agent, called("double"))).reopened == [proposal]
    assert agent("proposal.decide", proposal=proposal).state == "reopened"
    with pytest.raises(DeniedError, match="agent:one is an agent"):
        agent("proposal.decide", proposal=proposal, approve=True)
    assert desk("proposal.show", proposal=proposal).state == "reopened"


def test_feedback_from_the_future_would_be_the_last_word_and_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="still to come"):
        failed(desk, taken(desk, skill("none")), at=LATER)


def test_the_gate_decides_once_nothing_speaks_against_it_any_more(desk: Desk) -> None:
    desk.double(promote=True)
    session, proposal = taken(desk, called("double")), applied(desk)
    failed(desk, session, at="2020-03-01T10:00:00Z")
    given = {"label": "success", "reason": "a false alarm", "at": "2020-03-02T10:00:00Z"}
    assert desk("trace.feedback", session=session, **given).reopened == []
    assert desk("artifact.show", name="double").found_failed is None
    assert desk("proposal.decide", proposal=proposal).state == "applied"


def test_a_person_may_reject_what_was_applied_and_the_head_waits_for_a_rollback(desk: Desk) -> None:
    desk.double(promote=True)
    proposal = applied(desk)
    failed(desk, taken(desk, called("double")))
    rejected = desk("proposal.decide", proposal=proposal, reject="it loses rows")
    assert rejected.state == "rejected"
    with pytest.raises(GateFailedError):
        desk("proposal.apply", proposal=proposal)
    assert desk("artifact.show", name="double").state == "promoted"
    desk("head.rollback", name="main")
    assert desk("artifact.show", name="double").state == "verified"


def test_feedback_on_a_session_of_ones_own_knows_how_it_ended(desk: Desk) -> None:
    session = desk("session.start").session
    desk("session.end", session=session, outcome="success")
    answer = failed(desk, session)
    assert (answer.before, answer.label, answer.artifacts) == ("success", "failure", {})


def test_feedback_may_be_about_a_version_directly(desk: Desk) -> None:
    digest = desk.double(promote=True).digest
    said = {"label": "failure", "reason": "it loses rows"}
    answer = desk("trace.feedback", artifact=f"double@{digest}", **said)
    assert answer.artifacts == {f"double@{digest}": "the feedback names it"}
    assert answer.reopened == [applied_or_reopened(desk)]
    shown = desk("artifact.show", name="double")
    assert (shown.found_failed, shown.feedback[0]["reason"]) == (None, "it loses rows")


def applied_or_reopened(desk: Desk) -> str:
    (proposal,) = desk("proposal.list").items
    return str(proposal.proposal)


def test_feedback_may_name_the_decision(desk: Desk) -> None:
    desk.double(promote=True)
    proposal = applied(desk)
    said = {"label": "failure", "reason": "the pager rang"}
    assert desk("trace.feedback", proposal=proposal, **said).reopened == [proposal]
    again = desk("trace.feedback", proposal=proposal, **{**said, "reason": "twice"})
    assert again.reopened == [proposal]
    (found,) = desk("proposal.list", state="reopened").items
    assert [reason[-4:] for reason in found.reopened["reasons"]] == ["rang", "wice"]


def test_the_run_that_an_artifact_came_from_is_its_evidence(desk: Desk) -> None:
    session = taken(desk, skill("none"))
    path = desk.write("double.py", DOUBLE)
    desk("artifact.capture", path=path, examples=EXAMPLES, session=session)
    desk("artifact.promote", name="double")
    answer = failed(desk, session)
    assert answer.artifacts == {}
    (found,) = desk("proposal.list", state="reopened").items
    assert found.reopened["reasons"] == [f"its evidence {session} is held to be failure: reverted"]


def test_which_version_was_used_is_told_by_pin_by_time_or_not_at_all(desk: Desk) -> None:
    old = desk.double(promote=True).digest
    desk.write("double.py", DOUBLE.replace("Doubles", "Doubles well"))
    new = desk("artifact.capture", path="double.py", examples=EXAMPLES).digest
    assert new != old
    desk("artifact.promote", name="double")
    pinned = taken(desk, called(f"double@{old[7:19]}"), name="pinned")
    now = taken(desk, called("double"), name="now")
    before = taken(desk, called("double"), at="2020-01-01T00:00:00Z", name="before")
    assert failed(desk, pinned).artifacts == {f"double@{old}": "direct call; the call pins it"}
    stood = "direct call; it stood in the head then"
    assert failed(desk, now).artifacts == {f"double@{new}": stood}
    assert failed(desk, before).artifacts == {}


def test_feedback_is_about_something_that_is_there(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="about nothing"):
        desk("trace.feedback", label="failure", reason="r")
    for named in ({"artifact": "absent"}, {"proposal": "prp_absent"}, {"session": "ses_absent"}):
        with pytest.raises(NotFoundError):
            desk("trace.feedback", label="failure", reason="r", **named)


def withdrawn(desk: Desk, session: str, **more: Any) -> Any:
    return desk("trace.feedback", session=session, withdraw=True, reason="a mix-up", **more)


def test_feedback_that_is_taken_back_counts_no_more_and_stays_on_record(desk: Desk) -> None:
    session = taken(desk, skill("none"))
    told = {"session": session, "label": "success", "at": "2020-03-01T10:00:00Z"}
    desk("trace.feedback", **told, reason="the customer is glad")
    failed(desk, session, at="2020-03-02T10:00:00Z")
    (run,) = desk("trace.detect").items
    assert (run.findings[0].kind, run.findings[0].evidence) == (
        "feedback",
        "Feedback of 2020-03-02 says that the outcome was failure: reverted",
    )
    answer = withdrawn(desk, session)
    assert (answer.before, answer.label, answer.given) == ("failure", "success", 1)
    (run,) = desk("trace.detect").items
    assert run.findings[0].evidence.endswith("outcome was success: the customer is glad")
    answer = withdrawn(desk, session)
    assert (answer.before, answer.label, answer.given) == ("success", None, 0)
    (run,) = desk("trace.detect").items
    assert all(finding.kind != "feedback" for finding in run.findings)
    (listed,) = desk("trace.list").items
    assert (listed.label, listed.labelled_at, listed.label_reason) == (None, None, None)
    with desk.context.view() as view:
        row = view.row(f"session/{session}")
    assert row is not None
    backs = [each["withdrawn"] for each in row.body["feedback"]]
    assert [(each["by"], each["reason"]) for each in backs] == [("user:tester", "a mix-up")] * 2
    with pytest.raises(ConflictError, match="no feedback to take back"):
        withdrawn(desk, session)


def test_a_long_reason_is_left_out_of_the_evidence(desk: Desk) -> None:
    session = taken(desk, skill("none"))
    desk("trace.feedback", session=session, label="failure", reason="long " * 50)
    (run,) = desk("trace.detect").items
    assert run.findings[0].evidence.endswith("says that the outcome was failure.")


def test_what_is_taken_back_speaks_against_no_version_and_no_decision(desk: Desk) -> None:
    desk.double(promote=True)
    session, proposal = taken(desk, called("double")), applied(desk)
    assert failed(desk, session).reopened == [proposal]
    answer = withdrawn(desk, session)
    assert len(answer.artifacts) == 1
    shown = desk("artifact.show", name="double")
    assert not shown.found_failed
    assert [each["label"] for each in shown.feedback] == ["withdrawn"]
    assert desk("proposal.show", proposal=proposal).state == "reopened"
    assert desk("proposal.decide", proposal=proposal).state == "applied"
    assert failed(desk, session).artifacts == answer.artifacts
    assert desk("artifact.show", name="double").found_failed == 1


def test_an_agent_takes_back_only_what_it_said(desk: Desk) -> None:
    session = taken(desk, skill("none"))
    agent = Desk(
        replace(desk.context, scope=replace(desk.context.scope, actor=Actor(sub="agent:one")))
    )
    failed(desk, session)
    with pytest.raises(DeniedError, match=r"agent:one is an agent.*user:tester"):
        withdrawn(agent, session)
    assert withdrawn(desk, session).label is None
    failed(agent, session)
    assert withdrawn(agent, session).label is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"label": "failure"}, "takes no --label"),
        ({"artifact": "x", "proposal": "prp_1"}, "takes no --artifact, --proposal"),
        ({"session": ""}, "no session is named"),
    ],
)
def test_taking_back_takes_nothing_but_a_session(
    desk: Desk, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        desk("trace.feedback", **{"session": "ses_x", "withdraw": True, "reason": "r", **more})
    with pytest.raises(InvalidRequestError, match="no label"):
        desk("trace.feedback", session="ses_x", reason="r")
