"""States and heads in step: every transition through the operations, leases, rollback, serving."""

import pytest

from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LimitedError,
    NotFoundError,
)
from lignin.operations import artifact, head, proposal, session, skill
from unit.operations.spaces.conftest import add_program, promoted


def slots(context, name="main"):
    return {s.slot: (s.digest, s.state) for s in head.show(context, head.HeadRef(name=name)).slots}


def state(context, name):
    return artifact.show(context, artifact.ArtifactRef(name=name)).versions[0].state


def test_several_slots_move_in_one_step(open_space):
    home = open_space()
    digests = {name: add_program(home, name) for name in ("one", "two")}
    promoted(home, "three")
    made = proposal.create(
        home,
        proposal.ProposalCreate(put=[f"{n}@{d}" for n, d in digests.items()], drop=["three"]),
    )
    ref = proposal.ProposalDecide(proposal=made.proposal)
    assert proposal.decide(home, ref).state == "accepted"
    proposal.apply(home, proposal.ProposalApply(proposal=made.proposal))
    assert slots(home) == {n: (d, "promoted") for n, d in digests.items()}
    assert state(home, "three") == "verified"
    moves = head.history(home, head.HeadHistory()).items
    assert len(moves) == 2
    assert set(moves[0].slots) == {"one", "two", "three"}
    changed = head.diff(home, head.RevisionDiff(old=moves[0].came_from, new=moves[0].to))
    assert set(changed.slots) == {"one", "two", "three"}


def accepted(context, **request):
    made = proposal.create(context, proposal.ProposalCreate(**request))
    proposal.decide(context, proposal.ProposalDecide(proposal=made.proposal, approve=True))
    return made.proposal


def test_conflict_tells_the_new_head_and_rebase_takes_disjoint_slots_only(open_space):
    home = open_space()
    first = promoted(home, "one", 1)
    second = add_program(home, "one", 2)
    other = add_program(home, "two")
    disjoint = accepted(home, put=[f"two@{other}"])
    clashing = accepted(home, put=[f"one@{second}"])
    third = promoted(home, "one", 3)
    with pytest.raises(ConflictError) as caught:
        proposal.apply(home, proposal.ProposalApply(proposal=disjoint))
    assert caught.value.fields["differs"] == {"one": {"expected": first, "new": third}}
    assert caught.value.fields["stable"] == head.show(home, head.HeadRef()).revision
    rebased = proposal.rebase(home, proposal.ProposalRef(proposal=disjoint)).proposal
    proposal.decide(home, proposal.ProposalDecide(proposal=rebased))
    proposal.apply(home, proposal.ProposalApply(proposal=rebased))
    assert set(slots(home)) == {"one", "two"}
    with pytest.raises(ConflictError, match="same slots"):
        proposal.rebase(home, proposal.ProposalRef(proposal=clashing))


def test_quarantine_takes_out_of_service_at_once_and_clear_brings_back(open_space):
    home = open_space()
    promoted(home, "one")
    served = skill.serve(home, skill.SkillServe())
    assert all(folder.written == ["one"] for folder in served.folders)
    token = head.lease(home, head.HeadLease(ttl_s=600)).token
    done = artifact.quarantine(home, artifact.ArtifactMove(name="one", reason="leaks"))
    assert (done.state, done.heads, done.other_spaces) == ("quarantined", ["main"], [])
    with pytest.raises(DeniedError, match="one is quarantined: leaks"):
        artifact.call(home, artifact.ArtifactCall(name="one", input={"n": 1}))
    with pytest.raises(DeniedError, match="quarantined"):
        artifact.call(home, artifact.ArtifactCall(name=f"one@{done.digest}", input={"n": 1}))
    served = skill.serve(home, skill.SkillServe())
    assert [left.reason for left in served.not_skills] == ["quarantined: leaks"]
    assert len(done.folders.taken_from) == len(served.folders)
    for folder in served.folders:
        assert folder.removed == []  # it went with the quarantine
        note = (home.cwd / folder.folder / "one" / "SKILL.md").read_text()
        assert "quarantined: leaks" in note
    assert artifact.clear(home, artifact.ArtifactMove(name="one")).state == "promoted"
    assert artifact.call(home, artifact.ArtifactCall(name="one", input={"n": 1})).output == 42
    assert head.release(home, head.HeadRelease(token=token)).lease is None


def test_a_quarantine_stays_where_the_evidence_fails_again(open_space):
    home = open_space()
    promoted(home, "one")
    artifact.quarantine(home, artifact.ArtifactMove(name="one"))
    home.open_verifier().verdict = "fail"
    assert artifact.clear(home, artifact.ArtifactMove(name="one")).verdict == "fail"
    assert state(home, "one") == "quarantined"


def test_retirement_leaves_every_head_with_a_forwarding_note_and_restore_brings_back(open_space):
    home = open_space()
    digest = promoted(home, "one")
    promoted(home, "two")
    head.create(home, head.HeadCreate(name="small-model", extends="home:main"))
    skill.serve(home, skill.SkillServe())
    with pytest.raises(InvalidRequestError, match="only what is deprecated"):
        artifact.retire(home, artifact.ArtifactRetire(name="one"))
    artifact.deprecate(home, artifact.ArtifactMove(name="one"))
    assert artifact.call(home, artifact.ArtifactCall(name="one", input={"n": 1})).output == 42
    artifact.retire(home, artifact.ArtifactRetire(name="one", reason="old", forward_to="two"))
    assert set(slots(home)) == set(slots(home, "small-model")) == {"two"}
    with pytest.raises(NotFoundError, match="serves no 'one'"):
        artifact.call(home, artifact.ArtifactCall(name="one", input={"n": 1}))
    for folder in skill.serve(home, skill.SkillServe()).folders:
        note = (home.cwd / folder.folder / "one" / "SKILL.md").read_text()
        assert "old" in note
        assert "`two`" in note
    with pytest.raises(InvalidRequestError, match="retired"):
        head.rollback(home, head.HeadRollback())
    assert artifact.restore(home, artifact.ArtifactVerify(name=f"one@{digest}")).state == "verified"
    head.rollback(home, head.HeadRollback())
    assert slots(home)["one"] == (digest, "promoted")


def test_a_deprecated_version_is_promoted_again(open_space):
    home = open_space()
    promoted(home, "one")
    artifact.deprecate(home, artifact.ArtifactMove(name="one"))
    artifact.promote(home, artifact.ArtifactPromote(name="one"))
    assert state(home, "one") == "promoted"


def test_rollback_goes_to_any_earlier_revision_but_not_to_a_quarantined_version(open_space):
    home = open_space()
    digests = [promoted(home, "one", number) for number in (1, 2, 3)]
    moves = head.history(home, head.HeadHistory()).items
    head.rollback(home, head.HeadRollback(to=moves[1].came_from))
    assert slots(home) == {"one": (digests[0], "promoted")}
    artifact.quarantine(home, artifact.ArtifactMove(name=f"one@{digests[1]}", reason="bad"))
    with pytest.raises(DeniedError, match=r"quarantined \(bad\)"):
        head.rollback(home, head.HeadRollback(to=moves[0].came_from))
    with pytest.raises(NotFoundError, match="no revision"):
        head.rollback(home, head.HeadRollback(to="sha256:" + "0" * 64))
    head.rollback(home, head.HeadRollback(to=moves[0].to))
    assert slots(home) == {"one": (digests[2], "promoted")}


def test_a_lease_is_enforced_by_its_token(open_space):
    home = open_space()
    promoted(home, "one", 1)
    digest = add_program(home, "one", 2)
    token = head.lease(home, head.HeadLease(ttl_s=600)).token
    request = artifact.ArtifactPromote(name=f"one@{digest}")
    with pytest.raises(LimitedError, match="under a lease"):
        artifact.promote(home, request)
    with pytest.raises(LimitedError, match="under a lease"):
        head.lease(home, head.HeadLease(ttl_s=5))
    with pytest.raises(LimitedError, match="under a lease"):
        head.rollback(home, head.HeadRollback())
    with pytest.raises(ConflictError, match="stale"):
        artifact.promote(home, request.model_copy(update={"token": token - 1}))
    artifact.promote(home, request.model_copy(update={"token": token}))
    head.rollback(home, head.HeadRollback(token=token))
    head.release(home, head.HeadRelease(token=token))
    newer = head.lease(home, head.HeadLease(ttl_s=600)).token
    assert newer > token
    with pytest.raises(ConflictError, match="stale"):
        artifact.promote(home, request.model_copy(update={"token": token}))


def test_an_expired_lease_frees_the_head(open_space):
    home = open_space()
    digest = add_program(home, "one")
    head.lease(home, head.HeadLease(ttl_s=1))
    until = head.show(home, head.HeadRef()).lease["until"]
    while home.ledger.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ") <= until:
        pass
    artifact.promote(home, artifact.ArtifactPromote(name=f"one@{digest}"))
    assert slots(home)["one"] == (digest, "promoted")


def test_a_session_keeps_its_revision_while_the_head_moves(open_space):
    home = open_space()
    old = promoted(home, "one", 1)
    started = session.start(home, session.SessionStart(head="main"))
    new = promoted(home, "one", 2)
    ref = session.SessionRef(session=started.session)
    assert session.show(home, ref).revision == started.revision
    pinned = artifact.ArtifactCall(name="one", input={"n": 1}, session=started.session)
    assert artifact.call(home, pinned).digest == old
    moving = artifact.ArtifactCall(name="one", input={"n": 1})
    assert artifact.call(home, moving).digest == new
    loose = session.start(home, session.SessionStart()).session
    with pytest.raises(InvalidRequestError, match="pins no revision"):
        artifact.call(home, moving.model_copy(update={"session": loose}))


def test_notes_stand_beside_the_slot_and_owners_change(open_space):
    home = open_space()
    promoted(home, "one")
    shown = head.note(
        home, head.HeadNote(name="main", slot="one", weakness="adds wrongly", models=["m-1"])
    )
    assert shown.slots[0].notes["weakness"] == "adds wrongly"
    assert shown.slots[0].notes["models"] == ["m-1"]
    with pytest.raises(InvalidRequestError, match="no slot"):
        head.note(home, head.HeadNote(name="main", slot="two", weakness="x"))
    request = artifact.ArtifactReassign(name="one", owner="user:ida", successor="user:jo")
    changed = artifact.reassign(home, request)
    assert (changed.owner, changed.successor) == ("user:ida", "user:jo")
