"""A task served program-first: from the request's words to the answer, or to whoever goes on."""

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.events import NewEvent
from lignin.domain.plans import Plan
from lignin.governance.continued import OneTask
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.planning import Serving, serving
from lignin.operations.program_first import (
    Ending,
    LedgerJournal,
    follow,
    hold_of,
    perform_in_sandbox,
)
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.tally import count_run, reason_of
from lignin.ports.journal import Made
from lignin.ports.ledger import View
from lignin.traces.routines.plan_service import filed_plans
from lignin.traces.routines.requests import parse_request

Found = tuple[str, Plan, dict[str, Json]]
"""A plan's id, the plan, and what the request says."""


class RoutineRun(Request):
    request: str = positional("what is asked, in the words of whoever asks")
    tools: str = Field("", description="what answers the tools: desk, desk:SEED or a server")
    head: str = Field(MAIN, description="the harness head whose promoted routines serve")


class RoutineRan(Response):
    ended: str = Field(
        description="done; handed_over: somebody has to go on; agent: nothing was done, it is for one"
    )
    answer: str | None = Field(
        description="what is said to whoever asked; none where it is not known"
    )
    done: list[dict[str, Json]] = Field(description="the calls that were made, with what came back")
    why: str = Field(description="why it did not end")
    routine: str = Field(description="the program that handed over")
    task: str = Field(
        description="the task that whoever goes on names, so that nothing is repeated"
    )
    proposals: list[str] = Field(
        description="proposals to take a routine off the head that it led to"
    )

    def exit_code(self) -> int:
        return 0 if self.ended == "done" else 10

    def to_text(self) -> str:
        if self.ended == "done":
            return str(self.answer)
        lines = [f"{self.ended.replace('_', ' ')}: {self.why}"]
        lines += [f"  {each['tool']} {each['arguments']}" for each in self.done]
        return "\n".join(lines)


@operation("routine.run", effect="execute")
def run(context: Context, request: RoutineRun) -> RoutineRan:
    """Serve a task by routines alone where a plan explains its request, else say that it is for an agent.

    The plan's programs run in the sandbox, their guards before each step. Where one hands over, the
    answer tells every call that was made with what came back; a change among them is never made again
    by whoever goes on with the task.
    """
    with context.view() as view:
        served = serving(context, view, request.head)
        found = _plan_for(view, served, request.request)
    if isinstance(found, str):
        return RoutineRan(
            ended="agent", answer=None, done=[], why=found, routine="", task="", proposals=[]
        )
    name, plan, values = found
    number = context.ids.new("tsk")
    stream = f"task/{number}"
    begun: dict[str, Json] = {"plan": name, "digest": plan.digest, "head": request.head}
    _note(context, stream, "task.begun", begun)
    journal = LedgerJournal(context, number)
    task = OneTask(journal, hold_of(plan))
    ending = follow(plan, values, served, perform_in_sandbox(context, served, request.tools, task))
    journal.flush()
    _note(
        context,
        stream,
        "task.ended",
        {"ended": ending.how, "routine": ending.routine, "why": _kind(ending)},
    )
    handed_over = "" if ending.is_outage else ending.routine
    proposals = count_run(context, request.head, ending.ended, handed_over, ending.why)
    by = served[ending.routine].version.body["name"] if ending.routine else ""
    return RoutineRan(
        ended=ending.how,
        answer=ending.answer,
        done=[_told(made) for made in task.made],
        why=ending.why,
        routine=by,
        task=number,
        proposals=proposals,
    )


def _plan_for(view: View, served: dict[str, Serving], text: str) -> Found | str:
    """The one plan whose forms explain a request, or why it is for an agent."""
    found: list[Found] = []
    for name, plan in filed_plans(view).items():
        found += [(name, plan, values) for values in parse_request(plan.forms, text)]
    if not found:
        return "no form of a plan explains the request"
    if len(found) > 1:
        return "the request can be read in more than one way"
    name, plan, values = found[0]
    missing = [use.routine for use in plan.uses if use.routine not in served]
    if missing:
        return f"the head does not serve {', '.join(missing)} any more"
    return name, plan, values


def _note(context: Context, stream: str, type_: str, payload: dict[str, Json]) -> None:
    event = NewEvent(stream=stream, type=type_, payload=payload, event_id=context.ids.new("evt"))
    context.commit(context.scope.change(events=(event,)))


def _kind(ending: Ending) -> str:
    if ending.is_outage:
        return "outage"
    return reason_of(ending.why) if ending.routine else ""


def _told(made: Made) -> dict[str, Json]:
    told: dict[str, Json] = {
        "tool": made.tool,
        "arguments": dict(made.arguments),
        "changes": made.changes,
    }
    if made.observation is None:
        return {**told, "unknown": True}
    if made.observation.is_error:
        return {**told, "error": made.observation.error, "message": made.observation.message}
    return {**told, "result": made.observation.result}
