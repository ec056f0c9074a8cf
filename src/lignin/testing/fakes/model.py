"""A model that says what it is told to, without a network."""

from collections.abc import Callable

from lignin.ports.model import Answer, Question


class ScriptedModel:
    """See `lignin.ports.model.Model`; `answer` says what comes of a question, `asked` keeps them."""

    def __init__(self, answer: Callable[[Question], Answer], name: str = "scripted:model") -> None:
        self._answer, self._name = answer, name
        self.asked: list[Question] = []

    @property
    def name(self) -> str:
        return self._name

    def ask(self, question: Question) -> Answer:
        """Answer as scripted."""
        self.asked.append(question)
        return self._answer(question)
