"""A person's patch as a proposal: it is there already, and is checked like any other."""

from lignin.ports.proposer import Brief, Draft, Proposed, faults_of


class PersonProposer:
    """See `lignin.ports.proposer.Proposer`; it hands in the one draft that it was made with."""

    def __init__(self, name: str, draft: Draft) -> None:
        self._name, self._draft = name, draft

    @property
    def name(self) -> str:
        return self._name

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Hand in the draft, once."""
        if number:
            return Proposed(ended="nothing", why="it was handed in")
        if faults := faults_of(self._draft, brief):
            return Proposed(ended="failed", why="; ".join(faults))
        return Proposed(ended="drafted", draft=self._draft)
