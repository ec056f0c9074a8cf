"""Serving a task program-first: routines in a plan's order through the broker, then the answer.

Each change is noted on the ledger before and after it is made. Where a routine hands over, what was done
goes to whoever goes on, with tools that repeat none of it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lignin.domain.codec import Json, canonical_bytes, digest_bytes
from lignin.domain.errors import DeniedError, UnavailableError
from lignin.domain.events import Blob, NewEvent
from lignin.domain.plans import Plan
from lignin.governance.continued import ContinuedBinding, ContinuedTools, Hold, OneTask
from lignin.operations.context import Context
from lignin.operations.lifecycle import call_artifact
from lignin.operations.planning import Serving
from lignin.ports.broker import Binding, BoundTools
from lignin.ports.journal import Made
from lignin.ports.ledger import View, require_known
from lignin.ports.tools import Observation, served_name
from lignin.traces.redact import record_key, redact
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


class LedgerJournal:
    """Notes the calls of one task on stream `task/ID`; see `lignin.ports.journal.Journal`.

    A call lies in a blob, as far as it holds no secret. Reads are kept with the next change.
    """

    def __init__(self, context: Context, task: str) -> None:
        self._context, self._stream = context, f"task/{task}"
        self._waiting: list[tuple[NewEvent, Blob]] = []

    def tag(self, tool: str, arguments: Mapping[str, Json]) -> str:
        """A keyed digest, so that what is redacted still compares."""
        return tag_of(self._context, tool, arguments)

    def intend(self, made: Made) -> None:
        """Commit that a change is about to be made."""
        self._note("task.intended", made)
        self.flush()

    def settle(self, made: Made) -> None:
        """Commit what a change brought back."""
        self._note("task.settled", made)
        if made.changes:
            self.flush()

    def flush(self) -> None:
        """Commit what waits."""
        if self._waiting:
            events = tuple(event for event, _ in self._waiting)
            blobs = tuple({blob.digest: blob for _, blob in self._waiting}.values())
            self._context.commit(self._context.scope.change(events=events, blobs=blobs))
            self._waiting.clear()

    def _note(self, type_: str, made: Made) -> None:
        observation = made.observation
        told: dict[str, Json] = {"tool": made.tool, "arguments": dict(made.arguments)}
        if observation is not None:
            told |= {
                "result": observation.result,
                "error": observation.error,
                "message": observation.message,
            }
        content = redact(json.dumps(told).encode(), self._context.redaction_key).content
        digest = digest_bytes(content)
        payload: dict[str, Json] = {
            "number": made.number,
            "tag": made.tag,
            "changes": made.changes,
            "is_settled": observation is not None,
            "digest": digest,
        }
        event = NewEvent(
            stream=self._stream, type=type_, payload=payload, event_id=self._context.ids.new("evt")
        )
        self._waiting.append((event, Blob(stream=self._stream, digest=digest, content=content)))


def tag_of(context: Context, tool: str, arguments: Mapping[str, Json]) -> str:
    """What equal calls have in common under a store's key."""
    return record_key(canonical_bytes([tool, dict(arguments)]), context.redaction_key).hex()


def made_for(view: View, task: str) -> tuple[Made, ...]:
    """What was made for a task, as the ledger has it, in order.

    Raises:
        NotFoundError: There is no such task.
    """
    calls = require_known(view, f"task/{task}").body["calls"]
    found = []
    for _, noted in sorted(calls.items(), key=lambda each: int(each[0])):
        told = json.loads(view.blob(noted["digest"]))
        observation = None
        if noted["is_settled"]:
            observation = Observation(
                result=told["result"], error=told["error"], message=told["message"]
            )
        found.append(
            Made(
                number=noted["number"],
                tool=told["tool"],
                arguments=told["arguments"],
                tag=noted["tag"],
                changes=noted["changes"],
                observation=observation,
            )
        )
    return tuple(found)


def going_on(context: Context, task: str) -> Callable[[Binding], Binding] | None:
    """Return what a call's tools go through where it goes on with a task; None where it names none.

    Raises:
        NotFoundError: There is no such task.
    """
    if not task:
        return None
    with context.view() as view:
        record = made_for(view, task)
    return lambda binding: ContinuedBinding(
        binding, record, lambda tool, given: tag_of(context, tool, given)
    )


def go_on(context: Context, task: str, tools: BoundTools) -> ContinuedTools:
    """Return the tools with which somebody goes on with a task that was handed over.

    Raises:
        NotFoundError: There is no such task.
    """
    with context.view() as view:
        record = made_for(view, task)
    return ContinuedTools(tools, record, lambda tool, given: tag_of(context, tool, given))
