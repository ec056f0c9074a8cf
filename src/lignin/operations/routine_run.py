"""A task served program-first: from the request's words to the answer, or to whoever goes on."""

from pydantic import Field

from lignin.domain.codec import Json
from lignin.domain.plans import Plan
from lignin.governance.continued import OneTask
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.off_heads import found_wrong
from lignin.operations.planning import Serving, serving
from lignin.operations.program_first import Ending, follow, hold_of, perform_in_sandbox
from lignin.operations.registry import Request, Response, operation, positional
from lignin.operations.tally import count_run, reason_of
from lignin.operations.taskwork import Asked, LedgerJournal, begin_task, made_for, note, told
from lignin.ports.ledger import View
from lignin.traces.routines.plan_service import filed_plans
from lignin.traces.routines.requests import parse_request

Found = tuple[str, Plan, dict[str, Json]]
"""A plan's id, the plan, and what the request says."""


class RoutineRun(Request):
    request: str = positional("what is asked, in the words of whoever asks")
    tools: str = Field("", description="what answers the tools: desk, desk:SEED or a server")
    head: str = Field(MAIN, description="the harness head whose promoted routines serve")
    again: bool = Field(False, description="begin it anew though the same is unfinished")


class RoutineRan(Response):
    ended: str = Field(
        description="done; handed_over: somebody has to go on; agent: nothing was done, it is for one; "
        "unfinished: the same was asked before, and somebody has to go on with that"
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
            changed = [each for each in self.done if each["changes"] and "error" not in each]
            made = [f"  {each['tool']} {each['arguments']}" for each in changed]
            told = ["changed:", *made] if made else ["nothing was changed"]
            if self.answer is None:
                return "\n".join([*told, "what to say at the end is not known"])
            said = "answer, in the words of the runs that it was learned from:"
            return "\n".join([*told, said, self.answer])
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
    asked = Asked(request=request.request, tools=request.tools, head=request.head)
    programs: list[Json] = [served[use.routine].version.body["name"] for use in plan.uses]
    begun: dict[str, Json] = {"plan": name, "digest": plan.digest, "programs": programs}
    number, is_new = begin_task(context, asked, begun, again=request.again)
    if not is_new:
        return _unfinished(context, number)
    context.progress(f"begun as {number}", 0, len(plan.uses))
    journal = LedgerJournal(context, number)
    task = OneTask(journal, hold_of(plan))
    ending = follow(plan, values, served, perform_in_sandbox(context, served, request.tools, task))
    journal.flush()
    note(
        context,
        f"task/{number}",
        "task.ended",
        {"ended": ending.how, "routine": ending.routine, "why": _kind(ending)},
    )
    handed_over = "" if ending.is_outage else ending.routine
    proposals = count_run(context, request.head, ending.ended, handed_over, ending.why)
    by = served[ending.routine].version.body["name"] if ending.routine else ""
    return RoutineRan(
        ended=ending.how,
        answer=ending.answer,
        done=[told(made) for made in task.made],
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
        return "; ".join(_why_missing(view, each) for each in missing)
    return name, plan, values


def _why_missing(view: View, routine: str) -> str:
    """Why a plan's routine does not serve any more."""
    row = view.row(f"routine/{routine}")
    if wrong := found_wrong(view, row):
        return f"{routine} was {wrong}"
    if row is not None and row.state == "withdrawn":
        return f"{routine} was withdrawn: {row.body['reason']}"
    return f"the head does not serve {routine} any more"


def _kind(ending: Ending) -> str:
    if ending.is_outage:
        return "outage"
    return reason_of(ending.why) if ending.routine else ""


def _unfinished(context: Context, number: str) -> RoutineRan:
    """What is answered to a request whose equal is unfinished."""
    with context.view() as view:
        done = [told(made) for made in made_for(view, number)]
    return RoutineRan(
        ended="unfinished",
        answer=None,
        done=done,
        why=f"the same was asked before and {number} is unfinished: `lignin task show {number}` says "
        "how to go on with it; --again begins it anew",
        routine="",
        task=number,
        proposals=[],
    )
