"""Bindings: the practice desk live, and a recording of it that answers what it knows."""

from dataclasses import replace

import pytest

from lignin.adapters.broker.live import LiveBinding
from lignin.adapters.broker.recorded import RecordedBinding
from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import digest_json
from lignin.governance.broker import Broker
from lignin.ports.environment import RecordedCall, Recording
from lignin.ports.tools import Observation, ToolSpec
from lignin.practice.desk import TOOL_SPECS, PracticeDesk

GET = ToolSpec(name="get", description="", input={}, effect="read", idempotent=True)
PUT = ToolSpec(name="put", description="", input={}, effect="write", idempotent=False)
TOOLS = {"get": GET, "put": PUT}


def recorded(tool: str, version: int, result: int, **arguments: int | str) -> RecordedCall:
    return RecordedCall(
        tool=tool,
        arguments=arguments,
        observation=Observation(result=result),
        state_version=version,
    )


CALLS = (
    recorded("get", 0, 10, key=1, note="first"),
    recorded("put", 0, 0, key=1, value=11),
    recorded("get", 1, 11, key=1, note="second"),
)
RECORDING = Recording(start_state=digest_json("start"), calls=CALLS)
BINDING = RecordedBinding(RECORDING, TOOLS, keys={"get": ["key"]})


def results(binding: RecordedBinding, *calls: tuple[str, dict[str, object]]) -> list[object]:
    bound = binding.begin()
    found = [bound.call(tool, arguments) for tool, arguments in calls]
    return [None if each is None else each.result for each in found]


def test_read_is_found_by_its_keys_within_a_state_version() -> None:
    read = ("get", {"key": 1, "note": "something else"})
    write = ("put", {"key": 1, "value": 11})
    assert results(BINDING, read, write, read) == [10, 0, 11]
    assert results(BINDING, read) == [10]  # a run begins at the start


def test_read_without_declared_keys_is_found_whole_only() -> None:
    plain = RecordedBinding(RECORDING, TOOLS)
    asked = [
        ("get", {"key": 1, "note": "first"}),
        ("get", {"key": 1, "note": "x"}),
        ("get", {"key": 1}),
    ]
    assert results(plain, *asked) == [10, None, None]


def test_write_is_found_whole_only_whatever_its_keys() -> None:
    keyed = RecordedBinding(RECORDING, TOOLS, keys={"put": ["key"]})
    assert results(keyed, ("put", {"key": 1, "value": 12})) == [None]


def test_nothing_is_answered_after_a_write_that_the_recording_does_not_know() -> None:
    read = ("get", {"key": 1})
    assert results(BINDING, read, ("put", {"key": 2}), read) == [10, None, None]


def test_a_write_is_not_repeated_at_another_state() -> None:
    write = ("put", {"key": 1, "value": 11})
    assert results(BINDING, write, write) == [0, None]


def test_read_of_another_state_is_not_answered_from_this_one() -> None:
    only_after = RecordedBinding(replace(RECORDING, calls=CALLS[1:]), TOOLS, keys={"get": ["key"]})
    assert results(only_after, ("get", {"key": 1})) == [None]


def test_refused_write_leaves_the_state() -> None:
    refused = RecordedCall(
        tool="put", arguments={"key": 9}, observation=Observation(error="no"), state_version=0
    )
    binding = RecordedBinding(
        replace(RECORDING, calls=(refused, *CALLS)), TOOLS, keys={"get": ["key"]}
    )
    assert results(binding, ("put", {"key": 9}), ("get", {"key": 1})) == [None, 10]
    assert binding.begin().call("put", {"key": 9}) == Observation(error="no")


def test_two_answers_to_one_question_are_none() -> None:
    twice = (recorded("get", 0, 12, key=1, note="again"), *CALLS)
    binding = RecordedBinding(replace(RECORDING, calls=twice), TOOLS, keys={"get": ["key"]})
    assert results(binding, ("get", {"key": 1})) == [None]


def test_digest_covers_calls_tools_and_keys() -> None:
    others = [
        RecordedBinding(RECORDING, TOOLS),
        RecordedBinding(replace(RECORDING, calls=CALLS[:2]), TOOLS, keys={"get": ["key"]}),
        RecordedBinding(RECORDING, {"get": GET}, keys={"get": ["key"]}),
    ]
    assert len({binding.digest for binding in (*others, BINDING)}) == 4


@pytest.mark.parametrize("seed", [1, 2])
def test_recording_of_the_live_desk_answers_as_the_desk_did(seed: int) -> None:
    desk = PracticeDesk(seed)
    order = desk.state()["orders"][0]["order_id"]
    capabilities = Capabilities(tools={name: spec.digest for name, spec in TOOL_SPECS.items()})
    live = LiveBinding(lambda: PracticeDesk(seed))
    asked = [("get_order", {"order_id": order}), ("get_order", {"order_id": "O-0"})]
    for tool, arguments in asked:
        desk.call(tool, arguments)
    replay = RecordedBinding(desk.recording(), TOOL_SPECS)
    answers = []
    for binding in (live, replay):
        broker = Broker(capabilities, binding=binding)
        requests = [
            {"type": "call", "tool": tool, "arguments": arguments, "call_id": str(n)}
            for n, (tool, arguments) in enumerate(asked)
        ]
        answers.append([broker.handle(request) for request in requests])
        assert broker.report().hit_ratio == 1.0
    assert answers[0] == answers[1]
    assert live.digest == LiveBinding(lambda: PracticeDesk(seed)).digest
