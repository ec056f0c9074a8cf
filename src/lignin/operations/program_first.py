"""Serving a task program-first: routines in a plan's order through the broker, then the answer.

Each change is noted before and after it is made (`taskwork`). Where a routine hands over, what was done
goes to whoever goes on, with tools that repeat none of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, UnavailableError
from lignin.domain.plans import Plan
from lignin.governance.continued import Hold, OneTask
from lignin.operations.context import Context
from lignin.operations.lifecycle import call_artifact
from lignin.operations.planning import Serving
from lignin.ports.journal import Made
from lignin.ports.tools import served_name
from lignin.traces.routines.answers import answer_of
from lignin.traces.routines.plan_replay import Results, source_value, unseen, words_of
from lignin.traces.routines.values import parse_result

Ended = Literal["done", "handed_over"]
Perform = Callable[[str, Mapping[str, Json]], Mapping[str, Any]]
"""Runs a routine's program with arguments: `{"done": ..., "handed_over": ...}`."""
OUTAGE = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How serving a task ended.

    `answer` is None where somebody has to say it; `routine` is the one that handed over, `why` its
    reason; `ended` are the routines that came to their end.
    """

    how: Ended
    answer: str | None = None
    routine: str = ""
    why: str = ""
    is_outage: bool = False
    ended: tuple[str, ...] = ()


def follow(
    plan: Plan, values: Mapping[str, Json], served: Mapping[str, Serving], perform: Perform
) -> Ending:
    """Run a plan's routines one after the other and return how that ended.

    Args:
        values: What the request says.
        perform: Runs one; it may raise `UnavailableError` or `DeniedError`, and then hands over.
    """
    got: list[Results] = []
    ended: list[str] = []

    def over(routine: str, why: str, *, is_outage: bool = False) -> Ending:
        return Ending(
            how="handed_over", routine=routine, why=why, is_outage=is_outage, ended=tuple(ended)
        )

    for use in plan.uses:
        program = served[use.routine].program
        try:
            arguments = {
                program.parameters[name]: source_value(source, values, got)
                for name, source in use.arguments.items()
            }
        except LookupError as error:
            return over(use.routine, f"nothing is where its parameters come from: {error}")
        try:
            answer = perform(use.routine, arguments)
        except UnavailableError as error:
            return over(use.routine, error.message, is_outage=True)
        except DeniedError as error:
            return over(use.routine, error.message)
        if answer["handed_over"]:
            return over(use.routine, str(answer["handed_over"]))
        got.append(tuple(_read(answer["done"].get(name)) for name in program.names))
        ended.append(use.routine)
    said = answer_of(plan.answer, values, got) if plan.answer is not None else None
    why = "" if said is not None else "all is done; what to say about it is not known"
    return Ending(
        how="done" if said is not None else "handed_over",
        answer=said,
        why=why,
        ended=tuple(ended),
    )


def _read(result: Json) -> Any:
    """What a step brought back as plans are mined: a tool's text may be a record too."""
    if isinstance(result, list):
        return [_read(each) for each in result]
    return parse_result(result) if isinstance(result, str) else result


def hold_of(plan: Plan) -> Hold:
    """Return what keeps a plan from changing anything where a tool told what no run was told."""

    def hold(made: Iterable[Made]) -> str:
        facts: dict[tuple[str, str], set[str]] = defaultdict(set)
        for each in made:
            if not each.changes and each.observation and not each.observation.is_error:
                for path, fact in words_of(_read(each.observation.result)):
                    facts[each.tool, path].add(fact)
        tools = {tool for tool, _ in facts}
        seen = [replace(each, tool=served_name(tools, each.tool)) for each in plan.seen]
        return unseen(seen, facts)

    return hold


def perform_in_sandbox(
    context: Context, served: Mapping[str, Serving], tools: str, task: OneTask
) -> Perform:
    """Return what runs routines as a call of their promoted version is run."""

    def perform(routine: str, arguments: Mapping[str, Json]) -> Mapping[str, Any]:
        serving = served[routine]
        _, output = call_artifact(
            context,
            serving.version,
            serving.tree,
            dict(arguments),
            tools=tools,
            client="program-first",
            around=task.around,
        )
        if not isinstance(output, dict) or "handed_over" not in output:
            return {"done": {}, "handed_over": "the program came to no answer"}
        return output

    return perform
