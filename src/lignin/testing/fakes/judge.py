"""A judge that says what it is told to, and remembers what it was shown."""

from collections.abc import Callable

from lignin.domain.codec import Digest, digest_json
from lignin.ports.judge import Choice, Pair, Sheet, Verdict


def no_choice(_pair: Pair) -> Choice:
    """Finds no run better."""
    return Choice(ended="judged", better="neither")


class ScriptedJudge:
    """See `lignin.ports.judge.Judge`."""

    def __init__(
        self,
        score: Callable[[Sheet], Verdict],
        choose: Callable[[Pair], Choice] = no_choice,
        name: str = "scripted",
        model: str = "",
    ) -> None:
        self._score, self._choose = score, choose
        self.name, self.model = name, model
        self.shown: list[Sheet | Pair] = []

    @property
    def digest(self) -> Digest:
        return digest_json(["scripted", self.name])

    def score(self, sheet: Sheet) -> Verdict:
        self.shown.append(sheet)
        return self._score(sheet)

    def choose(self, pair: Pair) -> Choice:
        self.shown.append(pair)
        return self._choose(pair)
