"""A case's tools as a system under test is given them: every call is answered, and seen.

What was called here is what the case's checks judge; what the system says of it is nothing.
"""

from collections.abc import Mapping

from lignin.domain.cases import AttemptCall
from lignin.domain.codec import Json
from lignin.evals.replay import Answering, text_of
from lignin.ports.tools import Observation, ToolSpec

MAX_CALLS = 1000


class WatchedTools:
    """See `lignin.ports.tools.Tools`.

    Args:
        answering: Answers the calls; None where it cannot know.
    """

    def __init__(self, answering: Answering | None, tools: Mapping[str, ToolSpec]) -> None:
        self._answering, self._tools = answering, tools
        self.calls: list[AttemptCall] = []
        self._hits = 0

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools by name."""
        return self._tools

    @property
    def hit_ratio(self) -> float:
        """The share of calls that were answered, 0 to 1."""
        return self._hits / len(self.calls) if self.calls else 1.0

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        """Call one tool."""
        spec = self._tools.get(tool)
        if self._answering is None or spec is None:
            return Observation(error="unknown_tool", message=f"there is no tool {tool:.80}")
        if len(self.calls) == MAX_CALLS:
            return Observation(error="limited", message=f"a run makes at most {MAX_CALLS} calls")
        answer = self._answering.call(tool, arguments)
        self._hits += answer is not None
        self.calls.append(
            AttemptCall(
                tool=tool,
                arguments=dict(arguments),
                worked=None if answer is None else not answer.is_error,
                changes=spec.effect == "write",
                text=None if answer is None else text_of(answer),
            )
        )
        return answer or Observation(error="not_recorded", message="the recording does not know")
