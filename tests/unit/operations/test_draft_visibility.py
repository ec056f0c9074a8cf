"""A draft is there for whoever handed it over and for the people of its space, and for nobody else."""

from dataclasses import replace

import pytest

from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.events import Actor
from lignin.practice import record_sessions
from unit.operations.conftest import DOUBLE, EXAMPLES, OPERATIONS, Desk


def acting(desk: Desk, sub: str, *act: str) -> Desk:
    """The same desk for another actor."""
    scope = replace(desk.context.scope, actor=Actor(sub=sub, act=act))
    return Desk(replace(desk.context, scope=scope))


def names(desk: Desk, **request: object) -> list[str]:
    return [one.name for one in desk("artifact.list", **request).items]


@pytest.mark.parametrize(
    "verb", ["show", "source", "verify", "promote", "call", "quarantine", "deprecate", "retire"]
)
def test_an_agent_finds_no_draft_of_another_by_any_verb(desk: Desk, verb: str) -> None:
    path = desk.write("double.py", DOUBLE)
    own = acting(desk, "agent:author")
    digest = own("artifact.capture", path=path, verify=False).digest
    other = acting(desk, "agent:other")
    for name in ("double", f"double@{digest}", f"double@{digest[7:19]}"):
        with pytest.raises(NotFoundError) as caught:
            other(f"artifact.{verb}", name=name)
        assert caught.value.hint
    assert f"artifact.{verb}" in OPERATIONS
    assert own("artifact.show", name="double").digest == digest
    assert desk("artifact.show", name="double").digest == digest


def test_an_agent_lists_what_is_proven_and_its_own_drafts(desk: Desk) -> None:
    desk.double()
    for agent, name in (("one", "triple"), ("two", "treble"), ("two", "thrice")):
        text = DOUBLE.replace("double", name).replace("* 2", f"* {len(name)}")
        path = desk.write(f"{name}.py", text + f"# {agent}\n")
        acting(desk, f"agent:{agent}")("artifact.capture", path=path, verify=False)
    one, two = acting(desk, "agent:one"), acting(desk, "agent:two")
    assert names(one) == ["double", "triple"]
    assert names(two, state="draft") == ["thrice", "treble"]
    first = two("artifact.list", limit=2)
    assert (first.total, [one.name for one in first.items]) == (3, ["double", "thrice"])
    rest = two("artifact.list", limit=2, after=first.next_after)
    assert ([one.name for one in rest.items], rest.next_after) == (["treble"], None)
    assert names(desk) == ["double", "thrice", "treble", "triple"]


def test_a_person_through_an_agent_sees_what_was_handed_over_in_his_name_only(desk: Desk) -> None:
    path = desk.write("double.py", DOUBLE)
    acting(desk, "user:ada", "agent:a")("artifact.capture", path=path, verify=False)
    assert names(acting(desk, "user:ada", "agent:b")) == ["double"]
    assert names(acting(desk, "user:bob", "agent:b")) == []
    assert names(acting(desk, "user:bob")) == ["double"]


def test_a_draft_found_in_a_trace_is_seen_by_no_agent_whatever_its_name(desk: Desk) -> None:
    record_sessions(desk.context.cwd / "recorded", count=2, seed=7)
    desk("trace.import", paths=["recorded"])
    desk("trace.harvest", verify=False)
    rows = desk("artifact.list", state="draft").items
    assert rows
    for author in {one["author"] for one in desk("artifact.show", name=rows[0].name).provenance}:
        assert names(acting(desk, author, "agent:x"), state="draft") == []


def test_an_older_proven_version_is_found_where_the_newer_draft_is_hidden(desk: Desk) -> None:
    proven = desk.double()
    path = desk.write("double.py", DOUBLE.replace("* 2", "* 3"))
    acting(desk, "agent:author")("artifact.capture", path=path, verify=False)
    shown = acting(desk, "agent:other")("artifact.show", name="double")
    assert (shown.digest, len(shown.versions)) == (proven.digest, 1)
    assert len(desk("artifact.show", name="double").versions) == 2


def test_a_test_handed_over_is_not_tried_on_a_draft_of_another(desk: Desk) -> None:
    path = desk.write("double.py", DOUBLE)
    own = acting(desk, "agent:author")
    own("artifact.capture", path=path, verify=False)
    test = "from double import double\n\n\ndef test_it():\n    assert double(2) == 4\n"
    desk.write("test_double.py", test)
    with pytest.raises(InvalidRequestError, match="imports double"):
        acting(desk, "agent:other")("artifact.capture", path="test_double.py", verify=False)
    assert own("artifact.capture", path="test_double.py", verify=False).state == "draft"


def test_what_is_proven_is_there_for_every_agent(desk: Desk) -> None:
    acting(desk, "agent:author")(
        "artifact.capture", path=desk.write("double.py", DOUBLE), examples=EXAMPLES
    )
    assert names(acting(desk, "agent:other")) == ["double"]
