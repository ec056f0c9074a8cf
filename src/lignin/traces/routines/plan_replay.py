"""Runs a plan on what a run got back: whether it comes to what the run did. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lignin.domain.codec import Json
from lignin.domain.plans import Plan, Said, Seen, Several, Source
from lignin.domain.routines import Constant, Routine
from lignin.traces.routines.cover import run_routine
from lignin.traces.routines.encode import Call, Encoded
from lignin.traces.routines.pick import resolve
from lignin.traces.routines.values import facts_of, key_of

Verdict = Literal["right", "wrong", "unknown"]
Facts = Mapping[tuple[str, str], Collection[str]]
"""What tools told so far, by tool and path."""
Results = tuple[Any, ...]
"""What each step of one use brought back; of a repeated step a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A passing run as plans are mined from it.

    Args:
        run: Its calls with their dataflow.
        results: What each call got back.
        request: What the user asked; empty where it was said in more than one message.
        answer: What the agent said last.
    """

    run: Encoded
    results: Sequence[Any]
    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a plan goes on what a run got back.

    `right` where it changes what the run changed, in order; `unknown` where it asks what the run did
    not, or would hand over. A run that also changes something by other tools than the plan's is `wrong`.
    `facts` are what tools had told before each change.
    """

    verdict: Verdict
    results: tuple[Results, ...] = ()
    facts: tuple[Facts, ...] = ()


def replay_plan(
    plan: Plan, routines: Mapping[str, Routine], values: Mapping[str, Json], told: Told
) -> Replayed:
    """Run a plan on what a run got back."""
    tools = {step.tool for use in plan.uses for step in routines[use.routine].steps}
    answers = _Answers(told, plan.seen, tools)
    got: list[Results] = []
    for use in plan.uses:
        try:
            bindings = {
                name: key_of(source_value(source, values, got))
                for name, source in use.arguments.items()
            }
            program = run_routine(routines[use.routine], bindings, fills=True)
            asked = next(program)
            while True:
                if not answers.find(*asked):
                    return Replayed(answers.verdict)
                asked = program.send(answers.found)
        except StopIteration as stop:
            got.append(tuple(stop.value))
        except (LookupError, TypeError):
            return Replayed("unknown")
    verdict: Verdict = "wrong" if answers.is_unfinished else "right"
    return Replayed(verdict, tuple(got), tuple(answers.before))


def source_value(source: Source, values: Mapping[str, Json], got: Sequence[Results]) -> Json:
    """Return the value of a source.

    Args:
        values: What the request says.
        got: Of each use so far what its steps brought back.

    Raises:
        LookupError: There is nothing where it should come from.
    """
    if isinstance(source, Constant):
        return source.value
    if isinstance(source, Said):
        return values[source.name]
    if isinstance(source, Several):
        return [source_value(each, values, got) for each in source.each]
    result, path = got[source.use][source.at.step], source.at.path
    before, each_of, after = path.partition("[*]")
    if not each_of:
        value: Json = resolve(result, path)
        return value
    listed = resolve(result, before)
    if not isinstance(listed, list):
        raise LookupError(path)
    return [resolve(one, after) for one in listed]


class _Answers:
    """Answers a plan's calls by what a run got back, in the same state of what it changes."""

    def __init__(self, told: Told, seen: Sequence[Seen], tools: Collection[str]) -> None:
        self._seen, self._tools = seen, tools
        self._reads: dict[Any, Any] = {}
        self._writes: list[tuple[Any, Any]] = []
        self._facts: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.before: list[Facts] = []
        self.found: Any = None
        self.verdict: Verdict = "unknown"
        for call in told.run.calls:
            if not call.works:
                continue
            if call.changes:
                self._writes.append((_question(call), told.results[call.place]))
            else:
                state = len(self._writes)
                self._reads.setdefault((state, _question(call)), told.results[call.place])

    @property
    def is_unfinished(self) -> bool:
        """True where the run changed more."""
        return len(self.before) < len(self._writes)

    def find(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """True where the run made the call too; what it got is in `found`, else why in `verdict`."""
        question = tool, frozenset(arguments.items())
        read = len(self.before), question
        if read in self._reads:
            self.found = self._reads[read]
            for path, fact in words_of(self.found):
                self._facts[tool, path].add(fact)
            return True
        if unseen(self._seen, self._facts):
            return False
        if self.is_unfinished and self._writes[len(self.before)][0] == question:
            self.found = self._writes[len(self.before)][1]
            self.before.append({place: frozenset(told) for place, told in self._facts.items()})
            return True
        changing = {tool for (tool, _), _ in self._writes}
        self.verdict = "wrong" if tool in changing or changing - set(self._tools) else "unknown"
        return False


def words_of(result: Any) -> Iterator[tuple[str, str]]:
    """Yield the short words, and what is true or false, that a result tells of itself, by path."""
    for path, fact in facts_of(result).items():
        if isinstance(fact, str | bool):
            yield path, str(key_of(fact))


def unseen(seen: Iterable[Seen], facts: Facts) -> str:
    """Return what a tool told that it told in no run of a plan; "" where there is none."""
    for each in seen:
        for fact in sorted(set(facts.get((each.tool, each.path), ())) - set(each.values)):
            return f"{each.tool}{each.path} is {fact!r:.60}, which no run has seen"
    return ""


def _question(call: Call) -> tuple[str, frozenset[tuple[str, Any]]]:
    return call.tool, frozenset(zip(call.names, call.keys, strict=True))
