"""Detection, feedback and audit over stored runs."""

import json
from typing import Any

import pytest

from lignin.domain.errors import InvalidRequestError
from lignin.operations.trace_detect import Audited, AuditRun, AuditStratum

TASK = "Please move my booking B-1042 to room 7 on Friday and tell me the total of the bill then."


def record(room: int, *, task: int = 1, trial: int = 0, reward: float | None = None) -> Any:
    call = {
        "id": "c1",
        "function": {"name": "move", "arguments": json.dumps({"booking": "B-1042", "room": room})},
    }
    messages = [
        {"role": "user", "content": TASK},
        {"role": "assistant", "content": "Shall I?"},
        {"role": "user", "content": "Yes, please"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "name": "move", "content": "moved"},
        {"role": "assistant", "content": "It is moved."},
        {"role": "user", "content": "Thanks, bye"},
    ]
    return {"task_id": task, "trial": trial, "reward": reward, "info": {}, "traj": messages}


def taken(desk: Any, *records: Any, name: str = "runs.jsonl", **more: Any) -> None:
    desk.write(name, "".join(json.dumps(each) + "\n" for each in records))
    desk("trace.import", paths=[name], **more)


def undeclared() -> list[Any]:
    crashed = {**record(7, trial=9), "traj": []}
    return [*[record(7, trial=n) for n in range(5)], record(8, trial=5), crashed]


def test_rows_carry_the_origins_own_ids_and_the_step(desk: Any) -> None:
    taken(desk, *undeclared())
    found = desk("trace.detect")
    assert found.verdicts == {"failure": 1, "infrastructure": 1, "success": 5}
    (failed,) = desk("trace.detect", verdict="failure").items
    assert (failed.source, failed.task_id, failed.trial) == ("runs.jsonl", 1, 5)
    assert failed.step == 3  # the agent did at once what it read into the user's word
    assert failed.findings[0].kind == "consensus"
    assert failed.probability > 0.5
    assert str(failed.trial) in found.to_text()


def test_a_page_goes_on_where_the_last_ended(desk: Any) -> None:
    taken(desk, *undeclared())
    first = desk("trace.detect", limit=4)
    rest = desk("trace.detect", limit=4, after=first.next_after)
    names = [run.session for run in (*first.items, *rest.items)]
    assert names == [run.session for run in desk("trace.detect").items]
    assert (first.total, rest.next_after) == (7, None)


def test_a_hidden_run_learns_nothing_from_its_open_twin(desk: Any) -> None:
    records = [record(7, trial=n, reward=0.0) for n in range(4)]
    taken(desk, *records)
    taken(desk, *records, hide_outcome=True)
    verdicts = desk("trace.detect").verdicts
    assert verdicts == {"failure": 4, "success": 4}


def test_feedback_changes_the_label_and_is_kept_beside_what_was_said(desk: Any) -> None:
    taken(desk, record(7, reward=1.0))
    (run,) = desk("trace.detect").items
    assert run.verdict == "success"
    given = {"session": run.session, "label": "failure", "reason": "the ticket was reopened"}
    answer = desk("trace.feedback", **given, at="2020-03-02T10:00:00Z")
    assert (answer.before, answer.label, answer.given) == ("success", "failure", 1)
    assert desk("trace.detect").items[0].verdict == "failure"
    earlier = {**given, "label": "success", "reason": "looked fine"}
    late = desk("trace.feedback", **earlier, at="2020-03-01T10:00:00Z")
    assert (late.label, late.given) == ("failure", 2)
    facts = desk("session.show", session=run.session).facts
    assert [each["reason"] for each in facts["feedback"]] == [given["reason"], "looked fine"]
    assert facts["declared_outcome"] == "success"


def test_feedback_survives_the_growth_of_its_file(desk: Any) -> None:
    taken(desk, record(7, reward=1.0))
    (run,) = desk("trace.detect").items
    desk("trace.feedback", session=run.session, label="failure", reason="reverted")
    taken(desk, record(7, reward=1.0), record(7, trial=1, reward=1.0))
    found = {each.session: each.verdict for each in desk("trace.detect").items}
    assert found[run.session] == "failure"


def test_feedback_needs_a_time_zone(desk: Any) -> None:
    taken(desk, record(7))
    (run,) = desk("trace.detect").items
    with pytest.raises(InvalidRequestError, match="time zone"):
        desk(
            "trace.feedback",
            session=run.session,
            label="failure",
            reason="r",
            at="2020-03-02T10:00:00",
        )


def test_an_audit_reports_misses_from_the_labels_of_its_sample(desk: Any) -> None:
    taken(desk, *undeclared())
    drawn = desk("trace.audit", size=3)
    assert len(drawn.sample) == 3
    assert drawn.missed_estimate is None
    for number, run in enumerate(drawn.sample):
        label = "failure" if number == 0 else "success"
        desk("trace.feedback", session=run.session, label=label, reason="looked at")
    again = desk("trace.audit", size=3)
    assert [run.session for run in again.sample] == [run.session for run in drawn.sample]
    (stratum,) = again.strata
    assert (stratum.unflagged, stratum.labelled, stratum.missed) == (5, 3, 1)
    assert stratum.low < stratum.miss_rate < stratum.high
    assert again.missed_estimate == pytest.approx(5 / 3)


def test_an_audit_as_text_has_its_interval_and_fits_a_narrow_terminal(desk: Any) -> None:
    assert "nothing to draw from" in desk("trace.audit").to_text()
    taken(desk, *undeclared())
    drawn = desk("trace.audit", size=3)
    before = drawn.to_text()
    assert "no label" in before
    assert "missed in all: not known" in before
    for number, run in enumerate(drawn.sample):
        label = "failure" if number == 0 else "success"
        desk("trace.feedback", session=run.session, label=label, reason="looked at")
    text = desk("trace.audit", size=3).to_text()
    counts = ["5", "3", "3", "1"]
    assert text.splitlines()[1].split()[-7:] == [*counts, "33", "%", "(6.1-79)"]
    assert "missed in all: about 1.7 of 5" in text
    assert all(run.session in text for run in drawn.sample)
    for line in (*before.splitlines(), *text.splitlines()):
        assert len(line) <= 80, line
        assert not any(len(word) > 6 for word in line.split() if word[0].isdigit()), line


def test_the_widest_audit_fits_a_narrow_terminal() -> None:
    stratum = {"stratum": "a_format_with_a_long_name, among others", "drawn": 1000}
    wide = AuditStratum(
        **stratum, unflagged=10**8, labelled=1000, missed=999, miss_rate=1.0, low=0.0996, high=1.0
    )
    run = AuditRun(
        session="ses_" + "A" * 26,
        stratum=stratum["stratum"],
        probability=1 / 3,
        label="infrastructure",
    )
    text = Audited(sample=[run], strata=[wide], missed_estimate=1 / 3).to_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "100 % (10-100)" in text
    assert "0.33" in text


def test_a_record_without_messages_is_no_run_and_is_not_judged(desk: Any) -> None:
    desk.write("own.jsonl", json.dumps({"lignin_run": 1, "task_id": "t", "messages": "oops"}))
    report = desk("trace.import", paths=["own.jsonl"])
    assert "`messages`" in report.files[0].problems[0]
    assert report.records == 1
    assert desk("trace.detect").verdicts == {}


def test_a_run_of_a_task_without_any_message_is_still_infrastructure(desk: Any) -> None:
    taken(desk, {**record(7), "traj": []})
    assert desk("trace.detect").verdicts == {"infrastructure": 1}
