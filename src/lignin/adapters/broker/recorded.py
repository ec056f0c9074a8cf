"""Tool calls answered from a recording; what it does not know is not guessed.

A read is found by its declared keys, or all its arguments, among the reads of the same state
version; two recorded answers to one question are none. A write is found only whole, and a write
that succeeded moves the state on. After a write that the recording does not know the state is
anybody's guess, so nothing after it is answered. Source: decision record 5.
"""

from collections.abc import Mapping, Sequence

from lignin.domain.codec import Digest, Json, digest_json
from lignin.ports.environment import RecordedCall, Recording
from lignin.ports.tools import Observation, ToolSpec

Keys = Mapping[str, Sequence[str]]
_Question = tuple[str, int, Digest]
_AMBIGUOUS = None


class RecordedBinding:
    """See `lignin.ports.broker.Binding`.

    Args:
        recording: The calls as they happened.
        tools: The contracts they were made by; a tool without one is not answered.
        keys: For reads, the names of the arguments that decide the answer.
    """

    name = "recorded"

    def __init__(
        self, recording: Recording, tools: Mapping[str, ToolSpec], keys: Keys | None = None
    ) -> None:
        self._recording = recording
        self._tools = tools
        self._keys = dict(keys or {})
        self._digest = _digest_of(recording, tools, self._keys)
        self._answers: dict[_Question, Observation | None] = {}
        self._next: dict[_Question, int] = {}
        for call in recording.calls:
            if call.tool in tools:
                self._learn(call)

    @property
    def digest(self) -> Digest:
        """Digest of the recording, the contracts and the keys."""
        return self._digest

    def begin(self) -> "RecordedTools":
        """Start a run at the recording's start."""
        return RecordedTools(self)

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The contracts."""
        return self._tools

    def find(self, tool: str, arguments: Mapping[str, Json], version: int) -> Observation | None:
        """Return what was observed in one state version, or None."""
        return self._answers.get(self._question(tool, arguments, version))

    def after(self, tool: str, arguments: Mapping[str, Json], version: int) -> int:
        """Return the state that a write left which succeeded in another."""
        return self._next.get(self._question(tool, arguments, version), version + 1)

    def _learn(self, call: RecordedCall) -> None:
        question = self._question(call.tool, call.arguments, call.state_version)
        if call.next_version is not None:
            self._next[question] = call.next_version
        known = self._answers.get(question, call.observation)
        self._answers[question] = call.observation if known == call.observation else _AMBIGUOUS

    def _question(self, tool: str, arguments: Mapping[str, Json], version: int) -> _Question:
        keys = self._keys.get(tool)
        if keys is None or self._tools[tool].effect == "write":
            return tool, version, digest_json(dict(arguments))
        named = {name: arguments[name] for name in keys if name in arguments}
        return tool, version, digest_json(named)


class RecordedTools:
    """A run's place in the recording."""

    def __init__(self, binding: RecordedBinding) -> None:
        self._binding = binding
        self._version = 0
        self._is_lost = False

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The recording's."""
        return self._binding.tools

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Return what was observed, or None where the recording does not know."""
        if self._is_lost or tool not in self.tools:
            return None
        found = self._binding.find(tool, arguments, self._version)
        if self.tools[tool].effect == "write":
            if found is None:
                self._is_lost = True
            elif not found.is_error:
                self._version = self._binding.after(tool, arguments, self._version)
        return found


def _digest_of(recording: Recording, tools: Mapping[str, ToolSpec], keys: Keys) -> Digest:
    calls: list[Json] = [
        [call.tool, dict(call.arguments), call.observation.to_text(), call.state_version]
        + ([] if call.next_version is None else [call.next_version])
        for call in recording.calls
    ]
    return digest_json(
        {
            "start": recording.start_state,
            "calls": calls,
            "tools": sorted(spec.digest for spec in tools.values()),
            "keys": {name: list(named) for name, named in keys.items()},
        }
    )
