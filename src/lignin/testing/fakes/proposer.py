"""A proposer that hands in what it was given, in turn, and remembers what it was asked."""

from collections.abc import Sequence

from lignin.ports.proposer import Brief, Draft, Proposed


class ScriptedProposer:
    """See `lignin.ports.proposer.Proposer`.

    Args:
        answers: What it answers in turn, whatever it is asked; then it has nothing more.
    """

    def __init__(self, answers: Sequence[Draft | Proposed], name: str = "scripted") -> None:
        self.name = name
        self._answers = list(answers)
        self.asked: list[tuple[Brief, int]] = []

    def propose(self, brief: Brief, number: int) -> Proposed:
        self.asked.append((brief, number))
        left = [each for each in self._answers if not _is_out(each, brief)]
        place = max(0, number - len(brief.tried))
        if place >= len(left):
            return Proposed(ended="nothing", why="there is nothing more")
        answer = left[place]
        return answer if isinstance(answer, Proposed) else Proposed(ended="drafted", draft=answer)


def _is_out(answer: Draft | Proposed, brief: Brief) -> bool:
    """Whether it was tried, or is of a kind that is to be avoided."""
    draft = answer if isinstance(answer, Draft) else answer.draft
    tried = {each.hypothesis for each in brief.tried}
    return draft is not None and (draft.hypothesis in tried or draft.kind in brief.avoid)
