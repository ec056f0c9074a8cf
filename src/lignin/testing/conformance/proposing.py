"""What every proposer does, whatever it is made of.

Subclass `ProposerConformance` in a test module with a `proposer` fixture: one that has something to say
about `BRIEF`. Needs pytest, which production code does not.
"""

import dataclasses
import re
from typing import get_args

from lignin.domain.artifacts import File
from lignin.ports.proposer import Brief, Ended, Proposed, Proposer, ShownCase

BRIEF = Brief(
    mode="mod_conformance",
    told="wrong arguments: refund_order (method)",
    cases=(
        ShownCase(
            case="cas_shown",
            task={"format": "lignin.task/1", "input": ["Please cancel it."]},
            went_wrong=("wrong arguments: refund_order (method)",),
            run="user: Please cancel it.\n  refund_order({})\nassistant: Done.",
        ),
    ),
    files={
        "known/SKILL.md": File(content=b"---\nname: known\ndescription: d\n---\n\n- Be kind.\n")
    },
    surface=("*/*",),
)
NAME = re.compile(r"[a-z0-9-]+(?::.+)?")


class ProposerConformance:
    """An answer is a draft or a reason, never an error, and nothing is changed by asking."""

    most = 30
    """It has nothing more to say after so many asks, unless it makes up something new each time."""

    def answers(self, proposer: Proposer) -> list[Proposed]:
        return [proposer.propose(BRIEF, number) for number in range(self.most)]

    def test_it_has_a_name_that_its_record_is_kept_under(self, proposer: Proposer) -> None:
        assert NAME.fullmatch(proposer.name)

    def test_it_has_something_to_say(self, proposer: Proposer) -> None:
        assert proposer.propose(BRIEF, 0).ended == "drafted"

    def test_every_answer_is_a_draft_or_says_why_there_is_none(self, proposer: Proposer) -> None:
        for answer in self.answers(proposer):
            assert answer.ended in get_args(Ended)
            assert (answer.draft is not None) is (answer.ended == "drafted")
            assert answer.draft is not None or answer.why

    def test_a_draft_says_what_it_is_and_stays_in_its_slots(self, proposer: Proposer) -> None:
        for answer in self.answers(proposer):
            if answer.draft is None:
                continue
            assert answer.draft.kind
            assert answer.draft.hypothesis
            assert answer.draft.files
            assert answer.draft.predicted is None or -1 <= answer.draft.predicted <= 1
            for path in answer.draft.files:
                assert not path.startswith("/")
                assert ".." not in path.split("/")

    def test_asking_leaves_the_brief_as_it_is(self, proposer: Proposer) -> None:
        before = dataclasses.replace(BRIEF)
        proposer.propose(BRIEF, 0)
        assert before == BRIEF

    def test_a_kind_to_be_avoided_is_not_proposed(self, proposer: Proposer) -> None:
        first = proposer.propose(BRIEF, 0).draft
        assert first is not None
        brief = dataclasses.replace(BRIEF, avoid=frozenset([first.kind]))
        for number in range(self.most):
            draft = proposer.propose(brief, number).draft
            assert draft is None or draft.kind != first.kind or first.kind == "removal"
