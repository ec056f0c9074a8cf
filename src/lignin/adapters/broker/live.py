"""Tool calls answered by a live environment, such as the practice desk: a fresh one for each run."""

from collections.abc import Callable, Mapping

from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.environment import Environment
from lignin.ports.tools import Observation, ToolSpec


class LiveBinding:
    """See `lignin.ports.broker.Binding`.

    Args:
        open_environment: Makes an environment at its start state.
    """

    name = "live"

    def __init__(self, open_environment: Callable[[], Environment]) -> None:
        self._open = open_environment
        environment = open_environment()
        tools = sorted(spec.digest for spec in environment.tools.values())
        self._digest = digest_json([self.name, tools, environment.start_state])

    @property
    def digest(self) -> Digest:
        """Digest of tools and start state."""
        return self._digest

    def begin(self) -> "LiveTools":
        """Start a run in an environment of its own."""
        return LiveTools(self._open())


class LiveTools:
    """The tools of one environment; every call has an answer."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The environment's."""
        return self._environment.tools

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Call one tool."""
        return self._environment.call(tool, arguments)
