"""Sessions, spaces, traces, skills, the sandbox and the store itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lignin.domain.errors import ConflictError, InvalidRequestError, LigninError, NotFoundError
from lignin.ports.sandbox import DoctorReport, TierReport
from lignin.practice import record_sessions
from unit.operations.conftest import DOUBLE, EXAMPLES, Desk


def test_a_session_is_appended_to_read_forked_and_ended(desk: Desk) -> None:
    session = desk("session.start", client="loop", model="m1").session
    events = [{"n": n} for n in range(5)]
    desk("session.append", session=session, events=events, key="first")
    assert desk("session.append", session=session, events=events, key="first").records == 5
    page = desk("session.read", session=session, start=2, limit=2)
    assert [json.loads(one.text)["n"] for one in page.items] == [1, 2]
    assert (page.total, page.narrow) == (5, "--start 4")
    fork = desk("session.fork", session=session, at=3)
    assert desk("session.show", session=fork.session).records == 3
    assert desk("session.end", session=session, outcome="success").state == "ended"


def test_an_ended_session_takes_no_more_and_its_fork_does(desk: Desk) -> None:
    session = desk("session.start").session
    desk("session.append", session=session, events=[{"n": 1}])
    desk("session.end", session=session, outcome="success")
    with pytest.raises(ConflictError, match="ended at") as refused:
        desk("session.append", session=session, events=[{"n": 2}])
    assert f"lignin session fork {session} --at 1" in refused.value.hint
    assert desk("session.show", session=session).records == 1
    fork = desk("session.fork", session=session, at=1).session
    assert desk("session.append", session=fork, events=[{"n": 2}]).records == 2


def test_a_session_keeps_the_revision_it_started_with(desk: Desk) -> None:
    desk.double(promote=True)
    pinned = desk("session.start", head="main")
    desk("head.rollback")
    assert desk("session.show", session=pinned.session).revision == pinned.revision
    assert desk("head.show").revision != pinned.revision


def test_a_purged_record_leaves_its_digest_and_a_chain_that_verifies(desk: Desk) -> None:
    session = desk("session.start").session
    desk("session.append", session=session, events=[{"said": "forget me"}, {"said": "keep me"}])
    desk("session.purge", session=session, record=1, reason="asked to")
    first, second = desk("session.read", session=session).items
    assert (first.text, second.text) == (None, '{"said": "keep me"}')
    assert first.digest
    assert desk("store.verify").sound


@pytest.mark.parametrize("events", [[], {}, "text"])
def test_events_that_are_no_list_are_refused(desk: Desk, events: object) -> None:
    session = desk("session.start").session
    with pytest.raises(InvalidRequestError):
        desk("session.append", session=session, events=events)


def test_an_unknown_session_is_not_found(desk: Desk) -> None:
    for verb, more in (
        ("show", {}),
        ("read", {}),
        ("append", {"events": [1]}),
        ("fork", {"at": 0}),
    ):
        with pytest.raises(NotFoundError):
            desk(f"session.{verb}", session="ses_absent", **more)


def test_a_space_stands_below_one_of_higher_rank(desk: Desk) -> None:
    desk("space.create", name="acme", kind="organisation")
    desk("space.create", name="tools", kind="team", parent="acme")
    assert {(s.name, s.parent) for s in desk("space.list").items} >= {("tools", "acme")}
    with pytest.raises(InvalidRequestError):
        desk("space.create", name="above", kind="organisation", parent="tools")
    with pytest.raises(ConflictError):
        desk("space.create", name="acme", kind="organisation")


def test_recorded_sessions_are_taken_in_once(desk: Desk) -> None:
    folder = desk.context.cwd / "recorded"
    record_sessions(folder, count=3, seed=7)
    first = desk("trace.import", paths=["recorded"])
    assert (first.sessions, first.new_sessions) == (3, 3)
    again = desk("trace.import", paths=["recorded"])
    assert (again.sessions, again.new_sessions, again.records) == (3, 0, 0)
    listed = desk("trace.list", limit=2)
    assert (listed.total, len(listed.items)) == (3, 2)
    assert all(one.simulated for one in listed.items)
    codes = [desk("trace.code", session=one.session) for one in desk("trace.list").items]
    assert any(code.items for code in codes)


def test_a_broken_file_is_reported_and_the_rest_is_taken(desk: Desk) -> None:
    record_sessions(desk.context.cwd / "recorded", count=1, seed=7)
    desk.write("recorded/broken.jsonl", "{not json\n\x00\x01")
    done = desk("trace.import", paths=["recorded"])
    assert done.sessions == 1
    assert done.not_read or any(file.refused or file.problems for file in done.files)


def test_files_that_are_passed_over_are_named_with_the_reason(desk: Desk) -> None:
    record_sessions(desk.context.cwd / "recorded", count=1, seed=7)
    for number in range(3):
        desk.write(f"recorded/odd-{number}.json", '{"what": "something else"}')
    desk.write("recorded/void.jsonl", "")
    done = desk("trace.import", paths=["recorded", "recorded"])
    assert done.not_read == {"no importer recognises it": 3, "empty": 1}
    names = [Path(one.path).name for one in done.passed_over]
    assert names == ["odd-0.json", "odd-1.json", "odd-2.json", "void.jsonl"]
    assert (done.passed_over[-1].reason, done.passed_over_total, done.narrow) == ("empty", 4, None)
    short = desk("trace.import", paths=["recorded"], name_passed_over=1)
    assert (len(short.passed_over), short.passed_over_total) == (1, 4)
    assert short.narrow == "--name-passed-over 4 names them all"


def test_importing_nothing_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="nothing to import"):
        desk("trace.import")
    with pytest.raises(NotFoundError):
        desk("trace.import", paths=["absent"])
    with pytest.raises(NotFoundError, match="home folder"):
        desk("trace.import", mine=True)
    with pytest.raises(NotFoundError):
        desk("trace.code", session="ses_absent")


def test_promoted_skills_are_served_where_both_clients_look(desk: Desk) -> None:
    desk.double(promote=True)
    with pytest.raises(NotFoundError, match="no folder"):
        desk("skill.serve", folder="project")
    (desk.context.cwd / "project").mkdir()
    served = desk("skill.serve", folder="project")
    assert {folder.client for folder in served.folders} == {"claude-code", "codex"}
    for place in (".claude/skills", ".agents/skills"):
        text = (desk.context.cwd / "project" / place / "double" / "SKILL.md").read_text()
        assert "lignin artifact call double" in text
    again = desk("skill.serve", folder="project")
    assert all(not folder.written and folder.kept == ["double"] for folder in again.folders)


def test_an_edited_skill_that_must_stop_is_said_loudly_as_long_as_it_is_there(desk: Desk) -> None:
    desk.double(promote=True)
    desk("skill.serve", folder=".", client=["codex"])
    place = desk.context.cwd / ".agents/skills/double/SKILL.md"
    place.write_text(place.read_text() + "edited\n")
    edited = desk("skill.serve", folder=".", client=["codex"])
    assert (edited.exit_code(), edited.warnings()) == (0, [])  # it is served still: theirs to edit
    desk("artifact.quarantine", name="double", reason="leaks")
    for _ in range(2):
        served = desk("skill.serve", folder=".", client=["codex"])
        [left] = served.folders[0].still_there
        assert (left.name, served.exit_code()) == ("double", 8)
        assert "quarantined" in left.reason
        assert str(place.parent) in served.warnings()[0]
        assert "edited" in place.read_text()
    forced = desk("skill.serve", folder=".", client=["codex"], force=True)
    assert (forced.exit_code(), forced.folders[0].removed) == (0, ["double"])
    assert "do not use" in place.read_text()


def test_an_edited_skill_whose_version_was_replaced_for_cause_is_said_too(desk: Desk) -> None:
    first = desk.double(promote=True)
    desk("skill.serve", folder=".", client=["codex"])
    place = desk.context.cwd / ".agents/skills/double/SKILL.md"
    place.write_text(place.read_text() + "edited\n")
    path = desk.write("double.py", "# better\n" + DOUBLE)
    desk("artifact.capture", path=path, examples=EXAMPLES)
    desk("artifact.promote", name="double")
    assert desk("skill.serve", folder=".", client=["codex"]).exit_code() == 0
    desk("artifact.quarantine", name=f"double@{first.digest}")
    served = desk("skill.serve", folder=".", client=["codex"])
    assert (served.exit_code(), served.folders[0].still_there[0].name) == (8, "double")


def test_an_unknown_client_is_not_found(desk: Desk) -> None:
    desk.double(promote=True)
    with pytest.raises(NotFoundError, match="client"):
        desk("skill.serve", client=["absent"])


def test_the_doctor_names_a_tier_or_says_why_not(desk: Desk) -> None:
    found = desk("sandbox.doctor")
    assert found.tiers
    assert all(tier.works or tier.why_not for tier in found.tiers)
    assert found.exit_code() == (0 if found.tier else 5)


def test_the_doctor_tells_a_person_every_reason_and_remedy_in_full(desk: Desk) -> None:
    why, remedy = "the kernel refuses: " + "why " * 30, "as root: sysctl " + "x" * 80
    refused = TierReport(tier="ns", works=False, why_not=why, remedies=(remedy,))
    desk.context.diagnose = lambda: DoctorReport(tier="", tiers=(refused,))
    text = desk("sandbox.doctor").to_text()
    assert why in text and remedy in text and "nothing is run" in text


def test_the_store_verifies_and_is_backed_up_and_copied(desk: Desk) -> None:
    desk.double(promote=True)
    audit = desk("store.verify")
    assert (audit.sound, audit.exit_code()) == (True, 0)
    made = desk("store.backup", path="backup.db")
    assert made.size_bytes > 0
    with pytest.raises(LigninError):
        desk("store.backup", path="backup.db")
    target = f"sqlite:///{desk.context.cwd / 'copy.db'}"
    copied = {space.space: space for space in desk("store.copy", target=target).spaces}
    assert copied["home"].head == {space.space: space.head for space in audit.spaces}["home"]
    assert all(space.events == 0 for space in desk("store.copy", target=target).spaces)


def test_simulated_sessions_are_labelled_wherever_they_come_from(desk: Desk) -> None:
    record_sessions(desk.context.cwd / "recorded", count=1, seed=7)
    report = desk("demo", data="recorded")
    assert report.simulated
    assert report.note.startswith("SIMULATED: 1 of these 1 sessions")
    assert report.to_text().startswith("SIMULATED")


def test_the_plain_demo_leaves_the_users_own_space_as_it_was(desk: Desk) -> None:
    desk.double(promote=True)
    before = desk("head.show").revision
    report = desk("demo", sessions=2)
    assert (report.simulated, report.space) == (True, "practice")
    assert {one.name for one in desk("artifact.list").items} == {"double"}
    assert desk("head.show").revision == before
    assert desk("trace.list").total == 0
    (desk.context.cwd / "project").mkdir()
    served = desk("skill.serve", folder="project")
    assert served.simulated == []
    assert all(folder.written == ["double"] for folder in served.folders)


def test_what_the_plain_demo_made_is_labelled_wherever_it_appears(desk: Desk) -> None:
    report = desk("demo", sessions=2)
    names = sorted(one.name for one in report.kept)
    assert names and sorted(report.served.simulated) == names
    assert report.call.simulated
    practice = Desk(replace(desk.context, scope=desk.context.scope_of("practice")))
    listed = practice("artifact.list").items
    assert listed and all(one.simulated for one in listed)
    for name in names:
        path = desk.context.cwd / ".demo/practice/.claude/skills" / name / "SKILL.md"
        assert 'lignin-simulated: "true"' in path.read_text()
    assert f"--space practice --input '{json.dumps(report.call_input)}'" in report.to_text()
    own = desk.double(promote=True)
    assert not desk("artifact.call", name=own.name, input={"number": 2}).simulated


def test_a_dry_demo_does_not_say_that_it_kept_anything(desk: Desk) -> None:
    desk.context.dry_run = True
    report = desk("demo", sessions=1)
    assert report.kept and report.store == ""
    assert "Kept in" not in report.to_text()


def test_the_demo_on_recorded_sessions_works_in_the_users_own_space(desk: Desk) -> None:
    record_sessions(desk.context.cwd / "recorded", count=1, seed=7)
    assert desk("demo", data="recorded").space == "home"
    assert {one.name for one in desk("space.list").items} == {"home"}
