"""A program as a judge: the sheet as JSON on stdin, one JSON object on stdout.

It runs as a system under test does: by default in the sandbox, with no tools, no network and nothing but the
files that its command line names.
"""

from collections.abc import Mapping

from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.rubrics import parse_choice, parse_verdict
from lignin.ports.judge import Choice, Pair, Sheet, Verdict
from lignin.ports.system import System
from lignin.ports.tools import Observation, ToolSpec


class ProgramJudge:
    """See `lignin.ports.judge.Judge`.

    Args:
        system: What runs it.
        content: Digest of the program, whatever time it is given.
    """

    model = ""

    def __init__(self, system: System, content: Digest) -> None:
        self._system, self._content = system, content

    @property
    def name(self) -> str:
        return self._system.name

    @property
    def digest(self) -> Digest:
        return digest_json(["program", self._content])

    def score(self, sheet: Sheet) -> Verdict:
        """Run it once; what it wrote is the verdict, whole, or there is none."""
        said = self._said(sheet.to_json())
        if isinstance(said, str):
            return Verdict(ended="unavailable", why=said)
        read = parse_verdict(sheet.rubric, said)
        if isinstance(read, str):
            return Verdict(ended="unreadable", why=read)
        return Verdict(ended="judged", level=read[0], reason=read[1])

    def choose(self, pair: Pair) -> Choice:
        """Run it once on two runs."""
        said = self._said(pair.to_json())
        if isinstance(said, str):
            return Choice(ended="unavailable", why=said)
        read = parse_choice(said)
        if isinstance(read, str):
            return Choice(ended="unreadable", why=read)
        return Choice(ended="judged", better=read[0], reason=read[1])

    def _said(self, told: Mapping[str, Json]) -> bytes | str:
        """What it wrote, or why it did not come to an end."""
        run = self._system.run(told, 0, _NoTools())
        if run.ended == "done":
            return run.said
        return f"it crashed: {run.why}" if run.ended == "crashed" else run.why or "no surroundings"


class _NoTools:
    """A judge calls nothing."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return {}

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:  # noqa: ARG002
        return Observation(error="unknown_tool", message="a judge has no tools")
