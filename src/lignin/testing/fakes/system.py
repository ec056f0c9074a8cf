"""A system under test that does as it is told, and remembers what it was asked."""

from collections.abc import Callable, Mapping

from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.system import SystemRun
from lignin.ports.tools import Tools

Answer = Callable[[Mapping[str, Json], int, Tools], SystemRun]


class ScriptedSystem:
    """See `lignin.ports.system.System`."""

    simulated = True

    def __init__(self, answer: Answer, name: str = "scripted") -> None:
        self._answer = answer
        self.name = name
        self.asked: list[tuple[Mapping[str, Json], int]] = []

    @property
    def digest(self) -> Digest:
        return digest_json(["scripted", self.name])

    def run(self, task: Mapping[str, Json], seed: int, tools: Tools) -> SystemRun:
        self.asked.append((task, seed))
        return self._answer(task, seed, tools)
