"""Organisation, team, project, user: heads that extend each other, each with its own gate."""

import pytest

from lignin.artifacts.store import load_tree
from lignin.domain.errors import DeniedError, InvalidRequestError, NotFoundError
from lignin.operations import artifact, artifact_capture, head, proposal
from lignin.operations.artifact_models import ArtifactCapture
from lignin.operations.heads import adopted
from unit.operations.spaces.conftest import add_program, promoted
from unit.operations.spaces.test_heads_and_states import slots


@pytest.fixture
def spaces(open_space):
    org = open_space("org", "organisation")
    promoted(org, "one")
    team = open_space("team", "team", "org")
    project = open_space("project", "project", "team")
    user = open_space("user", "user", "project")
    head.create(team, head.HeadCreate(name="main", extends="org:main"))
    head.create(project, head.HeadCreate(name="main", extends="team:main"))
    head.create(user, head.HeadCreate(name="main", extends="project:main"))
    return org, team, project, user


def taken(context):
    """Decide and apply what the parent's move proposes here."""
    request = proposal.ProposalList(state="open")
    found = [p.proposal for p in proposal.list_(context, request).items]
    assert len(found) == 1
    decided = proposal.decide(context, proposal.ProposalDecide(proposal=found[0], approve=True))
    assert decided.state == "accepted"
    return proposal.apply(context, proposal.ProposalApply(proposal=found[0]))


def test_a_child_serves_what_stands_above_from_its_own_space(spaces):
    org, *below = spaces
    digest = slots(org)["one"][0]
    for child in below:
        assert slots(child) == {"one": (digest, "promoted")}
        assert not head.show(child, head.HeadRef()).slots[0].own
        called = artifact.call(child, artifact.ArtifactCall(name="one", input={"n": 1}))
        assert called.output == 42
        with child.view() as view:
            assert load_tree(view, digest).digest == digest
            evidence = view.row(f"evidence/{digest}").body["latest"]["verification"]
            assert evidence["verdict"] == "pass"
            assert view.blob(evidence["report"])


def test_a_head_extends_only_its_own_space_or_one_above(spaces, open_space):
    org, team, _, _ = spaces
    other = open_space("other", "team", "org")
    promoted(other, "mine")
    for context, extends in ((team, "other:main"), (org, "team:main"), (team, "user:main")):
        with pytest.raises(DeniedError, match="no space above"):
            head.create(context, head.HeadCreate(name="x", extends=extends))
    head.create(team, head.HeadCreate(name="x", extends="team:main"))
    assert slots(team, "x") == slots(team)


def test_bytes_are_unreadable_in_spaces_that_do_not_refer_to_them(spaces, open_space):
    org, *_ = spaces
    digest = slots(org)["one"][0]
    stranger = open_space("stranger", "organisation")
    with stranger.view() as view, pytest.raises(NotFoundError):
        view.blob(digest)
    with pytest.raises(NotFoundError):
        artifact.show(stranger, artifact.ArtifactRef(name="one"))


def test_a_parents_move_reaches_children_one_gate_after_another(spaces):
    org, team, project, user = spaces
    old = slots(org)["one"][0]
    new = promoted(org, "one", 2)
    assert slots(team)["one"][0] == slots(project)["one"][0] == old
    assert proposal.list_(project, proposal.ProposalList(state="open")).total == 0
    taken(team)
    assert slots(team) == {"one": (new, "promoted")}
    assert slots(project)["one"][0] == old
    taken(project)
    taken(user)
    assert slots(user) == {"one": (new, "promoted")}
    left = artifact.show(user, artifact.ArtifactRef(name=f"one@{old}")).versions
    assert {v.digest: v.state for v in left} == {old: "verified", new: "promoted"}


def test_the_gate_of_the_child_asks_a_human_and_may_say_no(spaces):
    org, team, *_ = spaces
    promoted(org, "one", 2)
    [found] = proposal.list_(team, proposal.ProposalList(state="open")).items
    ref = proposal.ProposalDecide(proposal=found.proposal)
    undecided = proposal.decide(team, ref)
    assert undecided.state == "undecided"
    assert any("one: its verification passed" in r for r in undecided.decision["reasons"])
    refused = proposal.decide(team, ref.model_copy(update={"reject": "not for us"}))
    assert refused.state == "rejected"


def test_a_newer_move_of_the_parent_supersedes_what_nobody_applied(spaces):
    org, team, *_ = spaces
    promoted(org, "one", 2)
    newest = promoted(org, "one", 3)
    assert proposal.list_(team, proposal.ProposalList(state="superseded")).total == 1
    taken(team)
    assert slots(team)["one"][0] == newest


def test_the_nearest_slot_wins_and_a_child_can_shadow_one_away(spaces):
    org, team, project, _ = spaces
    above = slots(org)["one"][0]
    own = promoted(team, "one", 5)
    assert slots(team) == {"one": (own, "promoted")}
    promoted(team, "two")
    request = proposal.ProposalCreate(hide=["one"])
    made = proposal.create(team, request).proposal
    proposal.decide(team, proposal.ProposalDecide(proposal=made, approve=True))
    proposal.apply(team, proposal.ProposalApply(proposal=made))
    assert set(slots(team)) == {"two"}
    taken(project)
    assert set(slots(project)) == {"two"}
    assert slots(org)["one"][0] == above
    made = proposal.create(team, proposal.ProposalCreate(drop=["one"])).proposal
    proposal.decide(team, proposal.ProposalDecide(proposal=made, approve=True))
    proposal.apply(team, proposal.ProposalApply(proposal=made))
    assert slots(team)["one"] == (above, "promoted")
    with pytest.raises(InvalidRequestError, match="no own slot"):
        proposal.create(team, proposal.ProposalCreate(drop=["one"]))


def test_a_local_gain_is_offered_upstream_through_the_gate_there(spaces):
    org, team, *_ = spaces
    gain = promoted(team, "gain")
    offered = head.offer(team, head.HeadOffer(name="main", slot="gain"))
    assert (offered.space, offered.head) == ("org", "main")
    assert "gain" not in slots(org)
    proposal.decide(org, proposal.ProposalDecide(proposal=offered.proposal))
    proposal.apply(org, proposal.ProposalApply(proposal=offered.proposal))
    assert slots(org)["gain"] == (gain, "promoted")
    with pytest.raises(InvalidRequestError, match="no own slot"):
        head.offer(team, head.HeadOffer(name="main", slot="one"))


def test_a_draft_of_the_child_is_raised_by_the_parents_evidence(open_space):
    org = open_space("org", "organisation")
    team = open_space("team", "team", "org")
    team.open_verifier().verdict = "inconclusive"
    digest = add_program(team, "one")
    assert artifact.show(team, artifact.ArtifactRef(name="one")).versions[0].state == "draft"
    assert promoted(org, "one") == digest
    head.create(team, head.HeadCreate(name="main", extends="org:main"))
    assert slots(team) == {"one": (digest, "promoted")}


def test_what_a_space_quarantined_does_not_come_in_from_above(spaces, open_space):
    org, team, *_ = spaces
    done = artifact.quarantine(org, artifact.ArtifactMove(name="one", reason="bad"))
    assert set(done.other_spaces) == {"team", "project", "user"}
    fresh = open_space("fresh", "team", "org")
    with pytest.raises(DeniedError, match="not proven there"):
        head.create(fresh, head.HeadCreate(name="main", extends="org:main"))
    artifact.quarantine(team, artifact.ArtifactMove(name="one"))
    with pytest.raises(DeniedError, match="quarantined"):
        artifact.call(team, artifact.ArtifactCall(name="one", input={"n": 1}))


def test_what_a_version_leans_on_comes_along(open_space):
    org, team = open_space("org", "organisation"), open_space("team", "team", "org")
    digest = promoted(org, "one")
    path = org.cwd / "test_one.py"
    path.write_text("from one import one\n\ndef test_it():\n    assert one(1) > 1\n")
    artifact_capture.capture(org, ArtifactCapture(path=str(path)))
    head.create(team, head.HeadCreate(name="main", extends="org:main"))
    [test] = artifact.show(team, artifact.ArtifactRef(name="one")).tests
    assert (test["name"], test["counts"], test["state"]) == ("test-one", True, "verified")
    with team.view() as view:
        assert view.row("version/test-one@" + test["digest"]).state == "verified"
        assert load_tree(view, test["digest"]).manifest.dependencies == {"one": digest}
    assert set(slots(team)) == {"one"}


def test_adoption_adds_nothing_twice_and_takes_nothing_unproven(spaces):
    org, *_ = spaces
    digest = slots(org)["one"][0]
    assert adopted(org, "team", {"one": digest}) == []
    assert adopted(org, "org", {"one": digest}) == []
    org.open_verifier().verdict = "inconclusive"
    draft = add_program(org, "two")
    assert adopted(org, "team", {"two": draft}) == []
