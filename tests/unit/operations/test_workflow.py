"""Workflows as jobs: pinned versions, revocation, rollback, state, missed events, tools and agents."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lignin.artifacts.store import load_manifest
from lignin.artifacts.workflow.keeping import state_change, state_stream
from lignin.domain.codec import Json
from lignin.domain.errors import DeniedError, InvalidRequestError, UnavailableError
from lignin.domain.jobs import JobError
from lignin.jobs.service import Jobs, load_job
from lignin.operations.bodies.workflow import WorkflowFailedError, parse_input
from lignin.operations.flowwork import load_flow
from lignin.practice.desk import TOOL_SPECS
from unit.artifacts.workflow_world import Killed
from unit.operations.flows import COUNT, FlowDesk, open_flow_desk

TWO = COUNT.replace('"version": "one"', '"version": "two"')
MOVING = COUNT.replace("WORKFLOW = {", 'WORKFLOW = {"on_rollback": "move", ')


@pytest.fixture
def flows(tmp_path: Path) -> Iterator[FlowDesk]:
    with open_flow_desk(tmp_path) as made:
        yield made


def test_a_run_in_flight_ends_on_the_version_it_began_with_and_a_new_one_on_the_served(
    flows: FlowDesk,
) -> None:
    one = flows.keep(COUNT, "count")
    job = flows.start("count", one, times=3)
    with pytest.raises(Killed):
        flows.run(job, dies_at=3)
    two = flows.keep(TWO, "count")
    assert flows.run(job)["value"] == {"version": "one", "total": 3, "seen": 1}
    assert flows.run(job)["digest"] == one
    served = flows.desk("artifact.show", name="count").digest
    assert served == two
    assert flows.run(flows.start("count", two, times=1))["value"]["version"] == "two"


def test_a_quarantine_stops_a_run_in_flight_at_its_next_step_by_name(flows: FlowDesk) -> None:
    digest = flows.keep(COUNT, "count")
    job = flows.start("count", digest, times=3)

    def quarantine(number: int) -> None:
        if number == 3:
            flows.desk("artifact.quarantine", name="count", reason="it lies")

    with pytest.raises(DeniedError, match="quarantined: count is quarantined: it lies"):
        flows.run(job, then=quarantine)
    steps = [each for each in flows.kept[job] if isinstance(each, dict) and "ask" in each]
    assert [each["ask"]["name"] for each in steps] == ["begin", "add 0", "add 1", "add 2"]
    assert "stopped" in steps[-1]


def test_a_dependency_in_quarantine_stops_the_run_too(flows: FlowDesk) -> None:
    helper = flows.keep("def twice(number: int) -> int:\n    return 2 * number\n", "twice")
    text = (
        f'WORKFLOW = {{"artifacts": {{"twice": "{helper}"}}}}\n\n'
        'def lean(ctx, number: int) -> int:\n    """Leans on another."""\n'
        '    once = ctx.call("twice", {"number": number})\n'
        '    return ctx.call("twice", {"number": once}, name="again")\n'
    )
    digest = flows.keep(text, "lean")
    assert flows.run(flows.start("lean", digest, number=3))["value"] == 12
    job = flows.start("lean", digest, number=3)
    with pytest.raises(Killed):
        flows.run(job, dies_at=1)
    flows.desk("artifact.quarantine", name="twice", reason="suspected")
    with pytest.raises(DeniedError, match="twice"):
        flows.run(job)
    before = flows.desk("job.list").total
    with pytest.raises(DeniedError, match=r"the dependency twice@.* is quarantined: suspected"):
        flows.desk("artifact.call", name="lean", input={"number": 3})
    assert flows.desk("job.list").total == before


def test_what_is_not_declared_is_denied_and_the_run_says_so(flows: FlowDesk) -> None:
    for asked in ('ctx.step("t", "get_order", order_id="x")', 'ctx.call("other", {})',
                  'ctx.agent("hello", agent="claude")', 'ctx.state("other").get()'):  # fmt: skip
        text = f'def sly(ctx) -> str:\n    """Asks."""\n    {asked}\n    return ""\n'
        digest = flows.keep(text, "sly")
        with pytest.raises(WorkflowFailedError, match="is not declared"):
            flows.run(flows.start("sly", digest))


def test_a_run_moves_to_the_served_version_where_the_workflow_says_so(flows: FlowDesk) -> None:
    one = flows.keep(MOVING, "count")
    job = flows.start("count", one, times=3)
    with pytest.raises(Killed):
        flows.run(job, dies_at=2)
    two = flows.keep(MOVING.replace('"one"', '"two"'), "count")
    done = flows.run(job)
    assert (done["digest"], done["value"]) == (two, {"version": "two", "total": 3, "seen": 1})


def test_state_outlives_runs_and_a_swap_loses_to_who_was_quicker(flows: FlowDesk) -> None:
    text = COUNT.replace(
        "    state.swap(seen)\n", "    if not state.swap(seen):\n        seen = -1\n"
    )
    digest = flows.keep(text, "count")
    job, other = (flows.start("count", digest, times=0) for _ in "ab")

    def quicker(number: int) -> None:
        if number == 2:
            assert flows.run(other)["value"]["seen"] == 1

    assert flows.run(job, then=quicker)["value"]["seen"] == -1
    assert flows.run(flows.start("count", digest, times=0))["value"]["seen"] == 2


def test_a_swap_whose_checkpoint_was_lost_is_not_made_twice(flows: FlowDesk) -> None:
    digest = flows.keep(COUNT, "count")
    job = flows.start("count", digest, times=0)
    with pytest.raises(Killed):
        flows.run(job, dies_at=2, when="before")
    assert flows.run(job)["value"]["seen"] == 1
    assert flows.run(flows.start("count", digest, times=0))["value"]["seen"] == 2


def test_a_value_that_does_not_fit_its_form_is_refused(flows: FlowDesk) -> None:
    digest = flows.keep(COUNT.replace("state.swap(seen)", 'state.swap("many")'), "count")
    with pytest.raises(WorkflowFailedError, match="does not fit the state 'seen'"):
        flows.run(flows.start("count", digest, times=0))


def test_an_older_form_is_refused_by_name_unless_a_migration_is_declared(flows: FlowDesk) -> None:
    flows.run(flows.start("count", flows.keep(COUNT, "count"), times=0))
    newer = (
        COUNT.replace(
            '{"form": {"type": "integer"}, "initial": 0}',
            '{"form": {"type": "array"}, "initial": [], "version": 2}',
        )
        .replace("state.get() + 1", "len(state.get())")
        .replace("state.swap(seen)", "state.swap([1] * seen)")
    )
    with pytest.raises(
        WorkflowFailedError, match="'seen' is of version 1 and this reads version 2"
    ):
        flows.run(flows.start("count", flows.keep(newer, "count"), times=0))
    able = newer.replace('"version": 2', '"version": 2, "migrations": {"1": "widen"}') + (
        "\ndef widen(value: int) -> list:\n    return [0] * value\n"
    )
    digest = flows.keep(able, "count")
    assert flows.run(flows.start("count", digest, times=0))["value"]["seen"] == 1
    other_form = COUNT.replace('"type": "integer"', '"type": "number"')
    with pytest.raises(WorkflowFailedError, match="is of version 2 and this reads version 1"):
        flows.run(flows.start("count", flows.keep(other_form, "count"), times=0))


FRAIL = '''"""Fails where it is told to."""

WORKFLOW = {"on_failure": "tidy"}

def check(number: int) -> int:
    if number < 0:
        raise ValueError("below zero")
    return number

def frail(ctx, number: int) -> list:
    """Checks a number."""
    ctx.step("check", check, number)
    return [missed["event"]["number"] for missed in ctx.missed]

def tidy(ctx, error: dict, event: dict) -> str:
    return f"{error['code']} for {event['number']}"
'''


def test_the_event_of_a_failed_run_is_given_to_the_next_until_one_succeeds(flows: FlowDesk) -> None:
    digest = flows.keep(FRAIL, "frail")
    for number in (-1, -2):
        with pytest.raises(WorkflowFailedError, match="ValueError: below zero") as caught:
            flows.run(flows.start("frail", digest, number=number))
        assert caught.value.hint == f"its handler answered {{'value': 'ValueError for {number}'}}"
    assert flows.run(flows.start("frail", digest, number=1))["value"] == [-1, -2]
    assert flows.run(flows.start("frail", digest, number=1))["value"] == []


def end(flows: FlowDesk, job: str, state: str) -> None:
    context = flows.desk.context
    error = (
        JobError(code="workflow_failed", message="frail: ValueError") if state == "failed" else None
    )
    with context.view() as view:
        change = Jobs(context.ids).end(
            view,
            context.scope,
            load_job(view, job),
            state,
            error=error,  # type: ignore[arg-type]
        )
    assert change is not None
    context.commit(change)


def test_a_run_that_is_retried_and_fails_again_leaves_its_event_once(flows: FlowDesk) -> None:
    digest = flows.keep(FRAIL, "frail")
    job = flows.start("frail", digest, number=-1)
    for _ in range(3):
        with pytest.raises(WorkflowFailedError):
            flows.run(job)
        end(flows, job, "failed")
        flows.desk("job.retry", job=job)
        flows.kept.pop(job)  # as where it is made again from its first step
    assert flows.run(flows.start("frail", digest, number=1))["value"] == [-1]


LOOKING = (
    FRAIL.replace("if number < 0", "if number not in range(10)")
    .replace(
        '    ctx.step("check", check, number)\n',
        '    ctx.step("check", check, ctx.state("add").get() + number)\n',
    )
    .replace(
        "WORKFLOW = {",
        'WORKFLOW = {"state": {"add": {"form": {"type": "integer"}, "initial": 0}}, ',
    )
)


def test_a_retry_that_succeeds_makes_up_for_its_own_failure_and_is_not_told_of_it(
    flows: FlowDesk,
) -> None:
    digest = flows.keep(LOOKING, "frail")
    other, job = (flows.start("frail", digest, number=number) for number in (-2, -1))
    for each in (other, job):
        with pytest.raises(WorkflowFailedError):
            flows.run(each)
    end(flows, job, "failed")
    flows.desk("job.retry", job=job)
    flows.kept.pop(job)
    write_state(flows, digest, 5)
    assert flows.run(job)["value"] == [-2]
    assert flows.run(flows.start("frail", digest, number=1))["value"] == []


def write_state(flows: FlowDesk, digest: str, value: int) -> None:
    """Put a value into the state "add", as another run would."""
    context = flows.desk.context
    flow = load_flow(context, "frail", digest)[0]
    terms = flow.terms.state["add"]
    stream = state_stream("frail", "add", terms)
    context.commit(
        state_change(
            context.scope,
            context.ids,
            flow,
            stream,
            terms,
            expected=0,
            value=value,
            run="r",
            key="k",
        )
    )


ORDER = f'''"""Cancels an order."""

WORKFLOW = {{"tools": {{"get_order": "{TOOL_SPECS["get_order"].digest}",
                      "cancel_order": "{TOOL_SPECS["cancel_order"].digest}"}}}}

def drop(ctx, order_id: str) -> str:
    """Cancels an order, and says what it knows of that."""
    ctx.step("look", "get_order", order_id=order_id)
    try:
        ctx.step("cancel", "cancel_order", order_id=order_id, reason="duplicate")
    except ctx.StepError as error:
        return f"{{error.kind}} {{error.code}}"
    return "done"
'''


def test_tools_are_asked_through_the_broker_with_what_the_caller_names(flows: FlowDesk) -> None:
    digest = flows.keep(ORDER, "drop")
    told = {
        order: flows.run(flows.start("drop", digest, tools="desk:3", order_id=order))["value"]
        for order in ("O-20424", "O-20434")
    }
    assert told == {"O-20424": "done", "O-20434": "tool wrong_status"}
    with pytest.raises(UnavailableError, match="nothing answers them"):
        flows.run(flows.start("drop", digest, order_id="O-20424"))


def test_an_effect_in_flight_at_a_crash_is_unknown_unless_the_tool_may_be_repeated(
    flows: FlowDesk,
) -> None:
    assert not TOOL_SPECS["cancel_order"].idempotent
    digest = flows.keep(
        ORDER.replace('ctx.step("look", "get_order", order_id=order_id)', "pass"), "drop"
    )
    job = flows.start("drop", digest, tools="desk:3", order_id="O-20424")
    with pytest.raises(Killed):
        flows.run(job, dies_at=2, when="before")
    assert flows.run(job)["value"] == "unknown unknown"


ASKING = '''"""Asks somebody."""

WORKFLOW = {"agents": ["helper"]}

def asking(ctx, word: str) -> str:
    """Asks for an answer."""
    return ctx.agent(f"say {word}", agent="helper")
'''


def test_an_agent_answers_where_it_is_declared_granted_and_the_version_promoted(
    flows: FlowDesk,
) -> None:
    context = flows.desk.context
    script = Path(context.cwd, "helper.py")
    script.write_text("import json, sys\nprint(json.load(sys.stdin)['prompt'].upper())\n")
    grants = context.home / "grants.toml"
    digest = flows.keep(ASKING, "asking", promote=False)
    with pytest.raises(WorkflowFailedError, match="only what is promoted"):
        flows.run(flows.start("asking", digest, word="hello"))
    flows.serve("asking", digest)
    with pytest.raises(WorkflowFailedError, match="no agent 'helper' is granted"):
        flows.run(flows.start("asking", digest, word="hello"))
    grants.write_text(f'[agents.helper]\ncommand = "{sys.executable} {script}"\n')
    grants.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert flows.run(flows.start("asking", digest, word="hello"))["value"] == "SAY HELLO"


def test_runs_of_one_key_wait_for_each_other_and_others_do_not(flows: FlowDesk) -> None:
    text = COUNT.replace("WORKFLOW = {", 'WORKFLOW = {"singleton": "times", ')
    digest = flows.keep(text, "count")
    jobs = [flows.start("count", digest, times=times) for times in (1, 1, 2)]
    with flows.desk.context.view() as view:
        one, same, other = (view.rows([f"job/{job}"])[f"job/{job}"].body["key"] for job in jobs)
    assert one == same != other
    assert one.startswith("count/")


def test_promotion_of_what_asks_an_agent_waits_for_a_person(flows: FlowDesk) -> None:
    digest = flows.keep(ASKING, "asking", promote=False)
    with flows.desk.context.view() as view:
        assert load_manifest(view, digest).needs_human


_GIVEN = {"name": "count", "digest": "sha256:0", "arguments": {}, "tools": "", "head": "main"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "an object"),
        ({}, "'name' is missing"),
        ({key: _GIVEN[key] for key in ("name", "digest")}, "'arguments' is missing"),
        ({**_GIVEN, "head_": "main"}, "'head_' is none of them"),
        ({**_GIVEN, "name": 1}, "name is no str"),
    ],
)
def test_a_job_that_names_no_version_is_refused_before_it_is_opened(value: Json, said: str) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        parse_input(value)
