"""What every proposer does, whoever thinks behind it.

Subclass `ProposerConformance` in a test module that has a `make` fixture: it returns a proposer that, asked
with `BRIEF`, behaves as named. Needs pytest, which production code does not.

- `drafts`: hands in a change within the surface.
- `nothing`: has no idea. `refuses`: will not. `breaks`: fails of its own.
- `outside`: changes `agent.py`, which the surface does not hold.
- `chooses`: has drafts of several kinds, in turn, and has nothing more some time.
"""

import copy
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import pytest

from lignin.domain.artifacts import File
from lignin.ports.proposer import Brief, Proposer, ShownCase, faults_of

BRIEF = Brief(
    mode="mod_1",
    told="It says yes where it should say no.",
    cases=(ShownCase(case="cas_1", task={"input": ["Is it so?"]}, run="user: Is it so?"),),
    files={
        "prompts/main.md": File(content=b"Say yes.\n"),
        "prompts/old.md": File(content=b"Say so.\n"),
        "agent.py": File(content=b"print('yes')\n"),
    },
    surface=("prompts/*.md", "*/SKILL.md"),
)
NAME = re.compile(r"[a-z0-9-]+(?::.+)?")
MOST = 30
"""Who chooses among drafts has nothing more after so many asks."""


class Make(Protocol):
    """Makes a proposer that behaves as named."""

    def __call__(self, behaviour: str) -> Proposer: ...


class ProposerConformance:
    """Ends are told apart, drafts stay within the surface, nothing is raised."""

    can: frozenset[str] = frozenset({"drafts", "nothing", "refuses", "breaks", "outside"})

    @pytest.fixture
    def require(self, make: Make) -> Callable[[str], Proposer]:
        def made(behaviour: str) -> Proposer:
            if behaviour not in self.can:
                pytest.skip(f"this kind of proposer cannot behave like that: {behaviour}")
            return make(behaviour)

        return made

    def test_a_draft_can_be_taken_and_says_why(self, require: Callable[[str], Proposer]) -> None:
        proposed = require("drafts").propose(BRIEF, 0)
        assert (proposed.ended, proposed.why) == ("drafted", "")
        assert proposed.draft is not None
        assert faults_of(proposed.draft, BRIEF) == ()
        assert proposed.draft.kind
        assert proposed.draft.hypothesis

    def test_it_has_a_name_to_keep_its_rate_under(self, require: Callable[[str], Proposer]) -> None:
        name = require("drafts").name
        assert name == require("drafts").name
        assert NAME.fullmatch(name)

    @pytest.mark.parametrize(
        ("behaviour", "ended"),
        [("nothing", "nothing"), ("refuses", "refused"), ("breaks", "failed")],
    )
    def test_an_end_without_a_draft_says_why(
        self, require: Callable[[str], Proposer], behaviour: str, ended: str
    ) -> None:
        proposed = require(behaviour).propose(BRIEF, 0)
        assert (proposed.ended, proposed.draft) == (ended, None)
        assert proposed.why

    def test_what_lies_outside_the_surface_is_refused_by_name(
        self, require: Callable[[str], Proposer]
    ) -> None:
        proposed = require("outside").propose(BRIEF, 0)
        assert (proposed.ended, proposed.draft) == ("failed", None)
        assert "agent.py" in proposed.why

    def test_asking_leaves_the_brief_as_it_is(self, require: Callable[[str], Proposer]) -> None:
        before = copy.deepcopy(BRIEF)
        require("drafts").propose(BRIEF, 0)
        assert before == BRIEF

    def test_every_choice_is_another_that_can_be_taken_until_there_is_none(
        self, require: Callable[[str], Proposer]
    ) -> None:
        proposer = require("chooses")
        said = [proposer.propose(BRIEF, number) for number in range(MOST)]
        drafts = [each.draft for each in said if each.draft is not None]
        assert len(drafts) > 1
        assert all(faults_of(draft, BRIEF) == () and draft.hypothesis for draft in drafts)
        assert len({draft.hypothesis for draft in drafts}) == len(drafts)
        assert said[-1].ended == "nothing"
        assert all(each.why for each in said if each.draft is None)

    def test_a_kind_to_be_avoided_is_not_chosen(self, require: Callable[[str], Proposer]) -> None:
        proposer = require("chooses")
        first = proposer.propose(BRIEF, 0).draft
        assert first is not None
        brief = replace(BRIEF, avoid=frozenset([first.kind]))
        found = [proposer.propose(brief, number).draft for number in range(MOST)]
        assert any(found)
        assert all(draft is None or draft.kind != first.kind for draft in found)
