"""Workflows driven by recorded steps: killed anywhere, replayed, diverging, revoked, moved, retried."""

from collections import Counter
from dataclasses import replace

import pytest

from lignin.artifacts.workflow.answers import failure
from lignin.artifacts.workflow.asks import Ask
from lignin.artifacts.workflow.records import DivergedError, Record
from lignin.domain.codec import Json
from lignin.domain.errors import UnavailableError
from lignin.ports.sandbox import Effect, Execution, Observed
from lignin.testing.fakes.guest import InProcessSandbox
from unit.artifacts.workflow_world import Killed, World, drive, flow_of

SUMS = flow_of('''"""Adds up."""

def double(number: int) -> int:
    return 2 * number

def workflow(ctx, numbers: list[int]) -> dict:
    """Doubles numbers, one a step, and tells somebody."""
    total = 0
    for place, number in enumerate(numbers):
        total += ctx.step(f"double {place}", double, number)
        ctx.step(f"tell {place}", "tell", total=total)
        ctx.sleep(600)
    word = ctx.wait("word", 60)
    return {"total": total, "word": word, "at": str(ctx.now()), "luck": ctx.random.random()}
''')
CAREFUL = flow_of('''"""Pays."""

def workflow(ctx, cents: int) -> str:
    """Pays once, and says what it knows."""
    try:
        return ctx.step("pay", "pay", cents=cents)
    except ctx.StepError as error:
        return error.kind
''')
PATIENT = flow_of('''"""Asks again."""

WORKFLOW = {
    "retry": {"infrastructure": {"attempts": 3, "first_wait_s": 10}, "tool:busy": {"attempts": 2}},
    "on_failure": "tidy",
}

def workflow(ctx, item: str) -> str:
    """Fetches."""
    return ctx.step("fetch", "fetch", item=item)

def tidy(ctx, error: dict, event: dict) -> str:
    ctx.step("tidy", "tidy", code=error["code"])
    return event["item"]
''')


def resumed(world: World, dies_at: int, when: str, **arguments: Json) -> object:
    kept: list[Json] = []
    with pytest.raises(Killed):
        drive(SUMS, world, kept, dies_at=dies_at, when=when, **arguments)
    return drive(SUMS, world, kept, life="two", **arguments)


def world_of_sums() -> World:
    return World(signals={"word": "go"}, repeatable=frozenset({"tell"}))


def verbs_of_sums() -> int:
    kept: list[Json] = []
    ended = drive(SUMS, world_of_sums(), kept, numbers=[1, 2])
    assert (ended.value["total"], ended.value["word"], ended.steps) == (6, "go", 7)
    return len(kept)


def test_killed_after_any_verb_a_run_ends_as_it_would_have_and_repeats_nothing() -> None:
    whole = drive(SUMS, world_of_sums(), numbers=[1, 2])
    for dies_at in range(verbs_of_sums()):
        world = world_of_sums()
        assert resumed(world, dies_at, "after", numbers=[1, 2]) == whole, dies_at
        assert world.asked == ["tell 0", "tell 1"], dies_at


def test_killed_inside_a_step_only_that_step_is_made_once_more() -> None:
    most = []
    for dies_at in range(verbs_of_sums() - 2):  # but for the last wait, whose signal would be gone
        world = world_of_sums()
        resumed(world, dies_at, "before", numbers=[1, 2])
        counted = Counter(world.asked)
        assert sum(counted.values()) <= 3
        most.append(max(counted.values()))
    assert set(most) == {1, 2}


def test_a_step_that_may_have_happened_and_must_not_twice_is_unknown_and_not_repeated() -> None:
    world, kept = World(answers=lambda _: {"value": "paid"}), list[Json]()
    assert drive(CAREFUL, World(answers=lambda _: {"value": "paid"}), cents=5).value == "paid"
    with pytest.raises(Killed):
        drive(CAREFUL, world, kept, dies_at=2, when="before", cents=5)
    assert drive(CAREFUL, world, kept, life="two", cents=5).value == "unknown"
    assert drive(CAREFUL, world, kept, life="three", cents=5).value == "unknown"
    assert world.asked == ["pay"]


def test_a_replay_that_asks_for_something_else_names_step_expected_and_got() -> None:
    kept: list[Json] = []
    with pytest.raises(Killed):
        drive(SUMS, World(repeatable=frozenset({"tell"})), kept, dies_at=2, numbers=[1])
    other = flow_of(
        'def workflow(ctx, numbers: list[int]) -> int:\n    """Else."""\n'
        "    ctx.sleep(600)\n    return 1\n"
    )
    with pytest.raises(DivergedError) as caught:
        drive(other, World(), kept, life="two", numbers=[1])
    assert caught.value.fields == {
        "step": 2, "expected": "function 'double 0' (flow.py:double)", "got": "sleep 'sleep'",
    }  # fmt: skip


def test_a_replay_with_other_arguments_of_the_same_step_diverges_too() -> None:
    kept: list[Json] = []
    with pytest.raises(Killed):
        drive(SUMS, World(), kept, dies_at=1, numbers=[1])
    with pytest.raises(DivergedError, match=r"of \{'number': 1\}"):
        drive(SUMS, World(), kept, life="two", numbers=[7])


def test_a_replay_that_ends_before_all_recorded_steps_diverges() -> None:
    fickle = flow_of('''"""Goes on only the first time."""
import sys

def workflow(ctx, n: int) -> int:
    """Ends early once it slept."""
    if ctx.run_id in vars(sys):
        delattr(sys, ctx.run_id)
        return 0
    setattr(sys, ctx.run_id, True)
    ctx.step("tell", "tell", n=n)
    ctx.sleep(600)
    return n
''')
    with pytest.raises(DivergedError, match="step 2 of the replay is the end of the code"):
        drive(fickle, World(), n=1)


def test_a_revoked_version_stops_at_its_next_step_with_the_reason_and_stays_stopped() -> None:
    world = World(repeatable=frozenset({"tell"}))
    world.why = lambda _: (
        {"stopped": {"code": "quarantined", "message": "suspected"}} if world.asked else None
    )
    kept: list[Json] = []
    ended = drive(SUMS, world, kept, numbers=[1, 2])
    assert (ended.outcome, ended.error) == (
        "refused", {"class": "refused", "code": "quarantined", "message": "suspected"},
    )  # fmt: skip
    assert world.asked == ["tell 0"]
    world.why = lambda _: None
    assert drive(SUMS, world, kept, life="two", numbers=[1, 2]) == ended


def test_a_run_that_moves_goes_on_with_the_other_version_and_the_steps_it_made() -> None:
    text = SUMS.files["flow.py"].content.decode()
    other = flow_of(
        text.replace("total = 0", "total = 0  # mended").replace('"word": word', '"word": "new"')
    )
    world = World(repeatable=frozenset({"tell"}), versions={other.digest: other})
    world.why = lambda flow: (
        {"moved": other.digest} if world.asked and flow.digest != other.digest else None
    )
    kept: list[Json] = []
    with pytest.raises(Killed):
        drive(SUMS, world, kept, dies_at=5, numbers=[1, 2])
    ended = drive(SUMS, world, kept, life="two", numbers=[1, 2])
    assert (ended.outcome, ended.digest, ended.value["word"]) == ("success", other.digest, "new")
    assert world.asked == ["tell 0", "tell 1"]


def test_a_run_that_moves_neither_sleeps_again_nor_waits_again_for_what_it_heard() -> None:
    flow = flow_of('''"""Asks, and tells."""

def workflow(ctx, item: str) -> str:
    """Waits for a word, and tells it."""
    ctx.sleep(600)
    word = ctx.wait("word", 60)
    ctx.step("tell", "tell", word=word)
    return word
''')
    text = flow.files["flow.py"].content.decode()
    other = flow_of(text.replace("return word", "return word  # mended"))
    world = World(signals={"word": "yes"}, versions={other.digest: other})
    world.why = lambda found: (
        {"moved": other.digest} if not world.signals and found.digest != other.digest else None
    )
    ended = drive(flow, world, item="a")
    assert (ended.outcome, ended.digest, ended.value) == ("success", other.digest, "yes")
    assert (world.time - World().time).total_seconds() == 600


def test_a_step_is_made_again_by_the_class_of_its_failure_and_as_often_as_declared() -> None:
    answers = iter([failure("infrastructure", "unavailable", "down")] * 2 + [{"value": "got"}])
    world = World(answers=lambda _: next(answers))
    assert drive(PATIENT, world, item="a").value == "got"
    assert world.asked == ["fetch"] * 3
    assert (world.time - World().time).total_seconds() == 30


def test_a_failed_run_calls_its_handler_once_with_the_error_and_the_event() -> None:
    def answers(ask: Ask) -> Record:
        return {"value": 1} if ask.target == "tidy" else failure("tool", "busy", "later")

    world, kept = World(answers=answers), list[Json]()
    ended = drive(PATIENT, world, kept, item="a")
    assert ended.error is not None
    assert (ended.outcome, ended.error["code"]) == ("failure", "busy")
    assert ended.handled == {"value": "a"}
    assert world.asked == ["fetch", "fetch", "tidy"]
    assert drive(PATIENT, world, kept, life="two", item="a") == ended
    assert world.asked == ["fetch", "fetch", "tidy"]


def test_more_steps_than_declared_fail_the_run_by_name() -> None:
    few = flow_of(
        'WORKFLOW = {"max_steps": 3}\n\ndef workflow(ctx, n: int) -> int:\n    """Counts."""\n'
        "    for k in range(n):\n        ctx.sleep(1)\n    return n\n"
    )
    assert drive(few, World(), n=3).value == 3
    ended = drive(few, World(), n=4)
    assert ended.error is not None
    assert ended.error["code"] == "limited"


def test_code_that_asks_for_the_time_outside_of_a_step_is_refused() -> None:
    def look(execution: Execution) -> Observed | None:
        return Observed(status="exited", tier="ns", returned=True, result={"value": 1},
                        effects=(Effect(kind="clock", target="time.time"),))  # fmt: skip

    ended = drive(SUMS, World(), sandbox=InProcessSandbox(look), numbers=[])
    assert ended.error is not None
    assert ended.error["code"] == "clock"


def test_code_that_asks_past_its_context_is_denied() -> None:
    source = (
        'def workflow(ctx, n: int) -> str:\n    """Asks by itself."""\n    import lignin_guest\n'
        '    try:\n        return lignin_guest.call("pay", {})\n'
        "    except lignin_guest.ToolError as error:\n        return error.name\n"
    )
    flow = flow_of('def workflow(ctx, n: int) -> str:\n    """Asks."""\n    return ""\n')
    files = {**flow.files, "flow.py": replace(flow.files["flow.py"], content=source.encode())}
    world = World()
    assert drive(replace(flow, files=files), world, n=1).value == "denied"
    assert world.asked == []


def test_a_sandbox_that_does_not_hold_is_nobodys_failure() -> None:
    broken = InProcessSandbox(
        lambda _: Observed(status="infrastructure", tier="ns", message="no fork")
    )
    with pytest.raises(UnavailableError, match="no fork"):
        drive(SUMS, World(), sandbox=broken, numbers=[1])


def test_code_whose_time_runs_out_while_it_makes_steps_is_begun_anew() -> None:
    cut: list[Execution] = []

    def cutting(execution: Execution) -> Observed | None:
        cut.append(execution)
        return Observed(status="timeout", tier="ns", wall_s=60.0) if len(cut) == 1 else None

    ended = drive(
        CAREFUL,
        World(answers=lambda _: {"value": "paid"}),
        sandbox=InProcessSandbox(cutting),
        cents=1,
    )
    assert ended.value == "paid"
    hung = InProcessSandbox(lambda _: Observed(status="timeout", tier="ns", wall_s=60.0))
    failed = drive(CAREFUL, World(), sandbox=hung, cents=1)
    assert failed.error is not None
    assert (failed.error["class"], hung.runs) == ("timeout", 3)


def test_the_failed_runs_before_are_given_back() -> None:
    flow = flow_of(
        'def workflow(ctx) -> list:\n    """Looks back."""\n    return [m["event"] for m in ctx.missed]\n'
    )
    assert drive(flow, World(missed=[{"event": {"n": 1}}])).value == [{"n": 1}]


def test_a_steps_function_has_no_way_out_of_its_own() -> None:
    flow = flow_of('''"""Reaches out from a step."""

def reach(number: int) -> str:
    import json
    return json.dumps(number)

def workflow(ctx, number: int) -> str:
    """Makes one step."""
    return ctx.step("reach", reach, number)
''')
    source = flow.files["flow.py"].content.decode()
    sly = source.replace("import json", "import lignin_guest").replace(
        "json.dumps(number)", 'lignin_guest.call("pay", {"cents": number})'
    )
    files = {**flow.files, "flow.py": replace(flow.files["flow.py"], content=sly.encode())}
    world = World()
    assert drive(flow, world, number=1).value == "1"
    ended = drive(replace(flow, files=files), world, number=1)
    assert ended.error is not None
    assert (ended.error["class"], world.asked) == ("code", [])
    assert "no tool is bound" in ended.error["message"]


@pytest.mark.parametrize(
    "asked",
    [
        'ctx.sleep(-1)', 'ctx.sleep(10**12)', 'ctx.step("x" * 200, "pay")', 'ctx.step("", "pay")',
        'ctx.step("big", "pay", text="x" * 300_000)', 'ctx.sleep(float("nan"))',
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused_before_anything_is_recorded(asked: str) -> None:
    flow = flow_of(f'def workflow(ctx) -> int:\n    """Asks."""\n    {asked}\n    return 1\n')
    world, kept = World(), list[Json]()
    ended = drive(flow, world, kept)
    assert ended.outcome == "failure"
    assert (world.asked, len(kept)) == ([], 2)
