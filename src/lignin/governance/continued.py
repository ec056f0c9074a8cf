"""Tools of a task that is begun by a program and gone on with by somebody else.

While the program works, every change is noted before and after it is made. Who goes on gets what was
done as data, and the same tools: a change that equals a done one is answered from the record and not
made again, so starting from the beginning repeats nothing, however often and by however many. What is
changed while going on is noted in the same record. Reads are always made anew.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import ConflictError
from lignin.ports.broker import Binding, BoundTools
from lignin.ports.journal import Journal, Made
from lignin.ports.tools import Observation, ToolSpec, served_name

HELD = "guard"
UNKNOWN = "effect_unknown"
TAKEN_OVER = "somebody else goes on with this task"
ALREADY_DONE = "done for this task before, so it was not made again"
_MAYBE_DONE = (
    "this was begun for this task and nobody knows whether it took effect: look, and let a person "
    "settle it (`lignin task settle`)"
)
_MOST_TRIES = 8

Hold = Callable[[Iterable[Made]], str]
"""Says why nothing may be changed after what was made so far; "" where nothing is against it."""


class JournalledTools:
    """The tools of one task, each call noted. See `lignin.ports.broker.BoundTools`.

    Args:
        inner: Makes the calls.
        journal: Where they are noted.
        hold: Asked before each change.
    """

    def __init__(self, inner: BoundTools, journal: Journal, hold: Hold) -> None:
        self._inner, self._journal, self._hold = inner, journal, hold
        self._made: list[Made] = []

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The inner tools."""
        return self._inner.tools

    @property
    def made(self) -> tuple[Made, ...]:
        """The calls that were made so far; one without an observation may have taken effect."""
        return tuple(self._made)

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Call one tool; what may change something only where nothing is against it."""
        spec = self.tools[tool]
        changes = spec.effect == "write"
        if changes and (why := self._hold(self._made)):
            return Observation(error=HELD, message=why)
        made = Made(
            number=len(self._made) + 1,
            tool=tool,
            arguments=dict(arguments),
            tag=self._journal.tag(tool, arguments),
            changes=changes,
        )
        if changes:
            try:
                self._journal.intend(made)
            except ConflictError:
                return Observation(error=HELD, message=TAKEN_OVER)
        self._made.append(made)
        observation = self._inner.call(tool, arguments)
        if observation is not None and (not changes or _is_answer(spec, observation)):
            self._made[-1] = replace(made, observation=observation)
            self._journal.settle(self._made[-1])
        return observation


class OneTask:
    """Lets the runs of several programs share one task: the binding that begins with the first.

    Args:
        journal, hold: As of `JournalledTools`.
    """

    def __init__(self, journal: Journal, hold: Hold) -> None:
        self._journal, self._hold = journal, hold
        self.tools: JournalledTools | None = None

    @property
    def made(self) -> tuple[Made, ...]:
        """The calls that were made so far."""
        return self.tools.made if self.tools else ()

    def around(self, binding: Binding) -> Binding:
        """Return a binding whose runs go on where the run before stopped."""
        return _Shared(binding, self)

    def begin(self, binding: Binding) -> JournalledTools:
        """Return the task's tools; the first binding is what answers to its end."""
        if self.tools is None:
            self.tools = JournalledTools(binding.begin(), self._journal, self._hold)
        return self.tools


class _Shared:
    """See `lignin.ports.broker.Binding`."""

    def __init__(self, inner: Binding, task: OneTask) -> None:
        self._inner, self._task = inner, task

    @property
    def name(self) -> str:
        """The inner binding's."""
        return self._inner.name

    @property
    def digest(self) -> Digest:
        """The inner binding's."""
        return self._inner.digest

    def begin(self) -> BoundTools:
        """The task's tools as they stand."""
        return self._task.begin(self._inner)


class ContinuedTools:
    """The tools of a task that was handed over. See `lignin.ports.broker.BoundTools`.

    Args:
        inner: Makes the calls.
        journal: What was made before, by anybody; what is changed from now on is noted there too.
    """

    def __init__(self, inner: BoundTools, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The inner tools."""
        return self._inner.tools

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation | None:
        """Call one tool; a change that was made before is answered from the record.

        Raises:
            ConflictError: Others keep going on with the task at the same time; nothing was made.
        """
        tool = served_name(self.tools, tool)
        spec = self.tools.get(tool)
        if spec is None or spec.effect == "read":
            return self._inner.call(tool, arguments)
        made = self._begin(spec, arguments)
        if isinstance(made, Observation):
            return made
        observation = self._inner.call(tool, arguments)
        if observation is not None and _is_answer(spec, observation):
            self._journal.settle(replace(made, observation=observation))
        return observation

    def _begin(self, spec: ToolSpec, arguments: Mapping[str, Json]) -> Made | Observation:
        """Note a change that is about to be made, or say what its equal brought back."""
        tag = self._journal.tag(spec.name, arguments)
        for left in reversed(range(_MOST_TRIES)):
            record = self._journal.made()
            answer = answered(record, spec, tag)
            if answer is not None:
                return answer
            made = Made(
                number=max((each.number for each in record), default=0) + 1,
                tool=spec.name,
                arguments=dict(arguments),
                tag=tag,
                changes=True,
                going_on=True,
            )
            try:
                self._journal.intend(made)
            except ConflictError:
                if not left:
                    raise
            else:
                return made
        raise AssertionError("unreachable")


def answered(record: Iterable[Made], spec: ToolSpec, tag: str) -> Observation | None:
    """Return what a record answers to a change; None where it is to be made.

    Again is made what the contract says leaves what once leaves, where it may be needed: nobody knows
    whether it took effect, or who went on used the tool for something else since.
    """
    effects = [made for made in record if _took_effect(made)]
    equal = [made for made in effects if made.tag == tag]
    if not equal:
        return None
    before = equal[-1]
    if spec.idempotent:
        since = (made for made in effects if made.number > before.number and made.going_on)
        if before.observation is None or any(made.tool == spec.name for made in since):
            return None
    if before.observation is None:
        return Observation(error=UNKNOWN, message=_MAYBE_DONE)
    return replace(before.observation, message=ALREADY_DONE)


class ContinuedBinding:
    """A binding whose runs go on with a task that was handed over; see `ContinuedTools`."""

    def __init__(self, inner: Binding, journal: Journal) -> None:
        self._inner, self._journal = inner, journal

    @property
    def name(self) -> str:
        """The inner binding's."""
        return self._inner.name

    @property
    def digest(self) -> Digest:
        """Of the inner binding and what was done."""
        return digest_json([self._inner.digest, [made.tag for made in self._journal.made()]])

    def begin(self) -> BoundTools:
        """Start a run in which nothing that was done is done again."""
        return ContinuedTools(self._inner.begin(), self._journal)


def _is_answer(spec: ToolSpec, observation: Observation) -> bool:
    """True where what came back tells whether the call took effect: an error that the contract does not
    name may have come halfway."""
    return observation.error is None or observation.error in spec.errors


def _took_effect(made: Made) -> bool:
    """True where a call changed something or may have; a refusal changes nothing."""
    return made.changes and (made.observation is None or not made.observation.is_error)
